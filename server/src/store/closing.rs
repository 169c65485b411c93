//! How an account ends because its owner wants it to. Each method is one whole transaction.

use super::StoreError;
use crate::clock::Timestamp;
use crate::people::AddressKey;
use crate::tenant::Tenant;
use async_trait::async_trait;

/// What has to end before an account may be closed: it holds or brings credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InTheWay {
    /// Jobs that have not ended.
    pub jobs: u64,
    /// Purchases that may still be paid.
    pub purchases: u64,
}

/// What became of the wish to close an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is closed, now or before.
    Yes,
    /// Nothing changed: something has not ended yet.
    Not(InTheWay),
}

/// Closing accounts.
#[async_trait]
pub trait Closing: Send + Sync {
    /// What stands in the way now.
    async fn in_the_way(&self, tenant: &Tenant) -> Result<InTheWay, StoreError>;
    /// Closes the account where nothing stands in the way. Its results are erased; its keys, sessions, invitations and
    /// webhooks end; nobody belongs to it any more, and it does not buy by itself. Lines and what is left of its credits
    /// stay. People whom this leaves in no account are forgotten: address, name, password, sessions and links. Of those who
    /// had a trial the address's hash stays, by the key that is there or else by `fresh`.
    async fn close(&self, tenant: &Tenant, fresh: &AddressKey, now: Timestamp) -> Result<Closed, StoreError>;
    /// Whether somebody of this address had a trial and is gone.
    async fn had_trial(&self, email: &str) -> Result<bool, StoreError>;
}

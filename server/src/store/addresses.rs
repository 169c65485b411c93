//! How a person's address becomes another one. Each method is one whole transaction.

use super::StoreError;
use crate::clock::Timestamp;
use crate::people::AddressKey;
use async_trait::async_trait;
use tributary_protocol::vocab::{PersonId, Sha256};

/// A person wants to be reached, and to sign in, by another address.
#[derive(Clone, Debug)]
pub struct NewAddress {
    /// The hash of the link's secret, which goes to the new address.
    pub secret_sha256: Sha256,
    /// Who.
    pub person: PersonId,
    /// In lower case.
    pub email: String,
    /// Good until.
    pub until: Timestamp,
}

/// What became of a link to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The person has the new address.
    Yes {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// Somebody else has the address by now. Nothing changed.
    Taken,
    /// Used, too old, replaced by a newer wish, or never made.
    Gone,
}

/// Addresses that change.
#[async_trait]
pub trait Addresses: Send + Sync {
    /// Adds a wish; older ones of the person are void.
    async fn ask_address(&self, new: &NewAddress, now: Timestamp) -> Result<(), StoreError>;
    /// Uses a link once. The address is confirmed by that, the person's own account is called by it, and links that went to
    /// the old address are void. Of whoever had a trial the old address's hash stays, by the key that is there or else by
    /// `fresh`, so that the address gets no second one.
    async fn change_address(
        &self,
        secret_sha256: Sha256,
        fresh: &AddressKey,
        now: Timestamp,
    ) -> Result<Moved, StoreError>;
}

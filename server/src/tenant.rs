//! Who is asking. Made only by `auth` (from a request's key), by the store (from a claimed job's own row) and by
//! the operator's commands.

use tributary_protocol::vocab::AccountId;

/// The account on whose behalf something is done. Every store method that touches an account's rows takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(AccountId);

impl Tenant {
    /// Acts for `account`; the caller has checked that it may.
    #[must_use]
    pub fn acting_for(account: AccountId) -> Self {
        Self(account)
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.0
    }
}

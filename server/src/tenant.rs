//! Who is asking. Made only by `auth` (from a request's key), by the store (from a claimed job's own row), by a
//! widget (for its own account) and by the operator's commands.

use crate::people::{Right, Rights};
use crate::widget::Visitor;
use tributary_protocol::vocab::{AccountId, Credits, PersonId};

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

/// Who is asking, for which account, and what they may do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// For which account.
    pub tenant: Tenant,
    /// Who; none for the operator's own keys.
    pub person: Option<PersonId>,
    /// What they may do.
    pub rights: Rights,
    /// What their jobs may take in one calendar month; none for no limit.
    pub month_limit: Option<Credits>,
    /// By which widget, where they are a visitor of one.
    pub visitor: Option<Visitor>,
}

impl Principal {
    /// The operator, who may do everything in any account.
    #[must_use]
    pub fn operator_for(tenant: Tenant) -> Self {
        Self { tenant, person: None, rights: Rights::ALL, month_limit: None, visitor: None }
    }

    /// The account, where this may be done.
    ///
    /// # Errors
    /// [`Forbidden`] names what is not allowed.
    pub fn may(&self, right: Right) -> Result<Tenant, Forbidden> {
        if self.rights.has(right) { Ok(self.tenant) } else { Err(Forbidden(right)) }
    }
}

/// The key or the role does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this key or your role in this account does not allow it (`{word}`); ask an owner of the account", word = .0.word())]
pub struct Forbidden(pub Right);

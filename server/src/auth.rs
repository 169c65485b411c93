//! Who is asking: from the key in a request to the tenant it acts for. Never logs a key.

pub mod api_key;
pub mod password;
pub mod token;

use crate::clock::{Clock, Timestamp};
use crate::people::Rights;
use crate::store::{FoundKey, Store, StoreError};
use crate::tenant::{Principal, Tenant};
use api_key::ApiKey;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A key's last use is written down this often.
const USED_EVERY: Duration = Duration::from_secs(60);

/// Why nobody is let in. All wrong keys look the same from outside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No `authorization: Bearer <key>` came with the request.
    #[error("no API key; set TRIBUTARY_KEY or pass --key")]
    NoKey,
    /// Not a key, an unknown one, a wrong secret, a revoked or an ended one, or one whose person left the account.
    #[error("the API key is not valid here; sign in again, or ask the server's operator for a new one")]
    WrongKey,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Looks keys up. Every request asks the store, so a revoked key is dead at once.
#[derive(Clone)]
pub struct Auth {
    /// Where keys are.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Auth {
    /// Who the value of an `authorization` header is, and for which account.
    ///
    /// # Errors
    /// Where there is no key, it is not valid, or the store fails.
    pub async fn principal(&self, authorization: Option<&str>) -> Result<Principal, AuthError> {
        let text = authorization.and_then(|value| value.strip_prefix("Bearer ")).ok_or(AuthError::NoKey)?;
        let key = ApiKey::parse(text.trim()).map_err(|_| AuthError::WrongKey)?;
        let found = self.store.find_key(key.prefix()).await?.ok_or(AuthError::WrongKey)?;
        let now = self.clock.now();
        let principal = living(&found, now).filter(|_| key.matches(&found.key.secret_sha256));
        let principal = principal.ok_or(AuthError::WrongKey)?;
        if found.key.used_at.is_none_or(|used| used.after(USED_EVERY) <= now) {
            self.store.key_used(key.prefix(), now).await?;
        }
        Ok(principal)
    }
}

/// What let somebody in, to be looked at again by what goes on for long. Never printed.
#[derive(Clone)]
pub struct Pass {
    /// Who was let in.
    pub principal: Principal,
    auth: Auth,
    authorization: Zeroizing<String>,
}

impl Pass {
    /// Lets in whoever the value of an `authorization` header is.
    ///
    /// # Errors
    /// As [`Auth::principal`].
    pub async fn of(auth: &Auth, authorization: Option<&str>) -> Result<Self, AuthError> {
        let principal = auth.principal(authorization).await?;
        let authorization = Zeroizing::new(authorization.unwrap_or_default().to_owned());
        Ok(Self { principal, auth: auth.clone(), authorization })
    }

    /// Who it is now.
    ///
    /// # Errors
    /// As [`Auth::principal`]: where the key was revoked or has ended meanwhile, or its person left.
    pub async fn again(&self) -> Result<Principal, AuthError> {
        self.auth.principal(Some(&self.authorization)).await
    }

    /// The public part of the key, as calls are counted by.
    #[must_use]
    pub fn prefix(&self) -> Option<String> {
        let key = self.authorization.strip_prefix("Bearer ")?;
        Some(ApiKey::parse(key.trim()).ok()?.prefix().to_owned())
    }
}

/// Who a key acts as now; none where it is dead. A person's key may do no more than the person, and dies when they leave.
fn living(found: &FoundKey, now: Timestamp) -> Option<Principal> {
    let FoundKey { key, role, month_limit } = found;
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
        return None;
    }
    let most = match (key.person, role) {
        (None, _) => Rights::ALL,
        (Some(_), Some(role)) => role.rights(),
        (Some(_), None) => return None,
    };
    let tenant = Tenant::acting_for(key.account);
    let (rights, month_limit) = (key.rights.and(most), *month_limit);
    Some(Principal { tenant, person: key.person, rights, month_limit, visitor: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;
    use tributary_protocol::vocab::{AccountId, Credits, PersonId};

    fn found() -> FoundKey {
        let key = ApiKey::generate().row(AccountId::generate(), "");
        FoundKey { key, role: None, month_limit: None }
    }

    #[test]
    fn a_persons_key_may_what_both_may_and_dies_with_the_membership() {
        let person = PersonId::generate();
        let mut found = found();
        assert_eq!(living(&found, Timestamp(1)).unwrap().rights, Rights::ALL, "the operator's own");
        found.key.person = Some(person);
        assert_eq!(living(&found, Timestamp(1)), None, "no member");
        found.role = Some(Role::Member);
        found.month_limit = Some(Credits(5));
        let principal = living(&found, Timestamp(1)).unwrap();
        assert_eq!((principal.person, principal.month_limit), (Some(person), Some(Credits(5))));
        assert_eq!(principal.rights, Role::Member.rights());
        found.role = Some(Role::Owner);
        found.key.rights = Rights::parse("read").unwrap();
        assert_eq!(living(&found, Timestamp(1)).unwrap().rights.to_string(), "read");
    }

    #[test]
    fn a_key_is_dead_from_the_moment_it_ends_or_was_revoked() {
        let mut found = found();
        found.key.expires_at = Some(Timestamp(10));
        assert!(living(&found, Timestamp(9)).is_some());
        assert_eq!(living(&found, Timestamp(10)), None);
        found.key.expires_at = None;
        found.key.revoked_at = Some(Timestamp(10));
        assert_eq!(living(&found, Timestamp(9)), None);
    }
}

//! Who is asking: from the key in a request to the tenant it acts for. Never logs a key.

pub mod api_key;
pub mod password;
pub mod token;

use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use api_key::ApiKey;
use std::sync::Arc;

/// Why nobody is let in. The three wrong-key cases look the same from outside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No `authorization: Bearer <key>` came with the request.
    #[error("no API key; set TRIBUTARY_KEY or pass --key")]
    NoKey,
    /// Not a key, an unknown one, a wrong secret, or a revoked one.
    #[error("the API key is not valid here; ask the server's operator for a new one")]
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
}

impl Auth {
    /// The tenant that the value of an `authorization` header acts for.
    ///
    /// # Errors
    /// Where there is no key, it is not valid, or the store fails.
    pub async fn tenant(&self, authorization: Option<&str>) -> Result<Tenant, AuthError> {
        let text = authorization.and_then(|value| value.strip_prefix("Bearer ")).ok_or(AuthError::NoKey)?;
        let key = ApiKey::parse(text.trim()).map_err(|_| AuthError::WrongKey)?;
        let row = self.store.find_key(key.prefix()).await?.ok_or(AuthError::WrongKey)?;
        if row.revoked_at.is_some() || !key.matches(&row.secret_sha256) {
            return Err(AuthError::WrongKey);
        }
        Ok(Tenant::acting_for(row.account))
    }
}

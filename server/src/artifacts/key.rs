//! Where an artifact lies: the only place that builds such a path. Names come from hashes and ids, never from
//! people.

use crate::tenant::Tenant;
use std::fmt;
use std::path::PathBuf;
use tributary_protocol::vocab::Sha256;

/// Names one artifact of one account by its content. The same content of two accounts is two artifacts: nobody
/// learns what others have stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    tenant: Tenant,
    sha256: Sha256,
}

impl Key {
    /// Of this tenant, with that content.
    #[must_use]
    pub fn new(tenant: &Tenant, sha256: Sha256) -> Self {
        Self { tenant: *tenant, sha256 }
    }

    /// Whose.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// Of the content.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// `<account>/<first two hex digits>/<the other 62>`, relative to where artifacts are kept. The middle folder
    /// keeps folders small.
    #[must_use]
    pub fn relative_path(&self) -> PathBuf {
        let hex = self.sha256.to_string();
        let (shard, rest) = hex.split_at(2);
        [self.tenant.account().to_string().as_str(), shard, rest].iter().collect()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant.account(), self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::vocab::AccountId;

    #[test]
    fn a_key_is_a_path_below_its_tenant_and_nothing_else() {
        let account: AccountId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        let key = Key::new(&Tenant::acting_for(account), Sha256([0xab; 32]));
        let expected = format!("{account}/ab/{}", "ab".repeat(31));
        assert_eq!(key.relative_path(), PathBuf::from(expected));
    }

    #[test]
    fn one_content_of_two_tenants_is_two_keys() {
        let of = || Key::new(&Tenant::acting_for(AccountId::generate()), Sha256([7; 32]));
        assert_ne!(of().relative_path(), of().relative_path());
    }
}

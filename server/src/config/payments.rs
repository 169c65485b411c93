//! Credits for money: off until there is a key of Stripe's.

use super::ConfigError;
use crate::billing::Pack;
use serde::{Deserialize, Serialize};

/// Packs at once.
const PACKS_MAX: usize = 50;

/// How credits are sold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsConfig {
    /// Stripe's secret or restricted key, `sk_test_..`, `sk_live_..`, `rk_..`; empty: only the operator grants credits.
    /// Better in the environment: TRIBUTARY_SERVE_PAYMENTS__STRIPE_KEY.
    pub stripe_key: String,
    /// Secrets that sign what Stripe tells (`whsec_..`), several while one replaces another.
    pub webhook_secrets: Vec<String>,
    /// For tests: where a stand-in of Stripe listens.
    pub stripe_url: String,
    /// What is sold.
    pub packs: Vec<Pack>,
}

impl PaymentsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |pack: &str, fault: String| Err(ConfigError::Pack { pack: pack.to_owned(), fault });
        if self.packs.len() > PACKS_MAX {
            return wrong(
                "payments.packs",
                format!("there are {}; {PACKS_MAX} are possible", self.packs.len()),
            );
        }
        for (place, pack) in self.packs.iter().enumerate() {
            if let Some(fault) = pack.fault() {
                return wrong(&pack.name, fault);
            }
            if self.packs[..place].iter().any(|before| before.name == pack.name) {
                return wrong(&pack.name, "its name is another pack's, too".to_owned());
            }
        }
        if !self.stripe_key.is_empty() && self.webhook_secrets.is_empty() {
            tracing::warn!(
                "payments.webhook_secrets is empty: credits come when Stripe is asked, every ten minutes"
            );
        }
        Ok(())
    }

    /// Without secrets, for people to see.
    pub(super) fn shown(&self) -> Self {
        let hidden = |text: &str| if text.is_empty() { String::new() } else { "***".to_owned() };
        Self {
            stripe_key: hidden(&self.stripe_key),
            webhook_secrets: self.webhook_secrets.iter().map(|secret| hidden(secret)).collect(),
            ..self.clone()
        }
    }
}

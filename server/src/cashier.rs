//! Sells credits through Stripe: opens the payment page, keeps what Stripe tells, and books what Stripe says when it is
//! asked. Nothing that arrives is believed: an event only names what to look at, and what is looked at is compared with
//! what was agreed. Every step may run any number of times, in any order, and after a crash between any two.
//!
//! | file | what |
//! |---|---|
//! | `buy` | agrees on a purchase and opens its page |
//! | `settle` | a page or a payment as Stripe has it -> credits, or why there are none |
//! | `returns` | refunds and disputes -> credits go back, the account is suspended and let go |
//! | `inbox` | events: kept first, looked at later |
//! | `top_up` | buys again when credits run low |

mod buy;
mod inbox;
mod returns;
mod settle;
mod top_up;

pub use buy::BuyError;
pub use inbox::IntakeError;
pub use top_up::TopUpError;

use crate::billing::{Pack, Purchase};
use crate::clock::Clock;
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tributary_stripe::{IdempotencyKey, Mode, Stripe, StripeError};

/// Between two looks at what was told, where no bell rings.
const ROUND: Duration = Duration::from_secs(5);
/// A purchase that nobody told about is looked at this often.
const CHECK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Purchases, events and accounts in one round.
const BATCH: u32 = 50;

/// Sells credits.
pub struct Cashier {
    /// The payment service.
    pub stripe: Stripe,
    /// What is sold.
    pub packs: Vec<Pack>,
    /// Secrets that sign what Stripe tells; several while one replaces another.
    pub webhook_secrets: Vec<String>,
    /// Where people come back to: the pages' address.
    pub pages: String,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Rings when something was told.
    pub bell: Notify,
}

/// Why a purchase could not be looked at; it will be again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CashierError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Stripe is away, or says what this version does not understand.
    #[error("the payment service cannot be asked")]
    Stripe(#[from] StripeError),
}

impl Cashier {
    /// Whether real money moves.
    #[must_use]
    pub fn live(&self) -> bool {
        self.stripe.mode() == Mode::Live
    }

    /// Packs on offer now.
    pub fn offered(&self) -> impl Iterator<Item = &Pack> {
        let now = self.clock.now();
        self.packs.iter().filter(move |pack| pack.is_offered(now))
    }

    /// Books what Stripe says until told to stop. Of the servers of one database one does this.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the cashier could not finish a round; it goes on");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// One round: events, purchases that nobody told about, accounts that want to be topped up.
    ///
    /// # Errors
    /// Where the store fails; the next round goes on.
    pub async fn round(&self) -> Result<(), StoreError> {
        if !self.store.leads().await? {
            return Ok(());
        }
        self.read_inbox().await?;
        let now = self.clock.now();
        let unchecked =
            self.store.unchecked_purchases(self.live(), now.before(CHECK_EVERY), BATCH, now).await?;
        for purchase in unchecked {
            self.look_again(&purchase).await?;
        }
        self.top_up().await
    }

    async fn look_again(&self, purchase: &Purchase) -> Result<(), StoreError> {
        match self.look(purchase).await {
            Ok(()) => Ok(()),
            Err(CashierError::Store(error)) => Err(error),
            Err(CashierError::Stripe(error)) => {
                let (id, error) = (purchase.agreed.id, &error as &dyn std::error::Error);
                tracing::warn!(purchase = %id, error, "a purchase could not be looked at; later");
                Ok(())
            }
        }
    }
}

/// Stripe's key for a step of a purchase: the same after a crash, so that the step is taken once.
fn key(purchase: &Purchase, step: &str) -> IdempotencyKey {
    IdempotencyKey::new(format!("purchase:{}:{step}", purchase.reference()))
        .expect("ids and words are visible ASCII")
}

fn tenant(purchase: &Purchase) -> Tenant {
    Tenant::acting_for(purchase.account)
}

#[cfg(test)]
#[path = "cashier/cashier_tests.rs"]
mod tests;

//! Tells customers how their jobs ended: takes up what is to be told, signs it, sends it, and writes down what became of it.
//! At least once: whoever dies between sending and writing down is followed by one who sends the same event again.
//!
//! | file | what |
//! |---|---|
//! | `target` | which addresses an account may name |
//! | `guard` | which machines may be reached at all, looked at as they are connected to |
//! | `wire` | one POST: resolve, connect, TLS, the head of the answer |
//! | `endpoints` | what an account's people and programs do with them |
//! | `letter` | what is said, and its signature |
//! | `alarm` | the account's people hear that an endpoint was switched off |

pub mod alarm;
pub mod endpoints;
pub mod guard;
pub mod letter;
pub mod target;
pub mod wire;

use crate::clock::{Clock, Timestamp};
use crate::store::webhooks::Load;
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use crate::webhook::{Event, Failed, Fate, Parcel};
use alarm::Alarm;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_protocol::vocab::JobId;
use wire::Wire;

/// Between two looks at what is to be told.
const ROUND: Duration = Duration::from_secs(2);
/// Deliveries that are on their way at once, and of one endpoint.
const SENDING_MAX: usize = 64;
const SENDING_OF_ONE_MAX: u32 = 2;
/// A delivery that is on its way is nobody else's for so long: longer than any may take.
const LEASE: Duration = Duration::from_secs(60);
/// The wait after the first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(3 * 3600);
/// Deliveries that ended are shown for so long.
const SHOWN: Duration = Duration::from_secs(30 * 86_400);
/// Old ones are swept once in so many rounds.
const ROUNDS_PER_SWEEP: u64 = 1800;

/// Tells customers.
pub struct Courier {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The way out.
    pub wire: Wire,
    /// Tells people that an endpoint was switched off.
    pub alarm: Alarm,
}

impl Courier {
    /// Works until told to stop. Of the processes of one database one does this.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(SENDING_MAX));
        let mut sending = JoinSet::new();
        let mut round = 0_u64;
        while !stop.is_cancelled() {
            if let Err(error) =
                self.round(&places, &mut sending, round.is_multiple_of(ROUNDS_PER_SWEEP)).await
            {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the courier could not finish a round; it goes on");
            }
            round += 1;
            while sending.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
        // What is on its way is taken up again by the next one, once its lease has ended.
        sending.shutdown().await;
    }

    /// Takes up what is to be sent and there is room for, and sends it beside this.
    async fn round(
        self: &Arc<Self>,
        places: &Arc<Semaphore>,
        sending: &mut JoinSet<()>,
        sweep: bool,
    ) -> Result<(), StoreError> {
        if !self.store.leads().await? {
            return Ok(());
        }
        let now = self.clock.now();
        if sweep {
            self.store.sweep_deliveries(now.before(SHOWN)).await?;
        }
        let free = u32::try_from(places.available_permits()).unwrap_or(u32::MAX);
        for parcel in self.take(free).await? {
            let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(()) };
            let courier = Arc::clone(self);
            sending.spawn(async move { courier.deliver(&parcel, place).await });
        }
        Ok(())
    }

    /// At most so many of what is to be sent now.
    ///
    /// # Errors
    /// The store's.
    pub async fn take(&self, deliveries: u32) -> Result<Vec<Parcel>, StoreError> {
        if deliveries == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let load = Load { deliveries, of_one_endpoint: SENDING_OF_ONE_MAX };
        self.store.take_deliveries(load, now, now.after(LEASE)).await
    }

    async fn deliver(&self, parcel: &Parcel, _place: OwnedSemaphorePermit) {
        if let Err(error) = self.send_and_note(parcel).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, webhook = %parcel.webhook, "a delivery is not on record; it is sent again");
        }
    }

    /// Sends one, and writes down what became of it.
    ///
    /// # Errors
    /// The store's: then it is sent again.
    pub async fn send_and_note(&self, parcel: &Parcel) -> Result<(), StoreError> {
        let fate = match self.send(parcel).await? {
            Ok(status) => Fate::Delivered(status),
            Err(failed) => self.failed(parcel, failed),
        };
        let word = match &fate {
            Fate::Delivered(_) => "delivered",
            Fate::Again(..) => "again",
            Fate::Dead(_) => "dead",
        };
        metrics::counter!("tributary_webhook_tries_total", "fate" => word).increment(1);
        let now = self.clock.now();
        if let Some(webhook) = self.store.end_delivery(parcel, &fate, now).await? {
            tracing::warn!(account = %parcel.account, webhook = %webhook.id, "a webhook was switched off");
            metrics::counter!("tributary_webhooks_switched_off_total").increment(1);
            let tenant = Tenant::acting_for(parcel.account);
            self.alarm.switched_off(&*self.store, &tenant, &webhook, now).await?;
        }
        Ok(())
    }

    /// Sends one; the answer's status, or why it was not taken.
    ///
    /// # Errors
    /// The store's: nothing was sent.
    pub async fn send(&self, parcel: &Parcel) -> Result<Result<u16, Failed>, StoreError> {
        let job = match parcel.event {
            Event::Test => None,
            _ => {
                let id = JobId::from_slice(parcel.event_id.as_bytes()).expect("16 bytes are an id");
                self.store.job(&Tenant::acting_for(parcel.account), id).await?
            }
        };
        let body = letter::body(parcel, job.as_ref());
        let signature = letter::signature(&parcel.secrets, &body, self.clock.now());
        Ok(self.wire.post(&parcel.url, &letter::headers(parcel, signature), body).await)
    }

    fn failed(&self, parcel: &Parcel, failed: Failed) -> Fate {
        let next = self.clock.now().after(wait(parcel.tries));
        if next > parcel.give_up_at { Fate::Dead(failed) } else { Fate::Again(next, failed) }
    }
}

/// The wait after so many earlier tries and one more.
fn wait(tries: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << tries.min(16)).min(WAIT_MAX)
}

/// When each try of one delivery is made that is never taken: for people to read, and for tests.
#[must_use]
pub fn tries_of(begin: Timestamp, give_up_at: Timestamp) -> Vec<Timestamp> {
    let mut tries = vec![begin];
    while let Some(next) =
        tries.last().map(|at| at.after(wait(u32::try_from(tries.len() - 1).unwrap_or(u32::MAX))))
    {
        if next > give_up_at {
            break;
        }
        tries.push(next);
    }
    tries
}

#[cfg(test)]
#[path = "courier/courier_tests.rs"]
mod tests;

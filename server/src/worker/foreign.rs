//! Jobs that other workers of the database can run and this one cannot. Where their model is not here they are not claimed.
//! Where it is another version they go back to the queue, in their old place, and this worker leaves the queue alone for a
//! while, so that it does not take them again at once. What nobody could run for a long time fails, so that its credits
//! are free.

use super::Worker;
use super::run::Outcome;
use super::stop::Stop;
use crate::clock::Timestamp;
use crate::job::Job;
use crate::settings;
use crate::store::Claim;
use std::time::Duration;
use tributary_audio::ClipShape;
use tributary_models::{Ask, ModelError};
use tributary_protocol::vocab::ClipHeader;

/// A job that no worker could run for this long after it was made fails.
pub const PATIENCE: Duration = Duration::from_secs(86_400);
/// Claims held back at once while looking for one that can be run.
const ASIDE_MAX: usize = 8;
/// How long others have the queue to themselves after this worker gave jobs back.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// Claims of foreign jobs, held while the queue behind them is looked at.
#[derive(Default)]
pub(super) struct Aside(Vec<Claim>);

impl Aside {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= ASIDE_MAX
    }

    pub(super) fn put(&mut self, claim: Claim) {
        self.0.push(claim);
    }
}

impl Worker {
    /// Whether another worker should have the job. One that nobody could run is ours, to end it.
    pub(super) fn is_foreign(&self, job: &Job, now: Timestamp) -> bool {
        let Err(reason) = self.can_run(job) else { return false };
        let foreign = self.foreign_patience.is_some_and(|patience| now < job.created_at.after(patience));
        if foreign {
            tracing::warn!(job = %job.id, model = job.model, %reason, "left to another worker");
        }
        foreign
    }

    /// The server that took the job planned it with what it has; what cannot be planned here is another model here.
    fn can_run(&self, job: &Job) -> Result<(), ModelError> {
        let ask = Ask {
            stems: job.stems.clone(),
            settings: settings::to_models(&job.settings),
            references: job.references.iter().map(shape).collect(),
        };
        self.offers.get(&job.model)?.pipeline.plan(shape(&job.clip), &ask).map(|_| ())
    }

    /// Gives all of them back.
    pub(super) async fn give_back(&self, aside: Aside) {
        for claim in aside.0 {
            metrics::counter!("tributary_jobs_foreign_total").increment(1);
            self.settle(&claim, Outcome::Later, &Stop::default()).await;
            self.progress.changed(&claim.tenant, claim.job.id);
        }
    }
}

fn shape(clip: &ClipHeader) -> ClipShape {
    ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz }
}

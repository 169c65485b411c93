//! What the CLI and the plugin call. Says what it means in [`crate::vocab`] and the views here; callers never see
//! a wire type, a status code or a retry.
//!
//! ```no_run
//! # use tributary_protocol::client::{ApiKey, Client, ClientError, Endpoint, NewJob, Tls};
//! # use tributary_protocol::vocab::{ClipHeader, JobId};
//! # use std::path::Path;
//! # async fn one(key: String, clip: ClipHeader) -> Result<(), ClientError> {
//! let client = Client::connect(Endpoint {
//!     address: "http://127.0.0.1:7700".into(),
//!     key: ApiKey::new(key)?,
//!     tls: Tls::PublicRoots,
//! })
//! .await?;
//! let wanted = NewJob::new(JobId::generate(), "mini", clip, "Song");
//! let job = client.create(&wanted).await?;
//! if job.state == tributary_protocol::client::JobState::Uploading {
//!     client.upload(&clip, Path::new("song.f32"), |bytes| eprintln!("{bytes}")).await?;
//! }
//! let mut watch = client.watch(job.id);
//! let mut last = job;
//! while let Some(job) = watch.next().await? {
//!     last = job;
//! }
//! for stem in &last.stems {
//!     client.download(&last, &stem.name, Path::new("vocals.f32"), |bytes| eprintln!("{bytes}")).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every call may be repeated without harm, so every call tries again by itself while [`Patience`] lasts; what
//! comes back as a [`ClientError`] is final and says what to do. Dropping a future ends that call only: a job goes
//! on until [`Client::cancel`].

mod certificate;
mod connect;
mod convert;
mod download;
mod error;
mod retry;
mod sheet;
mod shop;
mod sign_in;
mod stem_file;
mod upload;
mod view;
mod watch;

pub use crate::vocab::PurchaseState;
pub use certificate::{PresentedCertificate, certificate_of};
pub use connect::{ApiKey, Endpoint, Tls};
pub use error::ClientError;
pub use retry::Patience;
pub use shop::{PackView, Packs, PurchaseView};
pub use sign_in::{SignInAnswer, SignInView};
pub use view::{
    AccountView, ExpiringCredits, HistoryPage, JobState, JobView, JobsPage, LedgerKind, LedgerLine,
    ModelView, NewJob, Offer, QuoteAsk, QuoteView, ServerLimits, SheetView, StemView,
};
pub use watch::Watch;

use crate::v1;
use crate::vocab::{ClipHeader, JobId, PurchaseId};
use connect::Wire;
use retry::Line;
use std::fmt;
use std::path::Path;

/// One server, one account. Cheap to clone; clones share one connection, opened at the first call and reopened
/// whenever it is lost.
#[derive(Clone)]
pub struct Client {
    wire: Wire,
    line: Line,
}

/// One try of a short call: the stub and its method. Owns what it needs, so that the call may change threads.
macro_rules! ask {
    ($client:ident . $stub:ident, $method:ident) => {
        |request| {
            let mut stub = $client.wire.$stub();
            async move { stub.$method(request).await }
        }
    };
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.line.address()).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares the connection; nothing is sent before the first call. Must run inside a Tokio runtime with time
    /// and I/O enabled.
    ///
    /// # Errors
    /// [`ClientError::InsecureAddress`], [`ClientError::BadAddress`] or [`ClientError::BadCertificate`].
    pub async fn connect(endpoint: Endpoint) -> Result<Self, ClientError> {
        let address = endpoint.address.clone();
        Ok(Self { wire: connect::open(endpoint)?, line: Line::new(address, Patience::default()) })
    }

    /// The same client with other limits for waiting and trying again.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.line = self.line.with_patience(patience);
        self
    }

    /// The address it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        self.line.address()
    }

    /// What the server offers, and its limits.
    ///
    /// # Errors
    /// Those of every call: [`ClientError::SignIn`], [`ClientError::Unreachable`], [`ClientError::Untrusted`],
    /// [`ClientError::Busy`], [`ClientError::Server`], [`ClientError::Protocol`].
    pub async fn models(&self) -> Result<Offer, ClientError> {
        let request = v1::ListModelsRequest {};
        self.line.call(request, ask!(self.models, list)).await?.try_into()
    }

    /// What a clip of this length would cost. Holds nothing.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Refused`] for an unknown model or a clip beyond the server's limits.
    pub async fn quote(&self, ask: &QuoteAsk) -> Result<QuoteView, ClientError> {
        let request = v1::QuoteRequest::from(ask);
        Ok(self
            .line
            .call(request, ask!(self.jobs, quote))
            .await
            .map_err(ClientError::not_about_a_job)?
            .into())
    }

    /// The account's name and its credits.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn account(&self) -> Result<AccountView, ClientError> {
        let request = v1::GetAccountRequest {};
        Ok(self.line.call(request, ask!(self.account, get)).await?.into())
    }

    /// Asks to be let in, without a key: what to show, and what to ask with. `device`: what this one calls itself.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Refused`] where the server has no page to sign in on.
    pub async fn begin_sign_in(&self, device: &str) -> Result<SignInView, ClientError> {
        let request = v1::BeginSignInRequest { device: device.to_owned() };
        Ok(self.line.call(request, ask!(self.sign_in, begin)).await?.into())
    }

    /// Whether somebody let this device in. A key comes once.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn poll_sign_in(&self, device_secret: &str) -> Result<SignInAnswer, ClientError> {
        let request = v1::PollSignInRequest { device_secret: device_secret.to_owned() };
        self.line.call(request, ask!(self.sign_in, poll)).await?.try_into()
    }

    /// What is sold; empty where the operator grants credits.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn packs(&self) -> Result<Packs, ClientError> {
        Ok(self.line.call(v1::PacksRequest {}, ask!(self.shop, packs)).await?.into())
    }

    /// Agrees on a purchase and opens the page where it is paid. The same id buys once: keep it before this is called.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Refused`] where the pack is not sold, or the key may not buy.
    pub async fn buy(&self, id: PurchaseId, pack: &str, keep: bool) -> Result<PurchaseView, ClientError> {
        let purchase_id = id.as_bytes().to_vec().into();
        let request = v1::BuyRequest { purchase_id, pack: pack.to_owned(), keep_payment_method: keep };
        self.line.call(request, ask!(self.shop, buy)).await?.try_into()
    }

    /// A purchase as it is now.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Refused`] where there is no such purchase.
    pub async fn purchase(&self, id: PurchaseId) -> Result<PurchaseView, ClientError> {
        let request = v1::GetPurchaseRequest { purchase_id: id.as_bytes().to_vec().into() };
        self.line.call(request, ask!(self.shop, get)).await?.try_into()
    }

    /// Ledger lines, newest first; an empty page is the end.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn history(&self, page: HistoryPage) -> Result<Vec<LedgerLine>, ClientError> {
        let request = v1::HistoryRequest::from(page);
        self.line
            .call(request, ask!(self.account, history))
            .await?
            .lines
            .into_iter()
            .map(LedgerLine::try_from)
            .collect()
    }

    /// The account's jobs, newest first; an empty page is the end.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn jobs(&self, page: JobsPage) -> Result<Vec<JobView>, ClientError> {
        let request = v1::ListJobsRequest::from(page);
        self.line
            .call(request, ask!(self.jobs, list))
            .await?
            .jobs
            .into_iter()
            .map(JobView::try_from)
            .collect()
    }

    /// One job as it is now.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::UnknownJob`].
    pub async fn job(&self, id: JobId) -> Result<JobView, ClientError> {
        let request = v1::GetJobRequest { job_id: convert::id(id) };
        self.line.call(request, ask!(self.jobs, get)).await?.try_into()
    }

    /// Admits a job: the credits are set aside when this returns. Save the id before calling; calling again with
    /// the same job, now or after a restart, returns the same job and costs nothing more. The answer is in state
    /// uploading, or further when the server has the clip already.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::NotEnoughCredits`], [`ClientError::OverLimit`], [`ClientError::Suspended`],
    /// [`ClientError::Refused`], and
    /// [`ClientError::Conflict`] when the id belongs to another request.
    pub async fn create(&self, job: &NewJob) -> Result<JobView, ClientError> {
        let request = v1::CreateJobRequest::from(job);
        self.line
            .call(request, ask!(self.jobs, create))
            .await
            .map_err(ClientError::not_about_a_job)?
            .try_into()
    }

    /// Ends a job and answers with what it cost. A job that has ended already is returned as it is.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::UnknownJob`].
    pub async fn cancel(&self, id: JobId) -> Result<JobView, ClientError> {
        let request = v1::CancelJobRequest { job_id: convert::id(id) };
        self.line.call(request, ask!(self.jobs, cancel)).await?.try_into()
    }

    /// Deletes the clip and the results of a job that has ended. The job stays in lists, its credits in the ledger.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::UnknownJob`], and [`ClientError::Refused`] while the job is open.
    pub async fn erase(&self, id: JobId) -> Result<JobView, ClientError> {
        let request = v1::EraseJobRequest { job_id: convert::id(id) };
        self.line.call(request, ask!(self.jobs, erase)).await?.try_into()
    }

    /// Sends a clip that a created job waits for, from the byte the server has got to. `file` holds the canonical
    /// bytes: interleaved 32-bit little-endian float, `frames * channels` of them. Lost connections are resumed.
    /// `progress` gets the canonical bytes sent so far; it may go back when a connection was lost. Returns when
    /// the server has the whole clip and its hash agrees.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Corrupt`] when the file is not what `clip` says, [`ClientError::Disk`]
    /// when it cannot be read, [`ClientError::UnknownJob`] when no job waits for this clip (it was cancelled).
    pub async fn upload(
        &self,
        clip: &ClipHeader,
        file: &Path,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), ClientError> {
        upload::run(&self.wire, &self.line, clip, file, &mut progress).await
    }

    /// Follows a job to its end, through lost connections. Nothing is sent before [`Watch::next`].
    #[must_use]
    pub fn watch(&self, id: JobId) -> Watch {
        Watch::new(self.wire.clone(), self.line.clone(), id)
    }

    /// Fetches a stem of a job that is done into `to`, as canonical bytes (see [`Client::upload`]) at the clip's
    /// rate and channels. Writes `<to>.part`, going on from what an earlier call left there; `to` appears whole,
    /// its hash checked, or not at all. `progress` gets the canonical bytes on disk.
    ///
    /// # Errors
    /// Those of every call; [`ClientError::Refused`] when the job has no such stem, [`ClientError::Disk`],
    /// [`ClientError::Corrupt`] when the hash was wrong twice.
    pub async fn download(
        &self,
        job: &JobView,
        stem: &str,
        to: &Path,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), ClientError> {
        download::run(&self.wire, &self.line, job, stem, to, &mut progress).await
    }

    /// Fetches a sheet of a job that is done into `to`, which appears whole, its hash checked, or not at all.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub async fn download_sheet(&self, job: &JobView, sheet: &str, to: &Path) -> Result<(), ClientError> {
        sheet::run(&self.wire, &self.line, job, sheet, to).await
    }
}

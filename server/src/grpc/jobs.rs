//! Jobs: quote, create, look, watch, cancel.

use super::gate::{principal, tenant};
use super::{Answer, AnswerStream, Edge, convert, status};
use crate::admission::Refusal;
use crate::job::{Job, JobState};
use crate::progress::News;
use crate::store::Cancelled;
use crate::store::keeping::Erased;
use crate::tenant::Tenant;
use crate::worker::stop::StopReason;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tributary_audio::ClipShape;
use tributary_protocol::limits::JOBS_PAGE_MAX;
use tributary_protocol::v1;
use tributary_protocol::vocab::JobId;

/// Jobs in a page when the client does not say.
const PAGE: u32 = 50;
/// Watchers hear at most this often.
const WATCH_MIN: Duration = Duration::from_millis(100);
/// Watchers ask the store at least this often, since rings may be lost.
const WATCH_MAX: Duration = Duration::from_secs(2);

pub(super) struct Jobs(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::jobs_server::Jobs for Jobs {
    async fn quote(&self, request: Request<v1::QuoteRequest>) -> Answer<v1::QuoteResponse> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let clip = ClipShape {
            channels: convert::channels(wish.channels),
            frames: wish.frames,
            rate_hz: wish.rate_hz,
        };
        let settings = convert::settings(wish.settings)?;
        let quoted = self.0.admissions.quote(&wish.model, clip, &settings);
        let quote = quoted.map_err(|refusal| status::of_refusal(&refusal))?;
        let available = convert::store(self.0.store.account(&tenant).await)?.balance.available();
        let (credits, reason) = (quote.credits.0, quote.price.reason());
        Ok(Response::new(v1::QuoteResponse { credits, available: available.0, reason }))
    }

    async fn create(&self, request: Request<v1::CreateJobRequest>) -> Answer<v1::Job> {
        let principal = principal(&request)?;
        if self.0.drain.is_cancelled() {
            return Err(status::of_refusal(&Refusal::Draining));
        }
        let wish = convert::job_request(request.into_inner())?;
        let admitted = self.0.admissions.admit(&principal, wish).await;
        let job = admitted.map_err(|refusal| status::of_refusal(&refusal))?;
        if job.state == JobState::Queued {
            self.0.queue.ring(job.id);
        }
        Ok(Response::new(self.0.view(&principal.tenant, &job, News::default()).await?))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        let tenant = tenant(&request)?;
        let job = self.0.job(&tenant, convert::job_id(&request.get_ref().job_id)?).await?;
        Ok(Response::new(self.0.view(&tenant, &job, News::default()).await?))
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let before = convert::optional_job_id(&wish.before_job_id)?;
        let limit = convert::page(wish.limit, PAGE, JOBS_PAGE_MAX);
        let jobs = convert::store(self.0.store.jobs(&tenant, before, limit).await)?;
        let keep = self.0.limits.keep();
        let jobs = jobs.iter().map(|job| convert::job(job, News::default(), keep, 0, 0)).collect();
        Ok(Response::new(v1::ListJobsResponse { jobs }))
    }

    type WatchStream = AnswerStream<v1::Job>;

    async fn watch(&self, request: Request<v1::WatchJobRequest>) -> Answer<Self::WatchStream> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let id = convert::job_id(&wish.job_id)?;
        self.0.job(&tenant, id).await?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(watch(Arc::clone(&self.0), tenant, id, wish.after_seq, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::Job> {
        let tenant = tenant(&request)?;
        let id = convert::job_id(&request.get_ref().job_id)?;
        let job = match convert::store(self.0.store.cancel(&tenant, id, self.0.clock.now()).await)? {
            Cancelled::Now(job) | Cancelled::Ended(job) => job,
            Cancelled::Asked(job) => {
                self.0.running.stop(&tenant, id, StopReason::User);
                job
            }
            Cancelled::Unknown => return Err(status::no_job()),
        };
        self.0.progress.changed(&tenant, id);
        Ok(Response::new(self.0.view(&tenant, &job, News::default()).await?))
    }

    async fn erase(&self, request: Request<v1::EraseJobRequest>) -> Answer<v1::Job> {
        let tenant = tenant(&request)?;
        let id = convert::job_id(&request.get_ref().job_id)?;
        match convert::store(self.0.store.erase(&tenant, id, self.0.clock.now()).await)? {
            Erased::Yes => {}
            Erased::Open => {
                return Err(Status::failed_precondition("the job has not ended: cancel it first"));
            }
            Erased::Unknown => return Err(status::no_job()),
        }
        tracing::info!(job = %id, "its results are erased at its account's wish");
        let job = self.0.job(&tenant, id).await?;
        Ok(Response::new(self.0.view(&tenant, &job, News::default()).await?))
    }
}

impl Edge {
    async fn job(&self, tenant: &Tenant, id: JobId) -> Result<Job, Status> {
        convert::store(self.store.job(tenant, id).await)?.ok_or_else(status::no_job)
    }

    async fn view(&self, tenant: &Tenant, job: &Job, news: News) -> Result<v1::Job, Status> {
        let (mut position, mut uploaded) = (0, 0);
        match job.state {
            JobState::Queued => position = convert::store(self.store.queue_position(tenant, job.id).await)?,
            JobState::Uploading => {
                for clip in job.references.iter().chain([&job.clip]) {
                    uploaded += self.committed_bytes(tenant, *clip).await?;
                }
            }
            _ => {}
        }
        Ok(convert::job(job, news, self.limits.keep(), position, uploaded))
    }
}

/// Sends the job now and after each change, until it has ended or nobody listens.
async fn watch(
    edge: Arc<Edge>,
    tenant: Tenant,
    id: JobId,
    after_seq: u64,
    sender: mpsc::Sender<Result<v1::Job, Status>>,
) {
    let mut news = edge.progress.subscribe(&tenant, id);
    let mut sent = after_seq;
    let mut position = None;
    loop {
        let newest = *news.borrow_and_update();
        let view = match edge.job(&tenant, id).await {
            Ok(job) => edge.view(&tenant, &job, newest).await.map(|view| (view, job.state.is_terminal())),
            Err(status) => Err(status),
        };
        match view {
            Ok((view, ended)) => {
                let is_news = view.seq > sent || ended || Some(view.queue_position) != position;
                (sent, position) = (sent.max(view.seq), Some(view.queue_position));
                if (is_news && sender.send(Ok(view)).await.is_err()) || ended {
                    return;
                }
            }
            Err(status) => {
                let _ = sender.send(Err(status)).await;
                return;
            }
        }
        tokio::select! {
            () = sender.closed() => return,
            () = edge.drain.cancelled() => {
                let _ = sender.send(Err(Status::unavailable("the server is shutting down; watch again in a moment"))).await;
                return;
            }
            _ = tokio::time::timeout(WATCH_MAX, news.changed()) => {}
        }
        tokio::time::sleep(WATCH_MIN).await;
    }
}

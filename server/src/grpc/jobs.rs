//! Jobs: quote, create, look, watch, cancel, erase.

use super::gate::{pass, principal, tenant};
use super::{Answer, AnswerStream, Edge, convert, status};
use crate::desk::View;
use crate::progress::News;
use std::sync::Arc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response};
use tributary_audio::ClipShape;
use tributary_protocol::limits::JOBS_PAGE_MAX;
use tributary_protocol::v1;

/// Jobs in a page when the client does not say.
const PAGE: u32 = 50;

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
        let quoted = self.0.desk.admissions.quote(&wish.model, clip, &settings);
        let quote = quoted.map_err(|refusal| status::of_refusal(&refusal))?;
        let available = convert::store(self.0.desk.store.account(&tenant).await)?.balance.available();
        let (credits, reason) = (quote.credits.0, quote.price.reason());
        Ok(Response::new(v1::QuoteResponse { credits, available: available.0, reason }))
    }

    async fn create(&self, request: Request<v1::CreateJobRequest>) -> Answer<v1::Job> {
        let principal = principal(&request)?;
        let wish = convert::job_request(request.into_inner())?;
        let desk = &self.0.desk;
        let job = convert::desk(desk.create(&principal, wish).await)?;
        let view = convert::desk(desk.view(&principal.tenant, job, News::default()).await)?;
        Ok(Response::new(convert::job(&view)))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        let (tenant, desk) = (tenant(&request)?, &self.0.desk);
        let job = convert::desk(desk.job(&tenant, convert::job_id(&request.get_ref().job_id)?).await)?;
        let view = convert::desk(desk.view(&tenant, job, News::default()).await)?;
        Ok(Response::new(convert::job(&view)))
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let before = convert::optional_job_id(&wish.before_job_id)?;
        let limit = convert::page(wish.limit, PAGE, JOBS_PAGE_MAX);
        let keep = self.0.desk.limits.keep();
        let jobs = convert::store(self.0.desk.store.jobs(&tenant, before, limit).await)?;
        let view = |job| convert::job(&View::listed(job, News::default(), keep));
        let jobs = jobs.into_iter().map(view).collect();
        Ok(Response::new(v1::ListJobsResponse { jobs }))
    }

    type WatchStream = AnswerStream<v1::Job>;

    async fn watch(&self, request: Request<v1::WatchJobRequest>) -> Answer<Self::WatchStream> {
        let pass = pass(&request)?;
        let wish = request.into_inner();
        let id = convert::job_id(&wish.job_id)?;
        let views = convert::desk(self.0.desk.watch(pass, id, wish.after_seq).await)?;
        let jobs = ReceiverStream::new(views).map(|view| convert::desk(view).map(|view| convert::job(&view)));
        Ok(Response::new(Box::pin(jobs)))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::Job> {
        let (tenant, desk) = (tenant(&request)?, &self.0.desk);
        let id = convert::job_id(&request.get_ref().job_id)?;
        let job = convert::desk(desk.cancel(&tenant, id).await)?;
        let view = convert::desk(desk.view(&tenant, job, News::default()).await)?;
        Ok(Response::new(convert::job(&view)))
    }

    async fn erase(&self, request: Request<v1::EraseJobRequest>) -> Answer<v1::Job> {
        let (tenant, desk) = (tenant(&request)?, &self.0.desk);
        let id = convert::job_id(&request.get_ref().job_id)?;
        let job = convert::desk(desk.erase(&tenant, id).await)?;
        let view = convert::desk(desk.view(&tenant, job, News::default()).await)?;
        Ok(Response::new(convert::job(&view)))
    }
}

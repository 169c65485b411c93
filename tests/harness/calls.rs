//! Every call the server knows, made once, with any key or none. Tries nothing twice and checks nothing.

use std::path::Path;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tributary_protocol::v1;
use tributary_protocol::v1::account_client::AccountClient;
use tributary_protocol::v1::clips_client::ClipsClient;
use tributary_protocol::v1::jobs_client::JobsClient;
use tributary_protocol::v1::models_client::ModelsClient;
use tributary_protocol::v1::sheets_client::SheetsClient;
use tributary_protocol::v1::shop_client::ShopClient;
use tributary_protocol::v1::stems_client::StemsClient;
use tributary_protocol::vocab::{ClipHeader, JobId, PurchaseId};

/// What the calls are about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// A job, somebody's or nobody's.
    pub job: JobId,
    /// A clip, somebody's or nobody's.
    pub clip: ClipHeader,
    /// A stem of the job.
    pub stem: String,
    /// A purchase, somebody's or nobody's.
    pub purchase: PurchaseId,
}

/// One call, and what came back: words without ids, or code and message.
pub type Answer = (&'static str, Result<String, (Code, String)>);

fn said<T>(
    answer: Result<tonic::Response<T>, Status>,
    words: impl FnOnce(T) -> String,
) -> Result<String, (Code, String)> {
    answer
        .map(|response| words(response.into_inner()))
        .map_err(|status| (status.code(), status.message().to_owned()))
}

/// What the first message of a stream is, or how the stream ends without one.
async fn first<T: std::fmt::Debug>(
    answer: Result<tonic::Response<tonic::Streaming<T>>, Status>,
) -> Result<String, (Code, String)> {
    let first = match answer {
        Ok(stream) => stream.into_inner().message().await,
        Err(status) => Err(status),
    };
    first.map(|message| format!("{message:?}")).map_err(|status| (status.code(), status.message().to_owned()))
}

/// Every call that the protocol describes, as `Jobs.Get`, in alphabetical order.
///
/// # Errors
/// Where the description cannot be read.
pub fn described() -> anyhow::Result<Vec<String>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/proto");
    let folder = proto.join("tributary/v1");
    let files =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    let mut calls = Vec::new();
    for service in protox::compile(files, [&proto])?.file.iter().flat_map(|file| &file.service) {
        calls.extend(service.method.iter().map(|method| format!("{}.{}", service.name(), method.name())));
    }
    calls.sort();
    Ok(calls)
}

/// The header of a call, or none.
#[derive(Clone)]
struct Header(Option<MetadataValue<Ascii>>);

impl Interceptor for Header {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.0 {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

/// All calls about one subject that need a key, `Jobs.Create` last. `authorization`: the whole header, none for no header.
///
/// # Errors
/// Where the header cannot be written. What the server refuses is an answer.
pub async fn all(
    channel: &Channel,
    authorization: Option<&str>,
    about: &Subject,
) -> anyhow::Result<Vec<Answer>> {
    let header = Header(authorization.map(str::parse).transpose()?);
    let mut answers = about_the_job(channel, &header, about).await;
    answers.extend(about_its_bytes(channel, &header, about).await);
    answers.extend(about_the_account(channel, &header, about).await);
    answers.push(create(channel, &header, about).await);
    Ok(answers)
}

fn in_words(job: v1::Job) -> String {
    format!("{:?}, {} bytes here, {} chunks", job.state(), job.uploaded_bytes, job.chunks)
}

async fn about_the_job(channel: &Channel, header: &Header, about: &Subject) -> Vec<Answer> {
    let mut jobs = JobsClient::with_interceptor(channel.clone(), header.clone());
    let job_id = || about.job.as_bytes().to_vec().into();
    let ClipHeader { frames, channels, rate_hz, .. } = about.clip;
    let (model, channels) = ("mini".to_owned(), u32::from(channels));
    let quote = v1::QuoteRequest { model, frames, channels, rate_hz, settings: Vec::new() };
    let watch = v1::WatchJobRequest { job_id: job_id(), after_seq: 0 };
    let list = v1::ListJobsRequest { limit: 0, before_job_id: job_id() };
    vec![
        ("Jobs.Quote", said(jobs.quote(quote).await, |quote| quote.credits.to_string())),
        ("Jobs.Get", said(jobs.get(v1::GetJobRequest { job_id: job_id() }).await, in_words)),
        ("Jobs.List", said(jobs.list(list).await, |list| format!("{} jobs", list.jobs.len()))),
        ("Jobs.Watch", first(jobs.watch(watch).await).await),
        ("Jobs.Cancel", said(jobs.cancel(v1::CancelJobRequest { job_id: job_id() }).await, in_words)),
        ("Jobs.Erase", said(jobs.erase(v1::EraseJobRequest { job_id: job_id() }).await, in_words)),
    ]
}

async fn about_its_bytes(channel: &Channel, header: &Header, about: &Subject) -> Vec<Answer> {
    let mut clips = ClipsClient::with_interceptor(channel.clone(), header.clone());
    let mut stems = StemsClient::with_interceptor(channel.clone(), header.clone());
    let mut sheets = SheetsClient::with_interceptor(channel.clone(), header.clone());
    let job_id = || about.job.as_bytes().to_vec().into();
    let sha256 = || about.clip.sha256.0.to_vec().into();
    let packet = v1::Packet {
        offset: 0,
        encoding: v1::Encoding::F32Raw.into(),
        canonical_bytes: 4,
        payload: vec![0; 4].into(),
    };
    let write = v1::WriteClipRequest { sha256: sha256(), packet: Some(packet) };
    let query = v1::QueryWriteStatusRequest { sha256: sha256() };
    let read = v1::ReadStemRequest { job_id: job_id(), stem: about.stem.clone(), offset: 0 };
    let sheet = v1::ReadSheetRequest { job_id: job_id(), sheet: "notes.mid".to_owned() };
    let status = |clip: v1::WriteClipResponse| format!("{clip:?}");
    vec![
        ("Clips.QueryWriteStatus", said(clips.query_write_status(query).await, status)),
        ("Clips.Write", said(clips.write(tokio_stream::iter([write])).await, status)),
        ("Stems.Read", first(stems.read(read).await).await),
        ("Sheets.Read", first(sheets.read(sheet).await).await),
    ]
}

async fn about_the_account(channel: &Channel, header: &Header, about: &Subject) -> Vec<Answer> {
    let mut account = AccountClient::with_interceptor(channel.clone(), header.clone());
    let mut models = ModelsClient::with_interceptor(channel.clone(), header.clone());
    let mut shop = ShopClient::with_interceptor(channel.clone(), header.clone());
    let purchase_id = || about.purchase.as_bytes().to_vec().into();
    let get = v1::GetPurchaseRequest { purchase_id: purchase_id() };
    let buy =
        v1::BuyRequest { purchase_id: purchase_id(), pack: "small".to_owned(), keep_payment_method: false };
    let history = v1::HistoryRequest { limit: 0, before_line: 0 };
    let count = |things: usize, of: &str| format!("{things} {of}");
    let state = |purchase: v1::Purchase| format!("{:?}", purchase.state());
    vec![
        ("Shop.Packs", said(shop.packs(v1::PacksRequest {}).await, |shop| count(shop.packs.len(), "packs"))),
        ("Shop.Get", said(shop.get(get).await, state)),
        ("Shop.Buy", said(shop.buy(buy).await, state)),
        ("Account.Get", said(account.get(v1::GetAccountRequest {}).await, |account| account.name)),
        ("Account.History", said(account.history(history).await, |page| count(page.lines.len(), "lines"))),
        (
            "Models.List",
            said(models.list(v1::ListModelsRequest {}).await, |list| count(list.models.len(), "models")),
        ),
    ]
}

async fn create(channel: &Channel, header: &Header, about: &Subject) -> Answer {
    let mut jobs = JobsClient::with_interceptor(channel.clone(), header.clone());
    let ClipHeader { frames, channels, rate_hz, sha256 } = about.clip;
    let clip =
        v1::ClipHeader { sha256: sha256.0.to_vec().into(), frames, channels: u32::from(channels), rate_hz };
    let create = v1::CreateJobRequest {
        job_id: about.job.as_bytes().to_vec().into(),
        model: "mini".to_owned(),
        clip: Some(clip),
        title: "a take".to_owned(),
        ..v1::CreateJobRequest::default()
    };
    ("Jobs.Create", said(jobs.create(create).await, in_words))
}

//! Every call the server knows, made once, with any key or none. Tries nothing twice and checks nothing.

use std::path::Path;
use tonic::metadata::{Ascii, MetadataValue};
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

/// All calls about one subject that need a key, those that make something last. `authorization`: the whole header, none for no header.
///
/// # Errors
/// Where the header cannot be written. What the server refuses is an answer.
pub async fn all(
    channel: &Channel,
    authorization: Option<&str>,
    about: &Subject,
) -> anyhow::Result<Vec<Answer>> {
    let header: Option<MetadataValue<Ascii>> = authorization.map(str::parse).transpose()?;
    let key = move |mut request: Request<()>| {
        if let Some(header) = &header {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    };
    let mut jobs = JobsClient::with_interceptor(channel.clone(), key.clone());
    let mut clips = ClipsClient::with_interceptor(channel.clone(), key.clone());
    let mut stems = StemsClient::with_interceptor(channel.clone(), key.clone());
    let mut account = AccountClient::with_interceptor(channel.clone(), key.clone());
    let mut models = ModelsClient::with_interceptor(channel.clone(), key.clone());
    let mut sheets = SheetsClient::with_interceptor(channel.clone(), key.clone());
    let mut shop = ShopClient::with_interceptor(channel.clone(), key);

    let ClipHeader { frames, channels, rate_hz, sha256 } = about.clip;
    let (job_id, sha256) = (|| about.job.as_bytes().to_vec().into(), || sha256.0.to_vec().into());
    let channels = u32::from(channels);
    let quote =
        v1::QuoteRequest { model: "mini".to_owned(), frames, channels, rate_hz, settings: Vec::new() };
    let watch = v1::WatchJobRequest { job_id: job_id(), after_seq: 0 };
    let list = v1::ListJobsRequest { limit: 0, before_job_id: job_id() };
    let read = v1::ReadStemRequest { job_id: job_id(), stem: about.stem.clone(), offset: 0 };
    let sheet = v1::ReadSheetRequest { job_id: job_id(), sheet: "notes.mid".to_owned() };
    let purchase_id = || about.purchase.as_bytes().to_vec().into();
    let buy =
        v1::BuyRequest { purchase_id: purchase_id(), pack: "small".to_owned(), keep_payment_method: false };
    let packet = v1::Packet {
        offset: 0,
        encoding: v1::Encoding::F32Raw.into(),
        canonical_bytes: 4,
        payload: vec![0; 4].into(),
    };
    let write = v1::WriteClipRequest { sha256: sha256(), packet: Some(packet) };
    let history = v1::HistoryRequest { limit: 0, before_line: 0 };
    let clip = v1::ClipHeader { sha256: sha256(), frames, channels, rate_hz };
    let create = v1::CreateJobRequest {
        job_id: job_id(),
        model: "mini".to_owned(),
        stems: vec![],
        clip: Some(clip),
        title: "a take".to_owned(),
        ..v1::CreateJobRequest::default()
    };
    let job =
        |job: v1::Job| format!("{:?}, {} bytes here, {} chunks", job.state(), job.uploaded_bytes, job.chunks);
    let status = |clip: v1::WriteClipResponse| format!("{clip:?}");
    Ok(vec![
        ("Jobs.Quote", said(jobs.quote(quote).await, |quote| quote.credits.to_string())),
        ("Jobs.Get", said(jobs.get(v1::GetJobRequest { job_id: job_id() }).await, job)),
        ("Jobs.List", said(jobs.list(list).await, |list| format!("{} jobs", list.jobs.len()))),
        ("Jobs.Watch", first(jobs.watch(watch).await).await),
        ("Jobs.Cancel", said(jobs.cancel(v1::CancelJobRequest { job_id: job_id() }).await, job)),
        ("Jobs.Erase", said(jobs.erase(v1::EraseJobRequest { job_id: job_id() }).await, job)),
        (
            "Clips.QueryWriteStatus",
            said(clips.query_write_status(v1::QueryWriteStatusRequest { sha256: sha256() }).await, status),
        ),
        ("Clips.Write", said(clips.write(tokio_stream::iter([write])).await, status)),
        ("Stems.Read", first(stems.read(read).await).await),
        ("Sheets.Read", first(sheets.read(sheet).await).await),
        (
            "Shop.Packs",
            said(shop.packs(v1::PacksRequest {}).await, |shop| format!("{} packs", shop.packs.len())),
        ),
        (
            "Shop.Get",
            said(shop.get(v1::GetPurchaseRequest { purchase_id: purchase_id() }).await, |found| {
                format!("{:?}", found.state())
            }),
        ),
        ("Shop.Buy", said(shop.buy(buy).await, |bought| format!("{:?}", bought.state()))),
        ("Account.Get", said(account.get(v1::GetAccountRequest {}).await, |account| account.name)),
        (
            "Account.History",
            said(account.history(history).await, |page| format!("{} lines", page.lines.len())),
        ),
        (
            "Models.List",
            said(models.list(v1::ListModelsRequest {}).await, |list| format!("{} models", list.models.len())),
        ),
        ("Jobs.Create", said(jobs.create(create).await, job)),
    ])
}

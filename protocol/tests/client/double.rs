//! A server that keeps one clip, one job's news and one stem in memory, and fails when it is told to.

use crate::sha256;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::packet::{Decoder, Encoder, Encoding};
use tributary_protocol::v1;

/// The one key it knows.
pub(crate) const KEY: &str = "tk_known";

/// What one `Watch` call is answered with.
pub(crate) enum News {
    /// These, then the stream ends.
    Jobs(Vec<v1::Job>),
    /// Nothing, for ever.
    Silence,
    /// An error instead of a stream.
    Refusal(Status),
}

#[derive(Default)]
pub(crate) struct State {
    /// Given to the next calls instead of an answer.
    pub(crate) refusals: VecDeque<Status>,
    /// Given to the next `Write` calls after their first packet.
    pub(crate) write_refusals: VecDeque<Status>,
    /// `Write` refuses every packet.
    pub(crate) stores_nothing: bool,
    pub(crate) calls: usize,
    pub(crate) buy_url: String,
    pub(crate) clip: Vec<u8>,
    pub(crate) clip_bytes: usize,
    /// Where each `Write` began.
    pub(crate) write_offsets: Vec<u64>,
    pub(crate) news: VecDeque<News>,
    /// `after_seq` of each `Watch`.
    pub(crate) watched_after: Vec<u64>,
    /// The next `Read` calls are answered from these, later ones from the last.
    pub(crate) stems: VecDeque<Vec<u8>>,
    /// Sent by the next `Read` calls instead of a stem.
    pub(crate) hostile: VecDeque<v1::Packet>,
    /// Where each `Read` began.
    pub(crate) read_offsets: Vec<u64>,
    /// The next reads of a sheet are answered with these pieces; a failure ends the stream.
    pub(crate) sheets: VecDeque<Vec<Result<Vec<u8>, Status>>>,
}

#[derive(Clone, Default)]
pub(crate) struct Double(Arc<Mutex<State>>);

type Answer<T> = Result<Response<T>, Status>;
type Many<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Double {
    /// Waits for a clip of this many canonical bytes.
    pub(crate) fn waiting_for(clip_bytes: usize) -> Self {
        let double = Self::default();
        double.state().clip_bytes = clip_bytes;
        double
    }

    /// Has these stems to give, one a `Read`, the last for ever.
    pub(crate) fn with_stems(stems: &[&[u8]]) -> Self {
        let double = Self::default();
        double.state().stems = stems.iter().map(|stem| stem.to_vec()).collect();
        double
    }

    /// Answers `Watch` calls with these.
    pub(crate) fn with_news(news: impl IntoIterator<Item = News>) -> Self {
        let double = Self::default();
        double.state().news = news.into_iter().collect();
        double
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Serves on a free port of loopback until the test's runtime ends. Gives the address.
    pub(crate) async fn serve(&self) -> String {
        format!("http://{}", self.serve_on(Server::builder()).await)
    }

    /// The same under a certificate.
    pub(crate) async fn serve_as(&self, identity: Identity) -> String {
        let tls = ServerTlsConfig::new().identity(identity);
        format!("https://{}", self.serve_on(Server::builder().tls_config(tls).unwrap()).await)
    }

    async fn serve_on(&self, mut server: Server) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = server
            .add_service(v1::account_server::AccountServer::new(self.clone()))
            .add_service(v1::clips_server::ClipsServer::new(self.clone()))
            .add_service(v1::jobs_server::JobsServer::new(self.clone()))
            .add_service(v1::stems_server::StemsServer::new(self.clone()))
            .add_service(v1::sheets_server::SheetsServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    fn begin<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let key = request.metadata().get("authorization");
        if key.is_none_or(|key| key.to_str().is_ok_and(|key| key != format!("Bearer {KEY}"))) {
            return Err(Status::unauthenticated("unknown key"));
        }
        let mut state = self.state();
        state.calls += 1;
        state.refusals.pop_front().map_or(Ok(()), Err)
    }

    fn written(&self) -> v1::WriteClipResponse {
        let state = self.state();
        let complete = state.clip.len() == state.clip_bytes;
        v1::WriteClipResponse { committed_bytes: state.clip.len() as u64, complete }
    }
}

#[tonic::async_trait]
impl v1::account_server::Account for Double {
    async fn get(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        self.begin(&request)?;
        Ok(Response::new(v1::GetAccountResponse {
            name: "studio".into(),
            posted: 600,
            held: 100,
            buy_url: self.state().buy_url.clone(),
            ..Default::default()
        }))
    }

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Answer<v1::HistoryResponse> {
        self.begin(&request)?;
        Ok(Response::new(v1::HistoryResponse::default()))
    }
}

#[tonic::async_trait]
impl v1::clips_server::Clips for Double {
    async fn write(
        &self,
        request: Request<Streaming<v1::WriteClipRequest>>,
    ) -> Answer<v1::WriteClipResponse> {
        self.begin(&request)?;
        let mut stream = request.into_inner();
        let mut decoder = Decoder::new();
        let mut canonical = Vec::new();
        let mut named = None;
        while let Some(request) = stream.message().await? {
            let packet = request.packet.ok_or_else(|| Status::invalid_argument("no packet"))?;
            if named.is_none() {
                named = Some(request.sha256);
                self.state().write_offsets.push(packet.offset);
            }
            let encoding = Encoding::from_number(packet.encoding).unwrap();
            decoder
                .decode(encoding, packet.canonical_bytes as usize, &packet.payload, &mut canonical)
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
            let mut state = self.state();
            if state.stores_nothing || packet.offset != state.clip.len() as u64 {
                return Err(Status::aborted("not this packet"));
            }
            state.clip.extend_from_slice(&canonical);
            if let Some(status) = state.write_refusals.pop_front() {
                return Err(status);
            }
        }
        let written = self.written();
        if written.complete && Some(Bytes::copy_from_slice(&sha256(&self.state().clip).0)) != named {
            self.state().clip.clear();
            return Err(Status::data_loss("the clip"));
        }
        Ok(Response::new(written))
    }

    async fn query_write_status(
        &self,
        request: Request<v1::QueryWriteStatusRequest>,
    ) -> Answer<v1::WriteClipResponse> {
        self.begin(&request)?;
        Ok(Response::new(self.written()))
    }
}

#[tonic::async_trait]
impl v1::jobs_server::Jobs for Double {
    async fn quote(&self, request: Request<v1::QuoteRequest>) -> Answer<v1::QuoteResponse> {
        self.begin(&request)?;
        Err(Status::not_found("there is no model of that name"))
    }

    async fn create(&self, request: Request<v1::CreateJobRequest>) -> Answer<v1::Job> {
        self.begin(&request)?;
        let asked = request.into_inner();
        let state = v1::JobState::Uploading.into();
        Ok(Response::new(v1::Job { job_id: asked.job_id, state, clip: asked.clip, ..v1::Job::default() }))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        self.begin(&request)?;
        Err(Status::not_found("there is no such job"))
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        self.begin(&request)?;
        Ok(Response::new(v1::ListJobsResponse { jobs: vec![v1::Job::default()] }))
    }

    type WatchStream = Many<v1::Job>;

    async fn watch(&self, request: Request<v1::WatchJobRequest>) -> Answer<Self::WatchStream> {
        self.begin(&request)?;
        let mut state = self.state();
        state.watched_after.push(request.get_ref().after_seq);
        match state.news.pop_front() {
            Some(News::Jobs(jobs)) => Ok(Response::new(Box::pin(tokio_stream::iter(jobs).map(Ok)))),
            Some(News::Silence) => Ok(Response::new(Box::pin(tokio_stream::pending()))),
            Some(News::Refusal(status)) => Err(status),
            None => Err(Status::not_found("there is no such job")),
        }
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::Job> {
        self.begin(&request)?;
        Err(Status::not_found("there is no such job"))
    }

    async fn erase(&self, request: Request<v1::EraseJobRequest>) -> Answer<v1::Job> {
        self.begin(&request)?;
        Err(Status::failed_precondition("the job has not ended: cancel it first"))
    }
}

#[tonic::async_trait]
impl v1::stems_server::Stems for Double {
    type ReadStream = Many<v1::Packet>;

    async fn read(&self, request: Request<v1::ReadStemRequest>) -> Answer<Self::ReadStream> {
        self.begin(&request)?;
        let mut state = self.state();
        let from = request.get_ref().offset;
        state.read_offsets.push(from);
        if let Some(packet) = state.hostile.pop_front() {
            return Ok(Response::new(Box::pin(tokio_stream::once(Ok(packet)))));
        }
        let stem = if state.stems.len() > 1 { state.stems.pop_front() } else { state.stems.front().cloned() };
        let packets = packets(&stem.unwrap(), usize::try_from(from).unwrap());
        Ok(Response::new(Box::pin(tokio_stream::iter(packets).map(Ok))))
    }
}

#[tonic::async_trait]
impl v1::sheets_server::Sheets for Double {
    type ReadStream = Many<v1::SheetPiece>;

    async fn read(&self, request: Request<v1::ReadSheetRequest>) -> Answer<Self::ReadStream> {
        self.begin(&request)?;
        let pieces = self.state().sheets.pop_front();
        let pieces = pieces.ok_or_else(|| Status::not_found("the job has no such sheet"))?;
        let piece =
            |bytes: Result<Vec<u8>, Status>| bytes.map(|bytes| v1::SheetPiece { bytes: bytes.into() });
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces).map(piece))))
    }
}

fn packets(stem: &[u8], from: usize) -> Vec<v1::Packet> {
    let mut encoder = Encoder::new();
    let mut offset = from as u64;
    let pack = |canonical: &[u8]| {
        let (encoding, payload) = encoder.encode(Encoding::F32SplitZstd, canonical).unwrap();
        let canonical_bytes = u32::try_from(canonical.len()).unwrap();
        let encoding = encoding.number();
        let packet = v1::Packet { offset, encoding, canonical_bytes, payload: payload.into() };
        offset += u64::from(canonical_bytes);
        packet
    };
    stem[from..].chunks(PACKET_CANONICAL_BYTES_MAX).map(pack).collect()
}

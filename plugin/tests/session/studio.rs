//! A server in memory that does what a test wants: works or waits, answers or never, stands behind a line that can be
//! cut. Counts what it is told and what it takes.

use crate::till::Till;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use tributary_protocol::packet::{Decoder, Encoder, Encoding};
use tributary_protocol::v1;

pub(crate) const KEY: &str = "tk_known";
/// Credits of the account.
pub(crate) const CREDITS: u64 = 100;
/// How often a watcher looks.
const LOOK: Duration = Duration::from_millis(20);
const PACKET_BYTES: usize = 64 * 1024;

/// How far the server brings a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Calls are taken and never answered.
    Silent,
    /// Jobs are admitted; of clips only the first packet is taken.
    Admits,
    /// Clips are taken; jobs wait.
    Queues,
    /// Jobs run and stay at their third chunk.
    Runs,
    /// Jobs end well, and stems are not given out.
    Finishes,
    /// Everything.
    Works,
}

pub(crate) struct Known {
    pub(crate) job: v1::Job,
    pub(crate) clip: Vec<u8>,
    /// What came of each reference.
    pub(crate) references: Vec<Vec<u8>>,
}

impl Known {
    /// The clip or reference of this name, its length, and what came of it.
    fn sound(&mut self, name: &[u8]) -> Option<(usize, &mut Vec<u8>)> {
        if self.job.clip.as_ref().is_some_and(|clip| clip.sha256 == name) {
            return Some((clip_bytes(&self.job), &mut self.clip));
        }
        let found = self.job.references.iter().position(|clip| clip.sha256 == name)?;
        Some((bytes_of(&self.job.references[found]), &mut self.references[found]))
    }

    fn is_whole(&self) -> bool {
        let references = self.job.references.iter().zip(&self.references);
        self.clip.len() == clip_bytes(&self.job)
            && references.into_iter().all(|(clip, bytes)| bytes.len() == bytes_of(clip))
    }
}

type Look = Arc<dyn Fn(uuid::Uuid) + Send + Sync>;

pub(crate) struct State {
    pub(crate) jobs: BTreeMap<Vec<u8>, Known>,
    pub(crate) calls: Vec<&'static str>,
    pub(crate) failure: Option<String>,
    /// Called with a job's id when it is first heard of.
    pub(crate) on_create: Option<Look>,
    pub(crate) refusals: VecDeque<Status>,
    /// Sheets are given out with other bytes than promised.
    pub(crate) has_wrong_sheets: bool,
    /// Its pages and its shop.
    pub(crate) till: Till,
    /// Called with a purchase's id when it is first heard of.
    pub(crate) on_buy: Option<Look>,
}

#[derive(Clone)]
pub(crate) struct Studio {
    state: Arc<Mutex<State>>,
    pace: watch::Sender<Pace>,
}

type Answer<T> = Result<Response<T>, Status>;
type Many<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Studio {
    pub(crate) fn new(pace: Pace) -> Self {
        let state = State {
            jobs: BTreeMap::new(),
            calls: Vec::new(),
            failure: None,
            on_create: None,
            refusals: VecDeque::new(),
            has_wrong_sheets: false,
            till: Till::default(),
            on_buy: None,
        };
        Self { state: Arc::new(Mutex::new(state)), pace: watch::Sender::new(pace) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        self.pace.send_replace(pace);
    }

    pub(crate) fn count(&self, call: &str) -> usize {
        self.state().calls.iter().filter(|made| **made == call).count()
    }

    pub(crate) async fn serve(&self, tls: Option<Identity>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::builder();
        if let Some(identity) = tls {
            server = server.tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
        }
        let router = server
            .add_service(v1::account_server::AccountServer::new(self.clone()))
            .add_service(v1::sign_in_server::SignInServer::new(self.clone()))
            .add_service(v1::shop_server::ShopServer::new(self.clone()))
            .add_service(v1::models_server::ModelsServer::new(self.clone()))
            .add_service(v1::clips_server::ClipsServer::new(self.clone()))
            .add_service(v1::jobs_server::JobsServer::new(self.clone()))
            .add_service(v1::stems_server::StemsServer::new(self.clone()))
            .add_service(v1::sheets_server::SheetsServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    async fn begin<T>(&self, call: &'static str, request: &Request<T>) -> Result<(), Status> {
        let mut pace = self.pace.subscribe();
        let _ = pace.wait_for(|pace| *pace != Pace::Silent).await;
        let key = request.metadata().get("authorization");
        if key.is_none_or(|key| key.to_str().map_or(true, |key| key != format!("Bearer {KEY}"))) {
            return Err(Status::unauthenticated("unknown key"));
        }
        let mut state = self.state();
        state.calls.push(call);
        state.refusals.pop_front().map_or(Ok(()), Err)
    }

    fn pace(&self) -> Pace {
        *self.pace.borrow()
    }

    /// The job as it is now.
    fn job(&self, id: &[u8]) -> Result<v1::Job, Status> {
        let pace = self.pace();
        let mut state = self.state();
        let failure = state.failure.clone();
        let known = state.jobs.get_mut(id).ok_or_else(|| Status::not_found("there is no such job"))?;
        let is_whole = known.is_whole();
        let job = &mut known.job;
        let bytes = clip_bytes(job);
        if !is_over(job) && is_whole {
            let next = match (failure, pace) {
                (Some(failure), _) => {
                    (job.failure, job.credits_released) = (failure, job.credits_held);
                    v1::JobState::Failed
                }
                (None, Pace::Finishes | Pace::Works) => {
                    job.credits_captured = job.credits_held;
                    let stem = |name: &String| v1::StemInfo {
                        name: name.clone(),
                        sha256: sha256(&stem(&known.clip, name)),
                        bytes: bytes as u64,
                    };
                    job.stems = job.stem_names.iter().map(stem).collect();
                    let sheet = |name: &&str| v1::SheetInfo {
                        name: (*name).to_owned(),
                        sha256: sha256(sheet(name).as_bytes()),
                        bytes: sheet(name).len() as u64,
                    };
                    job.sheets = sheets_of(&job.model).iter().map(sheet).collect();
                    (job.chunks_done, job.chunks) = (5, 5);
                    v1::JobState::Done
                }
                (None, Pace::Runs) => {
                    (job.chunks_done, job.chunks) = (3, 5);
                    v1::JobState::Running
                }
                _ => v1::JobState::Queued,
            };
            if job.state != i32::from(next) {
                job.state = next.into();
                job.seq += 1;
            }
        }
        Ok(job.clone())
    }
}

fn is_over(job: &v1::Job) -> bool {
    !matches!(job.state(), v1::JobState::Uploading | v1::JobState::Queued | v1::JobState::Running)
}

fn clip_bytes(job: &v1::Job) -> usize {
    bytes_of(job.clip.as_ref().unwrap())
}

fn bytes_of(clip: &v1::ClipHeader) -> usize {
    usize::try_from(clip.frames * u64::from(clip.channels) * 4).unwrap()
}

fn sha256(bytes: &[u8]) -> Bytes {
    use sha2::Digest;
    Bytes::copy_from_slice(&sha2::Sha256::digest(bytes))
}

fn sheets_of(model: &str) -> &'static [&'static str] {
    match model {
        "notes" => &["notes.mid", "analysis.json"],
        "loud" => &["report.json"],
        _ => &[],
    }
}

/// What a sheet says.
fn sheet(name: &str) -> &'static str {
    match name {
        "notes.mid" => "MThd and so on",
        "analysis.json" => {
            r#"{"tempo":{"bpm":120.0},"key":{"name":"C major","confidence":0.5},
                "notes":[{"start_seconds":0.1,"end_seconds":0.6,"pitch":60,"velocity":100,"confidence":0.9}]}"#
        }
        _ => r#"{"before":{"integrated_lufs":-20.0},"after":{"integrated_lufs":-14.0}}"#,
    }
}

/// What the "model" makes: `half` is half of the clip, and so is every other stem.
fn stem(clip: &[u8], _name: &str) -> Vec<u8> {
    clip.as_chunks::<4>()
        .0
        .iter()
        .flat_map(|bytes| (f32::from_le_bytes(*bytes) * 0.5).to_le_bytes())
        .collect()
}

#[tonic::async_trait]
impl v1::account_server::Account for Studio {
    async fn get(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        self.begin("account", &request).await?;
        let state = self.state();
        let sum =
            |credits: fn(&v1::Job) -> u64| state.jobs.values().map(|known| credits(&known.job)).sum::<u64>();
        let posted = CREDITS - sum(|job| job.credits_captured);
        let held = sum(|job| if is_over(job) { 0 } else { job.credits_held });
        let buy_url = "https://stems.example.org/buy".to_owned();
        let rights = vec!["read".to_owned(), "run".to_owned(), "buy".to_owned()];
        let name = "studio".to_owned();
        Ok(Response::new(v1::GetAccountResponse {
            name,
            posted,
            held,
            buy_url,
            rights,
            ..Default::default()
        }))
    }

    async fn history(&self, _: Request<v1::HistoryRequest>) -> Answer<v1::HistoryResponse> {
        Ok(Response::new(v1::HistoryResponse::default()))
    }
}

#[tonic::async_trait]
impl v1::models_server::Models for Studio {
    async fn list(&self, request: Request<v1::ListModelsRequest>) -> Answer<v1::ListModelsResponse> {
        self.begin("models", &request).await?;
        let model = v1::Model {
            name: "mini".into(),
            task: "separate".into(),
            grade: "standard".into(),
            stems: vec!["half".into(), "other".into()],
            credits_per_minute: 3,
            version: "v7".into(),
            ..v1::Model::default()
        };
        let control = v1::Control {
            name: "target_lufs".into(),
            kind: Some(v1::control::Kind::Number(v1::NumberControl {
                min: -30.0,
                max: -6.0,
                step: 0.5,
                default: -14.0,
                unit: "LUFS".into(),
            })),
            ..v1::Control::default()
        };
        let service = |name: &str, task: &str, stems: &[&str]| v1::Model {
            name: name.into(),
            task: task.into(),
            stems: stems.iter().map(|stem| (*stem).to_owned()).collect(),
            controls: vec![control.clone()],
            references_max: 2,
            sheets: sheets_of(name).iter().map(|sheet| (*sheet).to_owned()).collect(),
            ..model.clone()
        };
        let models = vec![
            model.clone(),
            service("voice", "enhance", &["speech", "noise"]),
            service("notes", "transcribe", &[]),
            service("loud", "master", &["master"]),
        ];
        let limits = v1::Limits { clip_seconds_max: 600, channels_max: 2, ..v1::Limits::default() };
        Ok(Response::new(v1::ListModelsResponse { models, limits: Some(limits) }))
    }
}

#[tonic::async_trait]
impl v1::jobs_server::Jobs for Studio {
    async fn quote(&self, request: Request<v1::QuoteRequest>) -> Answer<v1::QuoteResponse> {
        self.begin("quote", &request).await?;
        Ok(Response::new(v1::QuoteResponse { credits: 3, available: CREDITS, reason: "3 a minute".into() }))
    }

    async fn create(&self, request: Request<v1::CreateJobRequest>) -> Answer<v1::Job> {
        let look = self.state().on_create.clone();
        if let Some(look) = look {
            look(uuid::Uuid::from_slice(&request.get_ref().job_id).unwrap());
        }
        self.begin("create", &request).await?;
        let asked = request.into_inner();
        let id = asked.job_id.to_vec();
        let job = v1::Job {
            job_id: asked.job_id,
            state: v1::JobState::Uploading.into(),
            model: asked.model,
            title: asked.title,
            clip: asked.clip,
            seq: 1,
            credits_held: 3,
            stem_names: asked.stems,
            settings: asked.settings,
            references: asked.references,
            ..v1::Job::default()
        };
        let references = vec![Vec::new(); job.references.len()];
        self.state().jobs.entry(id.clone()).or_insert(Known { job, clip: Vec::new(), references });
        Ok(Response::new(self.job(&id)?))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        self.begin("get", &request).await?;
        Ok(Response::new(self.job(&request.get_ref().job_id)?))
    }

    async fn list(&self, _: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        Ok(Response::new(v1::ListJobsResponse::default()))
    }

    type WatchStream = Many<v1::Job>;

    async fn watch(&self, request: Request<v1::WatchJobRequest>) -> Answer<Self::WatchStream> {
        self.begin("watch", &request).await?;
        let id = request.into_inner().job_id.to_vec();
        let first = self.job(&id)?;
        let (studio, mut pace) = (self.clone(), self.pace.subscribe());
        let (told, news) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            let mut last = first;
            while told.send(Ok(last.clone())).await.is_ok() && !is_over(&last) {
                // Jobs change when the pace does, and when others upload or cancel.
                let changed = tokio::time::timeout(LOOK, pace.changed());
                tokio::select! {
                    _ = changed => {}
                    () = told.closed() => return,
                }
                match studio.job(&id) {
                    Ok(job) => last = job,
                    Err(_) => return,
                }
            }
        });
        Ok(Response::new(Box::pin(tokio_stream::wrappers::ReceiverStream::new(news))))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::Job> {
        self.begin("cancel", &request).await?;
        let id = request.into_inner().job_id.to_vec();
        let mut state = self.state();
        let known = state.jobs.get_mut(&id).ok_or_else(|| Status::not_found("there is no such job"))?;
        if !is_over(&known.job) {
            known.job.state = v1::JobState::Cancelled.into();
            known.job.seq += 1;
            known.job.credits_released = known.job.credits_held;
        }
        Ok(Response::new(known.job.clone()))
    }

    async fn erase(&self, request: Request<v1::EraseJobRequest>) -> Answer<v1::Job> {
        self.begin("erase", &request).await?;
        let id = request.into_inner().job_id.to_vec();
        let mut state = self.state();
        let known = state.jobs.get_mut(&id).ok_or_else(|| Status::not_found("there is no such job"))?;
        if !is_over(&known.job) {
            return Err(Status::failed_precondition("the job has not ended: cancel it first"));
        }
        known.job.erased = true;
        known.job.stems.clear();
        known.job.sheets.clear();
        Ok(Response::new(known.job.clone()))
    }
}

#[tonic::async_trait]
impl v1::clips_server::Clips for Studio {
    async fn write(
        &self,
        request: Request<Streaming<v1::WriteClipRequest>>,
    ) -> Answer<v1::WriteClipResponse> {
        self.begin("write", &request).await?;
        let mut stream = request.into_inner();
        let (mut decoder, mut canonical, mut name) = (Decoder::new(), Vec::new(), Bytes::new());
        while let Some(request) = stream.message().await? {
            if !request.sha256.is_empty() {
                name = request.sha256.clone();
            }
            let packet = request.packet.unwrap();
            let encoding = Encoding::from_number(packet.encoding).unwrap();
            decoder
                .decode(encoding, packet.canonical_bytes as usize, &packet.payload, &mut canonical)
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
            {
                let mut state = self.state();
                let waiting = state.jobs.values_mut().filter(|known| !is_over(&known.job));
                let sound = waiting.filter_map(|known| known.sound(&name)).next();
                let (_, sound) = sound.ok_or_else(|| Status::not_found("no job waits for this clip"))?;
                if packet.offset != sound.len() as u64 {
                    return Err(Status::aborted("not this packet"));
                }
                sound.extend_from_slice(&canonical);
            }
            let mut pace = self.pace.subscribe();
            let _ = pace.wait_for(|pace| *pace > Pace::Admits).await;
        }
        Ok(Response::new(self.written(&name)?))
    }

    async fn query_write_status(
        &self,
        request: Request<v1::QueryWriteStatusRequest>,
    ) -> Answer<v1::WriteClipResponse> {
        self.begin("status", &request).await?;
        Ok(Response::new(self.written(&request.get_ref().sha256)?))
    }
}

impl Studio {
    fn written(&self, name: &[u8]) -> Result<v1::WriteClipResponse, Status> {
        let mut state = self.state();
        let waiting = state.jobs.values_mut().filter(|known| !is_over(&known.job));
        let sound = waiting.filter_map(|known| known.sound(name)).next();
        let (bytes, sound) = sound.ok_or_else(|| Status::not_found("no job waits for this clip"))?;
        Ok(v1::WriteClipResponse { committed_bytes: sound.len() as u64, complete: sound.len() == bytes })
    }
}

#[tonic::async_trait]
impl v1::sheets_server::Sheets for Studio {
    type ReadStream = Many<v1::SheetPiece>;

    async fn read(&self, request: Request<v1::ReadSheetRequest>) -> Answer<Self::ReadStream> {
        self.begin("sheet", &request).await?;
        let mut text = sheet(&request.get_ref().sheet).to_owned();
        if self.state().has_wrong_sheets {
            text = text.replace('1', "7").replace("MThd", "MTrk");
        }
        let halves = text.as_bytes().chunks(text.len() / 2 + 1).map(Bytes::copy_from_slice);
        let pieces: Vec<_> = halves.map(|bytes| Ok(v1::SheetPiece { bytes })).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces).map(|piece| piece))))
    }
}

#[tonic::async_trait]
impl v1::stems_server::Stems for Studio {
    type ReadStream = Many<v1::Packet>;

    async fn read(&self, request: Request<v1::ReadStemRequest>) -> Answer<Self::ReadStream> {
        self.begin("read", &request).await?;
        let mut pace = self.pace.subscribe();
        let _ = pace.wait_for(|pace| *pace == Pace::Works).await;
        let asked = request.into_inner();
        let stem = {
            let state = self.state();
            let known = state.jobs.get(&asked.job_id.to_vec());
            stem(&known.ok_or_else(|| Status::not_found("there is no such job"))?.clip, &asked.stem)
        };
        let mut encoder = Encoder::new();
        let mut offset = asked.offset;
        let packets: Vec<_> = stem[usize::try_from(offset).unwrap()..]
            .chunks(PACKET_BYTES)
            .map(|canonical| {
                let (encoding, payload) = encoder.encode(Encoding::F32SplitZstd, canonical).unwrap();
                let canonical_bytes = u32::try_from(canonical.len()).unwrap();
                let encoding = encoding.number();
                let packet = v1::Packet { offset, encoding, canonical_bytes, payload: payload.into() };
                offset += u64::from(canonical_bytes);
                Ok(packet)
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(packets).map(|packet| packet))))
    }
}

/// A line to a server that can be cut: then all connections end, and new ones are closed at once.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    is_whole: watch::Sender<bool>,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_whole = watch::Sender::new(true);
        let state = is_whole.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut state = state.subscribe();
                tokio::spawn(async move {
                    let carry = async {
                        let mut far = TcpStream::connect(server).await?;
                        tokio::io::copy_bidirectional(&mut near, &mut far).await
                    };
                    tokio::select! {
                        _ = state.wait_for(|is_whole| !is_whole) => {}
                        _ = carry => {}
                    }
                });
            }
        });
        Self { address, is_whole }
    }

    pub(crate) fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

//! Admission to artifact: the Tributary server.
//!
//! Data flows one way: an edge ([`grpc`], [`http`]) translates a request, the domain ([`admission`], [`job`],
//! [`ledger`]) decides, a port ([`store`], [`queue`], [`artifacts`], [`progress`]) keeps, the [`worker`] claims what
//! is queued, the [`device`] runs chunks of many jobs in batches, and the store settles each job exactly once.
//!
//! [`start`] puts all of it into the calling process, [`start_edges`] and [`start_worker`] share it between processes;
//! `tributary serve`, `tributary worker` and the tests use nothing else.

#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![deny(clippy::disallowed_methods)]
#![expect(clippy::duplicate_mod, reason = "one text of SQL for both databases: see store/shared")]

pub mod address;
pub mod admission;
pub mod api;
pub mod artifacts;
pub mod auth;
pub mod billing;
pub mod canonical;
pub mod cashier;
pub mod cli;
pub mod clock;
pub mod config;
pub mod courier;
pub mod data;
pub mod desk;
pub mod device;
pub mod embed;
pub mod farewell;
pub mod grpc;
pub mod http;
pub mod job;
pub mod ledger;
pub mod mail;
pub mod margin;
pub mod offer;
pub mod pages;
pub mod people;
pub mod progress;
pub mod queue;
pub mod quote;
pub mod reaper;
pub mod relay;
pub mod report;
pub mod role;
pub mod roster;
pub mod settings;
pub mod shelf;
pub mod sign_in;
pub mod statement;
pub mod steps;
pub mod store;
pub mod team;
pub mod tenant;
pub mod throttle;
pub mod tls;
pub mod upload;
pub mod webhook;
pub mod welcome;
pub mod widget;
pub mod worker;

mod crew;
mod wiring;

pub use wiring::{Around, Parts};

use config::Config;
use crew::{Crew, Signs};
use data::{DataError, DataFolder, LocalFile};
use role::Role;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::{Store, StoreError};
use tls::{OwnCertificate, TlsError};
use tokio::net::TcpListener;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The key of the payment service cannot be used.
    #[error("`payments.stripe_key` or `payments.stripe_url` cannot be used")]
    Payments(#[source] tributary_stripe::SetupError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Store(#[from] StoreError),
    /// The folder of clips and stems cannot be used.
    #[error("cannot open the folder of clips and stems")]
    Artifacts(#[from] artifacts::ArtifactError),
    /// The folder of partial uploads cannot be used.
    #[error("cannot open the folder of uploads")]
    Uploads(#[from] upload::UploadError),
    /// A model with a price is not installed.
    #[error("the price list cannot be used")]
    Model(#[from] tributary_models::ModelError),
    /// The engine or the device that the configuration names is not there.
    #[error("`device.engine` and `device.kind` in the configuration ask for what is not there")]
    Engine(#[source] tributary_models::ModelError),
    /// Letters cannot be sent.
    #[error("letters cannot be sent")]
    Mail(#[from] mail::MailSetupError),
    /// No memory for passwords.
    #[error("passwords cannot be hashed")]
    Passwords(#[from] auth::password::HashError),
    /// The logo cannot be used.
    #[error("cannot use the logo {path}")]
    Logo {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; is another server running? Choose another with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot serve with TLS")]
    Tls(#[from] TlsError),
    /// The device thread did not start.
    #[error("cannot start the device's thread")]
    Device {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A process of its own for edges or worker, on a database that only one process can use.
    #[error(
        "a worker of its own, and a server without one, need a PostgreSQL database: SQLite's file has one server. \
         Name it as `database` in the configuration, or run `tributary serve` alone"
    )]
    OneServer,
    /// The metrics recorder did not start.
    #[error("cannot record metrics: {0}")]
    Metrics(String),
}

/// A server at work.
pub struct Running {
    /// Where gRPC listens.
    pub grpc: SocketAddr,
    /// Where /healthz and /metrics listen.
    pub http: SocketAddr,
    /// Where the developer API listens; none where it does not.
    pub api: Option<SocketAddr>,
    /// Where the web pages listen.
    pub pages: SocketAddr,
    /// Address for clients on this machine.
    pub address: String,
    /// Key of the local account.
    pub key: String,
    /// The certificate the server made for itself, if any.
    pub certificate: Option<OwnCertificate>,
    /// The truth, for operators and tests.
    pub store: Arc<dyn Store>,
    health: tonic_health::server::HealthReporter,
    crew: Crew,
}

/// A worker at work, in a process without edges for clients.
pub struct WorkerRunning {
    /// Where /healthz and /metrics listen.
    pub http: SocketAddr,
    /// The truth, for operators and tests.
    pub store: Arc<dyn Store>,
    crew: Crew,
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |cause| StartError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Starts a whole server in this process: edges, worker, reaper, device. Returns when clients can connect.
///
/// # Errors
/// Where the data folder is in use, an address taken, or a part cannot be opened; nothing is left running.
pub async fn start(config: Config, data: &Path, parts: Parts) -> Result<Running, StartError> {
    start_as(Role::Whole, config, data, parts).await
}

/// The same without worker and device: other processes of the database run the jobs.
///
/// # Errors
/// As [`start`]; `OneServer` where the database is a file of SQLite's.
pub async fn start_edges(config: Config, data: &Path, parts: Parts) -> Result<Running, StartError> {
    start_as(Role::Edges, config, data, parts).await
}

async fn start_as(role: Role, config: Config, data: &Path, parts: Parts) -> Result<Running, StartError> {
    let data = DataFolder::open(data)?;
    let locks = data.lock(role)?;
    let (tls, certificate) = tls::load(&config, &data)?;
    let (grpc_listener, grpc) = listen(config.listen).await?;
    let (http_listener, http) = listen(config.listen_http).await?;
    let api_listener = match config.api.address() {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let (pages_listener, pages_address) = listen(config.pages.listen).await?;
    let signs = Signs::new();
    let clock = Arc::clone(&parts.clock);
    let [grpc_tls, pages_tls, api_tls] = [
        config.grpc_has_tls(),
        config.pages_have_tls(),
        // A certificate that the server made for itself is known to clients of gRPC, and browsers ask; programs do not.
        config.tls.is_some(),
    ]
    .map(|has| tls.clone().filter(|_| has));
    // The certificate a server makes for itself names localhost.
    let address = match &grpc_tls {
        Some(_) => format!("https://localhost:{}", grpc.port()),
        None => format!("http://{grpc}"),
    };
    let places = wiring::Places { pages: pages_address, grpc_url: address.clone() };
    let wired = wiring::wire(role, Some(places), &config, &data, parts, &signs.drain).await?;
    let key = data.first_account(wired.store.as_ref(), config.first_credits, clock.now()).await?;
    let local_certificate = certificate.as_ref().filter(|_| grpc_tls.is_some()).map(|own| own.path.clone());
    data.write_local(&LocalFile {
        server: address.clone(),
        key: key.clone(),
        certificate: local_certificate,
        pages: Some(config.pages_url(pages_address)),
    })?;
    let health = tonic_health::server::HealthReporter::new();
    health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let (store, edge) = (Arc::clone(&wired.store), Arc::clone(&wired.grpc));
    let served = grpc::serve(edge, grpc_listener, grpc_tls, health.clone(), signs.stop.clone());
    let pages = wired.pages.map(|edge| pages::serve(edge, pages_listener, pages_tls, signs.stop.clone()));
    let api_address = api_listener.as_ref().map(|(_, bound)| *bound);
    let stop = signs.stop.clone();
    let api =
        wired.api.zip(api_listener).map(|(edge, (listener, _))| api::serve(edge, listener, api_tls, stop));
    let mut crew = Crew::begin(wired.hands, signs, http_listener, locks);
    crew.serve("gRPC", served);
    if let Some(served) = pages {
        crew.serve("the web pages", served);
    }
    if let Some(served) = api {
        crew.serve("the API", served);
    }
    let (pages, api) = (pages_address, api_address);
    Ok(Running { grpc, http, pages, api, address, key, certificate, store, health, crew })
}

/// Starts a worker in this process: it claims, runs and settles jobs that servers of the same database took, and ends
/// what was abandoned, but takes none itself. Returns when it works.
///
/// # Errors
/// As [`start_edges`].
pub async fn start_worker(config: Config, data: &Path, parts: Parts) -> Result<WorkerRunning, StartError> {
    let data = DataFolder::open(data)?;
    let locks = data.lock(Role::Worker)?;
    let (listener, http) = listen(config.worker.listen_http).await?;
    let signs = Signs::new();
    let wired = wiring::wire(Role::Worker, None, &config, &data, parts, &signs.drain).await?;
    let store = Arc::clone(&wired.store);
    Ok(WorkerRunning { http, store, crew: Crew::begin(wired.hands, signs, listener, locks) })
}

impl Running {
    /// Goes down without losing anything: says "not serving", takes no new jobs, stops running jobs at the end of
    /// their chunk and gives them back to the queue, then closes.
    pub async fn drain(self) {
        self.health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        self.crew.drain().await;
    }
}

impl WorkerRunning {
    /// Goes down as a server does: running jobs stop at the end of their chunk and go back to the queue.
    pub async fn drain(self) {
        self.crew.drain().await;
    }
}

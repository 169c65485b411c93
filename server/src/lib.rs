//! Admission to artifact: the Tributary server.
//!
//! Data flows one way: an edge ([`grpc`], [`http`]) translates a request, the domain ([`admission`], [`job`],
//! [`ledger`]) decides, a port ([`store`], [`queue`], [`artifacts`], [`progress`]) keeps, the [`worker`] claims what
//! is queued, the [`device`] runs chunks of many jobs in batches, and the store settles each job exactly once.
//!
//! [`start`] puts all of it into the calling process; `tributary serve` and the tests use nothing else.

#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![deny(clippy::disallowed_methods)]

pub mod admission;
pub mod artifacts;
pub mod auth;
pub mod billing;
pub mod cashier;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data;
pub mod device;
pub mod grpc;
pub mod http;
pub mod job;
pub mod ledger;
pub mod offer;
pub mod people;
pub mod progress;
pub mod queue;
pub mod quote;
pub mod reaper;
pub mod relay;
pub mod report;
pub mod settings;
pub mod shelf;
pub mod steps;
pub mod store;
pub mod tenant;
pub mod tls;
pub mod upload;
pub mod worker;

mod wiring;

pub use wiring::{Around, Parts};

use config::Config;
use data::{DataError, DataFolder, LocalFile};
use device::Device;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::{Store, StoreError};
use tls::{OwnCertificate, TlsError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
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
    /// Address for clients on this machine.
    pub address: String,
    /// Key of the local account.
    pub key: String,
    /// The certificate the server made for itself, if any.
    pub certificate: Option<OwnCertificate>,
    /// The truth, for operators and tests.
    pub store: Arc<dyn Store>,
    drain: CancellationToken,
    stop: CancellationToken,
    health: tonic_health::server::HealthReporter,
    worker: JoinHandle<()>,
    reaper: JoinHandle<()>,
    relay: Option<JoinHandle<()>>,
    edges: Vec<JoinHandle<()>>,
    device: Device,
    _lock: File,
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
    let data = DataFolder::open(data)?;
    let lock = data.lock()?;
    let (tls, certificate) = tls::load(&config, &data)?;
    let (grpc_listener, grpc) = listen(config.listen).await?;
    let (http_listener, http) = listen(config.listen_http).await?;
    let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
    let clock = Arc::clone(&parts.clock);
    let wired = wiring::wire(&config, &data, parts, &drain).await?;
    let key = data.first_account(wired.store.as_ref(), config.first_credits, clock.now()).await?;
    // The certificate a server makes for itself names localhost.
    let address = match &tls {
        Some(_) => format!("https://localhost:{}", grpc.port()),
        None => format!("http://{grpc}"),
    };
    let local_certificate = certificate.as_ref().map(|own| own.path.clone());
    data.write_local(&LocalFile {
        server: address.clone(),
        key: key.clone(),
        certificate: local_certificate,
    })?;
    let health = tonic_health::server::HealthReporter::new();
    health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let grpc_served = grpc::serve(wired.grpc, grpc_listener, tls, health.clone(), stop.clone());
    let http_served = http::serve(wired.http, http_listener, stop.clone());
    let edges = vec![
        tokio::spawn(async move {
            if let Err(error) = grpc_served.await {
                tracing::error!(error = &error as &dyn std::error::Error, "gRPC ended");
            }
        }),
        tokio::spawn(async move {
            if let Err(error) = http_served.await {
                tracing::error!(error = &error as &dyn std::error::Error, "HTTP ended");
            }
        }),
    ];
    Ok(Running {
        grpc,
        http,
        address,
        key,
        certificate,
        store: wired.store,
        worker: tokio::spawn(wired.worker.work(drain.clone())),
        reaper: tokio::spawn(wired.reaper.work(drain.clone())),
        relay: wired.relay.map(tokio::spawn),
        edges,
        device: wired.device,
        drain,
        stop,
        health,
        _lock: lock,
    })
}

impl Running {
    /// Goes down without losing anything: says "not serving", takes no new jobs, stops running jobs at the end of
    /// their chunk and gives them back to the queue, then closes.
    pub async fn drain(self) {
        self.health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        self.drain.cancel();
        let _ = self.worker.await;
        let _ = self.reaper.await;
        if let Some(relay) = self.relay {
            relay.abort();
        }
        self.stop.cancel();
        for edge in self.edges {
            // A client that keeps its connection open must not keep the server.
            let abort = edge.abort_handle();
            if tokio::time::timeout(std::time::Duration::from_secs(3), edge).await.is_err() {
                abort.abort();
            }
        }
        let device = self.device;
        let _ = tokio::task::spawn_blocking(move || device.shutdown()).await;
    }
}

//! What works in one process, and how it goes down: nothing is lost, and nothing waits for ever.

use crate::cashier::Cashier;
use crate::courier::Courier;
use crate::device::Device;
use crate::http;
use crate::mail::post::Post;
use crate::reaper::Reaper;
use crate::roster::Roster;
use crate::worker::Worker;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A client that keeps its connection open keeps the process no longer than this.
const EDGE_PATIENCE: Duration = Duration::from_secs(3);

/// Runs until the process drains.
pub(crate) type Relay = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything in a process that works by itself, not yet at work.
pub(crate) struct Hands {
    pub(crate) http: http::Edge,
    /// The worker and its device; none where this process runs no jobs.
    pub(crate) bench: Option<(Arc<Worker>, Device)>,
    pub(crate) reaper: Arc<Reaper>,
    /// What this process says of itself to others of the database; none where there are none.
    pub(crate) roster: Option<Arc<Roster>>,
    /// What other servers of the database do; none where there are none.
    pub(crate) relay: Option<Relay>,
    /// Who sells credits; none where only the operator grants them.
    pub(crate) cashier: Option<Arc<Cashier>>,
    /// Who tells customers.
    pub(crate) courier: Option<Arc<Courier>>,
    /// Letters that have to leave before the process does; none where there are no pages.
    pub(crate) post: Option<Post>,
}

/// The parts at work.
pub(crate) struct Crew {
    drain: CancellationToken,
    stop: CancellationToken,
    /// Ends by itself when the process drains.
    loops: Vec<JoinHandle<()>>,
    relay: Option<JoinHandle<()>>,
    edges: Vec<JoinHandle<()>>,
    device: Option<Device>,
    _locks: Vec<File>,
}

/// How a process is told to go down, in two steps.
pub(crate) struct Signs {
    /// Set when the process shall take nothing new.
    pub(crate) drain: CancellationToken,
    /// Set when the edges shall close.
    pub(crate) stop: CancellationToken,
}

impl Signs {
    pub(crate) fn new() -> Self {
        Self { drain: CancellationToken::new(), stop: CancellationToken::new() }
    }
}

impl Crew {
    /// Everything but gRPC begins to work.
    pub(crate) fn begin(hands: Hands, signs: Signs, listener: TcpListener, locks: Vec<File>) -> Self {
        let Signs { drain, stop } = signs;
        let Hands { http, bench, reaper, roster, relay, cashier, courier, post } = hands;
        let mut loops = vec![tokio::spawn(reaper.work(drain.clone()))];
        loops.extend(roster.map(|roster| tokio::spawn(roster.work(drain.clone()))));
        loops.extend(cashier.map(|cashier| tokio::spawn(cashier.work(drain.clone()))));
        loops.extend(courier.map(|courier| tokio::spawn(courier.work(drain.clone()))));
        loops.extend(post.map(|post| {
            let drain = drain.clone();
            tokio::spawn(async move {
                drain.cancelled().await;
                post.drain().await;
            })
        }));
        let device = bench.map(|(worker, device)| {
            loops.push(tokio::spawn(worker.work(drain.clone())));
            device
        });
        let mut crew = Self {
            loops,
            relay: relay.map(tokio::spawn),
            edges: Vec::new(),
            device,
            drain,
            stop: stop.clone(),
            _locks: locks,
        };
        crew.serve("HTTP", http::serve(http, listener, stop));
        crew
    }

    /// One more edge; it ends when told to stop.
    pub(crate) fn serve<E: std::error::Error + Send + 'static>(
        &mut self,
        name: &'static str,
        edge: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.edges.push(tokio::spawn(async move {
            if let Err(error) = edge.await {
                tracing::error!(error = &error as &dyn std::error::Error, "{name} ended");
            }
        }));
    }

    /// Takes nothing new, stops running jobs at the end of their chunk and gives them back to the queue, then closes.
    pub(crate) async fn drain(self) {
        self.drain.cancel();
        for task in self.loops {
            let _ = task.await;
        }
        if let Some(relay) = self.relay {
            relay.abort();
        }
        self.stop.cancel();
        for edge in self.edges {
            let abort = edge.abort_handle();
            if tokio::time::timeout(EDGE_PATIENCE, edge).await.is_err() {
                abort.abort();
            }
        }
        if let Some(device) = self.device {
            let _ = tokio::task::spawn_blocking(move || device.shutdown()).await;
        }
    }
}

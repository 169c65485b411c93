//! The only place that picks adapters and puts the parts together. Nobody imports it but `lib.rs`.

mod pages;
mod recorder;

use crate::StartError;
use crate::admission::{Admissions, QueueRoom};
use crate::artifacts::Artifacts;
use crate::artifacts::disk::DiskArtifacts;
use crate::auth::Auth;
use crate::cashier::Cashier;
use crate::clock::{Clock, SteadyClock, SystemClock};
use crate::config::{Config, DeviceConfig};
use crate::courier::Courier;
use crate::courier::alarm::Alarm;
use crate::courier::endpoints::Endpoints;
use crate::courier::wire::Wire;
use crate::crew::{Hands, Relay};
use crate::data::{DataError, DataFolder};
use crate::desk::{Desk, Rooms};
use crate::device::health::Wanted;
use crate::device::memory::{CardMemory, ProcessMemory};
use crate::device::{Device, DeviceOptions, MemoryGauge};
use crate::grpc::Gate;
use crate::http::limits::Door;
use crate::mail::post::Post;
use crate::offer::Offers;
use crate::progress::{LocalProgress, Progress};
use crate::queue::{LocalQueue, Queue};
use crate::reaper::Reaper;
use crate::role::Role;
use crate::roster::{Entry, Roster};
use crate::sign_in::SignIn;
use crate::steps::{LoggedSteps, SharedSteps};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::address::Addresses;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::throttle::Throttle;
use crate::throttle::proxy::Proxies;
use crate::upload::Uploads;
use crate::worker::stop::Running;
use crate::worker::{Worker, foreign};
pub(crate) use pages::Places;
use pages::{Built, Shared};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tributary_models::catalog::Catalog;
use tributary_models::{Pipeline, SessionOptions};
use tributary_stripe::Stripe;

/// What a caller may bring along instead of the default; tests bring their own.
#[derive(Clone)]
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told of a job's steps.
    pub steps: SharedSteps,
    /// Puts something around every pipeline: a device that runs out of memory, say.
    pub around: Around,
}

/// A pipeline for a pipeline.
pub type Around = Arc<dyn Fn(Arc<dyn Pipeline>) -> Arc<dyn Pipeline> + Send + Sync>;

impl Default for Parts {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), steps: Arc::new(LoggedSteps), around: Arc::new(|bare| bare) }
    }
}

/// All parts of one process, put together and not yet running.
pub(crate) struct Wired {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) grpc: Arc<crate::grpc::Edge>,
    /// None in a process without edges.
    pub(crate) api: Option<crate::api::Edge>,
    /// As above.
    pub(crate) pages: Option<crate::pages::Edge>,
    pub(crate) hands: Hands,
}

/// Every port with the adapter this deployment uses.
struct Ports {
    store: Arc<dyn Store>,
    artifacts: Arc<dyn Artifacts>,
    uploads: Arc<Uploads>,
    queue: Arc<dyn Queue>,
    progress: Arc<dyn Progress>,
    /// Jobs of this process's worker.
    running: Arc<Running>,
}

impl Ports {
    async fn open(config: &Config, data: &DataFolder) -> Result<Self, StartError> {
        let files = data.files(config)?;
        let artifacts: Arc<dyn Artifacts> = Arc::new(DiskArtifacts::open(&files.artifacts())?);
        Ok(Self {
            store: store(config, data).await?,
            uploads: Arc::new(Uploads::open(&files.uploads(), Arc::clone(&artifacts))?),
            artifacts,
            queue: Arc::new(LocalQueue::default()),
            progress: Arc::new(LocalProgress::default()),
            running: Arc::new(Running::default()),
        })
    }

    /// The device, and the worker that uses it.
    fn bench(
        &self,
        name: String,
        config: &Config,
        parts: &Parts,
        offers: &Offers,
        sessions: SessionOptions,
    ) -> Result<(Arc<Worker>, Device), StartError> {
        tributary_models::session::check(sessions).map_err(StartError::Engine)?;
        let device = device(config, parts).map_err(|cause| StartError::Device { cause })?;
        Ok((self.worker(name, config, parts, offers, &device), device))
    }

    fn worker(
        &self,
        name: String,
        config: &Config,
        parts: &Parts,
        offers: &Offers,
        device: &Device,
    ) -> Arc<Worker> {
        let alone = config.database.is_empty();
        Arc::new(Worker {
            name,
            config: config.worker.clone(),
            offers: offers.clone(),
            store: Arc::clone(&self.store),
            artifacts: Arc::clone(&self.artifacts),
            queue: Arc::clone(&self.queue),
            progress: Arc::clone(&self.progress),
            device: device.clone(),
            clock: Arc::clone(&parts.clock),
            steps: Arc::clone(&parts.steps),
            running: Arc::clone(&self.running),
            foreign_patience: (!alone).then_some(foreign::PATIENCE),
        })
    }

    fn endpoints(&self, config: &Config, parts: &Parts) -> Endpoints {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&parts.clock));
        Endpoints { store, clock, config: config.webhooks.clone() }
    }

    /// `url`: where the pages are.
    fn courier(&self, config: &Config, parts: &Parts, post: Post, url: String) -> Arc<Courier> {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&parts.clock));
        let alarm = Alarm { post, url, brand: config.pages.brand.name.clone() };
        Arc::new(Courier { store, clock, wire: Wire::new(config.webhooks.clone()), alarm })
    }

    fn reaper(&self, role: Role, config: &Config, parts: &Parts) -> Arc<Reaper> {
        Arc::new(Reaper {
            every: Duration::from_secs(config.worker.reap_seconds),
            may_lead: role.takes_jobs(),
            attempts: config.worker.attempts,
            keep: config.limits.keep(),
            upload_idle: config.limits.upload_idle(),
            store: Arc::clone(&self.store),
            artifacts: Arc::clone(&self.artifacts),
            uploads: Arc::clone(&self.uploads),
            queue: Arc::clone(&self.queue),
            progress: Arc::clone(&self.progress),
            clock: Arc::clone(&parts.clock),
        })
    }

    /// Joins the processes of the database, where it may have many.
    fn roster(
        &self,
        own: Entry,
        config: &Config,
        data: &DataFolder,
        parts: &Parts,
    ) -> Result<Option<Arc<Roster>>, StartError> {
        if config.database.is_empty() {
            return Ok(None);
        }
        let folder = data.files(config)?.roster();
        let joined = Roster::join(&folder, own, Arc::clone(&parts.clock));
        Ok(Some(Arc::new(joined.map_err(|cause| DataError::Io { path: folder, cause })?)))
    }

    fn relay(&self, drain: &CancellationToken) -> Option<Relay> {
        let changes = self.store.changes()?;
        let (queue, progress) = (Arc::clone(&self.queue), Arc::clone(&self.progress));
        Some(Box::pin(crate::relay::carry(changes, queue, progress, drain.clone())))
    }

    fn admissions(&self, config: &Config, parts: &Parts, offers: Offers) -> Admissions {
        Admissions {
            offers,
            limits: config.limits.clone(),
            queue_room: QueueRoom::new(config.limits.jobs_queued_max),
            store: Arc::clone(&self.store),
            artifacts: Arc::clone(&self.artifacts),
            clock: Arc::clone(&parts.clock),
            steps: Arc::clone(&parts.steps),
        }
    }
}

impl Ports {
    /// Lets devices in. `pages`: the pages' address, empty where there are none.
    fn sign_in(&self, parts: &Parts, pages: String) -> SignIn {
        SignIn { store: Arc::clone(&self.store), clock: Arc::clone(&parts.clock), pages }
    }

    /// Where clients' calls are done. `buy_url`: the page that sells credits.
    fn desk(
        &self,
        config: &Config,
        parts: &Parts,
        admissions: Arc<Admissions>,
        buy_url: String,
        drain: &CancellationToken,
    ) -> Desk {
        Desk {
            admissions,
            limits: config.limits.clone(),
            buy_url,
            store: Arc::clone(&self.store),
            artifacts: Arc::clone(&self.artifacts),
            uploads: Arc::clone(&self.uploads),
            rooms: Rooms::default(),
            queue: Arc::clone(&self.queue),
            progress: Arc::clone(&self.progress),
            running: Arc::clone(&self.running),
            clock: Arc::clone(&parts.clock),
            steps: Arc::clone(&parts.steps),
            drain: drain.clone(),
        }
    }
}

async fn store(config: &Config, data: &DataFolder) -> Result<Arc<dyn Store>, StoreError> {
    match Addresses::of(config)? {
        Some(addresses) => Ok(Arc::new(PostgresStore::open(&addresses).await?)),
        None => Ok(Arc::new(SqliteStore::open(&data.database()).await?)),
    }
}

/// The device's thread, and who weighs models for it: where they are, there is their memory.
fn device(config: &Config, parts: &Parts) -> std::io::Result<Device> {
    let DeviceConfig { kind, number, batch_max, .. } = config.device;
    let gauge: Box<dyn MemoryGauge> =
        if kind.is_accelerator() { Box::new(CardMemory { number }) } else { Box::new(ProcessMemory) };
    let memory_bytes = config.device.memory_bytes();
    let options = DeviceOptions { batch_max, memory_bytes, ..DeviceOptions::default() };
    Device::start(options, Arc::clone(&parts.clock), gauge)
}

/// Unlike any other's, on whatever machine or in whatever container it runs.
fn name_of_this_process(role: Role) -> String {
    format!("{}-{}-{:08x}", role.word(), std::process::id(), rand::random::<u32>())
}

/// Who sells credits; none where only the operator grants them.
fn cashier(
    config: &Config,
    ports: &Ports,
    parts: &Parts,
    pages: &str,
) -> Result<Option<Arc<Cashier>>, StartError> {
    let payments = &config.payments;
    if payments.stripe_key.is_empty() {
        return Ok(None);
    }
    let url = (!payments.stripe_url.is_empty()).then_some(payments.stripe_url.as_str());
    Ok(Some(Arc::new(Cashier {
        stripe: Stripe::new(&payments.stripe_key, url).map_err(StartError::Payments)?,
        packs: payments.packs.clone(),
        webhook_secrets: payments.webhook_secrets.clone(),
        pages: pages.to_owned(),
        store: Arc::clone(&ports.store),
        clock: Arc::clone(&parts.clock),
        bell: Notify::new(),
    })))
}

/// What /healthz says of a device.
fn looked_at(device: &Device, sessions: SessionOptions) -> crate::http::Bench {
    crate::http::Bench { health: device.health(), wanted: Wanted::of(sessions) }
}

pub(crate) async fn wire(
    role: Role,
    places: Option<Places>,
    config: &Config,
    data: &DataFolder,
    parts: Parts,
    drain: &CancellationToken,
) -> Result<Wired, StartError> {
    if role != Role::Whole && config.database.is_empty() {
        return Err(StartError::OneServer);
    }
    let metrics = recorder::of_this_process()?;
    let ports = Ports::open(config, data).await?;
    let sessions = config.device.session_options(data.engines());
    let catalog = Catalog::new(Some(&data.models()))?.with_session_options(sessions);
    let around = parts.around.clone();
    let offers = Offers::new(&catalog, config)?.with_pipelines(|pipeline| around(pipeline));
    let name = name_of_this_process(role);
    let roster = ports.roster(Entry::new(&name, role, &offers), config, data, &parts)?;
    // Without a device nothing can be loaded: quotes and admission need the cards alone.
    let bench = role.runs_jobs().then(|| ports.bench(name, config, &parts, &offers, sessions)).transpose()?;
    let reaper = ports.reaper(role, config, &parts);
    let relay = ports.relay(drain);
    let steady: Arc<dyn Clock> = Arc::new(SteadyClock::start());
    let door = Door {
        throttle: Arc::new(Throttle::new(&config.rates, &steady)),
        proxies: Arc::new(Proxies::new(&config.proxy)),
    };
    let http = crate::http::Edge {
        role,
        device: bench.as_ref().map(|(_, device)| looked_at(device, sessions)),
        roster: roster.clone(),
        models: offers.all().map(|offer| offer.card.name.clone()).collect(),
        drain: drain.clone(),
        metrics,
        door,
        store: Arc::clone(&ports.store),
        artifacts: Arc::clone(&ports.artifacts),
        disk_free_min_bytes: config.limits.disk_free_min_mb << 20,
    };
    let admissions = Arc::new(ports.admissions(config, &parts, offers));
    let url = places.as_ref().map(|places| places.url(config)).unwrap_or_default();
    let cashier = if places.is_some() { cashier(config, &ports, &parts, &url)? } else { None };
    // Where credits are sold the pages sell them.
    let sold_there = config.buy_url.is_empty() && cashier.is_some();
    let buy_url = if sold_there { url.clone() } else { config.buy_url.clone() };
    let desk = Arc::new(ports.desk(config, &parts, admissions, buy_url, drain));
    let endpoints = ports.endpoints(config, &parts);
    let shared = Shared {
        desk: Arc::clone(&desk),
        cashier: cashier.clone(),
        sign_in: Arc::new(ports.sign_in(&parts, url.clone())),
        door: http.door.clone(),
        endpoints: endpoints.clone(),
    };
    let built = places.map(|places| ports.pages(config, data, &parts, places, shared.clone()));
    let (pages, post) = built.transpose()?.map(|Built { edge, post }| (edge, post)).unzip();
    let courier = post.as_ref().map(|post: &Post| ports.courier(config, &parts, post.clone(), url));
    let auth = Auth { store: Arc::clone(&ports.store), clock: Arc::clone(&parts.clock) };
    let api = pages.as_ref().map(|pages| {
        let (auth, door, desk) = (auth.clone(), http.door.clone(), Arc::clone(&desk));
        let widgets = pages.config.widgets.then(|| pages.widgets());
        crate::api::Edge::new(auth, door, desk, cashier.clone(), endpoints, pages.team.clone(), widgets)
    });
    let Shared { sign_in, door: Door { throttle, proxies }, .. } = shared;
    let gate = Gate { auth, throttle, proxies };
    let grpc = Arc::new(crate::grpc::Edge { gate, desk, sign_in, cashier: cashier.clone() });
    let hands = Hands { http, bench, reaper, roster, relay, cashier, courier, post };
    Ok(Wired { store: ports.store, grpc, api, pages, hands })
}

#[cfg(test)]
#[path = "device/crowded_tests.rs"]
mod tests;

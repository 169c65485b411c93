//! The web pages: server-rendered HTML for people and operators. Translates, nothing else; the rules live in the domain.

mod account;
mod assets;
mod buy;
mod chart;
mod closing;
mod colour;
mod compose;
mod cookies;
mod csrf;
mod device;
mod draft;
mod entry;
mod events;
mod fault;
mod files;
mod form;
mod gate;
mod headers;
mod home;
mod install;
mod job;
mod keys;
mod layout;
mod live;
mod members;
mod operator;
mod routes;
mod said;
mod top_up;
mod usage;
mod visit;
mod webhooks;
mod widget;
mod widgets;
mod words;

#[cfg(test)]
mod pages_tests;

use crate::cashier::Cashier;
use crate::clock::Clock;
use crate::config::PagesConfig;
use crate::courier::endpoints::Endpoints;
use crate::desk::Desk;
use crate::embed::Widgets;
use crate::grpc::TlsPem;
use crate::http::limits::{self, Door};
use crate::http::{secured, stripe};
use crate::sign_in::SignIn;
use crate::store::Store;
use crate::team::Team;
use crate::welcome::Welcome;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Browsers that watch jobs at once.
pub const WATCHERS_MAX: usize = 512;
/// Files that are read out at once.
pub const DOWNLOADS_MAX: usize = 128;
/// Waveforms that are drawn at once.
pub const DRAWINGS_MAX: usize = 2;

/// What the pages use, for all of their requests.
#[derive(Clone)]
pub struct Edge(Arc<Parts>);

/// The parts of [`Edge`].
pub struct Parts {
    /// How people come in.
    pub welcome: Welcome,
    /// Who may change whom.
    pub team: Team,
    /// Where calls are done.
    pub desk: Arc<Desk>,
    /// Lets devices in.
    pub sign_in: Arc<SignIn>,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who asks too often.
    pub door: Door,
    /// What a deployment chose.
    pub config: PagesConfig,
    /// The logo's bytes and kind, where there is one.
    pub logo: Option<(Vec<u8>, &'static str)>,
    /// The address of the pages as browsers see it.
    pub url: String,
    /// The address of gRPC, for the plugin.
    pub grpc_url: String,
    /// Sells credits; none where only the operator grants them.
    pub cashier: Option<Arc<Cashier>>,
    /// Where customers are told.
    pub endpoints: Endpoints,
    /// How much at once.
    pub bounds: Bounds,
}

/// How much the pages do at once.
pub struct Bounds {
    /// Browsers that watch jobs.
    watchers: Arc<Semaphore>,
    /// Files that are read out.
    downloads: Arc<Semaphore>,
    /// Waveforms that are drawn.
    drawings: Semaphore,
    /// What visitors of widgets do; they watch and fetch in places of their own.
    guests: widget::Room,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            drawings: Semaphore::new(DRAWINGS_MAX),
            guests: widget::Room::default(),
        }
    }
}

/// A place among so many, for as long as it is kept; or what is too many now, in words.
fn place(places: &Arc<Semaphore>, too_many: &str) -> Result<OwnedSemaphorePermit, fault::Fault> {
    let place = Arc::clone(places).try_acquire_owned();
    place.map_err(|_| fault::Fault::Later(format!("{too_many}; try again in a moment")))
}

impl Edge {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What accounts show elsewhere.
    #[must_use]
    pub fn widgets(&self) -> Widgets {
        let admissions = Arc::clone(&self.desk.admissions);
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Widgets { store, clock, admissions, url: self.url.clone() }
    }

    /// How cookies are written here.
    fn cookies(&self) -> cookies::Cookies {
        cookies::Cookies { secure: self.url.starts_with("https://") }
    }
}

impl std::ops::Deref for Edge {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Serves until `stop`, over TLS where there is a certificate.
///
/// # Errors
/// Where certificate or listener cannot be used.
pub async fn serve(
    edge: Edge,
    listener: TcpListener,
    tls: Option<TlsPem>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let pages = routes::router().layer(from_fn_with_state(edge.clone(), gate::pass));
    // Stripe has no session: its signature is the proof.
    let told = edge.cashier.clone().map(stripe::routes).unwrap_or_default();
    let door = from_fn_with_state(edge.door.clone(), limits::limit);
    let router = pages.with_state(edge).merge(told).layer(door);
    secured::serve(router, listener, tls, stop).await
}

/// The paths of all pages and of what they load, as the router has them: so that whoever looks at every page, looks at each.
#[must_use]
pub fn shown() -> Vec<&'static str> {
    routes::shown()
}

/// To another page of ours, by GET.
fn redirect(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// The same, with a word about what was done.
fn done(edge: &Edge, said: said::Said, to: &str) -> Response {
    let mut response = redirect(to);
    response.headers_mut().append(header::SET_COOKIE, edge.cookies().said(said));
    response
}

/// Where to go afterwards: a page of ours, never another site.
fn within(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if is_path { next } else { "/" }
}

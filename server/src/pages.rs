//! The web pages: server-rendered HTML for people and operators. Translates, nothing else; the rules live in the domain.

mod account;
mod assets;
mod buy;
mod chart;
mod colour;
mod compose;
mod cookies;
mod csrf;
mod device;
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
use crate::embed::Widgets;
use crate::http::limits::{self, Door};
use crate::http::stripe;
use crate::intake::Intake;
use crate::progress::Progress;
use crate::sign_in::SignIn;
use crate::store::Store;
use crate::team::Team;
use crate::welcome::Welcome;
use crate::worker::stop::Running;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Browsers that watch jobs at once.
pub const WATCHERS_MAX: usize = 512;
/// Files that are read out at once.
pub const DOWNLOADS_MAX: usize = 128;
/// Waveforms that are drawn at once.
pub const DRAWINGS_MAX: usize = 2;

/// Everything the pages use.
#[derive(Clone)]
pub struct Edge(Arc<Inside>);

/// The parts of [`Edge`].
pub struct Inside {
    /// How people come in.
    pub welcome: Welcome,
    /// Who may change whom.
    pub team: Team,
    /// From a file to a job.
    pub intake: Intake,
    /// Lets devices in.
    pub sign_in: Arc<SignIn>,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// The news.
    pub progress: Arc<dyn Progress>,
    /// Jobs of this process's worker.
    pub running: Arc<Running>,
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
    /// Set while the server is going down.
    pub drain: CancellationToken,
    /// Bounds watchers.
    pub watchers: Arc<Semaphore>,
    /// Bounds downloads.
    pub downloads: Arc<Semaphore>,
    /// Bounds drawings.
    pub drawings: Arc<Semaphore>,
    /// What accounts show elsewhere.
    pub widgets: Widgets,
    /// What their visitors may do at once.
    guests: widget::Room,
    cookies: cookies::Cookies,
}

impl std::ops::Deref for Edge {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// What [`Edge::new`] is made of.
pub struct Parts {
    /// As in [`Inside`].
    pub welcome: Welcome,
    /// As in [`Inside`].
    pub team: Team,
    /// As in [`Inside`].
    pub intake: Intake,
    /// As in [`Inside`].
    pub sign_in: Arc<SignIn>,
    /// As in [`Inside`].
    pub progress: Arc<dyn Progress>,
    /// As in [`Inside`].
    pub running: Arc<Running>,
    /// As in [`Inside`].
    pub door: Door,
    /// As in [`Inside`].
    pub logo: Option<(Vec<u8>, &'static str)>,
    /// As in [`Inside`].
    pub grpc_url: String,
    /// As in [`Inside`].
    pub cashier: Option<Arc<Cashier>>,
    /// As in [`Inside`].
    pub endpoints: Endpoints,
    /// As in [`Inside`].
    pub drain: CancellationToken,
}

impl Edge {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            welcome,
            team,
            intake,
            sign_in,
            progress,
            running,
            door,
            logo,
            grpc_url,
            cashier,
            endpoints,
            drain,
        } = parts;
        Self(Arc::new(Inside {
            store: Arc::clone(&welcome.store),
            clock: Arc::clone(&welcome.clock),
            config: welcome.config.clone(),
            cookies: cookies::Cookies { secure: welcome.url.starts_with("https://") },
            url: welcome.url.clone(),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            drawings: Arc::new(Semaphore::new(DRAWINGS_MAX)),
            widgets: Widgets {
                store: Arc::clone(&welcome.store),
                clock: Arc::clone(&welcome.clock),
                admissions: Arc::clone(&intake.admissions),
            },
            guests: widget::Room::default(),
            welcome,
            team,
            intake,
            sign_in,
            progress,
            running,
            door,
            logo,
            grpc_url,
            cashier,
            endpoints,
            drain,
        }))
    }
}

/// Serves until `stop`.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(edge: Edge, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let pages = routes::router().layer(from_fn_with_state(edge.clone(), gate::pass));
    // Stripe has no session: its signature is the proof.
    let told = edge.cashier.clone().map(stripe::routes).unwrap_or_default();
    let door = from_fn_with_state(edge.door.clone(), limits::limit);
    let router = pages.with_state(edge).merge(told).layer(door);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
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
    response.headers_mut().append(header::SET_COOKIE, edge.cookies.said(said));
    response
}

/// Where to go afterwards: a page of ours, never another site.
fn within(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if is_path { next } else { "/" }
}

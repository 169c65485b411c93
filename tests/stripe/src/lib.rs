//! A stand-in of Stripe for the tests of one process, and as a program (`cargo xtask stripe`): listens on a port of this
//! machine that nobody else has, answers the calls that the adapter makes and refuses all others, has the page where a buyer
//! pays, sends signed events, and fails on demand. All of it is in memory and ends with the [`Double`].
//!
//! What it does is written after Stripe's documentation, and so are its objects' forms: it can show that we keep to what
//! Stripe promises, never that Stripe does.

// Stripe's objects have more fields than a JSON literal may have by default.
#![recursion_limit = "256"]

mod api;
mod control;
mod events;
mod fault;
mod form;
mod page;
mod refusal;
mod shape;
mod world;

use anyhow::Context;
use api::Keys;
use axum::Router;
use axum::routing::get;
use events::{Courier, Parcel};
use fault::Faults;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use world::World;

pub use api::{LIVE_KEY, TEST_KEY};
pub use events::{Delivery, Event, Post, sign};
pub use fault::{Fault, When};
pub use world::Way;

/// How often an event is brought where a test does not say: more than once, since Stripe promises no less.
pub const TIMES: usize = 3;

/// Seconds since 1970, for the one who asks.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What a test chooses.
pub struct Settings {
    /// What time it is.
    pub clock: Clock,
    /// Whatever signs events: each of them does, as while Stripe replaces one by another.
    pub secrets: Vec<String>,
    /// Where events go.
    pub post: Post,
}

/// A running stand-in; gone when it is dropped.
pub struct Double {
    url: String,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

/// What calls, pages and tests share.
pub(crate) struct Inner {
    clock: Clock,
    courier: Courier,
    state: Mutex<Account>,
}

pub(crate) struct Account {
    pub(crate) world: World,
    pub(crate) keys: Keys,
    pub(crate) faults: Faults,
    secrets: Vec<String>,
    post: Post,
    /// How many events have been posted.
    posted: usize,
}

impl Inner {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Account> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what has happened since the last time to the courier.
    pub(crate) fn post(&self) {
        let mut state = self.lock();
        let fresh = state.world.events[state.posted..].to_vec();
        state.posted += fresh.len();
        let Post::To { url, times } = &state.post else { return };
        for event in &fresh {
            for _ in 0..*times {
                self.courier.send(parcel(event, url, &state.secrets, (self.clock)()));
            }
        }
    }
}

fn parcel(event: &Event, url: &str, secrets: &[String], now: i64) -> Parcel {
    let body = event.body();
    let signature = sign(&body, secrets, now);
    Parcel { event: event.id.clone(), url: url.to_owned(), body, signature }
}

impl Double {
    /// Listens at once. To be called where tokio runs.
    ///
    /// # Errors
    /// Where this machine has no port left.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen on this machine")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Account {
            world: World::new(url.clone(), Arc::clone(&settings.clock)),
            keys: Keys::default(),
            faults: Faults::default(),
            secrets: settings.secrets,
            post: settings.post,
            posted: 0,
        };
        let inner =
            Arc::new(Inner { clock: settings.clock, courier: Courier::start(), state: Mutex::new(state) });
        let router = Router::new()
            .route("/pay/{id}", get(page::show).post(page::press))
            .fallback(api::call)
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            // Ends when this task is aborted; an error would show as calls without an answer.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, inner, server })
    }

    /// Where it listens: the base address of the adapter.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.server.abort();
    }
}

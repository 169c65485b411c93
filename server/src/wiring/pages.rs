//! Puts the web pages together.

use super::{Parts, Ports};
use crate::StartError;
use crate::auth::password::Passwords;
use crate::cashier::Cashier;
use crate::clock::Clock;
use crate::config::Config;
use crate::courier::endpoints::Endpoints;
use crate::data::DataFolder;
use crate::desk::Desk;
use crate::http::limits::Door;
use crate::mail::post::Post;
use crate::pages::{self, Bounds, Edge};
use crate::sign_in::SignIn;
use crate::team::Team;
use crate::welcome::Welcome;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// A logo is a small picture.
const LOGO_BYTES_MAX: u64 = 1 << 20;

/// Where edges listen, as it is known once they do.
pub(crate) struct Places {
    /// The pages.
    pub(crate) pages: SocketAddr,
    /// gRPC, as clients reach it.
    pub(crate) grpc_url: String,
}

impl Places {
    /// The pages' address as browsers see it.
    pub(super) fn url(&self, config: &Config) -> String {
        config.pages_url(self.pages)
    }
}

/// What the pages share with other edges.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) desk: Arc<Desk>,
    pub(super) cashier: Option<Arc<Cashier>>,
    pub(super) sign_in: Arc<SignIn>,
    pub(super) door: Door,
    pub(super) endpoints: Endpoints,
}

/// The pages, and the letters that have to leave before the process does.
pub(super) struct Built {
    pub(super) edge: Edge,
    pub(super) post: Post,
}

/// The logo's bytes and its kind, by its name's end.
fn logo(path: &Path) -> Result<Option<(Vec<u8>, &'static str)>, StartError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let failed = |cause| StartError::Logo { path: path.to_owned(), cause };
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => return Err(failed(std::io::Error::other("its name must end in .svg or .png"))),
    };
    if std::fs::metadata(path).map_err(failed)?.len() > LOGO_BYTES_MAX {
        return Err(failed(std::io::Error::other("it is larger than 1 MiB")));
    }
    Ok(Some((std::fs::read(path).map_err(failed)?, kind)))
}

impl Ports {
    pub(super) fn pages(
        &self,
        config: &Config,
        data: &DataFolder,
        parts: &Parts,
        places: Places,
        shared: Shared,
    ) -> Result<Built, StartError> {
        let Shared { desk, cashier, sign_in, door, endpoints } = shared;
        let url = places.url(config);
        let clock: Arc<dyn Clock> = Arc::clone(&parts.clock);
        let post = Post::new(crate::mail::open(&config.mail, &data.outbox(), &clock)?);
        let welcome = Welcome {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&clock),
            passwords: Passwords::new()?,
            post: post.clone(),
            config: config.pages.clone(),
            url: url.clone(),
        };
        let team = Team {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&clock),
            post: post.clone(),
            url,
            brand: config.pages.brand.name.clone(),
        };
        let edge = Edge::new(pages::Parts {
            team,
            desk,
            sign_in,
            store: Arc::clone(&self.store),
            clock,
            door,
            config: config.pages.clone(),
            logo: logo(&config.pages.brand.logo)?,
            url: welcome.url.clone(),
            welcome,
            grpc_url: places.grpc_url,
            cashier,
            endpoints,
            bounds: Bounds::default(),
        });
        Ok(Built { edge, post })
    }
}

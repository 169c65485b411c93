//! `tributary serve`: the server, until Ctrl-C or SIGTERM.

use super::{DONE, Place, log, screen};
use crate::data::DataFolder;
use crate::{Parts, Running, start, start_edges};
use anyhow::Context;
use std::net::SocketAddr;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Where gRPC listens; port 0 lets the system choose [default: 127.0.0.1:7700]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where /healthz and /metrics listen [default: 127.0.0.1:7701]
    #[arg(long, value_name = "ADDRESS")]
    listen_http: Option<SocketAddr>,
    /// Where the web pages listen [default: pages.listen of the configuration]
    #[arg(long, value_name = "ADDRESS")]
    listen_pages: Option<SocketAddr>,
    /// Run no jobs here: `tributary worker` does, on the same PostgreSQL database
    #[arg(long)]
    no_worker: bool,
    /// Print where everything lies as words, or as one line of JSON for programs
    #[arg(long, value_enum, default_value = "text")]
    announce: Announce,
    /// Print the configuration in force and end
    #[arg(long)]
    print_config: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Announce {
    Text,
    Json,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let data = DataFolder::open(&place.data_path()?)?;
    let mut config = place.config(data.path())?;
    config.listen = args.listen.unwrap_or(config.listen);
    config.listen_http = args.listen_http.unwrap_or(config.listen_http);
    config.pages.listen = args.listen_pages.unwrap_or(config.pages.listen);
    config.check()?;
    if args.print_config {
        screen::line(config.shown().as_toml().trim_end());
        return Ok(DONE);
    }
    log::start(config.log_format);
    let mut ends = Ends::listen().context("listen for signals")?;
    let scheme = |has_tls| if has_tls { "https" } else { "http" };
    let (api_scheme, pages_scheme) = (scheme(config.tls.is_some()), scheme(config.pages_have_tls()));
    let public_url = config.pages.public_url.clone();
    let running = if args.no_worker {
        start_edges(config, data.path(), Parts::default()).await?
    } else {
        start(config, data.path(), Parts::default()).await?
    };
    let api = running.api.map(|api| format!("{api_scheme}://{api}/api/v1/"));
    let pages = format!("{pages_scheme}://{}", running.pages);
    let public = Some(public_url).filter(|public| !public.is_empty());
    announce(&running, &pages, public.as_deref(), api.as_deref(), &data, args.announce);
    ends.wait().await;
    ends.drain(running.drain()).await;
    Ok(DONE)
}

/// `pages`: where the pages listen; `public`: how browsers reach them, where that is configured; `api`: the address of the
/// developer API, where there is one.
fn announce(
    running: &Running,
    pages: &str,
    public: Option<&str>,
    api: Option<&str>,
    data: &DataFolder,
    how: Announce,
) {
    let data = data.path().display();
    if how == Announce::Json {
        let line = serde_json::json!({
            "grpc": running.address,
            "http": format!("http://{}", running.http),
            "pages": pages,
            "api": api,
            "data": data.to_string(),
        });
        return screen::line(line);
    }
    screen::line(format!("Tributary serves at {}", running.address));
    screen::line(format!("  health and metrics  http://{0}/healthz  http://{0}/metrics", running.http));
    screen::line(match public {
        Some(public) => format!("  web pages           {public}, at {pages} on this machine"),
        None => format!("  web pages           {pages}"),
    });
    if let Some(api) = api {
        screen::line(format!("  developer API       {api}"));
    }
    screen::line(format!("  data folder         {data}"));
    screen::line("  account             local; `tributary balance` on this machine finds its key by itself");
    if let Some(own) = &running.certificate {
        screen::line(format!("  certificate         {}", own.path.display()));
        screen::line(format!("  SHA-256             {}", own.fingerprint));
        screen::line("  Clients elsewhere need --certificate with that file; compare the fingerprint.");
    }
    screen::line("Try: tributary separate song.wav        Stop: Ctrl-C");
}

/// The two ways a server is told to stop.
pub(super) struct Ends {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
}

impl Ends {
    pub(super) fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            let term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            Ok(Self { term })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Goes down; told a second time, at once.
    pub(super) async fn drain(&mut self, drained: impl Future<Output = ()>) {
        screen::note("Stopping: running jobs go back to the queue and nothing is charged twice.");
        tokio::select! {
            () = drained => {}
            () = self.wait() => screen::note("Stopped at once; leases run out by themselves."),
        }
    }

    pub(super) async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.term.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

//! `tributary worker`: runs jobs that servers of the same database took, until Ctrl-C or SIGTERM.

use super::serve::{Announce, Ends};
use super::{DONE, Place, log, screen};
use crate::data::DataFolder;
use crate::{Parts, start_worker};
use anyhow::Context;
use std::net::SocketAddr;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Where /healthz and /metrics listen [default: 127.0.0.1:7702]
    #[arg(long, value_name = "ADDRESS")]
    listen_http: Option<SocketAddr>,
    /// Print where everything lies as words, or as one line of JSON for programs
    #[arg(long, value_enum, default_value = "text")]
    announce: Announce,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let data = DataFolder::open(&place.data_path()?)?;
    let mut config = place.config(data.path())?;
    config.worker.listen_http = args.listen_http.unwrap_or(config.worker.listen_http);
    log::start(config.log_format);
    let mut ends = Ends::listen().context("listen for signals")?;
    let running = start_worker(config, data.path(), Parts::default()).await?;
    let (http, data) = (running.http, data.path().display().to_string());
    if args.announce == Announce::Json {
        screen::line(serde_json::json!({ "http": format!("http://{http}"), "data": data }));
    } else {
        screen::line("Tributary works: it runs jobs of the servers on its database");
        screen::line(format!("  health and metrics  http://{http}/healthz  http://{http}/metrics"));
        screen::line(format!("  data folder         {data}"));
        screen::line("Stop: Ctrl-C");
    }
    ends.wait().await;
    ends.drain(running.drain()).await;
    Ok(DONE)
}

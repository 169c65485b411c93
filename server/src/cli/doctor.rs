//! `tributary doctor`: what is installed, what is missing, what to run.

use super::{DONE, JOB_FAILED, Place, db, screen};
use crate::artifacts::disk::free_bytes;
use crate::data::DataFolder;
use crate::data::MODELS;
use tributary_models::catalog::Catalog;
use tributary_models::session::{check, onnx_runtime_state};
use tributary_models::{Device, SessionOptions};
use tributary_protocol::client::ClientError;

#[derive(clap::Args)]
pub(super) struct Args {}

/// What one check found.
enum Finding {
    Ok(String),
    /// Not wrong, but worth knowing.
    Hint(String),
    Wrong(String),
}

pub(super) async fn run(place: Place, _args: Args) -> anyhow::Result<u8> {
    let findings = [
        ("program", Finding::Ok(format!("tributary {}, {} CPU cores", env!("CARGO_PKG_VERSION"), cores()))),
        ("engine", engine(&place)),
        ("onnx runtime", onnx_runtime()),
        ("models", models(&place)),
        ("data folder", data(&place)),
        ("database", database(&place).await),
        ("server", server(&place).await),
    ];
    let mut wrong = false;
    for (what, finding) in findings {
        let (mark, text) = match finding {
            Finding::Ok(text) => ("ok   ", text),
            Finding::Hint(text) => ("-    ", text),
            Finding::Wrong(text) => ("WRONG", text),
        };
        wrong |= mark == "WRONG";
        screen::line(format!("{mark}  {what:<12} {text}"));
    }
    Ok(if wrong { JOB_FAILED } else { DONE })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the server on this machine would make its sessions with.
pub(super) fn sessions(place: &Place) -> anyhow::Result<SessionOptions> {
    // A folder that is not there yet has no configuration, and asking must not make it.
    let data = place.data_path()?;
    let config = place.config(&data)?;
    Ok(config.device.session_options(data.join("engines")))
}

/// The engine and the device that the configuration asks for, and whether they are there.
fn engine(place: &Place) -> Finding {
    let options = match sessions(place) {
        Ok(options) => options,
        Err(error) => return Finding::Wrong(screen::chain(&error)),
    };
    let SessionOptions { engine, device, threads, .. } = options;
    match check(options) {
        Ok(()) => Finding::Ok(format!("{engine} on {device}, {threads} threads; below, what each model got")),
        Err(error) => Finding::Wrong(format!("{error}; see [device] of `tributary serve --print-config`")),
    }
}

fn onnx_runtime() -> Finding {
    let state = onnx_runtime_state();
    match state.library {
        Err(reason) => {
            Finding::Hint(format!("{reason}; name its library with --onnx-runtime for more speed"))
        }
        Ok(library) => {
            let accelerator = |(device, usable): &(Device, Result<(), String>)| match usable {
                Ok(()) => format!("; {device} can be used"),
                Err(reason) => format!("; {device} not: {reason}"),
            };
            let accelerators: String = state.accelerators.iter().map(accelerator).collect();
            Finding::Ok(format!("{}; {}{accelerators}", library.display(), state.build.trim()))
        }
    }
}

fn models(place: &Place) -> Finding {
    let folder = place.data_path().ok().map(|data| data.join(MODELS));
    let options = sessions(place).unwrap_or_default();
    let loaded = Catalog::new(folder.as_deref()).and_then(|catalog| {
        let catalog = catalog.with_session_options(options);
        let load = |name: String| {
            let engine = catalog.pipeline(&name)?.load()?.engine().to_string();
            Ok(format!("{name} ({engine})"))
        };
        let names: Vec<_> = catalog.cards().map(|card| card.name.clone()).collect();
        names.into_iter().map(load).collect::<Result<Vec<_>, _>>()
    });
    match loaded {
        Ok(names) => Finding::Ok(format!("{}: weights are whole and load", names.join(", "))),
        Err(error) => Finding::Wrong(format!("{error}; `tributary models verify` shows more")),
    }
}

fn data(place: &Place) -> Finding {
    let looked = || -> anyhow::Result<Finding> {
        let path = place.data_path()?;
        if !path.is_dir() {
            return Ok(Finding::Hint(format!(
                "{} does not exist yet; `tributary serve` makes it",
                path.display()
            )));
        }
        let folder = DataFolder::open(&path)?;
        let config = place.config(&path)?;
        let free = free_bytes(folder.path())?;
        let need = config.limits.disk_free_min_mb;
        Ok(match free.map(|bytes| bytes >> 20) {
            Some(free) if free < need => {
                Finding::Wrong(format!("{}: {free} MB free, jobs need {need}; make room", path.display()))
            }
            Some(free) => Finding::Ok(format!("{}, {free} MB free", path.display())),
            None => Finding::Ok(path.display().to_string()),
        })
    };
    looked().unwrap_or_else(|error| Finding::Wrong(screen::chain(&error)))
}

/// Whether a server could use the database. A file that is not there yet is made by the first start.
async fn database(place: &Place) -> Finding {
    match place.data_path().and_then(|data| db::named(place, &data)) {
        Ok(database) if !database.is_made() => {
            Finding::Hint(format!("{} does not exist yet; `tributary serve` makes it", database.shown()))
        }
        Ok(database) => match database.open().await {
            Ok(_) => Finding::Ok(format!("{} answers", database.shown())),
            Err(error) => Finding::Wrong(screen::chain(&error.into())),
        },
        Err(error) => Finding::Wrong(screen::chain(&error)),
    }
}

async fn server(place: &Place) -> Finding {
    let client = match place.client().await {
        Ok(client) => client,
        Err(error) => return Finding::Hint(screen::chain(&error)),
    };
    match client.account().await {
        Ok(account) => Finding::Ok(format!(
            "{} answers; account {}, {}",
            client.address(),
            account.name,
            account.available()
        )),
        Err(ClientError::Unreachable { address, .. }) => {
            Finding::Hint(format!("{address} does not answer; start it with `tributary serve`"))
        }
        Err(error) => Finding::Wrong(error.to_string()),
    }
}

//! `tributary separate`: files in, stems out, on a server or in this process.

mod bars;
mod local;
mod remote;

use super::output::{Format, StemPaths, lay_out};
use super::{DONE, JOB_FAILED, Place, exit_code, screen};
use bars::{Bars, Line};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Files of a batch that are under way at once: one uploads while another is run and a third is fetched.
const FILES_AT_ONCE: usize = 3;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Songs: WAV, FLAC, MP3, AAC/M4A, Ogg Vorbis or AIFF
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model to use; `tributary models list` shows them
    #[arg(long, default_value = "mini")]
    model: String,
    /// Only these stems, like vocals,drums [default: all the model has]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    stems: Vec<String>,
    /// Folder for the stems [default: `<song> stems` beside each song]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run in this process: no server, no credits
    #[arg(long)]
    local: bool,
    /// Format of the stems
    #[arg(long, value_enum, default_value = "wav")]
    format: Format,
    /// One line of JSON for every finished file
    #[arg(long)]
    json: bool,
}

/// One file and what is wanted of it.
struct Wish {
    file: PathBuf,
    model: String,
    stems: Vec<String>,
    paths: StemPaths,
}

/// What became of one file.
struct Separated {
    /// The server's job; none when run here.
    job: Option<tributary_protocol::client::JobView>,
    /// The quote; zero when run here.
    credits_quoted: u64,
    seconds_audio: f64,
    stems: Vec<(String, PathBuf)>,
    /// Samples beyond full scale that FLAC cannot hold.
    clipped: u64,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let stop = CancellationToken::new();
    let work = match args.local {
        true => Work::Local(local::Engine::load(&args.model).await?),
        false => Work::Remote(place.client().await?),
    };
    let paths = lay_out(&args.files, args.out.as_deref(), args.format);
    let bars = Bars::new();
    let slots = Arc::new(Semaphore::new(if args.local { 1 } else { FILES_AT_ONCE }));
    let mut files = JoinSet::new();
    for (file, paths) in args.files.into_iter().zip(paths) {
        let wish = Wish { file, model: args.model.clone(), stems: args.stems.clone(), paths };
        let line = bars.line(&wish.file);
        let (work, stop, slots) = (work.clone(), stop.clone(), Arc::clone(&slots));
        files.spawn(async move {
            let _slot = slots.acquire_owned().await;
            one(work, wish, line, stop, args.json).await
        });
    }
    let mut code = DONE;
    let mut interrupted = false;
    loop {
        tokio::select! {
            ended = files.join_next() => match ended {
                Some(ended) => code = code.max(ended.unwrap_or(JOB_FAILED)),
                None => return Ok(code),
            },
            _ = tokio::signal::ctrl_c() => {
                anyhow::ensure!(!interrupted, "stopped; jobs may go on: see `tributary jobs`");
                interrupted = true;
                bars.note("Cancelling; Ctrl-C again to stop without waiting for the server.");
                stop.cancel();
            }
        }
    }
}

/// Where the work is done.
#[derive(Clone)]
enum Work {
    Local(Arc<local::Engine>),
    Remote(tributary_protocol::client::Client),
}

/// One file from beginning to end; answers its exit code.
async fn one(work: Work, wish: Wish, line: Line, stop: CancellationToken, json: bool) -> u8 {
    let started = Instant::now();
    if stop.is_cancelled() {
        line.fail("not begun");
        return JOB_FAILED;
    }
    let result = match &work {
        Work::Local(engine) => local::separate(engine, &wish, &line, &stop).await,
        Work::Remote(client) => remote::separate(client, &wish, &line, &stop).await,
    };
    match result {
        Ok(separated) => {
            let wall = started.elapsed().as_secs_f64();
            line.done(&summary(&separated, wall));
            if json {
                line.print(&as_json(&wish, &separated, wall).to_string());
            } else {
                separated.stems.iter().for_each(|(_, path)| line.print(&path.display().to_string()));
            }
            DONE
        }
        Err(error) => {
            line.fail(&screen::chain(&error));
            exit_code(&error)
        }
    }
}

fn summary(separated: &Separated, wall: f64) -> String {
    let mut text = format!(
        "{} of audio in {} ({:.1}x)",
        screen::duration(separated.seconds_audio),
        screen::duration(wall),
        separated.seconds_audio / wall.max(1e-3)
    );
    if let Some(job) = &separated.job {
        text.push_str(&format!(", {}", screen::cost(job.captured, job.released)));
    }
    if separated.clipped > 0 {
        text.push_str(&format!(
            "; {} samples were beyond full scale and clipped: --format wav keeps them",
            separated.clipped
        ));
    }
    text
}

fn as_json(wish: &Wish, separated: &Separated, wall: f64) -> serde_json::Value {
    let stem = |(name, path): &(String, PathBuf)| serde_json::json!({ "name": name, "path": path });
    serde_json::json!({
        "file": wish.file,
        "job": separated.job.as_ref().map(|job| job.id.to_string()),
        "model": wish.model,
        "credits_quoted": separated.credits_quoted,
        "credits_held": separated.job.as_ref().map_or(0, |job| job.held.0),
        "credits_captured": separated.job.as_ref().map_or(0, |job| job.captured.0),
        "seconds_audio": separated.seconds_audio,
        "seconds_wall": wall,
        "stems": separated.stems.iter().map(stem).collect::<Vec<_>>(),
    })
}

//! Files through one model, on a server or in this process: what `separate`, `enhance`, `transcribe` and `master` do.

mod bars;
mod choice;
mod local;
mod remote;

use super::output::{Format, StemPaths, lay_out};
use super::{DONE, JOB_FAILED, Place, exit_code, screen};
pub(super) use choice::{allowed, settings_of_server};

use bars::{Bars, Line};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_protocol::settings::Settings;

/// Files of a batch that are under way at once: one uploads while another is run and a third is fetched.
const FILES_AT_ONCE: usize = 3;

/// What every task is told.
#[derive(clap::Args)]
pub(super) struct BatchArgs {
    /// Sound: WAV, FLAC, MP3, AAC/M4A, Ogg Vorbis or AIFF
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model to use; `tributary models list` shows them [default: the best of this task that is there]
    #[arg(long)]
    model: Option<String>,
    /// Set one of the model's controls; `tributary models show MODEL` lists them
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Folder for the results [default: one beside each file]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run in this process: no server, no credits
    #[arg(long)]
    local: bool,
    /// Format of sound
    #[arg(long, value_enum, default_value = "wav")]
    format: Format,
    /// One line of JSON for every finished file
    #[arg(long)]
    json: bool,
}

/// What one task adds.
pub(super) struct Task {
    /// As in model cards.
    pub(super) word: &'static str,
    /// Models in the order of preference.
    pub(super) prefers: &'static [&'static str],
    /// While it runs: "separating".
    pub(super) doing: &'static str,
    /// Results lie in `<file> <what>`.
    pub(super) what: &'static str,
    /// Only these stems.
    pub(super) stems: Vec<String>,
    /// Clips the result shall be made like.
    pub(super) references: Vec<PathBuf>,
    /// Settings by flags of their own, `NAME=VALUE`; `--set` comes after them.
    pub(super) settings: Vec<String>,
    /// Settings that some models lack, and what then is to be done.
    pub(super) lacks: &'static [(&'static str, &'static str)],
}

/// One file and what is wanted of it.
struct Wish {
    file: PathBuf,
    model: String,
    /// As in model cards.
    task: &'static str,
    doing: &'static str,
    stems: Vec<String>,
    settings: Settings,
    references: Vec<PathBuf>,
    paths: StemPaths,
}

/// What became of one file.
struct Made {
    /// The server's job; none when run here.
    job: Option<tributary_protocol::client::JobView>,
    /// The quote; zero when run here.
    credits_quoted: u64,
    seconds_audio: f64,
    /// Stems, then sheets.
    results: Vec<(String, PathBuf)>,
    /// Samples beyond full scale that FLAC cannot hold.
    clipped: u64,
}

pub(super) async fn run(place: Place, args: BatchArgs, task: Task) -> anyhow::Result<u8> {
    let stop = CancellationToken::new();
    let work = match args.local {
        true => Work::Local(local::Engine::load(&place, &task, args.model.as_deref()).await?),
        false => Work::Remote(place.client().await?),
    };
    let chosen = match &work {
        Work::Local(engine) => engine.choice(),
        Work::Remote(client) => choice::of_server(client, &task, args.model.as_deref()).await?,
    };
    chosen.check_flags(&task)?;
    let settings = chosen.settings(task.settings.iter().chain(&args.settings))?;
    let paths = lay_out(&args.files, args.out.as_deref(), task.what, args.format);
    let bars = Bars::new();
    let slots = Arc::new(Semaphore::new(if args.local { 1 } else { FILES_AT_ONCE }));
    let mut files = JoinSet::new();
    for (file, paths) in args.files.into_iter().zip(paths) {
        let wish = Wish {
            file,
            model: chosen.model.clone(),
            task: task.word,
            doing: task.doing,
            stems: task.stems.clone(),
            settings: settings.clone(),
            references: task.references.clone(),
            paths,
        };
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
        Work::Local(engine) => local::make(engine, &wish, &line, &stop).await,
        Work::Remote(client) => remote::make(client, &wish, &line, &stop).await,
    };
    match result {
        Ok(made) => {
            let wall = started.elapsed().as_secs_f64();
            line.done(&summary(&made, wall));
            if json {
                line.print(&as_json(&wish, &made, wall).to_string());
            } else {
                made.results.iter().for_each(|(_, path)| line.print(&path.display().to_string()));
            }
            DONE
        }
        Err(error) => {
            line.fail(&screen::chain(&error));
            exit_code(&error)
        }
    }
}

fn summary(made: &Made, wall: f64) -> String {
    let mut text = format!(
        "{} of audio in {} ({:.1}x)",
        screen::duration(made.seconds_audio),
        screen::duration(wall),
        made.seconds_audio / wall.max(1e-3)
    );
    if let Some(job) = &made.job {
        text.push_str(&format!(", {}", screen::cost(job.captured, job.released)));
    }
    if made.clipped > 0 {
        text.push_str(&format!(
            "; {} samples were beyond full scale and clipped: --format wav keeps them",
            made.clipped
        ));
    }
    text
}

fn as_json(wish: &Wish, made: &Made, wall: f64) -> serde_json::Value {
    let stem = |(name, path): &(String, PathBuf)| serde_json::json!({ "name": name, "path": path });
    serde_json::json!({
        "task": wish.task,
        "file": wish.file,
        "job": made.job.as_ref().map(|job| job.id.to_string()),
        "model": wish.model,
        "credits_quoted": made.credits_quoted,
        "credits_held": made.job.as_ref().map_or(0, |job| job.held.0),
        "credits_captured": made.job.as_ref().map_or(0, |job| job.captured.0),
        "seconds_audio": made.seconds_audio,
        "seconds_wall": wall,
        "settings": wish.settings.iter().map(|(name, value)| (name.clone(), value.to_string().into())).collect::<serde_json::Map<_, _>>(),
        "stems": made.results.iter().filter(|(name, _)| !name.contains('.')).map(stem).collect::<Vec<_>>(),
        "sheets": made.results.iter().filter(|(name, _)| name.contains('.')).map(stem).collect::<Vec<_>>(),
    })
}

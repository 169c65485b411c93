//! `tributary jobs`: what was asked for and what became of it.

use super::output::{Format, lay_out};
use super::{DONE, JOB_FAILED, Place, fetch, screen};
use anyhow::Context;
use std::path::PathBuf;
use tributary_protocol::client::{Client, JobState, JobView, JobsPage};
use tributary_protocol::vocab::JobId;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// How many jobs
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// One line of JSON a job
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Stop a job: waiting ones cost nothing, running ones the share that is done
    Cancel {
        /// As `tributary jobs` prints it
        id: JobId,
    },
    /// Delete the clips and results of jobs that have ended; what they cost stays on record
    Erase {
        /// As `tributary jobs` prints them
        #[arg(required = true)]
        ids: Vec<JobId>,
    },
    /// Get the results of a finished job again; `tributary balance` says for how long they are kept
    Fetch {
        /// As `tributary jobs` prints it
        id: JobId,
        /// Folder for the stems
        #[arg(long, default_value = ".", value_name = "DIR")]
        out: PathBuf,
        /// Format of the stems
        #[arg(long, value_enum, default_value = "wav")]
        format: Format,
    },
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let client = place.client().await?;
    match args.what {
        None => list(&client, args.limit, args.json).await,
        Some(What::Cancel { id }) => cancel(&client, id).await,
        Some(What::Erase { ids }) => erase(&client, &ids).await,
        Some(What::Fetch { id, out, format }) => fetch_again(&client, id, out, format).await,
    }
}

async fn list(client: &Client, limit: u32, json: bool) -> anyhow::Result<u8> {
    let jobs = client.jobs(JobsPage { limit, before: None }).await?;
    if json {
        jobs.iter().for_each(|job| screen::line(as_json(job)));
    } else if jobs.is_empty() {
        screen::line("no jobs yet: try `tributary separate song.wav`");
    } else {
        let row = |job: &JobView| {
            let cost = match job.state.is_terminal() {
                true => job.captured.0.to_string(),
                false => format!("({} held)", job.held.0),
            };
            let (id, made) = (job.id.to_string(), screen::time(job.created_at_us));
            [id, made, word(job).to_owned(), job.model.clone(), cost, job.title.clone()]
        };
        let rows: Vec<_> = jobs.iter().map(row).collect();
        screen::table(["job", "made (UTC)", "state", "model", "credits", "title"], &rows);
    }
    Ok(DONE)
}

async fn cancel(client: &Client, id: JobId) -> anyhow::Result<u8> {
    let before = client.job(id).await?;
    let job = super::cancel::cancel(client, id).await?;
    let cost = screen::cost(job.captured, job.released);
    if before.state.is_terminal() {
        screen::line(format!("job {id} had ended before ({}); {cost}", word(&job)));
        return Ok(JOB_FAILED);
    }
    screen::line(format!("job {id} is {}; {cost}", word(&job)));
    Ok(DONE)
}

async fn erase(client: &Client, ids: &[JobId]) -> anyhow::Result<u8> {
    for id in ids {
        let job = client.erase(*id).await.with_context(|| format!("job {id}"))?;
        let title = if job.title.is_empty() { String::new() } else { format!(" ({})", job.title) };
        screen::line(format!("the clip and the results of job {id}{title} are deleted"));
    }
    Ok(DONE)
}

async fn fetch_again(client: &Client, id: JobId, out: PathBuf, format: Format) -> anyhow::Result<u8> {
    let job = client.job(id).await?;
    if job.state != JobState::Done {
        anyhow::bail!("job {id} is {}; only finished jobs have results", word(&job));
    }
    anyhow::ensure!(!job.erased, "the results of job {id} are deleted; run it again");
    let song = if job.title.is_empty() { id.to_string() } else { job.title.replace(['/', '\\'], "-") };
    // A title may hold dots; the ending given here is the one that is taken off.
    let paths = lay_out(&[PathBuf::from(format!("{song}.song"))], Some(&out), "stems", format).remove(0);
    let (stems, _) = fetch::results(client, &job, &paths, |_, _, _| {}).await?;
    stems.iter().for_each(|(_, path)| screen::line(path.display()));
    Ok(DONE)
}

fn word(job: &JobView) -> &'static str {
    match job.state {
        JobState::Uploading => "uploading",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
    }
}

fn as_json(job: &JobView) -> serde_json::Value {
    serde_json::json!({
        "job": job.id.to_string(),
        "state": word(job),
        "model": job.model,
        "title": job.title,
        "seconds_audio": job.clip.seconds(),
        "chunks_done": job.chunks_done,
        "chunks": job.chunks,
        "credits_held": job.held.0,
        "credits_captured": job.captured.0,
        "credits_released": job.released.0,
        "failure": job.failure,
        "created_at_us": job.created_at_us,
        "ended_at_us": job.ended_at_us,
        "kept_until_us": job.kept_until_us,
        "erased": job.erased,
        "stems": job.stem_names,
    })
}

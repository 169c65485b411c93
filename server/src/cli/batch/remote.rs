//! Work on a server: quote, hold, upload, wait, fetch. Ctrl-C cancels the job and says what came back.

use super::{Line, Made, Wish};
use crate::cli::cancel::cancel;
use crate::cli::canonical::{self, CanonicalClip};
use crate::cli::{Ended, JOB_FAILED, fetch, screen};
use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tributary_protocol::client::{Client, ClientError, JobState, JobView, NewJob, QuoteAsk};
use tributary_protocol::limits::title_of;
use tributary_protocol::vocab::{Credits, JobId};

pub(super) async fn make(
    client: &Client,
    wish: &Wish,
    line: &Line,
    stop: &CancellationToken,
) -> anyhow::Result<Made> {
    line.state("reading");
    let file = wish.file.clone();
    let references = wish.references.clone();
    let decode = move || -> anyhow::Result<_> {
        let clip = canonical::decode_file(&file)?;
        let references = references.iter().map(|file| canonical::decode_file(file));
        Ok((clip, references.collect::<Result<Vec<_>, _>>()?))
    };
    let (clip, references) = tokio::task::spawn_blocking(decode).await.context("read the file")??;
    let ask = QuoteAsk {
        model: wish.model.clone(),
        frames: clip.header.frames,
        channels: clip.header.channels,
        rate_hz: clip.header.rate_hz,
        settings: wish.settings.clone(),
    };
    let quote = client.quote(&ask).await?;
    let id = JobId::generate();
    line.state(&format!("{}; {} of {}", canonical::describe(clip.shape()), quote.credits, quote.available));
    let job = tokio::select! {
        job = follow(client, wish, line, (&clip, &references), (id, quote.credits)) => job,
        () = stop.cancelled() => return Err(cancelled(client, id).await),
    };
    let job = match job {
        Ok(job) => job,
        Err(error) => return Err(give_up(client, id, error).await),
    };
    let seconds_audio = clip.shape().seconds();
    drop((clip, references));
    if job.state != JobState::Done {
        let why = job.failure.clone().unwrap_or_else(|| "it was stopped".to_owned());
        let cost = screen::cost(job.captured, job.released);
        return Err(anyhow::Error::new(Ended(JOB_FAILED)).context(format!("job {id}: {why}; {cost}")));
    }
    let fetched = tokio::select! {
        fetched = fetch::results(client, &job, &wish.paths, |what, done, total| line.progress(what, done, total)) => fetched,
        () = stop.cancelled() => Err(anyhow::Error::new(Ended(JOB_FAILED)).context("stopped while fetching")),
    };
    let (results, clipped) = fetched.with_context(|| {
        format!("the job is done and paid; get its results with `tributary jobs fetch {id}`")
    })?;
    Ok(Made { job: Some(job), credits_quoted: quote.credits.0, seconds_audio, results, clipped })
}

/// From the hold to the job's end.
async fn follow(
    client: &Client,
    wish: &Wish,
    line: &Line,
    (clip, references): (&CanonicalClip, &[CanonicalClip]),
    (id, quoted): (JobId, Credits),
) -> Result<JobView, ClientError> {
    let title = wish.file.file_stem().map_or_else(|| "clip".into(), |stem| stem.to_string_lossy());
    let title = title_of(&title);
    let new = NewJob {
        id,
        model: wish.model.clone(),
        stems: wish.stems.clone(),
        clip: clip.header,
        title,
        settings: wish.settings.clone(),
        references: references.iter().map(|clip| clip.header).collect(),
        credits_max: Some(quoted),
    };
    let mut job = client.create(&new).await?;
    if job.state == JobState::Uploading {
        for clip in references.iter().chain([clip]) {
            let total = clip.header.canonical_bytes().unwrap_or(1);
            let sent = |bytes| line.progress("sending", bytes, total);
            client.upload(&clip.header, clip.file.path(), sent).await?;
        }
    }
    let mut watch = client.watch(id);
    while let Some(next) = watch.next().await? {
        match next.state {
            JobState::Queued => line.state(&format!("queued, {} before it", next.queue_position)),
            JobState::Running => line.progress(wish.doing, next.chunks_done.into(), next.chunks.into()),
            _ => {}
        }
        job = next;
    }
    Ok(job)
}

/// The user stopped it: says what came back.
async fn cancelled(client: &Client, id: JobId) -> anyhow::Error {
    let text = match cancel(client, id).await {
        Ok(job) => format!("cancelled; {}", screen::cost(job.captured, job.released)),
        Err(ClientError::UnknownJob { .. }) => "cancelled before anything was held".to_owned(),
        Err(error) => {
            format!("the cancel did not reach the server ({error}); try `tributary jobs cancel {id}`")
        }
    };
    anyhow::Error::new(Ended(JOB_FAILED)).context(text)
}

/// Something cannot go on: a job that was created must not keep its hold, unless the server is out of reach.
async fn give_up(client: &Client, id: JobId, error: ClientError) -> anyhow::Error {
    let refused_at_once = matches!(
        error,
        ClientError::NotEnoughCredits { .. }
            | ClientError::OverLimit
            | ClientError::Suspended
            | ClientError::Conflict
            | ClientError::SignIn
            | ClientError::Busy { .. }
    );
    if refused_at_once {
        return error.into();
    }
    if matches!(error, ClientError::Unreachable { .. }) {
        return anyhow::Error::new(error).context(format!(
            "job {id} may go on without us; see `tributary jobs`, then `tributary jobs fetch {id}`"
        ));
    }
    match client.cancel(id).await {
        Ok(job) => anyhow::Error::new(error).context(screen::cost(job.captured, job.held)),
        Err(_) => error.into(),
    }
}

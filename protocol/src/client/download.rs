//! Fetches one stem into a file, going on where it was cut off, until its hash agrees. The network is read here;
//! unpacking, hashing and writing happen on a blocking thread, a few packets behind.

use super::connect::Wire;
use super::retry::{Failure, Line};
use super::stem_file::{StemFile, Trouble, Whole};
use super::{ClientError, JobView, convert};
use crate::v1;
use std::io;
use std::path::Path;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Packets that may wait for the disk: 2 MiB of samples.
const PACKETS_BEHIND_MAX: usize = 8;
/// A stem whose bytes are wrong is fetched this often before it is called damaged.
const FETCHES_MAX: u32 = 2;

/// See [`super::Client::download`].
pub(super) async fn run(
    wire: &Wire,
    line: &Line,
    job: &JobView,
    stem: &str,
    to: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), ClientError> {
    let whole = whole(job, stem, to)?;
    let fetch = Fetch { wire, line, job, stem, bytes: whole.bytes };
    let (whole, is_there) = blocking(whole, |whole| whole.is_there()).await?;
    if is_there? {
        progress(whole.bytes);
        return Ok(());
    }
    let (_, file) = blocking(whole, |whole| StemFile::open(whole.clone())).await?;
    let mut file = file?;
    let mut backoff = line.backoff();
    let mut fetches = 1;
    loop {
        let before = file.written();
        let (kept, end) = fetch.go_on(file, progress).await?;
        progress(kept.written());
        if kept.written() > before {
            backoff.succeeded();
        }
        file = kept;
        match end {
            End::Complete => {
                let (kept, hash_agrees) = blocking(file, StemFile::finish).await?;
                file = kept;
                if hash_agrees? {
                    return Ok(());
                }
            }
            End::Damaged => {}
            End::Disk(error) => return Err(error),
            End::Cut(failure) => {
                backoff.again(failure).await?;
                continue;
            }
        }
        if fetches == FETCHES_MAX {
            let (_, discarded) = blocking(file, |file| file.discard()).await?;
            discarded?;
            return Err(ClientError::Corrupt { what: format!("stem `{stem}` of job {}", job.id) });
        }
        fetches += 1;
        let (kept, restarted) = blocking(file, StemFile::restart).await?;
        restarted?;
        file = kept;
    }
}

/// What the finished file must be. A stem is as long as its clip; anything else is no stem of this job.
fn whole(job: &JobView, stem: &str, to: &Path) -> Result<Whole, ClientError> {
    let Some(found) = job.stems.iter().find(|found| found.name == stem) else {
        return Err(ClientError::Refused { reason: format!("job {} has no finished stem `{stem}`", job.id) });
    };
    if to.file_name().is_none() {
        let cause = io::Error::new(io::ErrorKind::InvalidInput, "a stem needs a file name");
        return Err(ClientError::disk(to, cause));
    }
    let frame_bytes = job.clip.frame_bytes();
    if frame_bytes == 0 || Some(found.bytes) != job.clip.canonical_bytes() {
        return Err(ClientError::protocol(format!("stem `{stem}` has another length than its clip")));
    }
    Ok(Whole { to: to.to_owned(), sha256: found.sha256, bytes: found.bytes, frame_bytes })
}

/// How one stream ended.
enum End {
    Complete,
    Damaged,
    Disk(ClientError),
    Cut(Failure),
}

struct Fetch<'a> {
    wire: &'a Wire,
    line: &'a Line,
    job: &'a JobView,
    stem: &'a str,
    bytes: u64,
}

impl Fetch<'_> {
    /// One stream, from what the file has on. Gives the file back with what came.
    async fn go_on(
        &self,
        file: StemFile,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(StemFile, End), ClientError> {
        if file.is_complete() {
            return Ok((file, End::Complete));
        }
        let from = file.written();
        let (fetched, mut waiting) = mpsc::channel::<v1::Packet>(PACKETS_BEHIND_MAX);
        let (wrote, written) = watch::channel(from);
        let writing = spawn_blocking(move || {
            let mut file = file;
            while let Some(packet) = waiting.blocking_recv() {
                if let Err(trouble) = file.add(&packet) {
                    return (file, Err(trouble));
                }
                wrote.send_replace(file.written());
            }
            (file, Ok(()))
        });
        let mut moved = || {
            // Let go before the caller is told: while it is lent, the writer waits.
            let at = *written.borrow();
            progress(at);
        };
        let received = self.receive(from, fetched, &mut moved).await;
        let (file, wrote) =
            writing.await.map_err(|stopped| ClientError::disk(self.stem, io::Error::other(stopped)))?;
        let end = match (wrote, received) {
            (Err(Trouble::Damaged), _) => End::Damaged,
            (Err(Trouble::Disk(error)), _) => End::Disk(error),
            (Ok(()), _) if file.is_complete() => End::Complete,
            (Ok(()), Err(failure)) => End::Cut(failure),
            (Ok(()), Ok(())) => End::Cut(self.line.silence("the server ended the stream before the stem")),
        };
        Ok((file, end))
    }

    /// Network to queue, until the last byte, the first failure, or until the writer wants no more.
    async fn receive(
        &self,
        from: u64,
        fetched: mpsc::Sender<v1::Packet>,
        moved: &mut (dyn FnMut() + Send),
    ) -> Result<(), Failure> {
        let request = v1::ReadStemRequest {
            job_id: convert::id(self.job.id),
            stem: self.stem.to_owned(),
            offset: from,
        };
        let stream = self.line.once(async { self.wire.stems().read(request).await }).await;
        let mut stream = stream.map_err(Failure::not_about_a_job)?;
        let mut received = from;
        while received < self.bytes {
            let packet = match timeout(self.line.patience().stream_idle, stream.message()).await {
                Err(elapsed) => return Err(self.line.silence(elapsed)),
                Ok(Err(status)) => return Err(self.line.judge(status).not_about_a_job()),
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(packet))) => packet,
            };
            received = received.saturating_add(packet.canonical_bytes.into());
            if fetched.send(packet).await.is_err() {
                return Ok(());
            }
            moved();
        }
        Ok(())
    }
}

/// Lends something to a blocking thread and takes it back with the outcome.
async fn blocking<S, T>(
    mut state: S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<(S, T), ClientError>
where
    S: Send + 'static,
    T: Send + 'static,
{
    spawn_blocking(move || {
        let outcome = work(&mut state);
        (state, outcome)
    })
    .await
    .map_err(|stopped| ClientError::disk("stem", io::Error::other(stopped)))
}

//! Fetches one sheet. Sheets are small: each try is a whole one, held in memory up to the limit.

use super::connect::Wire;
use super::retry::{Failure, Line};
use super::{ClientError, JobView, SheetView, convert};
use crate::limits::{SHEET_BYTES_MAX, SHEET_PIECE_BYTES_MAX};
use crate::v1;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// A sheet whose bytes are wrong is fetched this often before it is called damaged.
const FETCHES_MAX: u32 = 2;

/// See [`super::Client::download_sheet`].
pub(super) async fn run(
    wire: &Wire,
    line: &Line,
    job: &JobView,
    sheet: &str,
    to: &Path,
) -> Result<(), ClientError> {
    let Some(found) = job.sheets.iter().find(|found| found.name == sheet) else {
        return Err(ClientError::Refused {
            reason: format!("job {} has no finished sheet `{sheet}`", job.id),
        });
    };
    let mut backoff = line.backoff();
    let mut damaged = 0;
    loop {
        match fetch(wire, line, job, found).await {
            Ok(bytes) if Sha256::digest(&bytes)[..] == found.sha256.0 => return keep(bytes, to).await,
            Ok(_) => damaged += 1,
            Err(failure) => backoff.again(failure).await?,
        }
        if damaged == FETCHES_MAX {
            return Err(ClientError::Corrupt { what: format!("sheet `{sheet}` of job {}", job.id) });
        }
    }
}

/// All pieces of one try; fewer or more bytes than promised are another sheet, which its hash shows.
async fn fetch(wire: &Wire, line: &Line, job: &JobView, sheet: &SheetView) -> Result<Vec<u8>, Failure> {
    let request = v1::ReadSheetRequest { job_id: convert::id(job.id), sheet: sheet.name.clone() };
    let stream = line.once(async { wire.sheets().read(request).await }).await;
    let mut stream = stream.map_err(Failure::not_about_a_job)?;
    let most = sheet.bytes.min(SHEET_BYTES_MAX);
    let mut bytes = Vec::with_capacity(usize::try_from(most).unwrap_or(0).min(SHEET_PIECE_BYTES_MAX));
    loop {
        match timeout(line.patience().stream_idle, stream.message()).await {
            Err(elapsed) => return Err(line.silence(elapsed)),
            Ok(Err(status)) => return Err(line.judge(status).not_about_a_job()),
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Ok(Some(piece))) => bytes.extend_from_slice(&piece.bytes),
        }
        if bytes.len() as u64 > most {
            return Ok(bytes);
        }
    }
}

/// Under a draft's name first, so that a file under its own name is whole.
async fn keep(bytes: Vec<u8>, to: &Path) -> Result<(), ClientError> {
    let path = to.to_owned();
    let write = move || -> io::Result<()> {
        let mut draft = OsString::from(&path);
        draft.push(".part");
        std::fs::write(&draft, bytes)?;
        std::fs::rename(&draft, &path)
    };
    let written = spawn_blocking(write).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    written.map_err(|cause| ClientError::disk(to, cause))
}

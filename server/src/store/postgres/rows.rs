//! Between rows and the domain's types. A row that cannot be read is an error, never a guess.

use super::read::{person_or_none, widget_or_none};
use super::values::{json, references, settings, unreadable};
use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::job::{Job, JobState, StemArtifact};
use crate::ledger::Balance;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, Sha256};

/// Jobs with their money and stems by one statement, so that they are of one moment. `$1` is the number of jobs, the
/// filter's own parameters follow it; `j` is the job.
macro_rules! select_jobs {
    ($filter:literal, $order:literal) => {
        concat!(
            "WITH page AS (SELECT * FROM job AS j WHERE ",
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT $1) SELECT j.account_id, j.id, j.state, j.seq, j.model, j.stems::text AS stems, j.title,
                j.clip_sha256, j.clip_frames, j.clip_channels, j.clip_rate_hz, j.settings::text AS settings,
                j.chunks, j.chunks_done, j.attempt, j.cancel_asked, j.failure, j.person_id, j.widget_id, j.device_us, j.created_at, j.started_at, j.ended_at,
                (SELECT coalesce(jsonb_agg(jsonb_build_array(encode(r.sha256, 'hex'), r.frames, r.channels, r.rate_hz)
                 ORDER BY r.place), '[]')::text
                 FROM job_reference AS r WHERE r.account_id = j.account_id AND r.job_id = j.id) AS refs,
                (j.forgotten OR EXISTS (SELECT 1 FROM erasure AS e
                 WHERE e.account_id = j.account_id AND e.job_id = j.id)) AS erased,
                hold.amount AS held, coalesce(settlement.captured, 0) AS captured,
                stem.name AS stem_name, stem.sha256 AS stem_sha256, stem.bytes AS stem_bytes
             FROM page AS j
             JOIN hold ON hold.account_id = j.account_id AND hold.job_id = j.id
             LEFT JOIN settlement ON settlement.account_id = j.account_id AND settlement.job_id = j.id
             LEFT JOIN stem_artifact AS stem ON stem.account_id = j.account_id AND stem.job_id = j.id
             ORDER BY ",
            $order,
            ", stem.place"
        )
    };
}
pub(super) use select_jobs;

/// One job of the account, or none.
pub(super) async fn job(tx: &mut Tx, account: AccountId, id: JobId) -> Result<Option<Job>, StoreError> {
    let rows = sqlx::query(select_jobs!("j.account_id = $2 AND j.id = $3", "j.id"))
        .bind(1_i64)
        .bind(account_in(account))
        .bind(job_in(id))
        .fetch_all(&mut **tx)
        .await?;
    Ok(read_jobs(&rows)?.pop())
}

/// The same, and nobody else changes it until this transaction ends.
pub(super) async fn job_kept(tx: &mut Tx, account: AccountId, id: JobId) -> Result<Option<Job>, StoreError> {
    // Its own statement: what is read after the lock is what the one before it left.
    sqlx::query("SELECT 1 FROM job WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE")
        .bind(account_in(account))
        .bind(job_in(id))
        .execute(&mut **tx)
        .await?;
    job(tx, account, id).await
}

/// Folds the rows of [`select_jobs`], one for each stem, into jobs, without results that are about to be deleted.
pub(super) fn read_jobs(rows: &[PgRow]) -> Result<Vec<Job>, StoreError> {
    let mut jobs = read_whole_jobs(rows)?;
    jobs.iter_mut().filter(|job| job.erased).for_each(|job| job.artifacts.clear());
    Ok(jobs)
}

/// The same with all that is on record, for who deletes it.
pub(super) fn read_whole_jobs(rows: &[PgRow]) -> Result<Vec<Job>, StoreError> {
    let mut jobs: Vec<Job> = Vec::new();
    for row in rows {
        let (account, id) = (account_id(row, "account_id")?, job_id(row, "id")?);
        if jobs.last().is_none_or(|job| (job.account, job.id) != (account, id)) {
            jobs.push(read_job(row, account, id)?);
        }
        if let (Some(name), Some(job)) = (row.try_get::<Option<String>, _>("stem_name")?, jobs.last_mut()) {
            let sha256 = sha256(row, "stem_sha256")?;
            job.artifacts.push(StemArtifact { name, sha256, bytes: number(row, "stem_bytes")? });
        }
    }
    Ok(jobs)
}

fn read_job(row: &PgRow, account: AccountId, id: JobId) -> Result<Job, StoreError> {
    Ok(Job {
        id,
        account,
        state: JobState::from_word(row.try_get("state")?).ok_or_else(|| unreadable("state"))?,
        seq: number(row, "seq")?,
        model: row.try_get("model")?,
        stems: json(row.try_get("stems")?, "stems")?,
        title: row.try_get("title")?,
        clip: clip(row)?,
        settings: settings(row.try_get("settings")?)?,
        references: references(row.try_get("refs")?)?,
        chunks: number(row, "chunks")?,
        chunks_done: number(row, "chunks_done")?,
        attempt: number(row, "attempt")?,
        cancel_asked: row.try_get("cancel_asked")?,
        held: credits(row, "held")?,
        captured: credits(row, "captured")?,
        failure: row.try_get("failure")?,
        person: person_or_none(row)?,
        widget: widget_or_none(row)?,
        device: Duration::from_micros(number(row, "device_us")?),
        erased: row.try_get("erased")?,
        artifacts: Vec::new(),
        created_at: Timestamp(row.try_get("created_at")?),
        started_at: row.try_get::<Option<i64>, _>("started_at")?.map(Timestamp),
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(Timestamp),
    })
}

/// The clip's columns.
pub(super) fn clip(row: &PgRow) -> Result<ClipHeader, StoreError> {
    Ok(ClipHeader {
        sha256: sha256(row, "clip_sha256")?,
        frames: number(row, "clip_frames")?,
        channels: number(row, "clip_channels")?,
        rate_hz: number(row, "clip_rate_hz")?,
    })
}

/// The wallet's columns.
pub(super) fn balance(row: &PgRow) -> Result<Balance, StoreError> {
    Ok(Balance { posted: credits(row, "posted")?, held: credits(row, "held")? })
}

/// A job's id as the database keeps it.
pub(super) fn job_in(id: JobId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// An account's id as the database keeps it.
pub(super) fn account_in(id: AccountId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// A job's id.
pub(super) fn job_id(row: &PgRow, column: &'static str) -> Result<JobId, StoreError> {
    JobId::from_slice(row.try_get::<Uuid, _>(column)?.as_bytes()).ok_or_else(|| unreadable(column))
}

/// An account's id.
pub(super) fn account_id(row: &PgRow, column: &'static str) -> Result<AccountId, StoreError> {
    AccountId::from_slice(row.try_get::<Uuid, _>(column)?.as_bytes()).ok_or_else(|| unreadable(column))
}

/// 32 bytes of a hash.
pub(super) fn sha256(row: &PgRow, column: &'static str) -> Result<Sha256, StoreError> {
    Sha256::from_slice(row.try_get(column)?).ok_or_else(|| unreadable(column))
}

/// A number of any unsigned kind; the database has signed ones alone.
pub(super) fn number<T: TryFrom<i64>>(row: &PgRow, column: &'static str) -> Result<T, StoreError> {
    T::try_from(row.try_get::<i64, _>(column)?).map_err(|_| unreadable(column))
}

/// Credits.
pub(super) fn credits(row: &PgRow, column: &'static str) -> Result<Credits, StoreError> {
    number(row, column).map(Credits)
}

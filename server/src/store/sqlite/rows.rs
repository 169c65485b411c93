//! Between rows and the domain's types. A row that cannot be read is an error, never a guess.

use super::StoreError;
use super::read::{person_or_none, widget_or_none};
use super::values::{json, references, settings, unreadable};
use crate::clock::Timestamp;
use crate::job::{Job, JobState, StemArtifact};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, Sha256};

/// Jobs with their money and stems by one statement, so that they are of one moment. The filter's last parameter is
/// the number of jobs; `j` is the job.
macro_rules! select_jobs {
    ($filter:literal, $order:literal) => {
        concat!(
            "WITH page AS (SELECT * FROM job AS j WHERE ",
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT ?) SELECT j.*,
                (SELECT json_group_array(json_array(hex(sha256), frames, channels, rate_hz) ORDER BY place)
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
pub(super) async fn job(
    connection: &mut SqliteConnection,
    account: AccountId,
    id: JobId,
) -> Result<Option<Job>, StoreError> {
    let rows = sqlx::query(select_jobs!("j.account_id = ? AND j.id = ?", "j.id"))
        .bind(&account.as_bytes()[..])
        .bind(&id.as_bytes()[..])
        .bind(1)
        .fetch_all(connection)
        .await?;
    Ok(read_jobs(&rows)?.pop())
}

/// Folds the rows of [`select_jobs`], one for each stem, into jobs, without results that are about to be deleted.
pub(super) fn read_jobs(rows: &[SqliteRow]) -> Result<Vec<Job>, StoreError> {
    let mut jobs = read_whole_jobs(rows)?;
    jobs.iter_mut().filter(|job| job.erased).for_each(|job| job.artifacts.clear());
    Ok(jobs)
}

/// The same with all that is on record, for who deletes it.
pub(super) fn read_whole_jobs(rows: &[SqliteRow]) -> Result<Vec<Job>, StoreError> {
    let mut jobs: Vec<Job> = Vec::new();
    for row in rows {
        let (account, id) = (account_id(row, "account_id")?, job_id(row, "id")?);
        if jobs.last().is_none_or(|job| (job.account, job.id) != (account, id)) {
            jobs.push(read_job(row, account, id)?);
        }
        if let (Some(name), Some(job)) = (row.try_get::<Option<String>, _>("stem_name")?, jobs.last_mut()) {
            let sha256 = sha256(row, "stem_sha256")?;
            job.artifacts.push(StemArtifact { name, sha256, bytes: count(row, "stem_bytes")? });
        }
    }
    Ok(jobs)
}

fn read_job(row: &SqliteRow, account: AccountId, id: JobId) -> Result<Job, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Job {
        id,
        account,
        state: JobState::from_word(&state).ok_or_else(|| unreadable("state"))?,
        seq: count(row, "seq")?,
        model: row.try_get("model")?,
        stems: json(row.try_get("stems")?, "stems")?,
        title: row.try_get("title")?,
        clip: clip(row)?,
        settings: settings(row.try_get("settings")?)?,
        references: references(row.try_get("refs")?)?,
        chunks: row.try_get("chunks")?,
        chunks_done: row.try_get("chunks_done")?,
        attempt: row.try_get("attempt")?,
        cancel_asked: row.try_get("cancel_asked")?,
        held: credits(row, "held")?,
        captured: credits(row, "captured")?,
        failure: row.try_get("failure")?,
        person: person_or_none(row)?,
        widget: widget_or_none(row)?,
        device: Duration::from_micros(count(row, "device_us")?),
        erased: row.try_get("erased")?,
        artifacts: Vec::new(),
        created_at: Timestamp(row.try_get("created_at")?),
        started_at: row.try_get::<Option<i64>, _>("started_at")?.map(Timestamp),
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(Timestamp),
    })
}

/// The clip's columns.
pub(super) fn clip(row: &SqliteRow) -> Result<ClipHeader, StoreError> {
    Ok(ClipHeader {
        sha256: sha256(row, "clip_sha256")?,
        frames: count(row, "clip_frames")?,
        channels: row.try_get("clip_channels")?,
        rate_hz: row.try_get("clip_rate_hz")?,
    })
}

/// 16 bytes of a job.
pub(super) fn job_id(row: &SqliteRow, column: &'static str) -> Result<JobId, StoreError> {
    JobId::from_slice(row.try_get(column)?).ok_or_else(|| unreadable(column))
}

/// 16 bytes of an account.
pub(super) fn account_id(row: &SqliteRow, column: &'static str) -> Result<AccountId, StoreError> {
    AccountId::from_slice(row.try_get(column)?).ok_or_else(|| unreadable(column))
}

/// 32 bytes of a hash.
pub(super) fn sha256(row: &SqliteRow, column: &'static str) -> Result<Sha256, StoreError> {
    Sha256::from_slice(row.try_get(column)?).ok_or_else(|| unreadable(column))
}

/// A number that is never negative.
pub(super) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| unreadable(column))
}

/// Credits.
pub(super) fn credits(row: &SqliteRow, column: &'static str) -> Result<Credits, StoreError> {
    count(row, column).map(Credits)
}

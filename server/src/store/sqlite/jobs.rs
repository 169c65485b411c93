//! What a tenant does with its jobs: admission, upload, lists, cancel, and forgetting what was deleted.

use super::ending::{Ending, arrow, is_same_request};
use super::read::{person_in, widget_in};
use super::rows::{self, clip, job_id, read_jobs, read_whole_jobs, select_jobs};
use super::settle::end;
use super::values::{count_in, credits_in, settings_in, stems_in, unreadable};
use super::{Admission, Cancelled, NewJob, SqliteStore, StoreError, Write};
use super::{accounts, keeping};
use crate::clock::Timestamp;
use crate::job::{Job, JobEvent, JobState};
use crate::ledger::Balance;
use sqlx::Row;
use tributary_protocol::vocab::{AccountId, ClipHeader, JobId, Sha256};

pub(super) async fn admit(
    store: &SqliteStore,
    account: AccountId,
    new: &NewJob,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let mut tx = store.write().await?;
    if let Some(job) = rows::job(&mut tx, account, new.id).await? {
        let same = is_same_request(&job, new);
        return Ok(if same { Admission::Known(job) } else { Admission::Conflict });
    }
    let amount = credits_in(new.quote)?;
    let row = sqlx::query(
        "SELECT posted, held, (SELECT count(*) FROM job WHERE job.account_id = ?1 AND ended_at IS NULL) AS open
         FROM wallet WHERE account_id = ?1",
    )
    .bind(&account.as_bytes()[..])
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NoAccount)?;
    let open: u32 = row.try_get("open")?;
    if open >= new.open_max {
        return Ok(Admission::TooMany { open });
    }
    let balance = Balance { posted: rows::credits(&row, "posted")?, held: rows::credits(&row, "held")? };
    if accounts::is_suspended(&mut tx, account).await? {
        return Ok(Admission::Suspended);
    }
    if let (Some(spender), Some(limit)) = (accounts::Spender::of(new), &new.spend_limit) {
        let spent = accounts::spent(&mut tx, account, spender, limit.since).await?;
        if spent.checked_add(new.quote).is_none_or(|would| would > limit.credits) {
            return Ok(Admission::OverLimit { spent });
        }
    }
    if let Some(limit) = &new.storage_limit {
        let kept = keeping::kept(&mut tx, account).await?;
        if kept.saturating_add(limit.needed) > limit.bytes {
            return Ok(Admission::OverStorage { kept });
        }
    }
    // The condition stands in the statement too: it holds whatever lock the database takes.
    let set_aside =
        sqlx::query("UPDATE wallet SET held = held + ?1 WHERE account_id = ?2 AND posted - held >= ?1")
            .bind(amount)
            .bind(&account.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
    if set_aside.rows_affected() == 0 {
        return Ok(Admission::Insufficient { needed: new.quote, available: balance.available() });
    }
    sqlx::query("INSERT INTO hold (account_id, job_id, amount, created_at) VALUES (?, ?, ?, ?)")
        .bind(&account.as_bytes()[..])
        .bind(&new.id.as_bytes()[..])
        .bind(amount)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    insert(&mut tx, account, new, now).await?;
    let job = rows::job(&mut tx, account, new.id).await?.ok_or_else(|| unreadable("job"))?;
    tx.commit().await?;
    Ok(Admission::Admitted(job))
}

async fn insert(
    tx: &mut Write<'_>,
    account: AccountId,
    new: &NewJob,
    now: Timestamp,
) -> Result<(), StoreError> {
    let all_stored = new.clip_is_stored && new.references.iter().all(|(_, stored)| *stored);
    let (state, queued_at, upload_until) = if all_stored {
        (arrow(JobState::Uploading, JobEvent::Uploaded)?, Some(now.0), None)
    } else {
        (JobState::Uploading, None, Some(new.upload_until.0))
    };
    sqlx::query(
        "INSERT INTO job (account_id, id, state, seq, model, stems, title, clip_sha256, clip_frames, clip_channels,
         clip_rate_hz, chunks, upload_until, created_at, queued_at, settings, clip_stored, person_id, widget_id,
         visitor_sha256)
         VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&account.as_bytes()[..])
    .bind(&new.id.as_bytes()[..])
    .bind(state.word())
    .bind(&new.model)
    .bind(stems_in(&new.stems))
    .bind(&new.title)
    .bind(&new.clip.sha256.0[..])
    .bind(count_in(new.clip.frames)?)
    .bind(new.clip.channels)
    .bind(new.clip.rate_hz)
    .bind(new.chunks)
    .bind(upload_until)
    .bind(now.0)
    .bind(queued_at)
    .bind(settings_in(&new.settings))
    .bind(new.clip_is_stored)
    .bind(new.person.map(person_in))
    .bind(new.visitor.map(|visitor| widget_in(visitor.widget)))
    .bind(new.visitor.map(|visitor| visitor.secret_sha256.0.to_vec()))
    .execute(&mut **tx)
    .await?;
    for (place, (clip, stored)) in (0_i64..).zip(&new.references) {
        sqlx::query(
            "INSERT INTO job_reference (account_id, job_id, place, sha256, frames, channels, rate_hz, stored)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&account.as_bytes()[..])
        .bind(&new.id.as_bytes()[..])
        .bind(place)
        .bind(&clip.sha256.0[..])
        .bind(count_in(clip.frames)?)
        .bind(clip.channels)
        .bind(clip.rate_hz)
        .bind(stored)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The oldest uploading job's header, where several jobs wait for one content.
pub(super) async fn awaited_clip(
    store: &SqliteStore,
    account: AccountId,
    content: Sha256,
) -> Result<Option<ClipHeader>, StoreError> {
    sqlx::query(
        "SELECT clip_sha256, clip_frames, clip_channels, clip_rate_hz, created_at, id FROM job
         WHERE account_id = ?1 AND clip_sha256 = ?2 AND state = 'uploading'
         UNION ALL
         SELECT r.sha256, r.frames, r.channels, r.rate_hz, j.created_at, j.id FROM job_reference AS r
         JOIN job AS j ON j.account_id = r.account_id AND j.id = r.job_id
         WHERE r.account_id = ?1 AND r.sha256 = ?2 AND j.state = 'uploading'
         ORDER BY created_at, id LIMIT 1",
    )
    .bind(&account.as_bytes()[..])
    .bind(&content.0[..])
    .fetch_optional(&mut *store.read().await?)
    .await?
    .as_ref()
    .map(clip)
    .transpose()
}

pub(super) async fn uploaded(
    store: &SqliteStore,
    account: AccountId,
    content: Sha256,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let to = arrow(JobState::Uploading, JobEvent::Uploaded)?;
    let mut tx = store.write().await?;
    for mark in [
        "UPDATE job SET clip_stored = 1 WHERE account_id = ? AND clip_sha256 = ? AND state = 'uploading'",
        "UPDATE job_reference SET stored = 1 WHERE account_id = ? AND sha256 = ?",
    ] {
        sqlx::query(mark).bind(&account.as_bytes()[..]).bind(&content.0[..]).execute(&mut *tx).await?;
    }
    let rows = sqlx::query(
        "UPDATE job SET state = ?1, seq = seq + 1, queued_at = ?2, upload_until = NULL
         WHERE account_id = ?3 AND state = 'uploading' AND clip_stored = 1
         AND (clip_sha256 = ?4 OR EXISTS (SELECT 1 FROM job_reference AS r
              WHERE r.account_id = ?3 AND r.job_id = job.id AND r.sha256 = ?4))
         AND NOT EXISTS (SELECT 1 FROM job_reference AS r
              WHERE r.account_id = ?3 AND r.job_id = job.id AND r.stored = 0)
         RETURNING id",
    )
    .bind(to.word())
    .bind(now.0)
    .bind(&account.as_bytes()[..])
    .bind(&content.0[..])
    .fetch_all(&mut *tx)
    .await?;
    let mut ids = rows.iter().map(|row| job_id(row, "id")).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    tx.commit().await?;
    Ok(ids)
}

pub(super) async fn still_uploading(
    store: &SqliteStore,
    account: AccountId,
    content: Sha256,
    until: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE job SET upload_until = ?1 WHERE account_id = ?2 AND state = 'uploading'
         AND (clip_sha256 = ?3 OR EXISTS (SELECT 1 FROM job_reference AS r
              WHERE r.account_id = ?2 AND r.job_id = job.id AND r.sha256 = ?3))",
    )
    .bind(until.0)
    .bind(&account.as_bytes()[..])
    .bind(&content.0[..])
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Nothing is older than a job that the tenant does not have.
pub(super) async fn page(
    store: &SqliteStore,
    account: AccountId,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<Job>, StoreError> {
    let mut connection = store.read().await?;
    let rows = match before {
        None => {
            sqlx::query(select_jobs!("j.account_id = ?", "j.created_at DESC, j.id DESC"))
                .bind(&account.as_bytes()[..])
                .bind(limit)
                .fetch_all(&mut *connection)
                .await?
        }
        Some(before) => {
            sqlx::query(select_jobs!(
                "j.account_id = ? AND (j.created_at, j.id) <
                 (SELECT last.created_at, last.id FROM job AS last WHERE last.account_id = ? AND last.id = ?)",
                "j.created_at DESC, j.id DESC"
            ))
            .bind(&account.as_bytes()[..])
            .bind(&account.as_bytes()[..])
            .bind(&before.as_bytes()[..])
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?
        }
    };
    read_jobs(&rows)
}

pub(super) async fn queue_position(
    store: &SqliteStore,
    account: AccountId,
    id: JobId,
) -> Result<u32, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM job AS mine JOIN job AS other ON other.state = 'queued'
         WHERE mine.account_id = ? AND mine.id = ? AND mine.state = 'queued'
         AND (other.queued_at, other.id) < (mine.queued_at, mine.id)",
    )
    .bind(&account.as_bytes()[..])
    .bind(&id.as_bytes()[..])
    .fetch_one(&mut *store.read().await?)
    .await?)
}

pub(super) async fn cancel(
    store: &SqliteStore,
    account: AccountId,
    id: JobId,
    now: Timestamp,
) -> Result<Cancelled, StoreError> {
    let mut tx = store.write().await?;
    let Some(mut job) = rows::job(&mut tx, account, id).await? else {
        return Ok(Cancelled::Unknown);
    };
    if job.state.is_terminal() {
        return Ok(Cancelled::Ended(job));
    }
    if job.state != JobState::Running {
        let ended = end(&mut tx, &job, &Ending::released(&job, JobEvent::Stopped, None), now).await?;
        tx.commit().await?;
        return Ok(Cancelled::Now(ended));
    }
    if !job.cancel_asked {
        sqlx::query("UPDATE job SET cancel_asked = 1, seq = seq + 1 WHERE account_id = ? AND id = ?")
            .bind(&account.as_bytes()[..])
            .bind(&id.as_bytes()[..])
            .execute(&mut *tx)
            .await?;
        job.cancel_asked = true;
        job.seq += 1;
        tx.commit().await?;
    }
    Ok(Cancelled::Asked(job))
}

pub(super) async fn stale(
    store: &SqliteStore,
    ended_before: Timestamp,
    limit: u32,
) -> Result<Vec<Job>, StoreError> {
    let rows = sqlx::query(select_jobs!(
        "j.forgotten = 0 AND j.ended_at IS NOT NULL AND (j.ended_at < ?
         OR (j.account_id, j.id) IN (SELECT account_id, job_id FROM erasure))",
        "j.ended_at, j.account_id, j.id"
    ))
    .bind(ended_before.0)
    .bind(limit)
    .fetch_all(&mut *store.read().await?)
    .await?;
    read_whole_jobs(&rows)
}

pub(super) async fn content_needed(
    store: &SqliteStore,
    account: AccountId,
    content: Sha256,
    except: JobId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM job WHERE account_id = ?1 AND clip_sha256 = ?2 AND id <> ?3 AND forgotten = 0)
         OR EXISTS (SELECT 1 FROM job_reference AS r JOIN job AS j ON j.account_id = r.account_id AND j.id = r.job_id
              WHERE r.account_id = ?1 AND r.sha256 = ?2 AND r.job_id <> ?3 AND j.forgotten = 0)
         OR EXISTS (SELECT 1 FROM stem_artifact WHERE account_id = ?1 AND sha256 = ?2 AND job_id <> ?3)",
    )
    .bind(&account.as_bytes()[..])
    .bind(&content.0[..])
    .bind(&except.as_bytes()[..])
    .fetch_one(&mut *store.read().await?)
    .await?)
}

/// A job that has not ended is left as it is: its clip is still needed.
pub(super) async fn forget(store: &SqliteStore, account: AccountId, id: JobId) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let forgotten = sqlx::query(
        "UPDATE job SET forgotten = 1, seq = seq + 1
         WHERE account_id = ? AND id = ? AND ended_at IS NOT NULL AND forgotten = 0",
    )
    .bind(&account.as_bytes()[..])
    .bind(&id.as_bytes()[..])
    .execute(&mut *tx)
    .await?;
    if forgotten.rows_affected() == 1 {
        for sql in [
            "DELETE FROM stem_artifact WHERE account_id = ? AND job_id = ?",
            "DELETE FROM erasure WHERE account_id = ? AND job_id = ?",
        ] {
            sqlx::query(sql).bind(&account.as_bytes()[..]).bind(&id.as_bytes()[..]).execute(&mut *tx).await?;
        }
    }
    tx.commit().await
}

//! What a worker does: claim, extend, give back, settle. The attempt is the fence: whoever comes with an older one
//! changes nothing. A lease that ran out stays valid until the reaper gives the job to somebody else.

use super::ending::{Ending, Outcome, arrow};
use super::rows::{self, account_id, job_id};
use super::settle::end;
use super::values::{count_in, unreadable};
use super::{Claim, ClaimLimits, Lease, Settled, SqliteStore, StoreError, Write};
use crate::clock::Timestamp;
use crate::job::{Job, JobEvent, JobState, StemArtifact};
use crate::tenant::Tenant;
use serde_json::json;

pub(super) async fn claim(
    store: &SqliteStore,
    worker: &str,
    limits: ClaimLimits<'_>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Claim>, StoreError> {
    let mut tx = store.write().await?;
    let found = sqlx::query(
        "SELECT job.account_id, job.id FROM job
         LEFT JOIN (SELECT account_id, count(*) AS jobs FROM job WHERE state = 'running' GROUP BY account_id) AS busy
         ON busy.account_id = job.account_id
         WHERE job.state = 'queued' AND job.lost_leases < ?1 AND coalesce(busy.jobs, 0) < ?2
         AND (?3 IS NULL OR job.model IN (SELECT value FROM json_each(?3)) OR job.created_at < ?4)
         ORDER BY coalesce(busy.jobs, 0), job.queued_at, job.id LIMIT 1",
    )
    .bind(limits.attempts.max(1))
    .bind(limits.per_account)
    .bind(limits.models.map(|models| json!(models.names).to_string()))
    .bind(limits.models.map(|models| models.or_made_before.0))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let (account, id) = (account_id(&row, "account_id")?, job_id(&row, "id")?);
    sqlx::query(
        "UPDATE job SET state = ?, seq = seq + 1, attempt = attempt + 1, chunks_done = 0, lease_owner = ?,
         lease_until = ?, started_at = coalesce(started_at, ?) WHERE account_id = ? AND id = ?",
    )
    .bind(arrow(JobState::Queued, JobEvent::Claimed)?.word())
    .bind(worker)
    .bind(lease_until.0)
    .bind(now.0)
    .bind(&account.as_bytes()[..])
    .bind(&id.as_bytes()[..])
    .execute(&mut *tx)
    .await?;
    let job = rows::job(&mut tx, account, id).await?.ok_or_else(|| unreadable("job"))?;
    tx.commit().await?;
    Ok(Some(Claim { job, tenant: Tenant::acting_for(account) }))
}

/// Chunks never go back within an attempt; `seq` rises only when there is something new to see.
pub(super) async fn extend(
    store: &SqliteStore,
    claim: &Claim,
    chunks_done: u32,
    lease_until: Timestamp,
) -> Result<Lease, StoreError> {
    let mut tx = store.write().await?;
    let cancel_asked: Option<bool> = sqlx::query_scalar(
        "UPDATE job SET lease_until = ?1, seq = CASE WHEN ?2 > chunks_done THEN seq + 1 ELSE seq END,
         chunks_done = CASE WHEN ?2 > chunks_done THEN ?2 ELSE chunks_done END
         WHERE account_id = ?3 AND id = ?4 AND state = 'running' AND attempt = ?5 RETURNING cancel_asked",
    )
    .bind(lease_until.0)
    .bind(chunks_done.min(claim.job.chunks))
    .bind(&claim.tenant.account().as_bytes()[..])
    .bind(&claim.job.id.as_bytes()[..])
    .bind(claim.job.attempt)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match cancel_asked {
        Some(false) => Lease::Held,
        Some(true) => Lease::CancelAsked,
        None => Lease::Lost,
    })
}

/// A job that its user stopped is not queued again but ends here, released.
pub(super) async fn give_back(
    store: &SqliteStore,
    claim: &Claim,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut tx = store.write().await?;
    let Some(job) = rows::job(&mut tx, claim.tenant.account(), claim.job.id).await? else {
        return Ok(Settled::Stale);
    };
    if job.state != JobState::Running || job.attempt != claim.job.attempt {
        return Ok(Settled::Stale);
    }
    let job = if job.cancel_asked {
        end(&mut tx, &job, &Ending::released(&job, JobEvent::Stopped, None), now).await?
    } else {
        queue_again(&mut tx, &job, false).await?
    };
    tx.commit().await?;
    Ok(Settled::Yes(job))
}

/// Back to its old place in the queue. `lost`: the lease ran out, which counts against the attempts.
pub(super) async fn queue_again(tx: &mut Write<'_>, job: &Job, lost: bool) -> Result<Job, StoreError> {
    sqlx::query(
        "UPDATE job SET state = ?, seq = seq + 1, chunks_done = 0, lease_owner = NULL, lease_until = NULL,
         lost_leases = lost_leases + ? WHERE account_id = ? AND id = ?",
    )
    .bind(arrow(job.state, JobEvent::Returned)?.word())
    .bind(u32::from(lost))
    .bind(&job.account.as_bytes()[..])
    .bind(&job.id.as_bytes()[..])
    .execute(&mut **tx)
    .await?;
    rows::job(tx, job.account, job.id).await?.ok_or_else(|| unreadable("job"))
}

pub(super) async fn settle(
    store: &SqliteStore,
    claim: &Claim,
    outcome: Outcome<'_>,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut tx = store.write().await?;
    let Some(job) = rows::job(&mut tx, claim.tenant.account(), claim.job.id).await? else {
        return Ok(Settled::Stale);
    };
    if job.attempt != claim.job.attempt {
        return Ok(Settled::Stale);
    }
    if job.state.is_terminal() {
        let same = settled_so(&mut tx, &job, &outcome).await?;
        return Ok(if same { Settled::Yes(job) } else { Settled::Stale });
    }
    if job.state != JobState::Running {
        return Ok(Settled::Stale);
    }
    if let Outcome::Finished(stems) = outcome {
        add_stems(&mut tx, &job, stems).await?;
    }
    let ending = Ending::of(&outcome, &job);
    let job = end(&mut tx, &job, &ending, now).await?;
    tx.commit().await?;
    Ok(Settled::Yes(job))
}

/// Whether this attempt itself ended the job in this very way before: the answer was lost, and is given again.
async fn settled_so(tx: &mut Write<'_>, job: &Job, outcome: &Outcome<'_>) -> Result<bool, StoreError> {
    let settled: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM job WHERE account_id = ? AND id = ? AND settled_attempt = attempt")
            .bind(&job.account.as_bytes()[..])
            .bind(&job.id.as_bytes()[..])
            .fetch_optional(&mut **tx)
            .await?;
    Ok(settled.is_some() && outcome.is_of(job))
}

async fn add_stems(tx: &mut Write<'_>, job: &Job, stems: &[StemArtifact]) -> Result<(), StoreError> {
    for (place, stem) in (0u32..).zip(stems) {
        sqlx::query(
            "INSERT INTO stem_artifact (account_id, job_id, place, name, sha256, bytes) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&job.account.as_bytes()[..])
        .bind(&job.id.as_bytes()[..])
        .bind(place)
        .bind(&stem.name)
        .bind(&stem.sha256.0[..])
        .bind(count_in(stem.bytes)?)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

//! What a worker does: claim, extend, give back, settle. The attempt is the fence: whoever comes with an older one
//! changes nothing. A lease that ran out stays valid until the reaper gives the job to somebody else.

use super::dialect;
use super::ending::{Ending, Outcome, arrow};
use super::rows::{self, account_id, account_in, job_id, job_in};
use super::settle::end;
use super::values::{count_in, unreadable};
use super::{Claim, ClaimLimits, Lease, PostgresStore, Settled, StoreError, Tx};
use crate::clock::Timestamp;
use crate::job::{Job, JobEvent, JobState, StemArtifact};
use crate::tenant::Tenant;

/// Names the lock of those who claim. Locks are of one database, so that other servers' databases do not wait.
const CLAIM_LOCK: i64 = 0x7472_6962_0001;

/// Claims take turns in all servers of the database: an account's limit is counted in rows, and two that count at once
/// would both see room for one more. A turn is short beside any job. What a cancel holds is skipped, not waited for.
pub(super) async fn claim(
    store: &PostgresStore,
    worker: &str,
    limits: ClaimLimits<'_>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Claim>, StoreError> {
    let mut tx = store.every_account().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(CLAIM_LOCK).execute(&mut *tx).await?;
    let found = sqlx::query(
        "SELECT job.account_id, job.id FROM job
         LEFT JOIN (SELECT account_id, count(*) AS jobs FROM job WHERE state = 'running' GROUP BY account_id) AS busy
         ON busy.account_id = job.account_id
         WHERE job.state = 'queued' AND job.lost_leases < $1 AND coalesce(busy.jobs, 0) < $2
         AND ($3::text[] IS NULL OR job.model = ANY($3) OR job.created_at < $4)
         ORDER BY coalesce(busy.jobs, 0), job.queued_at, job.id LIMIT 1
         FOR NO KEY UPDATE OF job SKIP LOCKED",
    )
    .bind(i64::from(limits.attempts.max(1)))
    .bind(i64::from(limits.per_account))
    .bind(limits.models.map(|models| models.names))
    .bind(limits.models.map(|models| models.or_made_before.0))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = found else {
        tx.rollback().await?;
        return Ok(None);
    };
    let (account, id) = (account_id(&row, "account_id")?, job_id(&row, "id")?);
    sqlx::query(
        "UPDATE job SET state = $1, seq = seq + 1, attempt = attempt + 1, chunks_done = 0, lease_owner = $2,
         lease_until = $3, started_at = coalesce(started_at, $4) WHERE account_id = $5 AND id = $6",
    )
    .bind(arrow(JobState::Queued, JobEvent::Claimed)?.word())
    .bind(worker)
    .bind(lease_until.0)
    .bind(now.0)
    .bind(account_in(account))
    .bind(job_in(id))
    .execute(&mut *tx)
    .await?;
    let job = rows::job(&mut tx, account, id).await?.ok_or_else(|| unreadable("job"))?;
    tx.commit().await?;
    Ok(Some(Claim { job, tenant: Tenant::acting_for(account) }))
}

/// Chunks never go back within an attempt; `seq` rises only when there is something new to see.
pub(super) async fn extend(
    store: &PostgresStore,
    claim: &Claim,
    chunks_done: u32,
    lease_until: Timestamp,
) -> Result<Lease, StoreError> {
    let mut tx = store.every_account().await?;
    let cancel_asked: Option<bool> = sqlx::query_scalar(
        "UPDATE job SET lease_until = $1, seq = CASE WHEN $2 > chunks_done THEN seq + 1 ELSE seq END,
         chunks_done = greatest(chunks_done, $2)
         WHERE account_id = $3 AND id = $4 AND state = 'running' AND attempt = $5 RETURNING cancel_asked",
    )
    .bind(lease_until.0)
    .bind(i64::from(chunks_done.min(claim.job.chunks)))
    .bind(account_in(claim.tenant.account()))
    .bind(job_in(claim.job.id))
    .bind(i64::from(claim.job.attempt))
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
    store: &PostgresStore,
    claim: &Claim,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut tx = store.every_account().await?;
    dialect::turn(&mut tx, claim.tenant.account()).await?;
    let Some(job) = rows::job_kept(&mut tx, claim.tenant.account(), claim.job.id).await? else {
        return stale(tx).await;
    };
    if job.state != JobState::Running || job.attempt != claim.job.attempt {
        return stale(tx).await;
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
pub(super) async fn queue_again(tx: &mut Tx, job: &Job, lost: bool) -> Result<Job, StoreError> {
    sqlx::query(
        "UPDATE job SET state = $1, seq = seq + 1, chunks_done = 0, lease_owner = NULL, lease_until = NULL,
         lost_leases = lost_leases + $2 WHERE account_id = $3 AND id = $4",
    )
    .bind(arrow(job.state, JobEvent::Returned)?.word())
    .bind(i64::from(lost))
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .execute(&mut **tx)
    .await?;
    rows::job(tx, job.account, job.id).await?.ok_or_else(|| unreadable("job"))
}

pub(super) async fn settle(
    store: &PostgresStore,
    claim: &Claim,
    outcome: Outcome<'_>,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut tx = store.every_account().await?;
    dialect::turn(&mut tx, claim.tenant.account()).await?;
    let Some(job) = rows::job_kept(&mut tx, claim.tenant.account(), claim.job.id).await? else {
        return stale(tx).await;
    };
    if job.attempt != claim.job.attempt {
        return stale(tx).await;
    }
    if job.state.is_terminal() {
        let same = settled_so(&mut tx, &job, &outcome).await?;
        tx.rollback().await?;
        return Ok(if same { Settled::Yes(job) } else { Settled::Stale });
    }
    if job.state != JobState::Running {
        return stale(tx).await;
    }
    if let Outcome::Finished(stems) = outcome {
        add_stems(&mut tx, &job, stems).await?;
    }
    let job = end(&mut tx, &job, &Ending::of(&outcome, &job), now).await?;
    tx.commit().await?;
    Ok(Settled::Yes(job))
}

/// Nothing changed, and nothing stays locked: a transaction that is only dropped ends some time later, and until then
/// whoever claims skips its job.
async fn stale(tx: Tx) -> Result<Settled, StoreError> {
    tx.rollback().await?;
    Ok(Settled::Stale)
}

/// Whether this attempt itself ended the job in this very way before.
async fn settled_so(tx: &mut Tx, job: &Job, outcome: &Outcome<'_>) -> Result<bool, StoreError> {
    let settled: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(1 AS bigint) FROM job WHERE account_id = $1 AND id = $2 AND settled_attempt = attempt",
    )
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .fetch_optional(&mut **tx)
    .await?;
    Ok(settled.is_some() && outcome.is_of(job))
}

async fn add_stems(tx: &mut Tx, job: &Job, stems: &[StemArtifact]) -> Result<(), StoreError> {
    for (place, stem) in (0_i64..).zip(stems) {
        sqlx::query(
            "INSERT INTO stem_artifact (account_id, job_id, place, name, sha256, bytes)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(account_in(job.account))
        .bind(job_in(job.id))
        .bind(place)
        .bind(&stem.name)
        .bind(&stem.sha256.0[..])
        .bind(count_in(stem.bytes)?)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

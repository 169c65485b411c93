//! The one place where a job ends: its hold is settled, the credits move, the state becomes terminal, in the caller's
//! transaction. The tables refuse a second settlement and a transfer that is not the settlement's.

use super::ending::{Ending, arrow, settlement_kind};
use super::rows::{self, account_in, job_in};
use super::values::{credits_in, unreadable};
use super::{StoreError, Tx, lots, webhooks};
use crate::clock::Timestamp;
use crate::job::{Job, JobEvent};
use tributary_protocol::vocab::Credits;

/// Ends `job` for the scheduler: read in this transaction in its account's turn, and not terminal.
pub(super) async fn end(
    tx: &mut Tx,
    job: &Job,
    ending: &Ending<'_>,
    now: Timestamp,
) -> Result<Job, StoreError> {
    let to = arrow(job.state, ending.event)?;
    sqlx::query(
        "UPDATE job SET state = $1, seq = seq + 1, chunks_done = $2, failure = $3, settled_attempt = $4, ended_at = $5,
         lease_owner = NULL, lease_until = NULL, upload_until = NULL WHERE account_id = $6 AND id = $7",
    )
    .bind(to.word())
    .bind(i64::from(ending.chunks_done.min(job.chunks)))
    .bind(ending.failure)
    .bind(ending.attempt.map(i64::from))
    .bind(now.0)
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .execute(&mut **tx)
    .await?;
    add_settlement(tx, job, settlement_kind(to, ending.captured), ending.captured, now).await?;
    let (amount, captured) = (credits_in(job.held)?, credits_in(ending.captured)?);
    let posted: i64 = sqlx::query_scalar(
        "UPDATE wallet SET held = held - $1, posted = posted - $2 WHERE account_id = $3 RETURNING posted",
    )
    .bind(amount)
    .bind(captured)
    .bind(account_in(job.account))
    .fetch_one(&mut **tx)
    .await?;
    if captured > 0 {
        add_capture(tx, job, captured, posted, now).await?;
    }
    ended(tx, job, now).await
}

/// Ends a waiting job as its own account may: cancelled, everything released. Of the columns that it may not write none
/// is set in a job without a worker.
pub(super) async fn end_waiting(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<Job, StoreError> {
    let to = arrow(job.state, JobEvent::Stopped)?;
    sqlx::query(
        "UPDATE job SET state = $1, seq = seq + 1, ended_at = $2, upload_until = NULL WHERE account_id = $3 AND id = $4",
    )
    .bind(to.word())
    .bind(now.0)
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .execute(&mut **tx)
    .await?;
    add_settlement(tx, job, settlement_kind(to, Credits::ZERO), Credits::ZERO, now).await?;
    sqlx::query("UPDATE wallet SET held = held - $1 WHERE account_id = $2")
        .bind(credits_in(job.held)?)
        .bind(account_in(job.account))
        .execute(&mut **tx)
        .await?;
    ended(tx, job, now).await
}

/// The job as it is now, and on record for whoever wants to be told.
async fn ended(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<Job, StoreError> {
    let ended = rows::job(tx, job.account, job.id).await?.ok_or_else(|| unreadable("job"))?;
    webhooks::note_end(tx, &ended, now).await?;
    Ok(ended)
}

async fn add_settlement(
    tx: &mut Tx,
    job: &Job,
    kind: &'static str,
    captured: Credits,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (amount, captured) = (credits_in(job.held)?, credits_in(captured)?);
    sqlx::query(
        "INSERT INTO settlement (account_id, job_id, amount, captured, released, kind, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .bind(amount)
    .bind(captured)
    .bind(amount - captured)
    .bind(kind)
    .bind(now.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn add_capture(
    tx: &mut Tx,
    job: &Job,
    captured: i64,
    posted: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let line: i64 = sqlx::query_scalar(
        "INSERT INTO transfer (account_id, debit, credit, amount, kind, job_id, posted_after, note, created_at)
         SELECT $1, own.id, revenue.id, $2, 'capture', $3, $4, $5, $6
         FROM book AS own JOIN book AS revenue ON revenue.kind = 'revenue' WHERE own.account_id = $1 RETURNING line",
    )
    .bind(account_in(job.account))
    .bind(captured)
    .bind(job_in(job.id))
    .bind(posted)
    .bind(&job.title)
    .bind(now.0)
    .fetch_one(&mut **tx)
    .await?;
    // What is captured was held, so it is there, whatever ended meanwhile.
    lots::spend(tx, job.account, line, captured.unsigned_abs()).await
}

//! The one place where a job ends: its hold is settled, the credits move, the state becomes terminal, in the caller's
//! transaction. The tables refuse a second settlement and a transfer that is not the settlement's.

use super::ending::{Ending, arrow, settlement_kind};
use super::values::{credits_in, unreadable};
use super::{StoreError, Write, lots, rows, webhooks};
use crate::clock::Timestamp;
use crate::job::Job;

/// Ends `job`, read in this transaction and not terminal.
pub(super) async fn end(
    tx: &mut Write<'_>,
    job: &Job,
    ending: &Ending<'_>,
    now: Timestamp,
) -> Result<Job, StoreError> {
    let to = arrow(job.state, ending.event)?;
    let (account, id) = (&job.account.as_bytes()[..], &job.id.as_bytes()[..]);
    sqlx::query(
        "UPDATE job SET state = ?, seq = seq + 1, chunks_done = ?, failure = ?, settled_attempt = ?, ended_at = ?,
         lease_owner = NULL, lease_until = NULL, upload_until = NULL WHERE account_id = ? AND id = ?",
    )
    .bind(to.word())
    .bind(ending.chunks_done.min(job.chunks))
    .bind(ending.failure)
    .bind(ending.attempt)
    .bind(now.0)
    .bind(account)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let (amount, captured) = (credits_in(job.held)?, credits_in(ending.captured)?);
    sqlx::query(
        "INSERT INTO settlement (account_id, job_id, amount, captured, released, kind, settled_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(account)
    .bind(id)
    .bind(amount)
    .bind(captured)
    .bind(amount - captured)
    .bind(settlement_kind(to, ending.captured))
    .bind(now.0)
    .execute(&mut **tx)
    .await?;
    let posted: i64 = sqlx::query_scalar(
        "UPDATE wallet SET held = held - ?, posted = posted - ? WHERE account_id = ? RETURNING posted",
    )
    .bind(amount)
    .bind(captured)
    .bind(account)
    .fetch_one(&mut **tx)
    .await?;
    if captured > 0 {
        add_capture(tx, job, captured, posted, now).await?;
    }
    let ended = rows::job(tx, job.account, job.id).await?.ok_or_else(|| unreadable("job"))?;
    webhooks::note_end(tx, &ended, now).await?;
    Ok(ended)
}

async fn add_capture(
    tx: &mut Write<'_>,
    job: &Job,
    captured: i64,
    posted: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let line: i64 = sqlx::query_scalar(
        "INSERT INTO transfer (account_id, debit, credit, amount, kind, job_id, posted_after, note, created_at)
         SELECT ?1, own.id, revenue.id, ?2, 'capture', ?3, ?4, ?5, ?6
         FROM book AS own JOIN book AS revenue ON revenue.kind = 'revenue' WHERE own.account_id = ?1 RETURNING line",
    )
    .bind(&job.account.as_bytes()[..])
    .bind(captured)
    .bind(&job.id.as_bytes()[..])
    .bind(posted)
    .bind(&job.title)
    .bind(now.0)
    .fetch_one(&mut **tx)
    .await?;
    // What is captured was held, so it is there, whatever ended meanwhile.
    lots::spend(tx, job.account, line, captured.unsigned_abs()).await
}

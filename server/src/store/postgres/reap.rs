//! Ends what was abandoned, so that every hold is settled in bounded time. One transaction a call; several servers may
//! reap at once.

use super::dialect;
use super::ending::{Ending, GIVEN_UP};
use super::rows::{self, account_id, account_in, job_id, job_in, number};
use super::settle::end;
use super::values::unreadable;
use super::work::queue_again;
use super::{PostgresStore, Reaped, StoreError, Tx};
use crate::clock::Timestamp;
use crate::job::{JobEvent, JobState};
use crate::tenant::Tenant;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;

/// Jobs past their deadline at `$1`, and queued ones that lost `$2` leases.
macro_rules! due {
    () => {
        "((state = 'uploading' AND upload_until <= $1) OR (state = 'running' AND lease_until <= $1)
          OR (state = 'queued' AND lost_leases >= $2))"
    };
}

/// Also fails queued jobs that lost as many leases as are allowed now: the limit may have been lowered.
pub(super) async fn reap(
    store: &PostgresStore,
    attempts_max: u32,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(Tenant, Reaped)>, StoreError> {
    let attempts_max = attempts_max.max(1);
    let mut tx = store.every_account().await?;
    let seen = sqlx::query(concat!(
        "SELECT account_id, id, CASE state WHEN 'uploading' THEN upload_until WHEN 'running' THEN lease_until
         ELSE queued_at END AS due FROM job WHERE ",
        due!(),
        " ORDER BY due, id LIMIT $3"
    ))
    .bind(now.0)
    .bind(i64::from(attempts_max))
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    // Turns in one order, whoever takes several: nobody waits in a circle.
    let accounts =
        seen.iter().map(|row| account_id(row, "account_id")).collect::<Result<BTreeSet<_>, _>>()?;
    for account in accounts {
        dialect::turn(&mut tx, account).await?;
    }
    let mut reaped = Vec::with_capacity(seen.len());
    for row in seen {
        if let Some(what) = reap_one(&mut tx, &row, attempts_max, now).await? {
            reaped.push((Tenant::acting_for(account_id(&row, "account_id")?), what));
        }
    }
    tx.commit().await?;
    Ok(reaped)
}

/// Nothing where somebody was faster, or the job goes on after all.
async fn reap_one(
    tx: &mut Tx,
    row: &PgRow,
    attempts_max: u32,
    now: Timestamp,
) -> Result<Option<Reaped>, StoreError> {
    let (account, id) = (account_id(row, "account_id")?, job_id(row, "id")?);
    let still = sqlx::query(concat!(
        "SELECT lost_leases FROM job WHERE account_id = $3 AND id = $4 AND ",
        due!(),
        " FOR NO KEY UPDATE"
    ))
    .bind(now.0)
    .bind(i64::from(attempts_max))
    .bind(account_in(account))
    .bind(job_in(id))
    .fetch_optional(&mut **tx)
    .await?;
    let Some(still) = still else { return Ok(None) };
    let lost_leases: u32 = number(&still, "lost_leases")?;
    let job = rows::job(tx, account, id).await?.ok_or_else(|| unreadable("job"))?;
    let was_running = job.state == JobState::Running;
    Ok(Some(if job.state == JobState::Uploading {
        end(tx, &job, &Ending::released(&job, JobEvent::TimedOut, None), now).await?;
        Reaped::Expired(id)
    } else if was_running && job.cancel_asked {
        end(tx, &job, &Ending::released(&job, JobEvent::Stopped, None), now).await?;
        Reaped::Cancelled(id)
    } else if was_running && lost_leases + 1 < attempts_max {
        queue_again(tx, &job, true).await?;
        Reaped::Requeued(id)
    } else {
        end(tx, &job, &Ending::released(&job, JobEvent::GaveUp, Some(GIVEN_UP)), now).await?;
        Reaped::Failed(id)
    }))
}

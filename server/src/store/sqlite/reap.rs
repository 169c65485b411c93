//! Ends what was abandoned, so that every hold is settled in bounded time. One transaction a call.

use super::ending::{Ending, GIVEN_UP};
use super::rows::{self, account_id, job_id};
use super::settle::end;
use super::values::unreadable;
use super::work::queue_again;
use super::{Reaped, SqliteStore, StoreError};
use crate::clock::Timestamp;
use crate::job::{JobEvent, JobState};
use crate::tenant::Tenant;
use sqlx::Row;

/// Also fails queued jobs that lost as many leases as are allowed now: the limit may have been lowered.
pub(super) async fn reap(
    store: &SqliteStore,
    attempts_max: u32,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(Tenant, Reaped)>, StoreError> {
    let attempts_max = attempts_max.max(1);
    let mut tx = store.write().await?;
    let due = sqlx::query(
        "SELECT account_id, id, lost_leases, upload_until AS due FROM job
         WHERE state = 'uploading' AND upload_until <= ?1
         UNION ALL SELECT account_id, id, lost_leases, lease_until FROM job
         WHERE state = 'running' AND lease_until <= ?1
         UNION ALL SELECT account_id, id, lost_leases, queued_at FROM job
         WHERE state = 'queued' AND lost_leases >= ?2
         ORDER BY due, id LIMIT ?3",
    )
    .bind(now.0)
    .bind(attempts_max)
    .bind(limit)
    .fetch_all(&mut *tx)
    .await?;
    let mut reaped = Vec::with_capacity(due.len());
    for row in due {
        let (account, id) = (account_id(&row, "account_id")?, job_id(&row, "id")?);
        let lost_leases: u32 = row.try_get("lost_leases")?;
        let job = rows::job(&mut tx, account, id).await?.ok_or_else(|| unreadable("job"))?;
        let was_running = job.state == JobState::Running;
        let what = if job.state == JobState::Uploading {
            end(&mut tx, &job, &Ending::released(&job, JobEvent::TimedOut, None), now).await?;
            Reaped::Expired(id)
        } else if was_running && job.cancel_asked {
            end(&mut tx, &job, &Ending::released(&job, JobEvent::Stopped, None), now).await?;
            Reaped::Cancelled(id)
        } else if was_running && lost_leases + 1 < attempts_max {
            queue_again(&mut tx, &job, true).await?;
            Reaped::Requeued(id)
        } else {
            end(&mut tx, &job, &Ending::released(&job, JobEvent::GaveUp, Some(GIVEN_UP)), now).await?;
            Reaped::Failed(id)
        };
        reaped.push((Tenant::acting_for(account), what));
    }
    tx.commit().await?;
    Ok(reaped)
}

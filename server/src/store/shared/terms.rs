//! Refunds, takebacks, suspension, and what was used.

use super::closing::refuse_closed;
use super::credits::Movement;
use super::dialect::{self, Books, Row};
use super::lots;
use super::read::{account_in, credits, job_in, number, person, time, widget};
use crate::clock::Timestamp;
use crate::ledger::{LineKind, Lot};
use crate::store::StoreError;
use crate::store::terms::{Refunded, TakenBack, Terms, Usage};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::types::Uuid;
use std::time::Duration;
use tributary_protocol::vocab::{Credits, JobId};

#[async_trait]
impl Terms for Books {
    async fn refund(
        &self,
        tenant: &Tenant,
        job: JobId,
        amount: Option<Credits>,
        reason: &str,
        now: Timestamp,
    ) -> Result<Refunded, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::every(self).await?;
        let before = dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        let row = sqlx::query(
            "SELECT settlement.captured, CAST(coalesce(transfer.amount, 0) AS bigint) AS refunded
             FROM settlement LEFT JOIN transfer ON transfer.account_id = settlement.account_id
             AND transfer.refund_of = settlement.job_id
             WHERE settlement.account_id = $1 AND settlement.job_id = $2",
        )
        .bind(account_in(account))
        .bind(job_in(job))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(Refunded::Unknown) };
        let (captured, refunded) = (credits(&row, "captured")?, credits(&row, "refunded")?);
        if refunded > Credits::ZERO {
            return Ok(Refunded::Yes(refunded, before));
        }
        refuse_closed(&mut tx, account).await?;
        let amount = amount.unwrap_or(captured);
        if amount == Credits::ZERO || amount > captured {
            return Ok(Refunded::TooMuch(captured));
        }
        let payment_id = format!("refund-{account}-{job}");
        let movement = Movement {
            kind: LineKind::Refund,
            amount,
            payment_id: &payment_id,
            refund_of: Some(job),
            note: reason,
        };
        let Some((_, after)) = movement.add(&mut tx, account, before, now).await? else {
            return Ok(Refunded::Yes(amount, before));
        };
        tx.commit().await?;
        Ok(Refunded::Yes(amount, after))
    }

    async fn take_back(
        &self,
        tenant: &Tenant,
        payment_id: &str,
        amount: Credits,
        note: &str,
        now: Timestamp,
    ) -> Result<TakenBack, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::every(self).await?;
        let before = dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        let earlier = sqlx::query("SELECT amount FROM transfer WHERE payment_id = $1 AND account_id = $2")
            .bind(payment_id)
            .bind(account_in(account))
            .fetch_optional(&mut *tx)
            .await?;
        let answer =
            |taken: Credits| TakenBack { taken, missing: amount.checked_sub(taken).unwrap_or(Credits::ZERO) };
        if let Some(earlier) = earlier {
            return Ok(answer(credits(&earlier, "amount")?));
        }
        let taken = amount.min(before.available());
        if taken == Credits::ZERO {
            return Ok(answer(taken));
        }
        let movement =
            Movement { kind: LineKind::Takeback, amount: taken, payment_id, refund_of: None, note };
        let moved = movement.add(&mut tx, account, before, now).await?;
        let (line, after) = moved.ok_or_else(|| StoreError::Exists(payment_id.to_owned()))?;
        lots::fit(&mut tx, account, line, after.posted.0).await?;
        tx.commit().await?;
        Ok(answer(taken))
    }

    async fn expire_lots(&self, now: Timestamp, limit: u32) -> Result<Credits, StoreError> {
        lots::expire(self, now, limit).await
    }

    async fn lots(&self, tenant: &Tenant) -> Result<Vec<Lot>, StoreError> {
        lots::all(self, tenant.account()).await
    }

    async fn suspend(&self, tenant: &Tenant, since: Option<Timestamp>) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query("UPDATE account SET suspended_at = $1 WHERE id = $2")
            .bind(since.map(|at| at.0))
            .bind(account_in(tenant.account()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn add_device_time(&self, tenant: &Tenant, job: JobId, time: Duration) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query("UPDATE job SET device_us = device_us + $1 WHERE account_id = $2 AND id = $3")
            .bind(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
            .bind(account_in(tenant.account()))
            .bind(job_in(job))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn usage(
        &self,
        tenant: &Tenant,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Usage>, StoreError> {
        sqlx::query(USAGE)
            .bind(since.0)
            .bind(until.0)
            .bind(account_in(tenant.account()))
            .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
            .await?
            .iter()
            .map(read_usage)
            .collect()
    }

    async fn usage_of_all(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Usage>, StoreError> {
        sqlx::query(USAGE_OF_ALL)
            .bind(since.0)
            .bind(until.0)
            .fetch_all(&mut *dialect::look(self).await?)
            .await?
            .iter()
            .map(read_usage)
            .collect()
    }
}

/// Jobs by the day they ended on; a day has 86 400 000 000 millionths of a second.
const USAGE: &str = "
SELECT settled_at / 86400000000 * 86400000000 AS day, model, person_id, widget_id, count(*) AS jobs,
CAST(sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS bigint) AS done, CAST(sum(captured) AS bigint) AS captured,
CAST(coalesce(sum(clip_frames * 1000000 / nullif(clip_rate_hz, 0)), 0) AS bigint) AS sound_us, CAST(sum(device_us) AS bigint) AS device_us
FROM job JOIN settlement ON settlement.account_id = job.account_id AND settlement.job_id = job.id
WHERE settled_at >= $1 AND settled_at < $2 AND job.account_id = $3
GROUP BY 1, model, person_id, widget_id ORDER BY 1, model, person_id, widget_id
";
const USAGE_OF_ALL: &str = "
SELECT settled_at / 86400000000 * 86400000000 AS day, model, NULL AS person_id, NULL AS widget_id, count(*) AS jobs,
CAST(sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS bigint) AS done, CAST(sum(captured) AS bigint) AS captured,
CAST(coalesce(sum(clip_frames * 1000000 / nullif(clip_rate_hz, 0)), 0) AS bigint) AS sound_us, CAST(sum(device_us) AS bigint) AS device_us
FROM job JOIN settlement ON settlement.account_id = job.account_id AND settlement.job_id = job.id
WHERE settled_at >= $1 AND settled_at < $2
GROUP BY 1, model ORDER BY 1, model
";

fn read_usage(row: &Row) -> Result<Usage, StoreError> {
    // The operator's rows name nobody, in columns without a type.
    let has = |column: &str| row.try_get::<Option<Uuid>, _>(column).ok().flatten().is_some();
    Ok(Usage {
        day: time(row, "day")?,
        model: row.try_get("model")?,
        person: has("person_id").then(|| person(row, "person_id")).transpose()?,
        widget: has("widget_id").then(|| widget(row, "widget_id")).transpose()?,
        jobs: number(row, "jobs")?,
        done: number(row, "done")?,
        captured: credits(row, "captured")?,
        sound: Duration::from_micros(number(row, "sound_us")?),
        device: Duration::from_micros(number(row, "device_us")?),
    })
}

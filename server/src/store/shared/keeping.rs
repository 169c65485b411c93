//! Bytes that accounts keep, and wishes to delete.

use super::dialect::{self, Books, Connection, stem_count};
use super::read::{account_in, job_in};
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::keeping::{Erased, Keeping};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, JobId};

#[async_trait]
impl Keeping for Books {
    async fn kept_bytes(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        kept(&mut *dialect::look_own(self, tenant.account()).await?, tenant.account()).await
    }

    async fn erase(&self, tenant: &Tenant, job: JobId, now: Timestamp) -> Result<Erased, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::own(self, account).await?;
        let row = sqlx::query("SELECT forgotten, ended_at FROM job WHERE account_id = $1 AND id = $2")
            .bind(account_in(account))
            .bind(job_in(job))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(Erased::Unknown) };
        if row.try_get::<Option<i64>, _>("ended_at")?.is_none() {
            return Ok(Erased::Open);
        }
        if !row.try_get::<bool, _>("forgotten")? {
            sqlx::query(
                "INSERT INTO erasure (account_id, job_id, asked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(account_in(account))
            .bind(job_in(job))
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        }
        Ok(Erased::Yes)
    }
}

/// A clip that never came takes no room once its job has ended. Samples are 4 bytes.
pub(super) async fn kept(connection: &mut Connection, account: AccountId) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar(concat!(
        "WITH keeper AS (
           SELECT * FROM job AS j WHERE account_id = $1 AND NOT forgotten AND (ended_at IS NULL OR queued_at IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM erasure AS e WHERE e.account_id = j.account_id AND e.job_id = j.id)
         ), content AS (
           SELECT clip_sha256 AS sha256, clip_frames * clip_channels * 4 AS bytes FROM keeper
           UNION SELECT r.sha256, r.frames * r.channels * 4 FROM keeper
             JOIN job_reference AS r ON r.account_id = keeper.account_id AND r.job_id = keeper.id
           UNION SELECT s.sha256, s.bytes FROM keeper
             JOIN stem_artifact AS s ON s.account_id = keeper.account_id AND s.job_id = keeper.id
         )
         SELECT CAST(coalesce((SELECT sum(bytes) FROM content), 0)
           + coalesce((SELECT sum(clip_frames * clip_channels * 4 * ",
        stem_count!(),
        ") FROM keeper WHERE ended_at IS NULL), 0) AS bigint)"
    ))
    .bind(account_in(account))
    .fetch_one(connection)
    .await?;
    u64::try_from(bytes).map_err(|_| unreadable("kept bytes"))
}

//! Devices that wait to be let in.

use super::dialect::{self, Books, Row};
use super::keys::insert_key;
use super::read::{account, account_in, hash, person, person_in, time};
use crate::clock::Timestamp;
use crate::people::{DeviceAnswer, DeviceLogin};
use crate::store::people::Devices;
use crate::store::{KeyRow, StoreError};
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, PersonId, Sha256};

#[async_trait]
impl Devices for Books {
    async fn begin_login(&self, login: &DeviceLogin, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        let added = sqlx::query(
            "INSERT INTO device_login (secret_sha256, code, device, created_at, until, state)
             VALUES ($1, $2, $3, $4, $5, 'waiting') ON CONFLICT DO NOTHING",
        )
        .bind(&login.secret_sha256.0[..])
        .bind(&login.code)
        .bind(&login.device)
        .bind(now.0)
        .bind(login.until.0)
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(StoreError::Exists(login.code.clone()));
        }
        tx.commit().await?;
        Ok(())
    }

    async fn login_of(&self, code: &str, now: Timestamp) -> Result<Option<DeviceLogin>, StoreError> {
        sqlx::query(
            "SELECT secret_sha256, code, device, until FROM device_login
             WHERE code = $1 AND state = 'waiting' AND until > $2",
        )
        .bind(code)
        .bind(now.0)
        .fetch_optional(&mut *dialect::look(self).await?)
        .await?
        .as_ref()
        .map(read_login)
        .transpose()
    }

    async fn decide_login(
        &self,
        code: &str,
        for_whom: Option<(PersonId, AccountId)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let decided = sqlx::query(
            "UPDATE device_login SET state = $1, person_id = $2, account_id = $3, decided_at = $4
             WHERE code = $5 AND state = 'waiting' AND until > $4",
        )
        .bind(if for_whom.is_some() { "approved" } else { "denied" })
        .bind(for_whom.map(|(person, _)| person_in(person)))
        .bind(for_whom.map(|(_, account)| account_in(account)))
        .bind(now.0)
        .bind(code)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(decided.rows_affected() == 1)
    }

    async fn take_login(
        &self,
        secret_sha256: Sha256,
        key: &KeyRow,
        now: Timestamp,
    ) -> Result<DeviceAnswer, StoreError> {
        let mut tx = dialect::every(self).await?;
        // Of two that ask at once one changes the row, and there is one key.
        let taken = sqlx::query(
            "UPDATE device_login SET state = 'taken' WHERE secret_sha256 = $1 AND state = 'approved' AND until > $2
             RETURNING account_id, person_id",
        )
        .bind(&secret_sha256.0[..])
        .bind(now.0)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(taken) = taken {
            let (account, person) = (account(&taken, "account_id")?, person(&taken, "person_id")?);
            insert_key(&mut tx, &KeyRow { account, person: Some(person), ..key.clone() }, now).await?;
            tx.commit().await?;
            return Ok(DeviceAnswer::LetIn { account, person });
        }
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM device_login WHERE secret_sha256 = $1 AND until > $2")
                .bind(&secret_sha256.0[..])
                .bind(now.0)
                .fetch_optional(&mut *tx)
                .await?;
        Ok(match state.as_deref() {
            Some("waiting") => DeviceAnswer::Waiting,
            Some("denied") => DeviceAnswer::Denied,
            _ => DeviceAnswer::Gone,
        })
    }
}

fn read_login(row: &Row) -> Result<DeviceLogin, StoreError> {
    Ok(DeviceLogin {
        secret_sha256: hash(row, "secret_sha256")?,
        code: row.try_get("code")?,
        device: row.try_get("device")?,
        until: time(row, "until")?,
    })
}

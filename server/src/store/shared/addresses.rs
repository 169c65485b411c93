//! Addresses that change.

use super::closing::note_trial;
use super::dialect::{self, Books, Connection};
use super::read::{person, person_in};
use crate::clock::Timestamp;
use crate::people::AddressKey;
use crate::store::StoreError;
use crate::store::addresses::{Addresses, Moved, NewAddress};
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{PersonId, Sha256};

const VOID_WISHES: &str = "UPDATE address_change SET used_at = $1 WHERE person_id = $2 AND used_at IS NULL";
const VOID_LINKS: &str = "UPDATE email_link SET used_at = $1 WHERE person_id = $2 AND used_at IS NULL";

#[async_trait]
impl Addresses for Books {
    async fn ask_address(&self, new: &NewAddress, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        void(&mut tx, VOID_WISHES, new.person, now).await?;
        sqlx::query(
            "INSERT INTO address_change (secret_sha256, person_id, email, created_at, until)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&new.secret_sha256.0[..])
        .bind(person_in(new.person))
        .bind(&new.email)
        .bind(now.0)
        .bind(new.until.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn change_address(
        &self,
        secret_sha256: Sha256,
        fresh: &AddressKey,
        now: Timestamp,
    ) -> Result<Moved, StoreError> {
        let mut tx = dialect::every(self).await?;
        let used = sqlx::query(
            "UPDATE address_change SET used_at = $1
             WHERE secret_sha256 = $2 AND used_at IS NULL AND until > $1 RETURNING person_id, email",
        )
        .bind(now.0)
        .bind(&secret_sha256.0[..])
        .fetch_optional(&mut *tx)
        .await?;
        let Some(used) = used else { return Ok(Moved::Gone) };
        let (person, to): (PersonId, String) = (person(&used, "person_id")?, used.try_get("email")?);
        let from: String = sqlx::query_scalar("SELECT email FROM person WHERE id = $1")
            .bind(person_in(person))
            .fetch_one(&mut *tx)
            .await?;
        match rename(&mut tx, person, &from, &to).await {
            Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
                return Ok(Moved::Taken);
            }
            renamed => renamed?,
        }
        // They went to the old address.
        void(&mut tx, VOID_LINKS, person, now).await?;
        note_trial(&mut tx, person, &from, fresh, now).await?;
        tx.commit().await?;
        Ok(Moved::Yes { from, to })
    }
}

async fn void(
    connection: &mut Connection,
    sql: &'static str,
    person: PersonId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(sql).bind(now.0).bind(person_in(person)).execute(connection).await?;
    Ok(())
}

/// The person, and the account that is called by their address.
async fn rename(
    connection: &mut Connection,
    person: PersonId,
    from: &str,
    to: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE person SET email = $1 WHERE id = $2")
        .bind(to)
        .bind(person_in(person))
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE account SET name = $1 WHERE name = $2 AND kind = 'person'")
        .bind(to)
        .bind(from)
        .execute(connection)
        .await?;
    Ok(())
}

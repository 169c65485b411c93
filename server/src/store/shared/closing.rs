//! Accounts that are closed, and people who are forgotten with them.

use super::dialect::{self, Books, Connection};
use super::read::{account_in, number, person, person_in};
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::people::{AddressKey, trial_payment};
use crate::store::StoreError;
use crate::store::closing::{Closed, Closing, InTheWay};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, PersonId};

/// No password has this hash.
const NO_PASSWORD: &str = "none";
/// In the place of an address that is forgotten: none that anybody could sign up with.
const FORGOTTEN: &str = "forgotten@invalid";

/// What ends with an account `$2` at `$1`. People and results come after this.
const ENDS: [&str; 11] = [
    "UPDATE account SET closed_at = $1, title = '' WHERE id = $2",
    "UPDATE api_key SET revoked_at = $1 WHERE account_id = $2 AND revoked_at IS NULL",
    "UPDATE widget SET revoked_at = $1 WHERE account_id = $2 AND revoked_at IS NULL",
    "UPDATE session SET ended_at = $1 WHERE account_id = $2 AND ended_at IS NULL",
    "UPDATE invitation SET ended_at = $1 WHERE account_id = $2 AND ended_at IS NULL",
    "UPDATE member SET left_at = $1 WHERE account_id = $2 AND left_at IS NULL",
    "UPDATE device_login SET state = 'denied', account_id = NULL, person_id = NULL, decided_at = $1
     WHERE account_id = $2 AND state = 'approved'",
    "UPDATE payer SET payment_method = NULL, top_up_pack = NULL, top_up_below = NULL, top_up_max_minor = NULL
     WHERE account_id = $2 AND $1 > 0",
    "DELETE FROM webhook_delivery WHERE account_id = $2 AND $1 > 0",
    "DELETE FROM webhook WHERE account_id = $2 AND $1 > 0",
    "INSERT INTO erasure (account_id, job_id, asked_at) SELECT account_id, id, $1 FROM job
     WHERE account_id = $2 AND NOT forgotten ON CONFLICT DO NOTHING",
];

#[async_trait]
impl Closing for Books {
    async fn in_the_way(&self, tenant: &Tenant) -> Result<InTheWay, StoreError> {
        in_the_way(&mut *dialect::look_own(self, tenant.account()).await?, tenant.account()).await
    }

    async fn close(&self, tenant: &Tenant, fresh: &AddressKey, now: Timestamp) -> Result<Closed, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::every(self).await?;
        // No job is admitted and no purchase agreed on meanwhile.
        dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        if is_closed(&mut tx, account).await? {
            return Ok(Closed::Yes);
        }
        let waits = in_the_way(&mut tx, account).await?;
        if waits != InTheWay::default() {
            return Ok(Closed::Not(waits));
        }
        let leaving = left_in_none(&mut tx, account).await?;
        for sql in ENDS {
            sqlx::query(sql).bind(now.0).bind(account_in(account)).execute(&mut *tx).await?;
        }
        forget_names(&mut tx, account).await?;
        for (person, email) in &leaving {
            note_trial(&mut tx, *person, email, fresh, now).await?;
            forget(&mut tx, *person).await?;
        }
        tx.commit().await?;
        Ok(Closed::Yes)
    }

    async fn had_trial(&self, email: &str) -> Result<bool, StoreError> {
        let mut look = dialect::look(self).await?;
        let Some(key) = key(&mut look).await? else { return Ok(false) };
        let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM former_address WHERE hash = $1")
            .bind(&key.hash(email).0[..])
            .fetch_one(&mut *look)
            .await?;
        Ok(noted > 0)
    }
}

/// Whether its owner closed it.
pub(super) async fn is_closed(connection: &mut Connection, account: AccountId) -> Result<bool, StoreError> {
    let closed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM account WHERE id = $1 AND closed_at IS NOT NULL")
            .bind(account_in(account))
            .fetch_one(connection)
            .await?;
    Ok(closed > 0)
}

/// For what a closed account gets no more of.
pub(super) async fn refuse_closed(connection: &mut Connection, account: AccountId) -> Result<(), StoreError> {
    if is_closed(connection, account).await? { Err(StoreError::Closed) } else { Ok(()) }
}

async fn in_the_way(connection: &mut Connection, account: AccountId) -> Result<InTheWay, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM job WHERE account_id = $1 AND ended_at IS NULL) AS jobs,
         (SELECT count(*) FROM purchase WHERE account_id = $1 AND ended_at IS NULL) AS purchases",
    )
    .bind(account_in(account))
    .fetch_one(connection)
    .await?;
    Ok(InTheWay { jobs: number(&row, "jobs")?, purchases: number(&row, "purchases")? })
}

/// Members who belong to no other account, and their addresses.
async fn left_in_none(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Vec<(PersonId, String)>, StoreError> {
    // Of two accounts of one person that close at once the second waits here, and sees that the first is none any more.
    sqlx::query(
        "UPDATE person SET name = name WHERE id IN (SELECT person_id FROM member WHERE account_id = $1)",
    )
    .bind(account_in(account))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "SELECT person.id, email FROM member JOIN person ON person.id = member.person_id
         WHERE member.account_id = $1 AND left_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM member AS other WHERE other.person_id = member.person_id
                         AND other.account_id <> $1 AND other.left_at IS NULL)",
    )
    .bind(account_in(account))
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| Ok((person(row, "id")?, row.try_get("email")?)))
    .collect()
}

/// A person's account is called by the address, which is free again; invitations name addresses.
async fn forget_names(connection: &mut Connection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("UPDATE account SET name = $1 WHERE id = $2 AND kind = 'person'")
        .bind(format!("closed-{account}"))
        .bind(account_in(account))
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE invitation SET email = $1 WHERE account_id = $2")
        .bind(FORGOTTEN)
        .bind(account_in(account))
        .execute(connection)
        .await?;
    Ok(())
}

async fn key(connection: &mut Connection) -> Result<Option<AddressKey>, StoreError> {
    let key: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT key FROM address_key").fetch_optional(connection).await?;
    key.map(|key| AddressKey::kept(&key).ok_or_else(|| unreadable("key"))).transpose()
}

/// Of whoever had a trial the address's hash stays.
pub(super) async fn note_trial(
    connection: &mut Connection,
    person: PersonId,
    email: &str,
    fresh: &AddressKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO address_key (one, key) VALUES (1, $1) ON CONFLICT DO NOTHING")
        .bind(&fresh.bytes()[..])
        .execute(&mut *connection)
        .await?;
    let key = key(connection).await?.ok_or_else(|| unreadable("key"))?;
    sqlx::query(
        "INSERT INTO former_address (hash, noted_at) SELECT $1, $2
         WHERE EXISTS (SELECT 1 FROM transfer WHERE payment_id = $3) ON CONFLICT DO NOTHING",
    )
    .bind(&key.hash(email).0[..])
    .bind(now.0)
    .bind(trial_payment(person))
    .execute(connection)
    .await?;
    Ok(())
}

/// The row stays, since jobs and lines name it; nothing in it says who it was.
async fn forget(connection: &mut Connection, person: PersonId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE person SET email = $1, name = '', password = $2, verified_at = NULL, operates_since = NULL WHERE id = $3",
    )
    .bind(format!("forgotten-{person}@invalid"))
    .bind(NO_PASSWORD)
    .bind(person_in(person))
    .execute(&mut *connection)
    .await?;
    for sql in [
        "DELETE FROM session WHERE person_id = $1",
        "DELETE FROM email_link WHERE person_id = $1",
        "DELETE FROM address_change WHERE person_id = $1",
    ] {
        sqlx::query(sql).bind(person_in(person)).execute(&mut *connection).await?;
    }
    sqlx::query("UPDATE invitation SET email = $1 WHERE accepted_by = $2")
        .bind(FORGOTTEN)
        .bind(person_in(person))
        .execute(connection)
        .await?;
    Ok(())
}

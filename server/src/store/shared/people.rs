//! People, their links and their sessions.

use super::accounts::add_wallet;
use super::dialect::{self, Books, Connection, Row};
use super::read::{account_in, hash, person, person_in, time, time_or_none};
use super::teams::read_membership;
use crate::clock::Timestamp;
use crate::people::{LinkPurpose, Person, Session};
use crate::store::StoreError;
use crate::store::people::{NewPerson, NewSession, People, SessionRow};
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, PersonId, Sha256};

#[async_trait]
impl People for Books {
    async fn sign_up(&self, new: &NewPerson, now: Timestamp) -> Result<bool, StoreError> {
        let Person { id, email, name, password, verified_at, operates_since } = &new.person;
        let mut tx = dialect::every(self).await?;
        let added = sqlx::query(
            "INSERT INTO person (id, email, name, password, created_at, verified_at, operates_since)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING",
        )
        .bind(person_in(*id))
        .bind(email)
        .bind(name)
        .bind(password)
        .bind(now.0)
        .bind(verified_at.map(|at| at.0))
        .bind(operates_since.map(|at| at.0))
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        open_account(&mut tx, new.account, "person", email, *id, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn person_of(&self, email: &str) -> Result<Option<Person>, StoreError> {
        sqlx::query(
            "SELECT id, email, name, password, verified_at, operates_since FROM person WHERE email = $1",
        )
        .bind(email)
        .fetch_optional(&mut *dialect::look(self).await?)
        .await?
        .as_ref()
        .map(read_person)
        .transpose()
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        sqlx::query("SELECT id, email, name, password, verified_at, operates_since FROM person WHERE id = $1")
            .bind(person_in(id))
            .fetch_optional(&mut *dialect::look(self).await?)
            .await?
            .as_ref()
            .map(read_person)
            .transpose()
    }

    async fn rename(&self, person: PersonId, name: &str) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query("UPDATE person SET name = $1 WHERE id = $2")
            .bind(name)
            .bind(person_in(person))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn set_password(
        &self,
        person: PersonId,
        password: &str,
        keep: Option<Sha256>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        change_password(&mut tx, person, password).await?;
        end_sessions(&mut tx, person, keep, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn rehash_password(&self, person: PersonId, password: &str) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        change_password(&mut tx, person, password).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn set_operator(&self, email: &str, operates_since: Option<Timestamp>) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let changed = sqlx::query("UPDATE person SET operates_since = $1 WHERE email = $2")
            .bind(operates_since.map(|at| at.0))
            .bind(email)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(changed.rows_affected() == 1)
    }

    async fn add_link(
        &self,
        secret_sha256: Sha256,
        person: PersonId,
        purpose: LinkPurpose,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query(
            "UPDATE email_link SET used_at = $1 WHERE person_id = $2 AND purpose = $3 AND used_at IS NULL",
        )
        .bind(now.0)
        .bind(person_in(person))
        .bind(purpose.word())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO email_link (secret_sha256, person_id, purpose, created_at, until)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&secret_sha256.0[..])
        .bind(person_in(person))
        .bind(purpose.word())
        .bind(now.0)
        .bind(until.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn use_link(
        &self,
        secret_sha256: Sha256,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<PersonId>, StoreError> {
        let mut tx = dialect::every(self).await?;
        // Of two who use it at once one changes the row.
        let used = sqlx::query(
            "UPDATE email_link SET used_at = $1
             WHERE secret_sha256 = $2 AND purpose = $3 AND used_at IS NULL AND until > $1 RETURNING person_id",
        )
        .bind(now.0)
        .bind(&secret_sha256.0[..])
        .bind(purpose.word())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(used) = used else { return Ok(None) };
        let person = person(&used, "person_id")?;
        sqlx::query("UPDATE person SET verified_at = $1 WHERE id = $2 AND verified_at IS NULL")
            .bind(now.0)
            .bind(person_in(person))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(person))
    }

    async fn begin_session(&self, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query(
            "INSERT INTO session (secret_sha256, person_id, account_id, browser, created_at, until)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&new.secret_sha256.0[..])
        .bind(person_in(new.person))
        .bind(account_in(new.account))
        .bind(&new.browser)
        .bind(now.0)
        .bind(new.until.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn session(&self, secret_sha256: Sha256, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "SELECT person.id, person.email, person.name, person.password, person.verified_at, person.operates_since,
             session.until, member.account_id, member.role, member.month_limit, account.kind, account.title, account.name AS account_name
             FROM session JOIN person ON person.id = session.person_id
             JOIN member ON member.person_id = session.person_id AND member.account_id = session.account_id
             JOIN account ON account.id = session.account_id
             WHERE session.secret_sha256 = $1 AND session.ended_at IS NULL AND session.until > $2
             AND member.left_at IS NULL",
        )
        .bind(&secret_sha256.0[..])
        .bind(now.0)
        .fetch_optional(&mut *dialect::look(self).await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (person, membership, until) = (read_person(&row)?, read_membership(&row)?, time(&row, "until")?);
        Ok(Some(Session { person, membership, secret_sha256, until }))
    }

    async fn show_account(&self, secret_sha256: Sha256, account: AccountId) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let changed = sqlx::query(
            "UPDATE session SET account_id = $1 WHERE secret_sha256 = $2 AND EXISTS (SELECT 1 FROM member
             WHERE member.account_id = $1 AND member.person_id = session.person_id AND member.left_at IS NULL)",
        )
        .bind(account_in(account))
        .bind(&secret_sha256.0[..])
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(changed.rows_affected() == 1)
    }

    async fn end_session(
        &self,
        person: PersonId,
        secret_sha256: Sha256,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query(
            "UPDATE session SET ended_at = $1 WHERE secret_sha256 = $2 AND person_id = $3 AND ended_at IS NULL",
        )
        .bind(now.0)
        .bind(&secret_sha256.0[..])
        .bind(person_in(person))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn end_other_sessions(
        &self,
        person: PersonId,
        keep: Sha256,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = dialect::every(self).await?;
        let ended = end_sessions(&mut tx, person, Some(keep), now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn sessions(&self, person: PersonId, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        sqlx::query(
            "SELECT secret_sha256, browser, created_at FROM session
             WHERE person_id = $1 AND ended_at IS NULL AND until > $2 ORDER BY created_at DESC, secret_sha256",
        )
        .bind(person_in(person))
        .bind(now.0)
        .fetch_all(&mut *dialect::look(self).await?)
        .await?
        .iter()
        .map(|row| {
            Ok(SessionRow {
                secret_sha256: hash(row, "secret_sha256")?,
                browser: row.try_get("browser")?,
                created_at: time(row, "created_at")?,
            })
        })
        .collect()
    }

    async fn sweep_people(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = dialect::every(self).await?;
        let mut swept = 0;
        for sql in [
            "DELETE FROM session WHERE until < $1 OR ended_at < $1",
            "DELETE FROM email_link WHERE until < $1",
            "DELETE FROM address_change WHERE until < $1",
            "DELETE FROM device_login WHERE until < $1",
        ] {
            swept += sqlx::query(sql).bind(before.0).execute(&mut *tx).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(swept)
    }
}

async fn change_password(
    connection: &mut Connection,
    person: PersonId,
    password: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE person SET password = $1 WHERE id = $2")
        .bind(password)
        .bind(person_in(person))
        .execute(connection)
        .await?;
    Ok(())
}

/// All of the person's but `keep`; how many.
async fn end_sessions(
    connection: &mut Connection,
    person: PersonId,
    keep: Option<Sha256>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // An empty name is no session's.
    let keep = keep.map_or_else(Vec::new, |keep| keep.0.to_vec());
    let ended = sqlx::query(
        "UPDATE session SET ended_at = $1 WHERE person_id = $2 AND ended_at IS NULL AND secret_sha256 <> $3",
    )
    .bind(now.0)
    .bind(person_in(person))
    .bind(keep)
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

/// An account of a person or a team, its wallet and book, and its owner.
pub(super) async fn open_account(
    connection: &mut Connection,
    account: AccountId,
    kind: &'static str,
    title: &str,
    owner: PersonId,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Names are unique on a server, titles are not: the operator calls a person's account by the address, a team's by its id.
    let name = if kind == "person" { title.to_owned() } else { account.to_string() };
    sqlx::query(
        "INSERT INTO account (id, name, weight, created_at, kind, title) VALUES ($1, $2, 100, $3, $4, $5)",
    )
    .bind(account_in(account))
    .bind(name)
    .bind(now.0)
    .bind(kind)
    .bind(if kind == "person" { "" } else { title })
    .execute(&mut *connection)
    .await?;
    add_wallet(connection, account).await?;
    sqlx::query("INSERT INTO member (account_id, person_id, role, joined_at) VALUES ($1, $2, 'owner', $3)")
        .bind(account_in(account))
        .bind(person_in(owner))
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

fn read_person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: person(row, "id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password: row.try_get("password")?,
        verified_at: time_or_none(row, "verified_at")?,
        operates_since: time_or_none(row, "operates_since")?,
    })
}

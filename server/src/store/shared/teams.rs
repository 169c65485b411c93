//! Members of accounts, and those who are asked to become one.

use super::dialect::{self, Books, Connection, Row};
use super::people::open_account;
use super::read::{
    account, account_in, credits, credits_or_none, invitation, invitation_in, person, person_in, role, time,
};
use super::values::{credits_in, unreadable};
use crate::clock::Timestamp;
use crate::people::{AccountKind, Invitation, Member, Membership, Role};
use crate::store::StoreError;
use crate::store::people::{Accepted, MemberChange, MemberWish, NewInvitation, Teams};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId, Sha256};

#[async_trait]
impl Teams for Books {
    async fn create_team(
        &self,
        account: AccountId,
        title: &str,
        owner: PersonId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        open_account(&mut tx, account, "team", title, owner, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn retitle(&self, tenant: &Tenant, title: &str) -> Result<(), StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        sqlx::query("UPDATE account SET title = $1 WHERE id = $2")
            .bind(title)
            .bind(account_in(tenant.account()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>, StoreError> {
        sqlx::query(
            "SELECT member.account_id, role, month_limit, kind, title, account.name AS account_name
             FROM member JOIN account ON account.id = member.account_id
             WHERE person_id = $1 AND left_at IS NULL ORDER BY kind, title, account_id",
        )
        .bind(person_in(person))
        .fetch_all(&mut *dialect::look(self).await?)
        .await?
        .iter()
        .map(read_membership)
        .collect()
    }

    async fn membership(
        &self,
        person: PersonId,
        account: AccountId,
    ) -> Result<Option<Membership>, StoreError> {
        sqlx::query(
            "SELECT member.account_id, role, month_limit, kind, title, account.name AS account_name
             FROM member JOIN account ON account.id = member.account_id
             WHERE person_id = $1 AND account_id = $2 AND left_at IS NULL",
        )
        .bind(person_in(person))
        .bind(account_in(account))
        .fetch_optional(&mut *dialect::look(self).await?)
        .await?
        .as_ref()
        .map(read_membership)
        .transpose()
    }

    async fn members(&self, tenant: &Tenant, month: Timestamp) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query(
            "SELECT member.person_id, email, name, role, month_limit, joined_at,
             CAST((SELECT coalesce(sum(coalesce(settlement.captured, hold.amount)), 0)
              FROM job JOIN hold ON hold.account_id = job.account_id AND hold.job_id = job.id
              LEFT JOIN settlement ON settlement.account_id = job.account_id AND settlement.job_id = job.id
              WHERE job.account_id = member.account_id AND job.person_id = member.person_id
              AND job.created_at >= $2) AS bigint) AS month_spent
             FROM member JOIN person ON person.id = member.person_id
             WHERE member.account_id = $1 AND left_at IS NULL ORDER BY joined_at, person_id",
        )
        .bind(account_in(tenant.account()))
        .bind(month.0)
        .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?;
        let mut members = rows.iter().map(read_member).collect::<Result<Vec<_>, StoreError>>()?;
        members.sort_by_key(|member| std::cmp::Reverse(member.role));
        Ok(members)
    }

    async fn change_member(
        &self,
        tenant: &Tenant,
        person: PersonId,
        wish: MemberWish,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::every(self).await?;
        // Two owners who leave at once take turns, so that one of them is told.
        dialect::turn(&mut tx, account).await?;
        let Some(before) = role_of(&mut tx, account, person).await? else { return Ok(MemberChange::Unknown) };
        let stays_owner = matches!(wish, MemberWish::Be(Role::Owner, _));
        if before == Role::Owner && !stays_owner && owners(&mut tx, account).await? < 2 {
            return Ok(MemberChange::LastOwner);
        }
        match wish {
            MemberWish::Be(role, limit) => set_member(&mut tx, account, person, role, limit).await?,
            MemberWish::Leave => leave(&mut tx, account, person, now).await?,
        }
        tx.commit().await?;
        Ok(MemberChange::Yes)
    }

    async fn invite(&self, tenant: &Tenant, new: &NewInvitation, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        sqlx::query(
            "UPDATE invitation SET ended_at = $1 WHERE account_id = $2 AND email = $3 AND ended_at IS NULL",
        )
        .bind(now.0)
        .bind(account_in(tenant.account()))
        .bind(&new.email)
        .execute(&mut *tx)
        .await?;
        let added = sqlx::query(
            "INSERT INTO invitation (account_id, id, email, role, month_limit, secret_sha256, invited_by, created_at, until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (account_id, id) DO NOTHING",
        )
        .bind(account_in(tenant.account()))
        .bind(invitation_in(new.id))
        .bind(&new.email)
        .bind(new.role.word())
        .bind(new.month_limit.map(credits_in).transpose()?)
        .bind(&new.secret_sha256.0[..])
        .bind(person_in(new.invited_by))
        .bind(now.0)
        .bind(new.until.0)
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(StoreError::Exists(new.id.to_string()));
        }
        tx.commit().await?;
        Ok(())
    }

    async fn invitations(&self, tenant: &Tenant, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        sqlx::query(
            "SELECT invitation.id, invitation.account_id, account.title, account.name AS account_name, invitation.email,
             invitation.role, invitation.month_limit, person.name, person.email AS inviter, invitation.until
             FROM invitation JOIN account ON account.id = invitation.account_id
             JOIN person ON person.id = invitation.invited_by
             WHERE invitation.account_id = $1 AND ended_at IS NULL AND until > $2
             ORDER BY invitation.created_at DESC, invitation.id DESC",
        )
        .bind(account_in(tenant.account()))
        .bind(now.0)
        .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?
        .iter()
        .map(read_invitation)
        .collect()
    }

    async fn withdraw(&self, tenant: &Tenant, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        let ended = sqlx::query(
            "UPDATE invitation SET ended_at = $1 WHERE account_id = $2 AND id = $3 AND ended_at IS NULL",
        )
        .bind(now.0)
        .bind(account_in(tenant.account()))
        .bind(invitation_in(id))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(ended.rows_affected() == 1)
    }

    async fn invitation(
        &self,
        secret_sha256: Sha256,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        open_invitation(&mut *dialect::look(self).await?, secret_sha256, now).await
    }

    async fn accept(
        &self,
        secret_sha256: Sha256,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let mut tx = dialect::every(self).await?;
        let Some(asked) = open_invitation(&mut tx, secret_sha256, now).await? else {
            return Ok(Accepted::Gone);
        };
        let is_theirs: Option<i64> = sqlx::query_scalar(
            "SELECT CAST(1 AS bigint) FROM person WHERE id = $1 AND email = $2 AND verified_at IS NOT NULL",
        )
        .bind(person_in(person))
        .bind(&asked.email)
        .fetch_optional(&mut *tx)
        .await?;
        if is_theirs.is_none() {
            return Ok(Accepted::NotTheirs);
        }
        let ended = sqlx::query(
            "UPDATE invitation SET ended_at = $1, accepted_by = $2 WHERE secret_sha256 = $3 AND ended_at IS NULL",
        )
        .bind(now.0)
        .bind(person_in(person))
        .bind(&secret_sha256.0[..])
        .execute(&mut *tx)
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(Accepted::Gone);
        }
        // Whoever was a member before is one again; who is one now keeps what they are.
        sqlx::query(
            "INSERT INTO member (account_id, person_id, role, month_limit, joined_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (account_id, person_id) DO UPDATE SET role = excluded.role, month_limit = excluded.month_limit,
             joined_at = excluded.joined_at, left_at = NULL WHERE member.left_at IS NOT NULL",
        )
        .bind(account_in(asked.account))
        .bind(person_in(person))
        .bind(asked.role.word())
        .bind(asked.month_limit.map(credits_in).transpose()?)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Accepted::Yes(asked.account))
    }
}

async fn role_of(
    connection: &mut Connection,
    account: AccountId,
    person: PersonId,
) -> Result<Option<Role>, StoreError> {
    sqlx::query("SELECT role FROM member WHERE account_id = $1 AND person_id = $2 AND left_at IS NULL")
        .bind(account_in(account))
        .bind(person_in(person))
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(role)
        .transpose()
}

async fn owners(connection: &mut Connection, account: AccountId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM member WHERE account_id = $1 AND role = 'owner' AND left_at IS NULL",
    )
    .bind(account_in(account))
    .fetch_one(connection)
    .await?)
}

async fn set_member(
    connection: &mut Connection,
    account: AccountId,
    person: PersonId,
    role: Role,
    month_limit: Option<Credits>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE member SET role = $1, month_limit = $2 WHERE account_id = $3 AND person_id = $4")
        .bind(role.word())
        .bind(month_limit.map(credits_in).transpose()?)
        .bind(account_in(account))
        .bind(person_in(person))
        .execute(connection)
        .await?;
    Ok(())
}

/// Keys and sessions go with the member; jobs and lines stay.
async fn leave(
    connection: &mut Connection,
    account: AccountId,
    person: PersonId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE member SET left_at = $1 WHERE account_id = $2 AND person_id = $3",
        "UPDATE api_key SET revoked_at = $1 WHERE account_id = $2 AND person_id = $3 AND revoked_at IS NULL",
        "UPDATE session SET ended_at = $1 WHERE account_id = $2 AND person_id = $3 AND ended_at IS NULL",
    ] {
        sqlx::query(sql)
            .bind(now.0)
            .bind(account_in(account))
            .bind(person_in(person))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn open_invitation(
    connection: &mut Connection,
    secret_sha256: Sha256,
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    sqlx::query(
        "SELECT invitation.id, invitation.account_id, account.title, account.name AS account_name, invitation.email,
         invitation.role, invitation.month_limit, person.name, person.email AS inviter, invitation.until
         FROM invitation JOIN account ON account.id = invitation.account_id
         JOIN person ON person.id = invitation.invited_by
         WHERE secret_sha256 = $1 AND ended_at IS NULL AND until > $2",
    )
    .bind(&secret_sha256.0[..])
    .bind(now.0)
    .fetch_optional(connection)
    .await?
    .as_ref()
    .map(read_invitation)
    .transpose()
}

/// What people call an account: its title, or the name the operator gave it.
fn title(row: &Row) -> Result<String, StoreError> {
    let title: String = row.try_get("title")?;
    Ok(if title.is_empty() { row.try_get("account_name")? } else { title })
}

pub(super) fn read_membership(row: &Row) -> Result<Membership, StoreError> {
    let kind = match row.try_get("kind")? {
        "person" => AccountKind::Person,
        "team" => AccountKind::Team,
        _ => return Err(unreadable("kind")),
    };
    Ok(Membership {
        account: account(row, "account_id")?,
        kind,
        title: title(row)?,
        role: role(row)?,
        month_limit: credits_or_none(row, "month_limit")?,
    })
}

fn read_member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        person: person(row, "person_id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: role(row)?,
        month_limit: credits_or_none(row, "month_limit")?,
        month_spent: credits(row, "month_spent")?,
        joined_at: time(row, "joined_at")?,
    })
}

fn read_invitation(row: &Row) -> Result<Invitation, StoreError> {
    let name: String = row.try_get("name")?;
    Ok(Invitation {
        id: invitation(row, "id")?,
        account: account(row, "account_id")?,
        title: title(row)?,
        email: row.try_get("email")?,
        role: role(row)?,
        month_limit: credits_or_none(row, "month_limit")?,
        invited_by: if name.is_empty() { row.try_get("inviter")? } else { name },
        until: time(row, "until")?,
    })
}

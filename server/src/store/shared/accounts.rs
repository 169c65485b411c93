//! Accounts.

use super::dialect::{self, Books, Connection, Row};
use super::read::{account, account_in, credits, number, person_in, time_or_none, widget_in};
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::ledger::Balance;
use crate::store::{AccountRow, NewJob, StoreError};
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, Credits, PersonId, WidgetId};

/// Names and ids are taken by their unique keys, so that of two servers that add one at once the other is told.
pub(super) async fn create(
    store: &Books,
    id: AccountId,
    name: &str,
    weight: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = dialect::every(store).await?;
    let added = sqlx::query(
        "INSERT INTO account (id, name, weight, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(account_in(id))
    .bind(name)
    .bind(i64::from(weight))
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        let same_name: i64 = sqlx::query_scalar("SELECT count(*) FROM account WHERE name = $1")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        return Err(StoreError::Exists(if same_name > 0 { name.to_owned() } else { id.to_string() }));
    }
    add_wallet(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn add_wallet(connection: &mut Connection, account: AccountId) -> Result<(), StoreError> {
    for sql in [
        "INSERT INTO wallet (account_id) VALUES ($1)",
        "INSERT INTO book (account_id, kind) VALUES ($1, 'wallet')",
    ] {
        sqlx::query(sql).bind(account_in(account)).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn all(store: &Books) -> Result<Vec<AccountRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, weight, title, suspended_at, closed_at, posted, held
         FROM account JOIN wallet ON wallet.account_id = account.id",
    )
    .fetch_all(&mut *dialect::look(store).await?)
    .await?;
    let mut accounts = rows.iter().map(read_account).collect::<Result<Vec<_>, StoreError>>()?;
    accounts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(accounts)
}

pub(super) async fn one(store: &Books, account: AccountId) -> Result<AccountRow, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, weight, title, suspended_at, closed_at, posted, held
         FROM account JOIN wallet ON wallet.account_id = account.id WHERE account.id = $1",
    )
    .bind(account_in(account))
    .fetch_optional(&mut *dialect::look_own(store, account).await?)
    .await?;
    read_account(&row.ok_or(StoreError::NoAccount)?)
}

/// Whether the account starts no job any more.
pub(super) async fn is_suspended(
    connection: &mut Connection,
    account: AccountId,
) -> Result<bool, StoreError> {
    let since: Option<Option<i64>> =
        sqlx::query_scalar("SELECT coalesce(closed_at, suspended_at) FROM account WHERE id = $1")
            .bind(account_in(account))
            .fetch_optional(connection)
            .await?;
    Ok(since.flatten().is_some())
}

/// Whose jobs a limit is for.
#[derive(Clone, Copy)]
pub(super) enum Spender {
    /// A member.
    Person(PersonId),
    /// All visitors of a widget together.
    Widget(WidgetId),
}

impl Spender {
    /// Who asks for a job; none for a key of nobody.
    pub(super) fn of(new: &NewJob) -> Option<Self> {
        let widget = new.visitor.map(|visitor| Self::Widget(visitor.widget));
        widget.or(new.person.map(Self::Person))
    }
}

/// What was held and taken since a moment, by a column of jobs.
macro_rules! spent_by {
    ($column:literal) => {
        concat!(
            "SELECT CAST(coalesce(sum(coalesce(settlement.captured, hold.amount)), 0) AS bigint)
             FROM job JOIN hold ON hold.account_id = job.account_id AND hold.job_id = job.id
             LEFT JOIN settlement ON settlement.account_id = job.account_id AND settlement.job_id = job.id
             WHERE job.account_id = $1 AND job.",
            $column,
            " = $2 AND job.created_at >= $3"
        )
    };
}

/// What the spender's jobs hold or took since then, in an account whose turn it is.
pub(super) async fn spent(
    connection: &mut Connection,
    account: AccountId,
    spender: Spender,
    since: Timestamp,
) -> Result<Credits, StoreError> {
    let (sql, id) = match spender {
        Spender::Person(person) => (spent_by!("person_id"), person_in(person)),
        Spender::Widget(widget) => (spent_by!("widget_id"), widget_in(widget)),
    };
    let spent: i64 = sqlx::query_scalar(sql)
        .bind(account_in(account))
        .bind(id)
        .bind(since.0)
        .fetch_one(connection)
        .await?;
    u64::try_from(spent).map(Credits).map_err(|_| unreadable("spent"))
}

fn read_account(row: &Row) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        id: account(row, "id")?,
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        weight: u32::try_from(number(row, "weight")?).map_err(|_| unreadable("weight"))?,
        suspended_at: time_or_none(row, "suspended_at")?,
        closed_at: time_or_none(row, "closed_at")?,
        balance: Balance { posted: credits(row, "posted")?, held: credits(row, "held")? },
    })
}

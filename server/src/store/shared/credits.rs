//! Credits that come, and the lines of an account.

use super::closing::refuse_closed;
use super::dialect::{self, Books, Connection, Row};
use super::read::{account, account_in, credits, job, job_in, number, time, widget_or_none};
use super::values::{credits_in, unreadable};
use crate::clock::Timestamp;
use crate::ledger::{Balance, CameBy, Grant, Line, LineKind};
use crate::store::StoreError;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, Credits, JobId};

/// A payment that another account was granted is refused as `Exists`: silence would lose the credits.
pub(super) async fn grant(
    store: &Books,
    account_id: AccountId,
    grant: &Grant,
    now: Timestamp,
) -> Result<Balance, StoreError> {
    let mut tx = dialect::every(store).await?;
    let before = dialect::turn(&mut tx, account_id).await?.ok_or(StoreError::NoAccount)?;
    let granted_to = sqlx::query("SELECT account_id FROM transfer WHERE payment_id = $1")
        .bind(&grant.payment_id)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = granted_to {
        let same = account(&row, "account_id")? == account_id;
        return if same { Ok(before) } else { Err(StoreError::Exists(grant.payment_id.clone())) };
    }
    refuse_closed(&mut tx, account_id).await?;
    let after = add_grant(&mut tx, account_id, grant, before, now).await?;
    tx.commit().await?;
    Ok(after)
}

/// Adds a grant that is not there yet, to an account whose turn it is. `Exists` where another account took the payment
/// since it was looked up; it cannot have been this one.
pub(super) async fn add_grant(
    connection: &mut Connection,
    account: AccountId,
    grant: &Grant,
    before: Balance,
    now: Timestamp,
) -> Result<Balance, StoreError> {
    let movement = Movement {
        kind: LineKind::Grant,
        amount: grant.amount,
        payment_id: &grant.payment_id,
        refund_of: None,
        note: &grant.note,
    };
    let moved = movement.add(connection, account, before, now).await?;
    let (line, after) = moved.ok_or_else(|| StoreError::Exists(grant.payment_id.clone()))?;
    if let Some(expires_at) = grant.expires_at {
        sqlx::query("INSERT INTO lot (account_id, line, amount, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(account_in(account))
            .bind(line)
            .bind(credits_in(grant.amount)?)
            .bind(expires_at.0)
            .execute(connection)
            .await?;
    }
    Ok(after)
}

/// A line that is no capture: those belong to their settlement.
pub(super) struct Movement<'a> {
    pub(super) kind: LineKind,
    pub(super) amount: Credits,
    /// What moves credits once.
    pub(super) payment_id: &'a str,
    pub(super) refund_of: Option<JobId>,
    pub(super) note: &'a str,
}

impl Movement<'_> {
    /// Moves the credits of an account whose turn it is: the line's number, and what is there afterwards. None where the
    /// same payment moved credits before; then nothing changed but the caller's transaction has to end.
    pub(super) async fn add(
        &self,
        connection: &mut Connection,
        account: AccountId,
        before: Balance,
        now: Timestamp,
    ) -> Result<Option<(i64, Balance)>, StoreError> {
        let amount = credits_in(self.amount)?;
        // Which of the house's books the credits come from or go to.
        let comes = self.kind.comes();
        let house = if self.kind == LineKind::Refund { "revenue" } else { "issued" };
        let posted = if comes {
            before.posted.checked_add(self.amount)
        } else {
            before.posted.checked_sub(self.amount)
        };
        let posted = posted.filter(|posted| credits_in(*posted).is_ok());
        let posted = posted.ok_or(StoreError::TooLarge(self.amount))?;
        sqlx::query("UPDATE wallet SET posted = posted + $1 WHERE account_id = $2")
            .bind(if comes { amount } else { -amount })
            .bind(account_in(account))
            .execute(&mut *connection)
            .await?;
        let line = sqlx::query(if comes { CREDITS_COME } else { CREDITS_GO })
            .bind(account_in(account))
            .bind(amount)
            .bind(self.kind.word())
            .bind(self.payment_id)
            .bind(self.refund_of.map(job_in))
            .bind(credits_in(posted)?)
            .bind(self.note)
            .bind(now.0)
            .bind(house)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(line) = line else { return Ok(None) };
        Ok(Some((line.try_get("line")?, Balance { posted, held: before.held })))
    }
}

const CREDITS_COME: &str = "
INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, refund_of, posted_after, note, created_at)
SELECT $1, house.id, own.id, $2, $3, $4, $5, $6, $7, $8
FROM book AS house JOIN book AS own ON own.account_id = $1 WHERE house.kind = $9
ON CONFLICT (payment_id) DO NOTHING RETURNING line
";
const CREDITS_GO: &str = "
INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, refund_of, posted_after, note, created_at)
SELECT $1, own.id, house.id, $2, $3, $4, $5, $6, $7, $8
FROM book AS house JOIN book AS own ON own.account_id = $1 WHERE house.kind = $9
ON CONFLICT (payment_id) DO NOTHING RETURNING line
";

pub(super) async fn history(
    store: &Books,
    account: AccountId,
    before_line: Option<u64>,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let before = before_line.and_then(|line| i64::try_from(line).ok()).unwrap_or(i64::MAX);
    sqlx::query(
        "SELECT t.line, t.created_at, t.kind, t.amount, t.posted_after, coalesce(t.job_id, t.refund_of) AS job_id, t.note,
         j.widget_id, w.name AS widget_name
         FROM transfer AS t
         LEFT JOIN job AS j ON j.account_id = t.account_id AND j.id = coalesce(t.job_id, t.refund_of)
         LEFT JOIN widget AS w ON w.account_id = j.account_id AND w.id = j.widget_id
         WHERE t.account_id = $1 AND t.line < $2 ORDER BY t.line DESC LIMIT $3",
    )
    .bind(account_in(account))
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *dialect::look_own(store, account).await?)
    .await?
    .iter()
    .map(read_line)
    .collect()
}

fn read_line(row: &Row) -> Result<Line, StoreError> {
    let kind = LineKind::parse(row.try_get("kind")?).ok_or_else(|| unreadable("kind"))?;
    let widget = match widget_or_none(row)? {
        Some(id) => Some(CameBy { id, name: row.try_get("widget_name")? }),
        None => None,
    };
    let has_job = matches!(kind, LineKind::Capture | LineKind::Refund);
    Ok(Line {
        line: number(row, "line")?,
        at: time(row, "created_at")?,
        kind,
        amount: credits(row, "amount")?,
        posted_after: credits(row, "posted_after")?,
        job: has_job.then(|| job(row, "job_id")).transpose()?,
        widget,
        note: row.try_get("note")?,
    })
}

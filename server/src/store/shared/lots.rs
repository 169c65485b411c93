//! Credits that end. A lot's rows say what it had and what each movement took of it; what is left is the difference, so
//! no row ever changes.

use super::credits::Movement;
use super::dialect::{self, Books, Connection};
use super::read::{account, account_in, credits, time};
use super::values::credits_in;
use crate::clock::Timestamp;
use crate::ledger::{LineKind, Lot};
use crate::store::StoreError;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, Credits};

/// Lots with something left, the soonest to end first; `$1` is the account.
const LEFT: &str = "
SELECT line, amount, expires_at, amount - used AS rest FROM (
  SELECT lot.line, lot.amount, lot.expires_at, CAST((SELECT coalesce(sum(lot_use.amount), 0) FROM lot_use
   WHERE lot_use.account_id = lot.account_id AND lot_use.lot = lot.line) AS bigint) AS used
  FROM lot WHERE lot.account_id = $1
) AS lots WHERE amount > used ORDER BY expires_at, line
";

struct Left {
    lot: i64,
    rest: u64,
    expires_at: Timestamp,
}

async fn left(connection: &mut Connection, account: AccountId) -> Result<Vec<Left>, StoreError> {
    sqlx::query(LEFT)
        .bind(account_in(account))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            Ok(Left {
                lot: row.try_get("line")?,
                rest: credits(row, "rest")?.0,
                expires_at: time(row, "expires_at")?,
            })
        })
        .collect()
}

/// A movement `line` took `amount` of the account, whose turn it is: lots go first.
pub(super) async fn spend(
    connection: &mut Connection,
    account: AccountId,
    line: i64,
    amount: u64,
) -> Result<(), StoreError> {
    let mut amount = amount;
    for Left { lot, rest, .. } in left(connection, account).await? {
        let taken = rest.min(amount);
        if taken == 0 {
            break;
        }
        use_lot(connection, account, lot, line, taken).await?;
        amount -= taken;
    }
    Ok(())
}

/// A takeback `line` left `posted` credits: lots keep no more than that.
pub(super) async fn fit(
    connection: &mut Connection,
    account: AccountId,
    line: i64,
    posted: u64,
) -> Result<(), StoreError> {
    let lots: u64 = left(connection, account).await?.iter().map(|left| left.rest).sum();
    spend(connection, account, line, lots.saturating_sub(posted)).await
}

async fn use_lot(
    connection: &mut Connection,
    account: AccountId,
    lot: i64,
    line: i64,
    amount: u64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO lot_use (account_id, lot, line, amount) VALUES ($1, $2, $3, $4)")
        .bind(account_in(account))
        .bind(lot)
        .bind(line)
        .bind(credits_in(Credits(amount))?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn all(store: &Books, account: AccountId) -> Result<Vec<Lot>, StoreError> {
    let left = left(&mut *dialect::look_own(store, account).await?, account).await?;
    Ok(left.into_iter().map(|left| Lot { left: Credits(left.rest), expires_at: left.expires_at }).collect())
}

/// One transaction for each account, in its turn, so that nobody waits for all of them.
pub(super) async fn expire(store: &Books, now: Timestamp, limit: u32) -> Result<Credits, StoreError> {
    let over = sqlx::query(
        "SELECT DISTINCT lot.account_id FROM lot WHERE lot.expires_at <= $1
         AND lot.amount > (SELECT coalesce(sum(lot_use.amount), 0) FROM lot_use
          WHERE lot_use.account_id = lot.account_id AND lot_use.lot = lot.line)
         AND EXISTS (SELECT 1 FROM wallet WHERE wallet.account_id = lot.account_id AND posted > held) LIMIT $2",
    )
    .bind(now.0)
    .bind(i64::from(limit))
    .fetch_all(&mut *dialect::look(store).await?)
    .await?;
    let mut gone = Credits::ZERO;
    for row in over {
        let went = expire_of(store, account(&row, "account_id")?, now).await?;
        gone = gone.checked_add(went).unwrap_or(gone);
    }
    Ok(gone)
}

async fn expire_of(store: &Books, account: AccountId, now: Timestamp) -> Result<Credits, StoreError> {
    let mut tx = dialect::every(store).await?;
    let mut balance = dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
    let mut gone = 0;
    for Left { lot, rest, expires_at } in left(&mut tx, account).await? {
        // What is held may still be spent by its job; what of it comes back ends with the next round.
        let amount = rest.min(balance.available().0);
        if expires_at > now || amount == 0 {
            continue;
        }
        // A lot may end in several steps: what is left names the step.
        let payment_id = format!("expiry-{lot}-{rest}");
        let movement = Movement {
            kind: LineKind::Expiry,
            amount: Credits(amount),
            payment_id: &payment_id,
            refund_of: None,
            note: "credits that ended",
        };
        let Some((line, after)) = movement.add(&mut tx, account, balance, now).await? else {
            return Ok(Credits::ZERO);
        };
        use_lot(&mut tx, account, lot, line, amount).await?;
        balance = after;
        gone += amount;
    }
    tx.commit().await?;
    Ok(Credits(gone))
}

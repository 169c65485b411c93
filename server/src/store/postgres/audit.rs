//! Recomputes every sum from the rows that made it. Reads only; each is one statement, so of one moment.

use super::rows::number;
use super::{Counts, PgConnection, PostgresStore, StoreError};
use crate::ledger::Audit;

/// By the partial indexes over open jobs, so the price does not grow with the history.
pub(super) async fn counts(store: &PostgresStore) -> Result<Counts, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM job WHERE state = 'uploading') AS uploading,
         (SELECT count(*) FROM job WHERE state = 'queued') AS queued,
         (SELECT count(*) FROM job WHERE state = 'running') AS running,
         (SELECT count(*) FROM job JOIN hold ON hold.account_id = job.account_id AND hold.job_id = job.id
          WHERE job.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM settlement
          WHERE settlement.account_id = job.account_id AND settlement.job_id = job.id)) AS holds_open",
    )
    .fetch_one(&mut *store.every_account().await?)
    .await?;
    Ok(Counts {
        uploading: number(&row, "uploading")?,
        queued: number(&row, "queued")?,
        running: number(&row, "running")?,
        holds_open: number(&row, "holds_open")?,
    })
}

/// Also counts as off: an account without wallet or book, a wrong `posted_after`, a job without hold, a transfer
/// between books that its kind does not join.
pub(super) async fn audit(store: &PostgresStore) -> Result<Audit, StoreError> {
    let mut tx = store.every_account().await?;
    audit_in(&mut tx).await
}

/// The same on a connection that sees every account.
pub(in crate::store) async fn audit_in(tx: &mut PgConnection) -> Result<Audit, StoreError> {
    let row = sqlx::query(AUDIT).fetch_one(tx).await?;
    Ok(Audit {
        accounts_off_ledger: number(&row, "accounts_off_ledger")?,
        accounts_off_holds: number(&row, "accounts_off_holds")?,
        holds_off_jobs: number(&row, "holds_off_jobs")?,
        settlements_off: number(&row, "settlements_off")?,
        transfers_off: number(&row, "transfers_off")?,
    })
}

const AUDIT: &str = "
WITH step AS (
  SELECT transfer.account_id, transfer.line, transfer.posted_after,
    CASE book.id WHEN transfer.credit THEN transfer.amount WHEN transfer.debit THEN -transfer.amount ELSE 0 END AS moved
  FROM transfer LEFT JOIN book ON book.account_id = transfer.account_id
), line AS (
  SELECT account_id, moved, posted_after, sum(moved) OVER (PARTITION BY account_id ORDER BY line) AS posted FROM step
), ledger AS (
  SELECT account_id, sum(moved) AS posted, bool_or(posted <> posted_after) AS off FROM line GROUP BY account_id
), open AS (
  SELECT hold.account_id, sum(hold.amount) AS held FROM hold
  LEFT JOIN settlement ON settlement.account_id = hold.account_id AND settlement.job_id = hold.job_id
  WHERE settlement.job_id IS NULL GROUP BY hold.account_id
)
SELECT
  (SELECT count(*) FROM account
   LEFT JOIN wallet ON wallet.account_id = account.id
   LEFT JOIN book ON book.account_id = account.id
   LEFT JOIN ledger ON ledger.account_id = account.id
   WHERE wallet.account_id IS NULL OR book.id IS NULL OR wallet.posted <> coalesce(ledger.posted, 0)
   OR coalesce(ledger.off, false)
  ) AS accounts_off_ledger,
  (SELECT count(*) FROM account
   LEFT JOIN wallet ON wallet.account_id = account.id
   LEFT JOIN open ON open.account_id = account.id
   WHERE wallet.account_id IS NULL OR wallet.held <> coalesce(open.held, 0)
  ) AS accounts_off_holds,
  (SELECT count(*) FROM hold
   LEFT JOIN job ON job.account_id = hold.account_id AND job.id = hold.job_id
   LEFT JOIN settlement ON settlement.account_id = hold.account_id AND settlement.job_id = hold.job_id
   WHERE job.id IS NULL OR (job.ended_at IS NOT NULL) <> (settlement.job_id IS NOT NULL)
  ) + (SELECT count(*) FROM job
   LEFT JOIN hold ON hold.account_id = job.account_id AND hold.job_id = job.id WHERE hold.job_id IS NULL
  ) AS holds_off_jobs,
  (SELECT count(*) FROM settlement
   LEFT JOIN hold ON hold.account_id = settlement.account_id AND hold.job_id = settlement.job_id
   LEFT JOIN transfer ON transfer.account_id = settlement.account_id AND transfer.job_id = settlement.job_id
   WHERE hold.job_id IS NULL OR settlement.captured < 0 OR settlement.released < 0
   OR settlement.captured + settlement.released <> hold.amount
   OR settlement.captured <> coalesce(transfer.amount, 0)
  ) + (SELECT count(*) FROM transfer
   LEFT JOIN settlement ON settlement.account_id = transfer.account_id AND settlement.job_id = transfer.job_id
   WHERE transfer.kind = 'capture' AND settlement.job_id IS NULL
  ) AS settlements_off,
  (SELECT count(*) FROM transfer
   LEFT JOIN book AS giver ON giver.id = transfer.debit
   LEFT JOIN book AS taker ON taker.id = transfer.credit
   WHERE giver.id IS NULL OR taker.id IS NULL OR giver.id = taker.id OR transfer.amount <= 0
   OR NOT coalesce(CASE transfer.kind
     WHEN 'grant' THEN giver.kind = 'issued' AND taker.account_id = transfer.account_id
     WHEN 'capture' THEN taker.kind = 'revenue' AND giver.account_id = transfer.account_id
     END, false)
  ) AS transfers_off
";

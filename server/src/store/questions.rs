//! The auditor's questions, in words that every database understands: whatever keeps the books, one text proves them.

/// Open jobs by state, and open holds. By the partial indexes over open jobs, so the price does not grow with the history.
pub(super) const COUNTS: &str = "
SELECT (SELECT count(*) FROM job WHERE state = 'uploading') AS uploading,
(SELECT count(*) FROM job WHERE state = 'queued') AS queued,
(SELECT count(*) FROM job WHERE state = 'running') AS running,
(SELECT count(*) FROM job JOIN hold ON hold.account_id = job.account_id AND hold.job_id = job.id
WHERE job.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM settlement
WHERE settlement.account_id = job.account_id AND settlement.job_id = job.id)) AS holds_open
";

/// Recomputes every sum from the rows that made it, in one statement, so of one moment. Also counts as off: an account
/// without wallet or book, a wrong `posted_after`, a job without hold, a transfer between books that its kind does not join.
pub(super) const AUDIT: &str = "
WITH step AS (
  SELECT transfer.account_id, transfer.line, transfer.posted_after,
    CASE book.id WHEN transfer.credit THEN transfer.amount WHEN transfer.debit THEN -transfer.amount ELSE 0 END AS moved
  FROM transfer LEFT JOIN book ON book.account_id = transfer.account_id
), line AS (
  SELECT account_id, moved, posted_after, sum(moved) OVER (PARTITION BY account_id ORDER BY line) AS posted FROM step
), ledger AS (
  SELECT account_id, sum(moved) AS posted, max(CASE WHEN posted <> posted_after THEN 1 ELSE 0 END) AS off FROM line GROUP BY account_id
), open AS (
  SELECT hold.account_id, sum(hold.amount) AS held FROM hold
  LEFT JOIN settlement ON settlement.account_id = hold.account_id AND settlement.job_id = hold.job_id
  WHERE settlement.job_id IS NULL GROUP BY hold.account_id
), left_of_lot AS (
  SELECT lot.account_id, lot.line, lot.amount, lot.amount - coalesce(
   (SELECT sum(lot_use.amount) FROM lot_use WHERE lot_use.account_id = lot.account_id AND lot_use.lot = lot.line), 0) AS rest
  FROM lot
)
SELECT
  (SELECT count(*) FROM account
   LEFT JOIN wallet ON wallet.account_id = account.id
   LEFT JOIN book ON book.account_id = account.id
   LEFT JOIN ledger ON ledger.account_id = account.id
   WHERE wallet.account_id IS NULL OR book.id IS NULL OR wallet.posted <> coalesce(ledger.posted, 0)
   OR coalesce(ledger.off, 0) > 0
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
     WHEN 'refund' THEN giver.kind = 'revenue' AND taker.account_id = transfer.account_id
       AND EXISTS (SELECT 1 FROM settlement WHERE settlement.account_id = transfer.account_id
        AND settlement.job_id = transfer.refund_of AND settlement.captured >= transfer.amount)
     WHEN 'expiry' THEN taker.kind = 'issued' AND giver.account_id = transfer.account_id
     WHEN 'takeback' THEN taker.kind = 'issued' AND giver.account_id = transfer.account_id
     END, 1 = 0)
  ) AS transfers_off,
  (SELECT count(*) FROM left_of_lot
   LEFT JOIN transfer ON transfer.account_id = left_of_lot.account_id AND transfer.line = left_of_lot.line
   WHERE transfer.line IS NULL OR transfer.kind <> 'grant' OR transfer.amount <> left_of_lot.amount OR left_of_lot.rest < 0
  ) + (SELECT count(*) FROM wallet
   JOIN (SELECT account_id, sum(rest) AS rest FROM left_of_lot GROUP BY account_id) AS lots
   ON lots.account_id = wallet.account_id WHERE lots.rest > wallet.posted
  ) AS lots_off
";

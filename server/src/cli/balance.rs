//! `tributary balance` and `tributary history`.

use super::{DONE, Place, screen};
use crate::statement::{CSV_HEAD, texts};
use tributary_protocol::client::{Client, HistoryPage, LedgerLine};
use tributary_protocol::limits::HISTORY_PAGE_MAX;

/// Lines of the ledger, unless told otherwise.
const LINES: u32 = 50;

#[derive(clap::Args)]
pub(super) struct BalanceArgs {
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct HistoryArgs {
    /// How many lines [default: 50, with --csv all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: Option<u32>,
    /// Only lines older than this one
    #[arg(long, value_name = "LINE")]
    before: Option<u64>,
    /// One line of JSON a line
    #[arg(long)]
    json: bool,
    /// A statement for spreadsheets: all lines as comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) async fn balance(place: Place, args: BalanceArgs) -> anyhow::Result<u8> {
    let account = place.client().await?.account().await?;
    if args.json {
        let (posted, held, available) = (account.posted.0, account.held.0, account.available().0);
        screen::line(serde_json::json!({
            "account": account.name, "posted": posted, "held": held, "available": available,
            "buy_url": account.buy_url, "person": account.person, "role": account.role, "rights": account.rights,
            "month_limit": account.month_limit.map(|limit| limit.0), "month_spent": account.month_spent.0,
            "suspended": account.suspended, "kept_bytes": account.kept_bytes,
            "kept_bytes_max": account.kept_bytes_max, "keep_days": account.keep_days,
            "expiring": account.expiring.iter().map(|part| serde_json::json!({
                "credits": part.credits.0, "expires_at_us": part.expires_at_us
            })).collect::<Vec<_>>(),
        }));
    } else {
        screen::line(format!("{} available to account {}", account.available(), account.name));
        if account.held.0 > 0 {
            screen::line(format!("{} held for jobs under way", account.held));
        }
        if let Some(part) = account.expiring.first() {
            screen::line(format!(
                "{} of them end at {} (UTC)",
                part.credits,
                screen::time(part.expires_at_us)
            ));
        }
        if let Some(limit) = account.month_limit {
            screen::line(format!(
                "your jobs took {} of your limit of {limit} this month",
                account.month_spent
            ));
        }
        if account.suspended {
            screen::line("the account is suspended and starts no new jobs: write to the server's operator");
        }
        let most = account.kept_bytes_max.map(|max| format!(" of {}", screen::megabytes(max)));
        screen::line(format!(
            "clips and results take {}{} on the server; they are deleted {} days after their job",
            screen::megabytes(account.kept_bytes),
            most.unwrap_or_default(),
            account.keep_days
        ));
        if let Some(url) = &account.buy_url {
            screen::line(format!("more at {url}"));
        }
    }
    Ok(DONE)
}

pub(super) async fn history(place: Place, args: HistoryArgs) -> anyhow::Result<u8> {
    let client = place.client().await?;
    if args.csv {
        return statement(&client, args.limit, args.before).await;
    }
    let page = HistoryPage { limit: args.limit.unwrap_or(LINES), before_line: args.before };
    let lines = client.history(page).await?;
    if args.json {
        for line in &lines {
            screen::line(serde_json::json!({
                "line": line.line, "at_us": line.at_us, "kind": line.kind.word(), "credits": line.credits,
                "posted_after": line.posted_after.0, "job": line.job.map(|job| job.to_string()), "note": line.note,
                "widget": line.widget,
            }));
        }
    } else if lines.is_empty() {
        screen::line("no lines: nothing was granted or spent yet");
    } else {
        let rows: Vec<_> = lines
            .iter()
            .map(|line| {
                let (number, credits) = (line.line.to_string(), format!("{:+}", line.credits));
                let after = line.posted_after.0.to_string();
                [
                    number,
                    screen::time(line.at_us),
                    line.kind.word().to_owned(),
                    credits,
                    after,
                    line.note.clone(),
                ]
            })
            .collect();
        screen::table(["line", "time (UTC)", "what", "credits", "after", "for"], &rows);
    }
    Ok(DONE)
}

/// Every line (or the newest `limit`), newest first, page by page: a ledger of years is never in memory at once.
async fn statement(client: &Client, limit: Option<u32>, before: Option<u64>) -> anyhow::Result<u8> {
    screen::line(CSV_HEAD.trim_end());
    let (mut before_line, mut left) = (before, limit.unwrap_or(u32::MAX));
    while left > 0 {
        let page = HistoryPage { limit: left.min(HISTORY_PAGE_MAX), before_line };
        let lines = client.history(page).await?;
        let Some(last) = lines.last() else { break };
        before_line = Some(last.line);
        lines.iter().for_each(|line| screen::line(row(line)));
        left = left.saturating_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    }
    Ok(DONE)
}

fn row(line: &LedgerLine) -> String {
    let job = line.job.map(|job| job.to_string()).unwrap_or_default();
    let (at, kind, after) = (screen::time(line.at_us), line.kind.word(), line.posted_after.0);
    let texts = texts(&line.note, line.widget.as_deref());
    format!("{},{at},{kind},{},{after},{job},{texts}", line.line, line.credits)
}

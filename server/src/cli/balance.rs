//! `tributary balance` and `tributary history`.

use super::{DONE, Place, screen};
use tributary_protocol::client::{HistoryPage, LedgerKind};

#[derive(clap::Args)]
pub(super) struct BalanceArgs {
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct HistoryArgs {
    /// How many lines
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only lines older than this one
    #[arg(long, value_name = "LINE")]
    before: Option<u64>,
    /// One line of JSON a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn balance(place: Place, args: BalanceArgs) -> anyhow::Result<u8> {
    let account = place.client().await?.account().await?;
    if args.json {
        let (posted, held, available) = (account.posted.0, account.held.0, account.available().0);
        screen::line(serde_json::json!({
            "account": account.name, "posted": posted, "held": held, "available": available,
            "buy_url": account.buy_url,
        }));
    } else {
        screen::line(format!("{} available to account {}", account.available(), account.name));
        if account.held.0 > 0 {
            screen::line(format!("{} held for jobs under way", account.held));
        }
        if let Some(url) = &account.buy_url {
            screen::line(format!("more at {url}"));
        }
    }
    Ok(DONE)
}

pub(super) async fn history(place: Place, args: HistoryArgs) -> anyhow::Result<u8> {
    let page = HistoryPage { limit: args.limit, before_line: args.before };
    let lines = place.client().await?.history(page).await?;
    let word = |kind| match kind {
        LedgerKind::Grant => "grant",
        LedgerKind::Capture => "capture",
    };
    if args.json {
        for line in &lines {
            screen::line(serde_json::json!({
                "line": line.line, "at_us": line.at_us, "kind": word(line.kind), "credits": line.credits,
                "posted_after": line.posted_after.0, "job": line.job.map(|job| job.to_string()), "note": line.note,
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
                    word(line.kind).to_owned(),
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

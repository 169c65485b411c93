//! `tributary balance` and `tributary history`.

use super::{DONE, Place, screen};
use tributary_protocol::client::HistoryPage;

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
            "buy_url": account.buy_url, "person": account.person, "role": account.role, "rights": account.rights,
            "month_limit": account.month_limit.map(|limit| limit.0), "month_spent": account.month_spent.0,
            "suspended": account.suspended,
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
            screen::line("the account starts no new jobs: a payment of its was taken back");
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
    if args.json {
        for line in &lines {
            screen::line(serde_json::json!({
                "line": line.line, "at_us": line.at_us, "kind": line.kind.word(), "credits": line.credits,
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

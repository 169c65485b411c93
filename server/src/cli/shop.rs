//! `tributary packs` and `tributary buy`: credits for money, paid on a page in a browser.

use super::{DONE, Ended, JOB_FAILED, Place, screen};
use anyhow::ensure;
use std::time::Duration;
use tokio::time::sleep;
use tributary_protocol::client::{Client, PurchaseState, PurchaseView};
use tributary_protocol::vocab::PurchaseId;

/// Somebody sits at the page: they want to see soon that it worked.
const PAUSE: Duration = Duration::from_secs(3);

#[derive(clap::Args)]
pub(super) struct PacksArgs {
    /// One line of JSON a pack
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct BuyArgs {
    /// What to buy, as `tributary packs` names it
    #[arg(value_name = "PACK")]
    pack: String,
    /// One line of JSON whenever something changes
    #[arg(long)]
    json: bool,
}

pub(super) async fn packs(place: Place, args: PacksArgs) -> anyhow::Result<u8> {
    let sold = place.client().await?.packs().await?;
    if args.json {
        for pack in &sold.packs {
            screen::line(serde_json::json!({
                "pack": pack.name, "title": pack.title, "credits": pack.credits.0,
                "amount_minor": pack.amount_minor, "currency": pack.currency, "test": sold.test,
            }));
        }
        return Ok(DONE);
    }
    if sold.packs.is_empty() {
        screen::line("this server sells no credits: its operator grants them");
        return Ok(DONE);
    }
    let rows: Vec<_> = sold
        .packs
        .iter()
        .map(|pack| [pack.name.clone(), pack.title.clone(), pack.credits.0.to_string(), pack.price()])
        .collect();
    screen::table(["pack", "title", "credits", "price"], &rows);
    if sold.test {
        screen::note("test mode: nothing is charged");
    }
    Ok(DONE)
}

pub(super) async fn buy(place: Place, args: BuyArgs) -> anyhow::Result<u8> {
    let client = place.client().await?;
    let sold = client.packs().await?;
    ensure!(
        sold.packs.iter().any(|pack| pack.name == args.pack),
        "no pack `{}` is sold here: see `tributary packs`",
        args.pack
    );
    let id = PurchaseId::generate();
    let mut purchase = client.buy(id, &args.pack, false).await?;
    tell(&purchase, args.json);
    while !purchase.state.has_ended() {
        sleep(PAUSE).await;
        let now = ask(&client, &purchase).await?;
        if now != purchase {
            tell(&now, args.json);
        }
        purchase = now;
    }
    let why = match purchase.state {
        PurchaseState::Paid => return Ok(DONE),
        PurchaseState::Expired => "nobody paid in time: nothing was charged".to_owned(),
        PurchaseState::Mismatch => {
            format!("what was paid is not what was agreed: tell the server's operator purchase {id}")
        }
        _ => purchase.failure.unwrap_or_else(|| "the payment did not succeed".to_owned()),
    };
    Err(anyhow::Error::new(Ended(JOB_FAILED)).context(why))
}

async fn ask(client: &Client, purchase: &PurchaseView) -> anyhow::Result<PurchaseView> {
    Ok(match purchase.state {
        // Its page could not be opened: the same id buys once.
        PurchaseState::Created => client.buy(purchase.id, &purchase.pack.name, false).await?,
        _ => client.purchase(purchase.id).await?,
    })
}

fn tell(purchase: &PurchaseView, json: bool) {
    let pack = &purchase.pack;
    if json {
        screen::line(serde_json::json!({
            "purchase": purchase.id.to_string(), "state": purchase.state.word(), "pack": pack.name,
            "credits": pack.credits.0, "amount_minor": pack.amount_minor, "currency": pack.currency,
            "url": purchase.url, "receipt_url": purchase.receipt_url, "failure": purchase.failure,
        }));
        return;
    }
    match (purchase.state, &purchase.url) {
        (PurchaseState::Open, Some(url)) => {
            screen::line(format!("{} for {}: pay at {url}", pack.credits, pack.price()));
            screen::note("waiting until it is paid; it is booked whether this command waits or not");
        }
        (PurchaseState::Processing, _) => screen::note("the payment is on its way"),
        (PurchaseState::Paid, _) => {
            screen::line(format!("paid: {} came", pack.credits));
            if let Some(receipt) = &purchase.receipt_url {
                screen::line(format!("receipt at {receipt}"));
            }
        }
        _ => {}
    }
}

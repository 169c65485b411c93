//! States of being let in and of buying.

use super::*;
use tributary_protocol::client::{ExpiringCredits, PackView, Packs};

fn pack(name: &str, title: &str, credits: u64, amount_minor: u64) -> PackView {
    let currency = "EUR".to_owned();
    PackView {
        name: name.to_owned(),
        title: title.to_owned(),
        credits: Credits(credits),
        amount_minor,
        currency,
    }
}

/// A member of a studio that sells credits.
pub(crate) fn member(song: &Song) -> View {
    let mut view = ready(song);
    let packs = vec![
        pack("small", "Small", 100, 900),
        pack("studio", "Studio", 500, 3_900),
        pack("label", "Label", 2_500, 14_900),
    ];
    view.account = view.account.map(|account| Account {
        name: "Blue Room Studio".to_owned(),
        person: Some("ana@blueroom.example".to_owned()),
        role: Some("admin".to_owned()),
        expiring: vec![ExpiringCredits { credits: Credits(40), expires_at_us: 1_796_256_000_000_000 }],
        packs: Packs { packs, test: true },
        may_buy: true,
        buy_url: None,
        ..account
    });
    view
}

/// The same with another account.
fn with(song: &Song, change: fn(&mut Account)) -> View {
    let mut view = member(song);
    view.account.iter_mut().for_each(change);
    view
}

pub(crate) fn bought(song: &Song, stage: PurchaseStage) -> View {
    View { purchase: Some(Purchase { pack: pack("studio", "Studio", 500, 3_900), stage }), ..member(song) }
}

fn signing_in(song: &Song, sign_in: SignIn) -> View {
    let reason = "The server does not accept this API key.".to_owned();
    let signed_out = Connection::SignedOut { address: ADDRESS.to_owned(), reason };
    View { sign_in, ..connection(song, signed_out) }
}

/// A code is shown.
pub(crate) fn waiting(song: &Song) -> View {
    signing_in(
        song,
        SignIn::Waiting {
            code: "WDJB-MJHT".to_owned(),
            page: "https://studio.local:8443/device".to_owned(),
            page_with_code: "https://studio.local:8443/device?code=WDJB-MJHT".to_owned(),
        },
    )
}

pub(super) fn all(song: &Song) -> Vec<Scene> {
    let mut all = signing(song);
    all.extend(buying(song));
    all
}

fn signing(song: &Song) -> Vec<Scene> {
    let pages = "This server has no pages to sign in on: paste a key from its operator.".to_owned();
    vec![
        scene(
            "44-sign-in",
            waiting(song),
            |window| window.click("Settings"),
            &["WDJB-MJHT", "https://studio.local:8443/device", "Waiting for you", "Cancel"],
        ),
        scene(
            "45-sign-in-denied",
            signing_in(song, SignIn::Denied),
            |window| window.click("Settings"),
            &["was refused", "Try again"],
        ),
        scene(
            "46-sign-in-no-pages",
            signing_in(song, SignIn::Failed(pages)),
            |window| window.click("Settings"),
            &["paste a key from its operator", "Try again"],
        ),
    ]
}

fn buying(song: &Song) -> Vec<Scene> {
    let mut beyond = with(song, |account| {
        account.month_limit = Some(100);
        account.month_spent = 98;
        account.role = Some("member".to_owned());
    });
    beyond.choice.quote =
        Quote::Price { credits: 4, reason: "1 started minute at 4 credits".to_owned(), missing: 0 };
    let open = PurchaseStage::Open { url: "https://pay.example/1".to_owned() };
    vec![
        scene("50-member", member(song), stands, &["40 end on 3 Dec", "412 credits"]),
        scene(
            "51-packs",
            member(song),
            |window| window.click("Buy credits"),
            &[
                "Studio",
                "500 credits",
                "\u{20ac}39.00",
                "Test mode: nothing is charged",
                "ana@blueroom.example, admin",
            ],
        ),
        scene(
            "52-buying",
            bought(song, open),
            |window| window.click("Account"),
            &["waiting until it is paid", "Open the page again"],
        ),
        scene(
            "53-bought",
            bought(song, PurchaseStage::Paid),
            |window| window.click("Account"),
            &["Studio is paid: 500 credits came"],
        ),
        scene(
            "54-suspended",
            with(song, |account| account.is_suspended = true),
            stands,
            &["Suspended", "Account suspended", "Ask the server's operator"],
        ),
        scene(
            "55-suspended-account",
            with(song, |account| account.is_suspended = true),
            |window| window.click("Account"),
            &["The account is suspended: its owner settles that"],
        ),
        scene("56-limit", beyond, stands, &["98 of 100 this month", "2 left this month", "Over your limit"]),
        scene(
            "57-limit-account",
            with(song, |account| {
                account.month_limit = Some(100);
                account.month_spent = 100;
                account.may_buy = false;
            }),
            |window| window.click("Account"),
            &["100 of 100 this month", "used up", "This key may not buy"],
        ),
    ]
}

//! Every page there is, on a desk and on a phone: nothing beside the screen, everything named, legible and reached by
//! keys, nothing that the browser complains about. Pictures are written where TRIBUTARY_SCREENSHOTS names a folder.

use super::{Shop, send, song};
use std::collections::BTreeMap;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::store::purchases::{EventFate, PaymentEvent};
use tributary_server::tenant::Tenant;
use tributary_tests::chromium::{Chromium, DESK, PHONE, Scripts, Size, is_there, picture};
use tributary_tests::letters::link;

const CHECKS: &str = include_str!("checks.js");
/// A narrow frame on a small phone.
const FRAME: Size = (320, 568);
/// More stops than any page has.
const STOPS_MAX: usize = 400;
/// What a browser says of pages that are as they should be: one that is not there, and one that a link from a letter leads to,
/// which names nobody.
const EXPECTED: [(&str, &str); 2] =
    [("/nowhere", "404"), ("/reset/", "Password forms should have (optionally hidden) username fields")];

/// A page, under which name its picture goes.
struct Sight {
    name: String,
    place: String,
}

fn sight(name: &str, place: impl Into<String>) -> Sight {
    Sight { name: name.to_owned(), place: place.into() }
}

/// Looks at one page; what is wrong with it, in words.
async fn looked_at(browser: &Chromium, size: Size, sight: &Sight) -> Vec<String> {
    browser.resize(size).await.unwrap();
    browser.open(&sight.place).await.unwrap();
    let answer = browser.ask(CHECKS).await.unwrap();
    let mut faults: Vec<String> =
        answer["faults"].as_array().unwrap().iter().map(|each| each.as_str().unwrap().to_owned()).collect();
    let stops = usize::try_from(answer["stops"].as_u64().unwrap()).unwrap();
    faults.extend(stepped(browser, stops).await);
    let complaints = browser.complaints().await.unwrap();
    let is_expected = |each: &String| {
        EXPECTED.iter().any(|(place, words)| sight.place.starts_with(place) && each.contains(words))
    };
    faults.extend(complaints.into_iter().filter(|each| !is_expected(each)));
    let (width, _) = size;
    if let Some(path) = picture(&format!("{}-{width}", sight.name)) {
        browser.ask("document.activeElement.blur(); window.scrollTo(0, 0);").await.unwrap();
        browser.draw(&path).await.unwrap();
    }
    faults.into_iter().map(|fault| format!("{} at {width}: {fault}", sight.name)).collect()
}

/// Steps through with the Tab key until the page's end.
async fn stepped(browser: &Chromium, stops: usize) -> Vec<String> {
    let (mut faults, mut reached) = (Vec::new(), Vec::new());
    for _ in 0..STOPS_MAX {
        browser.tab().await.unwrap();
        let stop = browser.ask("return window.stop()").await.unwrap();
        if stop["body"].as_bool().unwrap() {
            break;
        }
        if !stop["ring"].as_bool().unwrap() {
            faults.push(format!("the focus is not seen on {}", stop["text"]));
        }
        // Players and dates have several stops of their own; what scrolls has one, too.
        let at = stop["at"].as_i64().unwrap();
        if at >= 0 && reached.last() != Some(&at) {
            if reached.first() == Some(&at) {
                break;
            }
            reached.push(at);
        }
    }
    if reached != (0..i64::try_from(stops).unwrap()).collect::<Vec<_>>() {
        faults.push(format!("of {stops} elements Tab reaches {reached:?}"));
    }
    faults
}

/// An account with something of everything, and where its pages are.
async fn furnished(shop: &Shop, ann: &Chromium) -> BTreeMap<&'static str, Option<String>> {
    let store = &shop.stage.server.store;
    shop.sign_up(ann, "ann.with.a.rather.long.address@music.example.org", "Ann of the Two Long Rivers").await;
    ann.open("/account").await.unwrap();
    ann.fill("title", "Two Rivers Studio for Music of Every Kind").await.unwrap();
    ann.press("Make the team").await.unwrap();
    ann.shows("you are its owner").await;
    ann.find("form[action='/members/invite'] [name=email]").await.send_keys("bob@example.org").await.unwrap();
    ann.press("Send the invitation").await.unwrap();
    ann.shows("The invitation is on its way.").await;
    let invitation = link(&shop.stage, "bob@example.org", "invitation").await;
    shop.buy(ann, "90.00 EUR").await;
    let purchase = ann.place().await.unwrap();
    ann.open("/keys").await.unwrap();
    ann.fill("label", "the studio's own machine").await.unwrap();
    ann.press("Make the key").await.unwrap();
    ann.shows("It is shown this once").await;
    ann.open("/webhooks").await.unwrap();
    ann.fill("url", "https://hooks.two-rivers-studio.example.org/tributary/jobs-that-ended").await.unwrap();
    ann.press("Add it").await.unwrap();
    ann.shows("It is shown this once").await;
    ann.open("/webhooks").await.unwrap();
    ann.press("Send a test").await.unwrap();
    ann.shows("A test is on its way").await;
    let file = song(&shop.stage, 3);
    let widget = widget_of(ann).await;
    ann.open(&widget).await.unwrap();
    ann.fill("file", file.to_str().unwrap()).await.unwrap();
    ann.press("Send the file").await.unwrap();
    let visited = ann.is_at(&format!("{widget}/jobs/")).await;
    ann.find(".badge.done").await;
    send(ann, &file).await;
    ann.press("Start").await.unwrap();
    let job = ann.is_at("/jobs/0").await;
    ann.find(".badge.done").await;
    send(ann, &file).await;
    let draft = ann.place().await.unwrap();
    let person = store.person_of("ann.with.a.rather.long.address@music.example.org").await.unwrap().unwrap();
    let team = store.memberships(person.id).await.unwrap();
    let team = team.iter().find(|each| each.title.starts_with("Two")).unwrap().account;
    store.set_operator(&person.email, Some(SystemClock.now())).await.unwrap();
    trouble(shop).await;
    let mut places = places(&job, &draft, &purchase, &invitation, &Tenant::acting_for(team));
    places.extend([("/widget/{token}", Some(widget)), ("/widget/{token}/jobs/{secret}", Some(visited))]);
    places
}

/// A new widget; the path of its page.
async fn widget_of(ann: &Chromium) -> String {
    ann.open("/widgets").await.unwrap();
    for (field, text) in [
        ("name", "the page of the band with the long name"),
        ("origins", "https://www.two-rivers-studio.example.org"),
        ("limit", "40"),
    ] {
        ann.fill(field, text).await.unwrap();
    }
    ann.press("Make the widget").await.unwrap();
    ann.shows("The widget is made").await;
    let link = ann.find("a[href^='/widget/']").await;
    link.attr("href").await.unwrap().unwrap()
}

async fn trouble(shop: &Shop) {
    let store = &shop.stage.server.store;
    let event = PaymentEvent {
        id: "evt_1PxQ2eLkdIwHu7ixUEv5Xe6T".to_owned(),
        kind: "checkout.session.completed".to_owned(),
        object: "checkout.session".to_owned(),
        object_id: "cs_1".to_owned(),
        live: false,
        raw: b"{}".to_vec(),
    };
    let late = SystemClock.now().after(std::time::Duration::from_secs(86_400));
    store.keep_event(&event, late).await.unwrap();
    let why = "the payment service cannot be reached, or answers what this version does not understand";
    store.end_event(&event.id, &EventFate::Dead(why.to_owned())).await.unwrap();
}

/// Where each route is looked at; none for files that pages load and people take home.
fn places(
    job: &str,
    draft: &str,
    purchase: &str,
    invitation: &str,
    team: &Tenant,
) -> BTreeMap<&'static str, Option<String>> {
    let files = [
        "/style.css",
        "/brand.css",
        "/live.js",
        "/player.js",
        "/sw.js",
        "/start.js",
        "/icon.svg",
        "/icons/{name}",
        "/logo",
        "/app.webmanifest",
        "/statement.csv",
        "/jobs/{id}/live",
        "/widget/{token}/jobs/{secret}/live",
        "/widget/{token}/jobs/{secret}/files/{name}",
        "/widget/{token}/jobs/{secret}/peaks/{stem}",
        "/jobs/{id}/files/{name}",
        "/jobs/{id}/peaks/{stem}",
    ];
    let same = [
        "/",
        "/install",
        "/sign-up",
        "/sign-in",
        "/forgot",
        "/account",
        "/account/close",
        "/members",
        "/keys",
        "/device",
        "/statement",
        "/usage",
        "/jobs",
        "/jobs/new",
        "/operator",
        "/webhooks",
        "/widgets",
    ];
    let others = [
        ("/address/{token}", "/address/from-a-letter".to_owned()),
        ("/confirm/{token}", "/confirm/from-a-letter".to_owned()),
        ("/reset/{token}", "/reset/from-a-letter".to_owned()),
        ("/invitation/{token}", invitation.to_owned()),
        ("/purchases/{id}", purchase.to_owned()),
        ("/jobs/new/{draft}", draft.to_owned()),
        ("/jobs/{id}", job.to_owned()),
        ("/operator/accounts/{id}", format!("/operator/accounts/{}", team.account())),
    ];
    let files = files.into_iter().map(|path| (path, None));
    let same = same.into_iter().map(|path| (path, Some(path.to_owned())));
    files.chain(same).chain(others.map(|(path, place)| (path, Some(place)))).collect()
}

fn name(route: &str) -> String {
    let words: Vec<&str> = route.split(['/', '{', '}']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "home".to_owned() } else { words.join("-") }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_seen_heard_and_reached_on_a_desk_and_on_a_phone() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 30).await;
    let ann = shop.browser(Scripts::On).await;
    let places = furnished(&shop, &ann).await;
    let mut routes = tributary_server::pages::shown();
    routes.sort_unstable();
    assert_eq!(places.keys().copied().collect::<Vec<_>>(), routes, "a page that nobody looks at");
    let device =
        shop.stage.client.begin_sign_in("Tributary in a DAW on a machine with a long name").await.unwrap();
    let mut sights: Vec<Sight> =
        places.iter().filter_map(|(route, place)| Some(sight(&name(route), place.clone()?))).collect();
    sights.push(sight("nowhere", "/nowhere"));
    sights.push(sight("device-code", format!("/device?code={}", device.code)));
    // Whoever is new here has nothing yet.
    let new = shop.browser(Scripts::On).await;
    shop.sign_up(&new, "new@example.org", "").await;
    let empty = ["/", "/jobs", "/keys", "/statement", "/usage", "/members", "/webhooks", "/widgets"];
    let empty: Vec<Sight> =
        empty.iter().map(|place| sight(&format!("new-{}", name(place)), *place)).collect();
    // Whoever is not signed in.
    let guest = shop.browser(Scripts::On).await;
    let invitation = places["/invitation/{token}"].clone().unwrap();
    let outside =
        [("sign-in", "/sign-in?next=%2Fjobs"), ("sign-up", "/sign-up"), ("invitation", &invitation)];
    let outside: Vec<Sight> =
        outside.iter().map(|(name, place)| sight(&format!("guest-{name}"), *place)).collect();
    let mut faults = Vec::new();
    for (browser, sights) in [(&ann, sights), (&new, empty), (&guest, outside)] {
        browser.complaints().await.unwrap();
        for sight in &sights {
            // Somebody's page may leave a widget's frame little room.
            let narrow = sight.place.starts_with("/widget/").then_some(FRAME);
            for size in [DESK, PHONE].into_iter().chain(narrow) {
                faults.extend(looked_at(browser, size, sight).await);
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_of_ones_own_is_as_legible_whatever_it_is() {
    if !is_there() {
        return;
    }
    // Dark, bright, and in the middle, where neither black nor white is far away.
    for (accent, name) in [("#0b3d91", "navy"), ("#fff200", "lemon"), ("#8a5a6b", "heather")] {
        let shop = Shop::with(|config| {
            config.pages.brand.accent = accent.to_owned();
            config.pages.trial_credits = 30;
        })
        .await;
        let ann = shop.browser(Scripts::On).await;
        shop.sign_up(&ann, "ann@example.org", "Ann").await;
        let mut faults = Vec::new();
        for (page, place) in
            [("home", "/"), ("usage", "/usage"), ("sign-in", "/sign-in"), ("new-job", "/jobs/new")]
        {
            faults.extend(looked_at(&ann, DESK, &sight(&format!("{name}-{page}"), place)).await);
        }
        assert!(faults.is_empty(), "{accent}:\n{}", faults.join("\n"));
    }
}

//! A widget in a frame on somebody else's page, in a real browser: shown where it may be and nowhere else, used to the end with
//! scripts and without, and known to its account.

use super::{Shop, song};
use tributary_protocol::vocab::{Credits, WidgetId};
use tributary_server::auth::token::Token;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::store::widgets::{AddedWidget, NewWidget};
use tributary_server::tenant::Tenant;
use tributary_server::widget::{Fixed, Origin, Widget};
use tributary_tests::chromium::{Chromium, PHONE, Scripts, is_there, picture};
use tributary_tests::site::Site;
use tributary_tests::{signal, wait};

/// Long enough to be watched.
const WATCHED_SECONDS: u64 = 240;
/// A rate that makes a long clip small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

/// Where browsers go instead of a page that they must not show in a frame.
async fn is_refused(browser: &Chromium, frame: &str) -> bool {
    browser.enter(frame).await.unwrap();
    let refused = wait::until("a page in the frame, or none", async || {
        let place = browser.ask("return document.readyState === 'complete' ? location.href : null").await;
        let place = place.ok()?.as_str()?.to_owned();
        (place != "about:blank").then(|| place.starts_with("chrome-error:"))
    })
    .await;
    browser.leave().await.unwrap();
    refused
}

async fn drawn(browser: &Chromium, name: &str) {
    if let Some(path) = picture(&format!("frame-{name}")) {
        browser.draw(&path).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_hears_a_stem_in_a_frame_where_it_may_be_and_nowhere_else() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 50).await;
    let (site, ann) = (Site::open().unwrap(), shop.browser(Scripts::On).await);
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/widgets").await.unwrap();
    ann.shows("No widgets yet.").await;
    // Browsers let nothing be sent that is empty; what else is wrong is said, and what was typed stays.
    let fields = [("name", "The band's page"), ("origins", "band.example"), ("limit", "40")];
    for (field, text) in fields {
        ann.fill(field, text).await.unwrap();
    }
    ann.press("Make the widget").await.unwrap();
    ann.shows("`band.example` is no site's address").await;
    ann.complaints().await.unwrap();
    ann.fill("origins", &site.origin("localhost")).await.unwrap();
    ann.press("Make the widget").await.unwrap();
    ann.shows("The widget is made").await;
    let lines = ann.find("code.secret").await.text().await.unwrap();
    assert!(lines.starts_with("<iframe src=\"http://127.0.0.1:") && lines.ends_with("</iframe>"), "{lines}");

    site.show("/", &lines);
    let pages = format!("http://{}", shop.stage.server.pages);
    site.show(
        "/others",
        &["/", "/keys", "/sign-in", "/style.css", "/nowhere"]
            .map(|path| format!("<iframe src=\"{pages}{path}\"></iframe>"))
            .concat(),
    );
    let visitor = shop.browser(Scripts::On).await;
    visitor.open(&site.origin("localhost")).await.unwrap();
    hears_a_stem(&shop, &visitor).await;
    assert_eq!(visitor.complaints().await.unwrap(), Vec::<String>::new());

    // Another site with the same lines: its visitors' browsers show nothing.
    visitor.open(&site.origin("127.0.0.1")).await.unwrap();
    assert!(is_refused(&visitor, "iframe").await);
    let said = visitor.complaints().await.unwrap();
    assert!(said.iter().any(|each| each.contains("frame-ancestors")), "{said:?}");
    // No page but a widget's is shown in a frame anywhere, whoever is signed in.
    ann.open(&format!("{}/others", site.origin("localhost"))).await.unwrap();
    for at in 1..=5 {
        assert!(is_refused(&ann, &format!("iframe:nth-of-type({at})")).await, "{at}");
    }

    // The account sees what came by it.
    for (page, words) in [
        ("/jobs", "by widget The band's page"),
        ("/statement", "by widget The band's page"),
        ("/usage", "widget The band's page"),
    ] {
        ann.open(page).await.unwrap();
        ann.shows(words).await;
    }
    ann.open("/widgets").await.unwrap();
    ann.shows("4 of 40 credits spent or held").await;
    ann.press("Revoke The band's page").await.unwrap();
    ann.press("Revoke it now").await.unwrap();
    ann.shows("The widget is dead from now on.").await;
    visitor.open(&site.origin("localhost")).await.unwrap();
    assert!(is_refused(&visitor, "iframe").await);
    shop.stage.audit().await.unwrap();
}

/// In the frame: sends a song, sees how far it is, hears it and takes it home.
async fn hears_a_stem(shop: &Shop, visitor: &Chromium) {
    let file = shop.stage.folder.path().join("long.wav");
    let long = signal::song(1, WATCHED_SECONDS * u64::from(RATE_HZ), 1, RATE_HZ);
    signal::write_wav(&file, &long, 1, RATE_HZ).unwrap();
    visitor.enter("iframe").await.unwrap();
    let form = visitor.shows("This costs you nothing.").await;
    assert!(form.contains("at most 40 minutes"), "{form}");
    drawn(visitor, "form").await;
    visitor.fill("file", file.to_str().unwrap()).await.unwrap();
    visitor.press("Send the file").await.unwrap();
    let look = "const bar = document.getElementById('progress'); return bar ? [bar.value, bar.max] : null";
    wait::until("a part of it to be done", async || {
        let seen = visitor.ask(look).await.unwrap_or_default();
        let (done, of) = (seen[0].as_f64()?, seen[1].as_f64()?);
        (done > 0.0 && done < of).then_some(())
    })
    .await;
    drawn(visitor, "progress").await;
    // The page in the frame is loaded again by itself when the job has ended.
    visitor.find(".badge.done").await;
    visitor.press("Play all").await.unwrap();
    let times = "return [...document.querySelectorAll('audio')].map((audio) => audio.currentTime)";
    wait::until("all stems to play", async || {
        let times = visitor.ask(times).await.ok()?;
        let times: Vec<f64> = times.as_array()?.iter().filter_map(serde_json::Value::as_f64).collect();
        (times.len() == 4 && times.iter().all(|at| *at > 0.5)).then_some(())
    })
    .await;
    visitor.press("Pause").await.unwrap();
    drawn(visitor, "player").await;
    let folder = shop.stage.folder.path().join("taken-home");
    std::fs::create_dir(&folder).unwrap();
    let wish = serde_json::json!({ "behavior": "allow", "downloadPath": folder });
    visitor.cdp("Browser.setDownloadBehavior", wish).await.unwrap();
    visitor.press("WAV").await.unwrap();
    let stem = folder.join("vocals.wav");
    // Floats of one channel, and a head.
    let bytes = WATCHED_SECONDS * u64::from(RATE_HZ) * 4;
    wait::until("the file", async || {
        std::fs::metadata(&stem).ok().filter(|file| (bytes..bytes + 100).contains(&file.len())).map(drop)
    })
    .await;
    assert!(std::fs::read(&stem).unwrap().starts_with(b"RIFF"));
    visitor.leave().await.unwrap();
}

/// A widget of the account that gives two stems, made without the pages.
async fn widget(shop: &Shop, tenant: &Tenant, site: &Site, credits: u64) -> Widget {
    let new = NewWidget {
        id: WidgetId::generate(),
        name: "The band's page".to_owned(),
        token: Token::generate().reveal().to_owned(),
        model: "mini".to_owned(),
        fixed: Fixed { stems: vec!["vocals".to_owned(), "drums".to_owned()], ..Fixed::default() },
        origins: vec![Origin::parse(&site.origin("localhost")).unwrap()],
        month_limit: Credits(credits),
        created_by: None,
    };
    match shop.stage.server.store.add_widget(tenant, &new, SystemClock.now()).await.unwrap() {
        AddedWidget::Yes(widget) => widget,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_visitor_sends_hears_and_deletes_until_the_month_is_used_up() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 50).await;
    let (tenant, _) = shop.stage.account("the band", 50).await.unwrap();
    let site = Site::open().unwrap();
    let Widget { token, .. } = widget(&shop, &tenant, &site, 1).await;
    let pages = format!("http://{}", shop.stage.server.pages);
    site.show(
        "/",
        &format!("<iframe src=\"{pages}/widget/{token}\" width=\"100%\" height=\"900\"></iframe>"),
    );
    let visitor = shop.browser(Scripts::Off).await;
    visitor.resize(PHONE).await.unwrap();
    visitor.open(&site.origin("localhost")).await.unwrap();
    visitor.enter("iframe").await.unwrap();
    visitor.shows("at most 1 minute").await;
    assert!(visitor.all("[name=stem]").await.unwrap().is_empty(), "the stems are fixed");
    drawn(&visitor, "phone-form").await;
    visitor.fill("file", song(&shop.stage, 3).to_str().unwrap()).await.unwrap();
    visitor.press("Send the file").await.unwrap();
    wait::until("the result", async || {
        if visitor.all(".badge.done").await.ok()?.is_empty() {
            visitor.press("Load again").await.ok()?;
            return None;
        }
        Some(())
    })
    .await;
    assert_eq!(visitor.all("audio[controls]").await.unwrap().len(), 2);
    assert_eq!(visitor.all("a[download]").await.unwrap().len(), 2);
    drawn(&visitor, "phone-player").await;
    visitor.press("Delete them now").await.unwrap();
    visitor.shows("Its files are deleted.").await;
    visitor.press("Send another file").await.unwrap();
    visitor.shows("This page has used up its allowance for this month.").await;
    drawn(&visitor, "phone-used-up").await;
    shop.stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_an_owner_chooses_a_service_and_fixes_what_visitors_do_not_choose() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 50).await;
    let ann = shop.browser(Scripts::Off).await;
    ann.resize(PHONE).await.unwrap();
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/widgets").await.unwrap();
    ann.find("select[name=model] option[value=master]").await.click().await.unwrap();
    ann.press("Choose this service").await.unwrap();
    ann.find("select[name=fix-preset] option[value=club]").await.click().await.unwrap();
    ann.find("select[name=fix-eq] option[value=off]").await.click().await.unwrap();
    let fields = [
        ("name", "The band's page"),
        ("origins", "band.example"),
        ("limit", "40"),
        ("fix-match_percent", "30"),
    ];
    for (field, text) in fields {
        ann.fill(field, text).await.unwrap();
    }
    drawn(&ann, "phone-fixing").await;
    ann.press("Make the widget").await.unwrap();
    ann.shows("`band.example` is no site's address").await;
    // The browser says so of every refusal.
    ann.complaints().await.unwrap();
    // What was chosen is not chosen again.
    ann.fill("origins", "https://band.example").await.unwrap();
    ann.press("Make the widget").await.unwrap();
    let shown = ann.shows("The widget is made").await;
    for line in ["Loudness: Club", "Match: 30 %", "Equaliser: off"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    ann.press("Look at it alone").await.unwrap();
    ann.shows("This costs you nothing.").await;
    for (name, count) in [("preset", 0), ("match_percent", 0), ("eq", 0), ("target_lufs", 1), ("limiter", 1)]
    {
        assert_eq!(ann.all(&format!("[name=set-{name}]")).await.unwrap().len(), count, "{name}");
    }
    assert_eq!(ann.complaints().await.unwrap(), Vec::<String>::new());
}

//! Widgets without a browser: who may frame what, whose job is whose, and what visitors are told when there is nothing for them.

use crate::pages::wav;
use tributary_protocol::vocab::{Credits, JobId, WidgetId};
use tributary_server::Parts;
use tributary_server::auth::token::Token;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::{Config, SignUp};
use tributary_server::store::widgets::NewWidget;
use tributary_server::tenant::Tenant;
use tributary_server::widget::{Origin, Widget};
use tributary_tests::browser::{Browser, Page};
use tributary_tests::{Stage, stage, wait};

const ORIGINS: [&str; 2] = ["https://band.example", "http://localhost:8080"];

async fn world(change: impl FnOnce(&mut Config)) -> Stage {
    let mut config = stage::config();
    config.pages.sign_up = SignUp::Open;
    config.rates.address_calls_per_minute = 0;
    config.rates.visitor_files_per_minute = 0;
    change(&mut config);
    Stage::with(config, Parts::default()).await.unwrap()
}

async fn widget(stage: &Stage, tenant: &Tenant, model: &str, credits: u64) -> Widget {
    let new = NewWidget {
        id: WidgetId::generate(),
        name: "The band's page".to_owned(),
        token: Token::generate().reveal().to_owned(),
        model: model.to_owned(),
        origins: ORIGINS.map(|origin| Origin::parse(origin).unwrap()).to_vec(),
        month_limit: Credits(credits),
        created_by: None,
    };
    stage.server.store.add_widget(tenant, &new, SystemClock.now()).await.unwrap().unwrap()
}

/// Whoever comes along.
fn somebody(stage: &Stage) -> Browser {
    Browser::new(&stage.server.pages.to_string())
}

fn page_of(widget: &Widget) -> String {
    format!("/widget/{}", widget.token)
}

/// Sends a file by a widget; the page of its job.
fn sent(stage: &Stage, widget: &Widget, wav: &[u8]) -> String {
    let answer = somebody(stage).upload(&page_of(widget), &[("stem", "vocals")], "take.wav", wav).unwrap();
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

/// What differs between two answers that say that there is nothing, if anything does.
fn told(page: &Page) -> (u16, String, String) {
    let words = page.text();
    let main = words.split("<main").nth(1).unwrap_or_default().split("<p><a").next().unwrap_or_default();
    let words = main.split("<h1>").nth(1).unwrap_or_default();
    (page.status, words.to_owned(), page.header("content-type").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widgets_pages_alone_are_framed_and_know_nobody() {
    let stage = world(|_| {}).await;
    let (tenant, _) = stage.account("the band", 10).await.unwrap();
    let widget = widget(&stage, &tenant, "mini", 10).await;
    let mut visitor = somebody(&stage);
    // As a browser that is signed in on the same machine would send it.
    for name in ["tributary_session", "tributary_form", "tributary_said"] {
        visitor.cookies.insert(name.to_owned(), "saved".to_owned());
    }
    let job = sent(&stage, &widget, &wav(&stage));
    for path in [page_of(&widget), job.clone(), format!("{}/jobs/x", page_of(&widget))] {
        let page = visitor.get(&path).unwrap();
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.ends_with("; frame-ancestors https://band.example http://localhost:8080"), "{policy}");
        for (name, value) in [
            ("x-frame-options", ""),
            ("set-cookie", ""),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        let text = page.text();
        assert!(!text.contains(" style=") && !text.contains("<script>"), "{text}");
        assert!(!text.contains("/sign-in") && !text.contains("/keys") && !text.contains("/sw.js"), "{text}");
    }
    // All else is framed nowhere, also what a widget's job made.
    for path in ["/", "/keys", "/sign-in", "/nowhere", "/style.css", "/widgets", "/widget/x", "/widget"] {
        let page = visitor.get(path).unwrap();
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert!(page.header("content-security-policy").ends_with("frame-ancestors 'none'"), "{path}");
    }
    let file = done(&stage, &job).await;
    assert!(file.header("content-security-policy").contains("sandbox; frame-ancestors 'none'"));
    // A form from elsewhere sends nothing.
    for origin in [Some("https://band.example"), Some("null"), None] {
        let headers: Vec<_> = origin.iter().map(|origin| ("origin", (*origin).to_owned())).collect();
        for path in [page_of(&widget), format!("{job}/cancel"), format!("{job}/erase")] {
            assert_eq!(visitor.ask("POST", &path, &headers, b"").unwrap().status, 403, "{origin:?} {path}");
        }
    }
    assert!(visitor.get(&job).unwrap().text().contains("vocals"), "nothing was deleted");
    assert_eq!(visitor.post(&format!("{job}/erase"), &[]).unwrap().status, 303);
    assert!(visitor.get(&job).unwrap().text().contains("Its files are deleted."));
    stage.audit().await.unwrap();
}

/// Waits for a job of a visitor; its one stem.
async fn done(stage: &Stage, job: &str) -> Page {
    let events = somebody(stage).get(&format!("{job}/live")).unwrap();
    assert!(events.text().contains("\"ended\":true"), "{}", events.text());
    let shown = somebody(stage).get(job).unwrap().text();
    assert!(shown.contains("badge done") && !shown.contains("drums"), "one stem was asked for: {shown}");
    let peaks = somebody(stage).get(&format!("{job}/peaks/vocals")).unwrap();
    assert_eq!((peaks.status, peaks.header("content-type")), (200, "image/svg+xml"));
    let part = somebody(stage)
        .ask("GET", &format!("{job}/files/vocals.wav"), &[("range", "bytes=0-99".into())], &[])
        .unwrap();
    assert_eq!((part.status, &part.body[..4]), (206, &b"RIFF"[..]));
    part
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_and_what_was_revoked_is_as_what_never_was() {
    let stage = world(|_| {}).await;
    let (tenant, _) = stage.account("the band", 10).await.unwrap();
    let (other, client) = stage.account("other", 10).await.unwrap();
    let store = &stage.server.store;
    let (first, second) =
        (widget(&stage, &tenant, "mini", 10).await, widget(&stage, &tenant, "mini", 10).await);
    let (foreign, dead) =
        (widget(&stage, &other, "mini", 10).await, widget(&stage, &tenant, "mini", 10).await);
    let wav = wav(&stage);
    let (job, of_dead) = (sent(&stage, &first, &wav), sent(&stage, &dead, &wav));
    done(&stage, &job).await;
    let secret = job.rsplit('/').next().unwrap();
    let own = store.jobs(&tenant, None, 1).await.unwrap()[0].id;
    let take = stage.take(3, 44_100).unwrap();
    let theirs = stage::run(&client, &take, JobId::generate()).await.unwrap().id;
    assert!(store.revoke_widget(&tenant, dead.id, SystemClock.now()).await.unwrap());

    let mut visitor = somebody(&stage);
    let nothing = visitor.get(&format!("/widget/{}", Token::generate().reveal())).unwrap();
    assert_eq!(nothing.status, 404);
    let no_job = Token::generate();
    let no_job = no_job.reveal();
    let mut places = vec!["/widget/x".to_owned(), page_of(&dead), of_dead.clone()];
    // A job is found by its own widget and by its visitor's secret, and by nothing else.
    for (widget, secret) in [
        (&first, no_job),
        (&first, "x"),
        (&first, &own.to_string()),
        (&first, &theirs.to_string()),
        (&second, secret),
        (&foreign, secret),
        (&dead, secret),
        (&dead, of_dead.rsplit('/').next().unwrap()),
    ] {
        let job = format!("{}/jobs/{secret}", page_of(widget));
        places.extend(["", "/live", "/files/vocals.wav", "/peaks/vocals"].map(|end| format!("{job}{end}")));
        for end in ["/cancel", "/erase"] {
            let answer = visitor.post(&format!("{job}{end}"), &[]).unwrap();
            assert_eq!(told(&answer), told(&nothing), "{job}{end}");
        }
    }
    for place in &places {
        assert_eq!(told(&visitor.get(place).unwrap()), told(&nothing), "{place}");
    }
    let sent = visitor.upload(&page_of(&dead), &[], "take.wav", &wav).unwrap();
    assert_eq!(told(&sent), told(&nothing));
    for end in ["", "/live", "/files/vocals.wav", "/peaks/vocals"] {
        assert_eq!(visitor.get(&format!("{job}{end}")).unwrap().status, 200, "{end}");
    }
    // What is no part of the job, and a file of the account's other jobs.
    for end in ["/files/drums.wav", "/files/vocals", "/peaks/drums", "/files/..%2fvocals.wav"] {
        assert_eq!(visitor.get(&format!("{job}{end}")).unwrap().status, 404, "{end}");
    }
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_widget_ends_what_is_watched_by_it() {
    let stage = world(|config| config.worker.jobs = 1).await;
    let (tenant, client) = stage.account("the band", 50).await.unwrap();
    let widget = widget(&stage, &tenant, "mini", 10).await;
    // Keeps the worker, so that the visitor's job waits. At a rate that makes it small.
    let long = stage::take(stage.folder.path(), 1, 600 * 8_000, 1, 8_000).unwrap();
    client.create(&stage::wish(JobId::generate(), long.header)).await.unwrap();
    client.upload(&long.header, &long.file, |_| {}).await.unwrap();
    let job = sent(&stage, &widget, &wav(&stage));
    let (store, id) = (stage.server.store.clone(), widget.id);
    let mut visitor = somebody(&stage);
    let watched = tokio::spawn(async move { visitor.get(&format!("{job}/live")).unwrap().text() });
    assert!(store.revoke_widget(&tenant, id, SystemClock.now()).await.unwrap());
    wait::until("the end of the events", async || watched.is_finished().then_some(())).await;
    let heard = watched.await.unwrap();
    assert!(!heard.contains("\"ended\":true"), "not because the job ended: {heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_are_told_plainly_and_nothing_of_the_account() {
    let stage = world(|_| {}).await;
    let (tenant, _) = stage.account("the band", 1_234).await.unwrap();
    let (poor, _) = stage.account("the poor band", 0).await.unwrap();
    let (small, gone) = (widget(&stage, &tenant, "mini", 1).await, widget(&stage, &tenant, "gone", 9).await);
    let (free, unpaid) = (widget(&stage, &tenant, "mini", 900).await, widget(&stage, &poor, "mini", 9).await);
    let (short, store) = (wav(&stage), &stage.server.store);
    let long = {
        let take = stage.take(9, 44_100 * 70).unwrap();
        crate::pages::wav_of(&take)
    };
    let refused = |widget: &Widget, wav: &[u8], status: u16, words: &str| {
        let answer = somebody(&stage).upload(&page_of(widget), &[], "take.wav", wav).unwrap();
        let text = answer.text();
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(words), "{words}: {text}");
        for number in ["1,234", "1234", "1,233", "credit"] {
            assert!(!text.contains(number), "{number}: {text}");
        }
    };
    let shown = |widget: &Widget| somebody(&stage).get(&page_of(widget)).unwrap();
    assert!(shown(&small).text().contains("at most 1 minute and"), "{}", shown(&small).text());
    refused(&small, &long, 422, "longer than what is left of this page's allowance");
    let job = sent(&stage, &small, &short);
    refused(&small, &short, 422, "This page has used up its allowance for this month.");
    let used_up = shown(&small);
    assert!(used_up.status == 422 && used_up.text().contains("used up its allowance for this month"));
    done(&stage, &job).await;
    assert_eq!(store.account(&tenant).await.unwrap().balance.posted, Credits(1_233), "one job, and no more");
    let listed = store.jobs(&tenant, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.widget).collect::<Vec<_>>(), [Some(small.id)]);

    refused(&gone, &short, 503, "is not offered any more");
    assert_eq!(shown(&gone).status, 503);
    refused(&unpaid, &short, 503, "takes no files at the moment");
    refused(&free, b"no sound at all", 422, "That cannot be done");
    store.suspend(&tenant, Some(SystemClock.now())).await.unwrap();
    refused(&free, &short, 503, "takes no files at the moment");
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_sends_so_many_files_and_an_operator_may_have_no_widgets() {
    let stage = world(|config| config.rates.visitor_files_per_minute = 6).await;
    let (tenant, _) = stage.account("the band", 10).await.unwrap();
    let widget = widget(&stage, &tenant, "mini", 10).await;
    let wav = wav(&stage);
    sent(&stage, &widget, &wav);
    let often = somebody(&stage).upload(&page_of(&widget), &[], "take.wav", &wav).unwrap();
    assert_eq!((often.status, often.header("retry-after")), (429, "10"), "{}", often.text());
    assert!(often.text().contains("Wait 10 seconds"), "{}", often.text());
    assert_eq!(somebody(&stage).get(&page_of(&widget)).unwrap().status, 200, "looking is no sending");

    let off = world(|config| config.pages.widgets = false).await;
    let (tenant, _) = off.account("the band", 10).await.unwrap();
    let widget = self::widget(&off, &tenant, "mini", 10).await;
    let mut visitor = somebody(&off);
    assert_eq!(visitor.get(&page_of(&widget)).unwrap().status, 404);
    assert_eq!(visitor.upload(&page_of(&widget), &[], "take.wav", &wav).unwrap().status, 404);
}

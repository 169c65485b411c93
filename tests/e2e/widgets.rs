//! Widgets without a browser: who may frame what, whose job is whose, and what visitors are told when there is nothing for them.

use crate::pages::wav;
use tributary_protocol::client::HistoryPage;
use tributary_protocol::settings::Setting;
use tributary_protocol::vocab::{Credits, JobId, WidgetId};
use tributary_server::Parts;
use tributary_server::auth::token::Token;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::{Config, SignUp};
use tributary_server::store::widgets::{AddedWidget, NewWidget};
use tributary_server::tenant::Tenant;
use tributary_server::widget::{Fixed, Origin, Widget};
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
    widget_with(stage, tenant, model, credits, Fixed::default()).await
}

/// As an older version of a model may have let it be made: nothing is checked.
async fn widget_with(stage: &Stage, tenant: &Tenant, model: &str, credits: u64, fixed: Fixed) -> Widget {
    let new = NewWidget {
        id: WidgetId::generate(),
        name: "The band's page".to_owned(),
        token: Token::generate().reveal().to_owned(),
        model: model.to_owned(),
        fixed,
        origins: ORIGINS.map(|origin| Origin::parse(origin).unwrap()).to_vec(),
        month_limit: Credits(credits),
        created_by: None,
    };
    match stage.server.store.add_widget(tenant, &new, SystemClock.now()).await.unwrap() {
        AddedWidget::Yes(widget) => widget,
        other => panic!("{other:?}"),
    }
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

/// What is fixed of the master: of every kind of control one.
fn fixed_master() -> Fixed {
    let settings = [
        ("match_percent".to_owned(), Setting::Number(30.0)),
        ("eq".to_owned(), Setting::Switch(true)),
        ("limiter".to_owned(), Setting::Choice("classic".to_owned())),
    ];
    Fixed { settings: settings.into(), stems: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fixed_is_neither_shown_nor_changed() {
    let stage = world(|_| {}).await;
    let (tenant, _) = stage.account("the band", 50).await.unwrap();
    let (wav, store) = (wav(&stage), &stage.server.store);
    let master = widget_with(&stage, &tenant, "master", 20, fixed_master()).await;
    let form = somebody(&stage).get(&page_of(&master)).unwrap().text();
    for (name, is_shown) in
        [("preset", true), ("release_ms", true), ("match_percent", false), ("eq", false), ("limiter", false)]
    {
        assert_eq!(form.contains(&format!("name=\"set-{name}\"")), is_shown, "{name}: {form}");
    }
    // A form of somebody's own making says more than the page's; of what visitors choose, what they chose counts.
    let forged = [
        ("do", "start"),
        ("set-preset", "broadcast"),
        ("set-match_percent", "100"),
        ("set-limiter", "off"),
        ("set-nothing", "1"),
        ("stem", "vocals"),
    ];
    let send = |widget: &Widget, fields: &[(&str, &str)]| {
        somebody(&stage).upload(&page_of(widget), fields, "take.wav", &wav).unwrap()
    };
    assert_eq!(send(&master, &forged).status, 303);
    let told = store.jobs(&tenant, None, 1).await.unwrap().remove(0).settings;
    for (name, setting) in &fixed_master().settings {
        assert_eq!(&told[name], setting, "{name}");
    }
    assert_eq!(told["preset"], Setting::Choice("broadcast".to_owned()));
    assert_eq!(told["match_sides"], Setting::Switch(false), "a switch that the form leaves out is off");
    // Without the page's form everything else is the model's own.
    assert_eq!(send(&master, &[]).status, 303);
    let told = store.jobs(&tenant, None, 1).await.unwrap().remove(0).settings;
    assert_eq!(told["match_sides"], Setting::Switch(true));
    assert_eq!(told["match_percent"], Setting::Number(30.0));

    let two = Fixed { stems: vec!["vocals".to_owned(), "drums".to_owned()], ..Fixed::default() };
    let two = widget_with(&stage, &tenant, "mini", 20, two).await;
    let form = somebody(&stage).get(&page_of(&two)).unwrap().text();
    assert!(form.contains("type=\"file\"") && !form.contains("name=\"stem\""), "{form}");
    let sent = send(&two, &[("stem", "bass"), ("stem", "other")]);
    assert_eq!(sent.status, 303, "{}", sent.text());
    assert_eq!(store.jobs(&tenant, None, 1).await.unwrap()[0].stems, ["vocals", "drums"]);
    somebody(&stage).get(&format!("{}/live", sent.header("location"))).unwrap();
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_does_not_take_is_said_to_whoever_fixes_it() {
    let stage = world(|_| {}).await;
    let mut ann = crate::pages::signed_up(&stage, "ann@example.org").await;
    let usual = ann.get("/widgets").unwrap().text();
    assert!(usual.contains("name=\"stem\" value=\"vocals\""), "a separator comes first: {usual}");
    let form = ann.get("/widgets?model=master").unwrap().text();
    assert!(form.contains("name=\"fix-match_percent\"") && !form.contains("name=\"stem\""), "{form}");
    let mut ask = |more: &[(&str, &str)]| {
        let usual = [
            ("model", "master"),
            ("name", "The band's page"),
            ("origins", "https://band.example"),
            ("limit", "5"),
        ];
        ann.submit("/widgets", "/widgets", &[&usual[..], more].concat()).unwrap()
    };
    for (field, text, words) in [
        ("fix-match_percent", "101", "from 0 to 100"),
        ("fix-match_percent", "much", "from 0 to 100"),
        ("fix-eq", "maybe", "on or off"),
        ("fix-preset", "cassette", "must be one of streaming"),
        // Visitors send one file.
        ("fix-preset", "reference", "needs a reference"),
        ("stem", "flute", "flute"),
    ] {
        let refused = ask(&[(field, text)]);
        let shown = refused.text();
        assert_eq!(refused.status, 422, "{field} {text}: {shown}");
        assert!(shown.contains(words) && shown.contains("No widgets yet."), "{words}: {shown}");
        assert!(
            shown.contains("value=\"The band&#39;s page\"") || shown.contains("value=\"The band's page\""),
            "{shown}"
        );
    }
    let made = ask(&[("fix-match_percent", "30"), ("fix-eq", "off"), ("fix-limiter", "classic")]);
    assert_eq!(made.status, 303, "{}", made.text());
    let shown = ann.get("/widgets").unwrap().text();
    for line in ["Match: 30 %", "Equaliser: off", "Limiter: Classic (sample peak)"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_changed_says_so_and_takes_nothing() {
    let stage = world(|_| {}).await;
    let (tenant, _) = stage.account("the band", 50).await.unwrap();
    let set =
        |name: &str, setting| Fixed { settings: [(name.to_owned(), setting)].into(), ..Fixed::default() };
    for (model, fixed) in [
        ("master", set("glow", Setting::Switch(true))),
        ("master", set("match_percent", Setting::Number(101.0))),
        ("master", set("preset", Setting::Choice("cassette".to_owned()))),
        ("mini", Fixed { stems: vec!["vocals".to_owned(), "flute".to_owned()], ..Fixed::default() }),
    ] {
        let widget = widget_with(&stage, &tenant, model, 20, fixed).await;
        let shown = somebody(&stage).get(&page_of(&widget)).unwrap();
        let sent = somebody(&stage).upload(&page_of(&widget), &[], "take.wav", &wav(&stage)).unwrap();
        for answer in [shown, sent] {
            let text = answer.text();
            assert_eq!(answer.status, 503, "{text}");
            assert!(text.contains("The service of this page has changed"), "{text}");
            assert!(
                !text.contains("type=\"file\"") && !text.contains("glow") && !text.contains("101"),
                "{text}"
            );
        }
    }
    assert_eq!(stage.server.store.jobs(&tenant, None, 1).await.unwrap(), []);
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
    let (tenant, client) = stage.account("the band", 1_234).await.unwrap();
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
    let waiting = || waiting(&stage);
    assert!(shown(&small).text().contains("at most 1 minute and"), "{}", shown(&small).text());
    refused(&small, &long, 422, "longer than what is left of this page's allowance");
    assert_eq!(waiting(), 0, "a file of which no job was made is gone at once");
    let job = sent(&stage, &small, &short);
    refused(&small, &short, 422, "This page has used up its allowance for this month.");
    let used_up = shown(&small);
    assert!(used_up.status == 422 && used_up.text().contains("used up its allowance for this month"));
    done(&stage, &job).await;
    assert_eq!(store.account(&tenant).await.unwrap().balance.posted, Credits(1_233), "one job, and no more");
    let listed = store.jobs(&tenant, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.widget).collect::<Vec<_>>(), [Some(small.id)]);
    let lines = client.history(HistoryPage::default()).await.unwrap();
    let came_by: Vec<_> = lines.iter().map(|line| line.widget.as_deref()).collect();
    assert_eq!(came_by, [Some("The band's page"), None], "the job, and the grant");

    refused(&gone, &short, 503, "is not offered any more");
    assert_eq!(shown(&gone).status, 503);
    refused(&unpaid, &short, 503, "takes no files at the moment");
    refused(&free, b"no sound at all", 422, "That cannot be done");
    store.suspend(&tenant, Some(SystemClock.now())).await.unwrap();
    refused(&free, &short, 503, "takes no files at the moment");
    assert_eq!(waiting(), 0);
    stage.audit().await.unwrap();
}

/// Files where clips arrive, of all accounts.
fn waiting(stage: &Stage) -> usize {
    let (mut folders, mut found) = (vec![stage.folder.path().join("data/uploads")], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found += 1 }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_that_a_job_waits_for_stays() {
    let stage = world(|_| {}).await;
    let (tenant, client) = stage.account("the band", 1).await.unwrap();
    let widget = widget(&stage, &tenant, "mini", 10).await;
    let take = stage.take(7, 44_100 * 3).unwrap();
    // A member's job takes the last credit, and its clip has not come.
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    let wav = crate::pages::wav_of(&take);
    let refused = somebody(&stage).upload(&page_of(&widget), &[], "take.wav", &wav).unwrap();
    assert!(refused.status == 503 && refused.text().contains("takes no files"), "{}", refused.text());
    assert_eq!(waiting(&stage), 1);
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    assert_eq!(waiting(&stage), 0);
    wait::until("the member's job", async || {
        let job = stage.server.store.job(&tenant, id).await.unwrap().unwrap();
        job.state.is_terminal().then_some(())
    })
    .await;
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

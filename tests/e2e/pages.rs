//! People use the web pages of a real server, as browsers do: they sign up, make a team, send a file and fetch stems.

use std::time::Duration;
use tributary_protocol::vocab::{EventId, WebhookId};
use tributary_server::Parts;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::SignUp;
use tributary_server::people::{Rights, Role};
use tributary_server::store::webhooks::Load;
use tributary_server::webhook::{Event, Failed, Fate};
use tributary_tests::browser::{Browser, Page};
use tributary_tests::command::{self, Ran};
use tributary_tests::letters::link;
use tributary_tests::stage::Take;
use tributary_tests::{Stage, stage, wait};

pub(crate) const PASSWORD: &str = "seven rivers meet here";

pub(crate) async fn world() -> Stage {
    let mut config = stage::config();
    config.pages.sign_up = SignUp::Open;
    config.pages.trial_credits = 30;
    // A test calls more often than a person.
    config.rates.address_calls_per_minute = 0;
    Stage::with(config, Parts::default()).await.unwrap()
}

pub(crate) fn browser(stage: &Stage) -> Browser {
    Browser::new(&stage.server.pages.to_string())
}

pub(crate) async fn signed_up(stage: &Stage, email: &str) -> Browser {
    let mut browser = browser(stage);
    let fields = [("email", email), ("name", "Ann"), ("password", PASSWORD), ("invitation", "")];
    assert_eq!(browser.submit("/sign-up", "/sign-up", &fields).unwrap().status, 200);
    let confirm = link(stage, email, "confirm").await;
    assert_eq!(browser.submit(&confirm, &confirm, &[]).unwrap().status, 303);
    browser
}

fn plain(page: &Page) -> (u16, String) {
    let text = page.text();
    let main = text.split("<main").nth(1).unwrap_or_default().split("<footer").next().unwrap_or_default();
    // The proof differs from browser to browser.
    let proof = page.field("csrf").unwrap_or_default();
    (page.status, if proof.is_empty() { main.to_owned() } else { main.replace(&proof, "") })
}

/// The link leads to where this server's pages are, whatever its file says of that, or to the address that is configured.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_comes_in_by_the_link_that_the_program_printed() {
    let (stage, email) = (world().await, "ann@example.org");
    let data = stage.folder.path().join("data");
    let add = |public_url: &str| {
        let mut command = command::tributary(&data).unwrap();
        command
            .args(["people", "add", email, "--operator"])
            .env("TRIBUTARY_SERVE_PAGES__PUBLIC_URL", public_url);
        let ran: Ran = tokio::task::block_in_place(|| command.output()).unwrap().into();
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.out.trim().to_owned()
    };
    let link = add("https://stems.example");
    assert!(link.starts_with("https://stems.example/reset/"), "{link}");
    let link = add("");
    let link =
        link.strip_prefix(&format!("http://{}", stage.server.pages)).unwrap_or_else(|| panic!("{link}"));
    let mut ann = browser(&stage);
    assert_eq!(ann.submit(link, link, &[("password", PASSWORD)]).unwrap().status, 303);
    let fields = [("email", email), ("password", PASSWORD), ("next", "")];
    assert_eq!(ann.submit("/sign-in", "/sign-in", &fields).unwrap().status, 303);
    assert_eq!(ann.get("/operator").unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changes_for_whoever_knows_it_and_other_browsers_are_signed_out() {
    let (stage, email, new) = (world().await, "ann@example.org", "eight lakes lie there");
    let mut ann = signed_up(&stage, email).await;
    let signed_in = |password: &str| {
        let mut browser = browser(&stage);
        let fields = [("email", email), ("password", password), ("next", "/")];
        let status = browser.submit("/sign-in", "/sign-in", &fields).unwrap().status;
        (browser, status == 303)
    };
    let (mut other, _) = signed_in(PASSWORD);
    for (present, password, words) in [
        ("not this one", new, "the present password is not right"),
        (PASSWORD, "short", "a password has at least"),
    ] {
        let fields = [("present", present), ("password", password)];
        let refused = ann.submit("/account", "/account/password", &fields).unwrap();
        assert_eq!((refused.status, refused.text().contains(words)), (422, true), "{}", refused.text());
    }
    assert_eq!(other.get("/account").unwrap().status, 200, "nothing changed yet");
    let fields = [("present", PASSWORD), ("password", new)];
    assert_eq!(ann.submit("/account", "/account/password", &fields).unwrap().status, 303);
    assert_eq!([&mut ann, &mut other].map(|each| each.get("/account").unwrap().status), [200, 303]);
    assert_eq!([PASSWORD, new].map(|password| signed_in(password).1), [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_signing_up_to_a_stem_that_is_what_grpc_gives() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    assert!(ann.get("/").unwrap().text().contains("30 "), "the trial's credits");
    ann.submit("/account", "/teams", &[("title", "Studio")]).unwrap();
    let invited = [("email", "bob@example.org"), ("role", "member"), ("limit", "")];
    assert_eq!(ann.submit("/members", "/members/invite", &invited).unwrap().status, 303);
    let invitation = link(&stage, "bob@example.org", "invitation").await;

    let mut bob = signed_up(&stage, "bob@example.org").await;
    assert_eq!(bob.submit(&invitation, &invitation, &[]).unwrap().status, 303);
    let members = ann.get("/members").unwrap().text();
    assert!(members.contains("bob@example.org") && members.contains("ann@example.org"), "{members}");
    assert_eq!(ann.get(&invitation).unwrap().status, 404, "used up");

    // The team has no credits: the file is taken, the job is not, and nothing is held.
    let wav = wav(&stage);
    let draft = sent(&mut bob, &wav);
    let form = bob.get(&draft).unwrap();
    let refused = press(&mut bob, &draft, &form, &[]);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("take.wav"), "the file stays chosen: {}", refused.text());

    // Back in an account of his own, with the trial's credits.
    let own = stage.server.store.person_of("bob@example.org").await.unwrap().unwrap().id;
    let own = stage.server.store.memberships(own).await.unwrap()[0].account;
    bob.submit("/account", "/account/switch", &[("account", &own.to_string())]).unwrap();
    let elsewhere = bob.get(&draft).unwrap();
    assert_eq!((elsewhere.status, elsewhere.text().contains("file is gone")), (422, true), "the team has it");
    let draft = sent(&mut bob, &wav);
    let priced = bob.get(&draft).unwrap().text();
    assert!(priced.contains("1 credit") && priced.contains("take.wav"), "{priced}");
    let job = one_job(&mut bob, &draft);
    // The events end when the job does.
    let events = bob.get(&format!("{job}/live")).unwrap();
    assert!(events.text().contains("\"ended\":true"), "{}", events.text());
    let shown = bob.get(&job).unwrap().text();
    assert!(shown.contains("badge done") && shown.contains("vocals"), "{shown}");

    let fetched = bob.get(&format!("{job}/files/vocals.wav")).unwrap();
    let part =
        bob.ask("GET", &format!("{job}/files/vocals.wav"), &[("range", "bytes=10-99".into())], &[]).unwrap();
    assert_eq!((part.status, &part.body[..]), (206, &fetched.body[10..100]));
    let key = tributary_server::auth::api_key::ApiKey::generate();
    let tenant = tributary_server::tenant::Tenant::acting_for(own);
    stage.server.store.add_key(&tenant, &key.row(own, "test"), SystemClock.now()).await.unwrap();
    let client = stage::connect(&stage.server.address, &key.reveal()).await.unwrap();
    let view = client.job(job.rsplit('/').next().unwrap().parse().unwrap()).await.unwrap();
    let other = stage.folder.path().join("by-grpc.f32");
    client.download(&view, "vocals", &other, |_| {}).await.unwrap();
    let canonical = std::fs::read(&other).unwrap();
    // A WAV file of floats is a short head before canonical bytes.
    assert!(fetched.body.starts_with(b"RIFF") && fetched.body.ends_with(&canonical), "bit for bit");
    assert!(fetched.body.len() - canonical.len() < 100);

    let mut peaks = bob.get(&format!("{job}/peaks/vocals")).unwrap();
    assert_eq!((peaks.status, peaks.header("content-type")), (200, "image/svg+xml"));
    assert!(bob.get("/statement.csv").unwrap().text().contains(",capture,-1,29,"));
    // Ann sees nothing of it: not hers, and not there, look the same.
    peaks = ann.get(&job).unwrap();
    let nothing = ann.get(&format!("/jobs/{}", tributary_protocol::vocab::JobId::generate())).unwrap();
    assert_eq!((peaks.status, plain(&peaks)), (404, plain(&nothing)));
    stage.audit().await.unwrap();
}

/// Sends a file; the page of its draft.
fn sent(browser: &mut Browser, wav: &[u8]) -> String {
    let proof = browser.get("/jobs/new").unwrap().field("csrf").unwrap();
    let answer =
        browser.upload("/jobs/new", &[("csrf", &proof), ("model", "mini")], "take.wav", wav).unwrap();
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

/// Presses Start on a draft's page as it was shown.
fn press(browser: &mut Browser, draft: &str, form: &Page, more: &[(&str, &str)]) -> Page {
    let [proof, title, id] = ["csrf", "title", "job"].map(|name| form.field(name).unwrap());
    let mut fields =
        vec![("csrf", &*proof), ("title", &title), ("job", &id), ("model", "mini"), ("do", "start")];
    fields.extend(more);
    browser.post(draft.split('?').next().unwrap(), &fields).unwrap()
}

/// Presses Start twice on the same page, and once with another wish: the one job that came of it.
fn one_job(browser: &mut Browser, draft: &str) -> String {
    let form = browser.get(draft).unwrap();
    let begun = press(browser, draft, &form, &[]);
    assert_eq!(begun.status, 303, "{}", begun.text());
    let job = begun.header("location").to_owned();
    assert_eq!(press(browser, draft, &form, &[]).header("location"), job);
    let again = press(browser, draft, &form, &[("stem", "vocals")]);
    assert_eq!((again.status, again.text().contains("press Start once more")), (422, true));
    assert_ne!(again.field("job").unwrap(), form.field("job").unwrap(), "once more is another job");
    job
}

/// Three seconds of sound.
pub(crate) fn wav(stage: &Stage) -> Vec<u8> {
    wav_of(&stage.take(7, 44_100 * 3).unwrap())
}

/// The same sound as a WAV file.
pub(crate) fn wav_of(take: &Take) -> Vec<u8> {
    let shape = tributary_audio::ClipShape { channels: 2, frames: take.header.frames, rate_hz: 44_100 };
    let mut bytes = Vec::new();
    tributary_audio::wav::WavWriter::new(&mut bytes, shape, tributary_audio::wav::WavFormat::Float32)
        .unwrap();
    bytes.extend(std::fs::read(&take.file).unwrap());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_get_the_same_answers() {
    let stage = world().await;
    signed_up(&stage, "ann@example.org").await;
    let ask = |email: &str, page: &str, fields: &[(&str, &str)]| {
        let mut all = vec![("email", email)];
        all.extend(fields);
        let answer = browser(&stage).submit(page, page, &all).unwrap();
        let (status, text) = plain(&answer);
        (status, text.replace(email, "ADDRESS"))
    };
    let new = [("name", ""), ("password", PASSWORD), ("invitation", "")];
    for (page, fields) in [
        ("/sign-up", &new[..]),
        ("/sign-in", &[("password", "not this one"), ("next", "/")][..]),
        ("/forgot", &[][..]),
    ] {
        assert_eq!(ask("ann@example.org", page, fields), ask("nobody@example.org", page, fields), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_others_change_nothing_and_every_answer_is_guarded() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    assert_eq!(ann.post("/account/name", &[("name", "x")]).unwrap().status, 403, "no proof");
    let proof = ann.get("/account").unwrap().field("csrf").unwrap();
    let body = format!("csrf={proof}&name=x");
    for (origin, status) in [("https://evil.example", 403), ("null", 403)] {
        let answer = ann.ask("POST", "/account/name", &[("origin", origin.into())], body.as_bytes()).unwrap();
        assert_eq!(answer.status, status, "{origin}");
    }
    let mut other = browser(&stage);
    let stolen = other.get("/sign-in").unwrap().field("csrf").unwrap();
    assert_eq!(ann.post("/account/name", &[("csrf", &stolen), ("name", "x")]).unwrap().status, 403);
    assert_eq!(ann.post("/account/name", &[("csrf", &proof), ("name", "x")]).unwrap().status, 303);
    let large = "x".repeat(70_000);
    assert_eq!(ann.post("/account/name", &[("csrf", &proof), ("name", &large)]).unwrap().status, 413);
    for path in ["/", "/nowhere", "/style.css", "/jobs/new", "/operator"] {
        let page = ann.get(path).unwrap();
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(!page.text().contains(" style=") && !page.text().contains("<script>"), "{path}");
    }
    assert_eq!(ann.get("/operator").unwrap().status, 404, "whoever is no operator learns nothing");
    ann.submit("/account", "/sign-out", &[]).unwrap();
    assert_eq!(ann.get("/").unwrap().header("location"), "/sign-in?next=%2F");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_gets_as_far_as_it_may() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    ann.submit("/account", "/teams", &[("title", "Studio")]).unwrap();
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let email = format!("{}@example.org", role.word());
        let fields = [("email", email.as_str()), ("role", role.word()), ("limit", "")];
        ann.submit("/members", "/members/invite", &fields).unwrap();
        let invitation = link(&stage, &email, "invitation").await;
        let mut browser = signed_up(&stage, &email).await;
        browser.submit(&invitation, &invitation, &[]).unwrap();
        let runs = if role.rights().has(tributary_server::people::Right::Run) { 200 } else { 403 };
        let manages = if role.rights() == Rights::ALL { 303 } else { 403 };
        assert_eq!(browser.get("/jobs/new").unwrap().status, runs, "{role:?}");
        assert_eq!(browser.get("/statement").unwrap().status, 200, "{role:?}");
        let proof = browser.get("/account").unwrap().field("csrf").unwrap();
        let fields =
            [("csrf", proof.as_str()), ("email", "new@example.org"), ("role", "viewer"), ("limit", "")];
        assert_eq!(browser.post("/members/invite", &fields).unwrap().status, manages, "{role:?}");
        assert_eq!(browser.get("/operator").unwrap().status, 404);
        // More than they are.
        let fields =
            [("csrf", proof.as_str()), ("email", "new@example.org"), ("role", "owner"), ("limit", "")];
        let expected = if manages == 303 { 422 } else { 403 };
        assert_eq!(browser.post("/members/invite", &fields).unwrap().status, expected, "{role:?}");
    }
}

/// Letters to somebody that say `words`.
pub(crate) fn letters(stage: &Stage, to: &str, words: &str) -> usize {
    let files = std::fs::read_dir(stage.folder.path().join("data/outbox")).into_iter().flatten().flatten();
    // Long lines are folded by an equals sign at their end.
    let texts =
        files.filter_map(|file| Some(std::fs::read_to_string(file.path()).ok()?.replace("=\r\n", "")));
    texts.filter(|text| text.contains(&format!("To: {to}")) && text.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_closes_the_account_and_comes_again_without_another_trial() {
    const EMAIL: &str = "ann@example.org";
    let stage = world().await;
    let mut ann = signed_up(&stage, EMAIL).await;
    let confirmed = link(&stage, EMAIL, "confirm").await;
    let store = &stage.server.store;
    let person = store.person_of(EMAIL).await.unwrap().unwrap();
    let tenant =
        tributary_server::tenant::Tenant::acting_for(store.memberships(person.id).await.unwrap()[0].account);
    let key = tributary_server::auth::api_key::ApiKey::generate();
    store.add_key(&tenant, &key.row(tenant.account(), "test"), SystemClock.now()).await.unwrap();
    let client = stage::connect(&stage.server.address, &key.reveal()).await.unwrap();
    let take = stage.take(1, 44_100).unwrap();
    let done = stage::run(&client, &take, tributary_protocol::vocab::JobId::generate()).await.unwrap();
    let waiting = tributary_protocol::vocab::JobId::generate();
    client.create(&stage::wish(waiting, stage.take(2, 44_100).unwrap().header)).await.unwrap();

    // Not while something of it is under way.
    let page = ann.get("/account/close").unwrap().text();
    assert!(
        page.contains("Not yet") && page.contains("1 open job and 0 open purchases must end first"),
        "{page}"
    );
    let proof = ann.get("/account").unwrap().field("csrf").unwrap();
    let all = [("csrf", proof.as_str()), ("name", EMAIL), ("password", PASSWORD), ("lose", "yes")];
    assert_eq!(ann.post("/account/close", &all).unwrap().status, 422);
    client.cancel(waiting).await.unwrap();
    let page = ann.get("/account/close").unwrap().text();
    assert!(page.contains("29 credits left are lost") && page.contains(EMAIL), "{page}");
    // Nor with another name or password, nor unless it was said that credits are lost.
    for (place, wrong) in [(1, "ann"), (2, "not this one at all"), (3, "")] {
        let mut fields = all;
        fields[place].1 = wrong;
        let refused = ann.post("/account/close", &fields).unwrap();
        assert_eq!(refused.status, 422, "{}", refused.text());
    }
    assert!(store.account(&tenant).await.unwrap().closed_at.is_none());
    let closed = ann.post("/account/close", &all).unwrap();
    assert_eq!((closed.status, closed.header("location")), (303, "/sign-in"), "{}", closed.text());
    assert_eq!(ann.get("/account").unwrap().header("location"), "/sign-in?next=%2Faccount");
    assert!(client.account().await.is_err(), "its keys are dead");
    assert!(store.job(&tenant, done.id).await.unwrap().unwrap().erased);
    let told = async || (letters(&stage, EMAIL, "was closed by ann@example.org") == 1).then_some(());
    wait::until("the letter that confirms it", told).await;
    assert_eq!(store.person_of(EMAIL).await.unwrap(), None);
    let row = store.account(&tenant).await.unwrap();
    assert!(row.closed_at.is_some() && !row.name.contains(EMAIL) && row.balance.posted.0 == 29, "{row:?}");

    // The address signs up anew and pays for itself this time.
    let mut again = browser(&stage);
    let fields = [("email", EMAIL), ("name", ""), ("password", PASSWORD), ("invitation", "")];
    assert_eq!(again.submit("/sign-up", "/sign-up", &fields).unwrap().status, 200);
    let next = async || Some(link(&stage, EMAIL, "confirm").await).filter(|link| *link != confirmed);
    let confirm = wait::until("another letter", next).await;
    assert_eq!(again.submit(&confirm, &confirm, &[]).unwrap().status, 303);
    let new = store.person_of(EMAIL).await.unwrap().unwrap();
    assert_ne!(new.id, person.id);
    let own = store.memberships(new.id).await.unwrap()[0].account;
    let own = tributary_server::tenant::Tenant::acting_for(own);
    assert_eq!(store.account(&own).await.unwrap().balance.posted.0, 0);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_closed_by_an_owner_alone_and_its_people_keep_their_own() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    ann.submit("/account", "/teams", &[("title", "Two Rivers")]).unwrap();
    let fields = [("email", "bob@example.org"), ("role", "admin"), ("limit", "")];
    ann.submit("/members", "/members/invite", &fields).unwrap();
    let invitation = link(&stage, "bob@example.org", "invitation").await;
    let mut bob = signed_up(&stage, "bob@example.org").await;
    bob.submit(&invitation, &invitation, &[]).unwrap();
    assert_eq!(bob.get("/account/close").unwrap().status, 403, "an admin is no owner");
    let proof = bob.get("/account").unwrap().field("csrf").unwrap();
    let fields = [("csrf", proof.as_str()), ("name", "Two Rivers"), ("password", PASSWORD)];
    assert_eq!(bob.post("/account/close", &fields).unwrap().status, 403);
    let closed =
        ann.submit("/account/close", "/account/close", &[("name", "Two Rivers"), ("password", PASSWORD)]);
    assert_eq!(closed.unwrap().status, 303, "it has no credits to lose");
    for email in ["ann@example.org", "bob@example.org"] {
        let told = async || (letters(&stage, email, "Two Rivers was closed by") == 1).then_some(());
        wait::until("everybody is told", told).await;
        let mut browser = browser(&stage);
        let fields = [("email", email), ("password", PASSWORD), ("next", "/")];
        assert_eq!(browser.submit("/sign-in", "/sign-in", &fields).unwrap().status, 303, "{email}");
        let accounts = browser.get("/account").unwrap().text();
        assert!(!accounts.contains("Two Rivers") && accounts.contains(email), "{accounts}");
    }
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_switched_off_says_so_and_is_switched_on_again() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    let made = [("url", "https://hooks.example.org/x"), ("event", "job.expired")];
    assert_eq!(ann.submit("/webhooks", "/webhooks", &made).unwrap().status, 200);
    let store = &stage.server.store;
    let person = store.person_of("ann@example.org").await.unwrap().unwrap();
    let account = store.memberships(person.id).await.unwrap()[0].account;
    let tenant = tributary_server::tenant::Tenant::acting_for(account);
    let webhook = store.webhooks(&tenant).await.unwrap().remove(0);
    assert_eq!(webhook.made_by, Some(person.id));
    // In days to come, which the server's own courier has not come to yet.
    let days = |days: u64| SystemClock.now().after(Duration::from_secs(days * 86_400));
    let failed = || Failed { status: Some(500), reason: "it answered 500".to_owned() };
    let load = Load { deliveries: 1, of_one_endpoint: 1 };
    for (now, fate) in [(1, Fate::Again(days(9), failed())), (9, Fate::Dead(failed()))] {
        if now == 1 {
            store.test_webhook(&tenant, webhook.id, EventId::generate(), days(now)).await.unwrap();
        }
        let parcel = store.take_deliveries(load, days(now + 1), days(now + 2)).await.unwrap().remove(0);
        store.end_delivery(&parcel, &fate, days(now)).await.unwrap();
    }
    let off = ann.get("/webhooks").unwrap().text();
    assert!(off.contains("switched off") && off.contains("the last try failed: it answered 500."), "{off}");
    assert!(off.contains(">500<") && off.contains("dead"), "the delivery and its answer: {off}");
    let id = webhook.id.to_string();
    assert_eq!(ann.submit("/webhooks", "/webhooks/enable", &[("id", &id)]).unwrap().status, 303);
    let on = ann.get("/webhooks").unwrap().text();
    assert!(!on.contains("Switch it on again") && on.contains("is told of jobs again"), "{on}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_of_what_is_ticked_once_it_is_saved() {
    let stage = world().await;
    let mut ann = signed_up(&stage, "ann@example.org").await;
    let made = [("url", "https://hooks.example.org/x"), ("event", "job.done"), ("event", "job.failed")];
    assert_eq!(ann.submit("/webhooks", "/webhooks", &made).unwrap().status, 200);
    let store = &stage.server.store;
    let person = store.person_of("ann@example.org").await.unwrap().unwrap();
    let account = store.memberships(person.id).await.unwrap()[0].account;
    let tenant = tributary_server::tenant::Tenant::acting_for(account);
    let look = async || store.webhooks(&tenant).await.unwrap().remove(0);
    let before = look().await;
    let id = before.id.to_string();
    let mut change = |id: &str, events: &[&str]| {
        let fields: Vec<_> =
            [("id", id)].into_iter().chain(events.iter().map(|word| ("event", *word))).collect();
        ann.submit("/webhooks", "/webhooks/change", &fields).unwrap()
    };
    let nothing = change(&id, &[]);
    assert_eq!(nothing.status, 422, "{}", nothing.text());
    assert!(nothing.text().contains("Choose at least one event"), "{}", nothing.text());
    let unknown = change(&id, &["job.done", "test"]);
    assert!(
        unknown.status == 422 && unknown.text().contains("There is no event `test`"),
        "{}",
        unknown.text()
    );
    assert_eq!(change(&WebhookId::generate().to_string(), &["job.done"]).status, 404);
    assert_eq!(look().await, before);
    assert_eq!(change(&id, &["job.expired", "job.done"]).status, 303);
    let page = ann.get("/webhooks").unwrap().text();
    assert!(page.contains("hears of what is ticked from now on"), "{page}");
    assert_eq!(look().await.events, [Event::JobDone, Event::JobExpired]);
    // Without the proof of a form of ours nothing changes.
    let forged = ann.post("/webhooks/change", &[("id", &id), ("event", "job.failed")]).unwrap();
    assert_eq!((forged.status, look().await.events), (403, vec![Event::JobDone, Event::JobExpired]));
}

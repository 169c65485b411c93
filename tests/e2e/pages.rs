//! People use the web pages of a real server, as browsers do: they sign up, make a team, send a file and fetch stems.

use tributary_server::Parts;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::SignUp;
use tributary_server::people::{Rights, Role};
use tributary_tests::browser::{Browser, Page};
use tributary_tests::letters::link;
use tributary_tests::stage::Take;
use tributary_tests::{Stage, stage};

const PASSWORD: &str = "seven rivers meet here";

async fn world() -> Stage {
    let mut config = stage::config();
    config.pages.sign_up = SignUp::Open;
    config.pages.trial_credits = 30;
    // A test calls more often than a person.
    config.rates.address_calls_per_minute = 0;
    Stage::with(config, Parts::default()).await.unwrap()
}

fn browser(stage: &Stage) -> Browser {
    Browser::new(&stage.server.pages.to_string())
}

async fn signed_up(stage: &Stage, email: &str) -> Browser {
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
    let refused = started(&mut bob, &draft, "mini");
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
    let form = bob.get(&draft).unwrap();
    let id = form.field("job").unwrap();
    let mut press = |stems: &[(&str, &str)]| {
        let (proof, title) = (form.field("csrf").unwrap(), form.field("title").unwrap());
        let mut fields = vec![("csrf", proof.as_str()), ("title", &title), ("job", &id)];
        fields.extend([("model", "mini"), ("do", "start")]);
        fields.extend(stems);
        bob.post(draft.split('?').next().unwrap(), &fields).unwrap()
    };
    let begun = press(&[]);
    assert_eq!(begun.status, 303, "{}", begun.text());
    let job = begun.header("location").to_owned();
    assert_eq!(press(&[]).header("location"), job, "pressed twice, it is one job");
    let again = press(&[("stem", "vocals")]);
    assert_eq!((again.status, again.text().contains("press Start once more")), (422, true));
    assert_ne!(again.field("job").unwrap(), id, "once more is another job");
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

/// Presses Start on a draft's page.
fn started(browser: &mut Browser, draft: &str, model: &str) -> Page {
    let form = browser.get(draft).unwrap();
    let [proof, title, id] = ["csrf", "title", "job"].map(|name| form.field(name).unwrap());
    let fields = [("csrf", &*proof), ("title", &title), ("job", &id), ("model", model), ("do", "start")];
    browser.post(draft.split('?').next().unwrap(), &fields).unwrap()
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

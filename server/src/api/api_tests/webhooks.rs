//! Webhooks of a whole running server: made over the API, told by the courier, verified by the example in Python.

use super::world::World;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tributary_protocol::vocab::JobId;

/// Longer than any round of the courier and a small job.
const PATIENCE: Duration = Duration::from_secs(60);

/// The example, and the lines it prints.
struct Example {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Example {
    fn start(secret: &str, port: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/webhook.py");
        let mut command = Command::new(script);
        command.arg(port).env("TRIBUTARY_WEBHOOK_SECRET", secret).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the example prints a line")
    }
}

/// A receiver of nobody's, whose port is free again.
fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_end_is_told_signed_and_the_example_verifies_it() {
    let world = World::new().await;
    let port = free_port();
    let wish =
        json!({ "url": format!("http://127.0.0.1:{port}/hook"), "events": ["job.done", "job.cancelled"] });
    let made = world.post("/webhooks", &wish).await.json();
    let secret = made["secret"].as_str().unwrap();
    let example = Example::start(secret, &port);
    assert_eq!(example.line(), format!("listening at {port}"));
    let (job, clip) = world.done_job_as(&world.server.key, "mini").await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(example.line(), format!("job.done {id} done mini"));
    let mut waiting = clip.clone();
    waiting["sha256"] = json!("1".repeat(64));
    let cancelled = JobId::generate().to_string();
    world.post("/jobs", &json!({ "id": cancelled, "model": "mini", "clip": waiting })).await;
    world.post(&format!("/jobs/{cancelled}/cancel"), &Value::Null).await;
    assert_eq!(example.line(), format!("job.cancelled {cancelled} cancelled mini"));

    let webhook = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let told = world.get(&format!("{webhook}/deliveries")).await.json();
    let told = told["deliveries"].as_array().unwrap();
    assert_eq!(told.iter().map(|told| told["id"].as_str().unwrap()).collect::<Vec<_>>(), [&cancelled, id]);
    // The secret is shown once, and none of the old one's holders is locked out by another.
    let listed = world.get("/webhooks").await.text();
    assert!(!listed.contains("whsec_"), "{listed}");
    let rotated = world.ask("POST", &format!("{webhook}/rotate"), &[], &[]).await.json();
    assert!(rotated["secret"] != made["secret"] && rotated["old_secret_until"].is_string());
    let test = world.ask("POST", &format!("{webhook}/test"), &[], &[]).await.json();
    assert_eq!(example.line(), format!("test {} - -", test["id"].as_str().unwrap()));
    drop(example);

    // Another program under the same address, which knows the new secret alone; what was taken is sent again on demand.
    let example = Example::start(rotated["secret"].as_str().unwrap(), &port);
    example.line();
    let again = world.ask("POST", &format!("{webhook}/deliveries/{id}/again"), &[], &[]).await.json();
    assert_eq!((&again["state"], &again["tries"]), (&json!("waiting"), &json!(0)));
    assert_eq!(example.line(), format!("job.done {id} done mini"));
    drop(example);

    // Whoever has no secret of ours refuses it.
    let example = Example::start("whsec_of_somebody_else", &port);
    example.line();
    world.ask("POST", &format!("{webhook}/test"), &[], &[]).await;
    let refused = async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let newest = world.get(&format!("{webhook}/deliveries?limit=1")).await.json();
            if newest["deliveries"][0]["last_status"] == 400 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("a wrong signature is refused");
    assert_eq!(world.ask("DELETE", &webhook, &[], &[]).await.json(), json!({ "removed": true }));
    assert_eq!(world.get(&format!("{webhook}/deliveries")).await.status, 404);
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_refused_when_it_is_named() {
    let world = World::with(|config| config.webhooks.development = false).await;
    for url in
        ["http://hooks.example.org/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "x"]
    {
        let refused = world.post("/webhooks", &json!({ "url": url })).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{url}: {}", refused.text());
    }
    for events in [json!([]), json!(["test"]), json!(["job.started"]), json!("job.done")] {
        let wish = json!({ "url": "https://hooks.example.org/", "events": events });
        assert_eq!(world.post("/webhooks", &wish).await.status, 400, "{events}");
    }
    let wish =
        json!({ "url": "https://hooks.example.org/", "events": ["job.failed", "job.done", "job.done"] });
    let made = world.post("/webhooks", &wish).await.json();
    assert_eq!(made["events"], json!(["job.done", "job.failed"]));
    for _ in 1..crate::webhook::WEBHOOKS_MAX {
        assert_eq!(world.post("/webhooks", &wish).await.status, 200);
    }
    assert_eq!(world.post("/webhooks", &wish).await.problem(), (409, "conflict".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_asked_for_again_is_the_same_one_with_its_secret() {
    let world = World::new().await;
    let wish = json!({ "url": "http://127.0.0.1:1/hook", "events": ["job.expired"] });
    let key = [("Idempotency-Key", "once")];
    let ask = async |wish: &Value| world.ask("POST", "/webhooks", &key, wish.to_string().as_bytes()).await;
    let made = ask(&wish).await.json();
    assert_eq!(ask(&wish).await.json(), made, "the answer was lost, and comes again");
    let other = json!({ "url": "http://127.0.0.1:1/other", "events": ["job.expired"] });
    assert_eq!(ask(&other).await.problem(), (409, "conflict".to_owned()));
    let both = json!({ "id": made["id"], "url": "http://127.0.0.1:1/hook" });
    assert_eq!(ask(&both).await.problem(), (400, "invalid-request".to_owned()));
    let named = json!({ "id": made["id"], "url": "http://127.0.0.1:1/hook", "events": ["job.expired"] });
    assert_eq!(world.post("/webhooks", &named).await.json(), made, "by its id, too");
    assert_eq!(world.get("/webhooks").await.json()["webhooks"].as_array().unwrap().len(), 1);
    // Another account's key of the same words names another endpoint.
    let (_, theirs) = world.account("theirs", 0, "manage").await;
    let answer = world.ask_as(&theirs.reveal(), "POST", "/webhooks", &key, wish.to_string().as_bytes()).await;
    assert_ne!(answer.json()["id"], made["id"]);
    // Without a name each is one more.
    let one_more = world.post("/webhooks", &wish).await.json();
    assert_ne!(one_more["id"], made["id"]);
    assert_eq!(world.get("/webhooks").await.json()["webhooks"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_begins_to_hear_of_other_events_and_keeps_its_url() {
    let world = World::new().await;
    let wish = json!({ "url": "http://127.0.0.1:1/hook", "events": ["job.done", "job.failed"] });
    let made = world.post("/webhooks", &wish).await.json();
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let ask = async |body: &Value| world.ask("PATCH", &path, &[], body.to_string().as_bytes()).await;
    let all = "job.done, job.failed, job.cancelled, job.expired";
    for (wrong, words) in [
        (json!({ "events": [] }), format!("choose at least one event: {all}")),
        (json!({}), format!("choose at least one event: {all}")),
        (
            json!({ "events": ["job.done", "job.started"] }),
            format!("there is no event `job.started` to choose; choose of {all}"),
        ),
        (json!({ "events": ["test"] }), format!("there is no event `test` to choose; choose of {all}")),
        (
            json!({ "events": ["job.done"], "url": "http://127.0.0.1:2/" }),
            "the url of a webhook cannot be changed: make a new endpoint there, then remove this one"
                .to_owned(),
        ),
    ] {
        let refused = ask(&wrong).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{wrong}");
        assert_eq!(refused.json()["detail"], json!(words), "{wrong}");
    }
    let long = json!({ "events": ["é".repeat(10_000)] });
    assert!(ask(&long).await.text().len() < 400, "an unknown word is not thrown back whole");
    for wrong in [json!({ "events": "job.done" }), json!({ "events": ["job.done"], "secret": "x" })] {
        assert_eq!(ask(&wrong).await.status, 400, "{wrong}");
    }
    let mut listed = made.clone();
    listed.as_object_mut().unwrap().remove("secret");
    assert_eq!(world.get("/webhooks").await.json()["webhooks"], json!([listed]), "nothing has changed");
    let changed = ask(&json!({ "events": ["job.expired", "job.done", "job.done"] })).await.json();
    listed["events"] = json!(["job.done", "job.expired"]);
    assert_eq!(changed, listed);
    assert_eq!(world.get("/webhooks").await.json()["webhooks"], json!([listed]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_never_comes_is_told_of_and_so_is_a_job_that_fails() {
    let world = World::with(|config| config.limits.upload_idle_seconds = 1).await;
    let port = free_port();
    let made =
        world.post("/webhooks", &json!({ "url": format!("http://127.0.0.1:{port}/hook") })).await.json();
    assert_eq!(made["events"], json!(["job.done", "job.failed", "job.cancelled", "job.expired"]));
    let example = Example::start(made["secret"].as_str().unwrap(), &port);
    example.line();
    let clip = json!({ "sha256": "1".repeat(64), "frames": 44_100, "channels": 2, "rate_hz": 44_100 });
    let job = JobId::generate().to_string();
    let admitted = world.post("/jobs", &json!({ "id": job, "model": "mini", "clip": clip })).await;
    assert_eq!(admitted.status, 200, "{}", admitted.text());
    assert_eq!(example.line(), format!("job.expired {job} expired mini"));
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

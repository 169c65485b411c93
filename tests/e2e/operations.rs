//! What whoever runs a server sees of it: health, metrics, configuration, certificates, and its end.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tributary_audio::ClipShape;
use tributary_protocol::client::{ClientError, JobState};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_tests::command::{Serve, local_key, run};
use tributary_tests::raw::Raw;
use tributary_tests::stage::{Stage, connect, take, wish};
use tributary_tests::{files, http, wait};

/// Long beside a chunk's time, short to make: two minutes of telephone.
const LONG_FRAMES: u64 = 8_000 * 120;
/// A drain waits for the chunks under way, not for the jobs.
const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_what_the_server_did() {
    let data = tempfile::tempdir().unwrap();
    let server =
        Serve::start_with(data.path(), &[], &[("TRIBUTARY_SERVE_WORKER__REAP_SECONDS", "1")]).unwrap();
    let (status, body) = http::get(&server.http, "/healthz").unwrap();
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &health["status"], &health["disk"]),
        (200, &"serving".into(), &"ok".into()),
        "{body}"
    );
    assert!(health["models"].as_array().unwrap().contains(&"mini".into()), "{health}");
    assert_eq!(health["draining"], false);
    assert!(health["disk_free_bytes"].as_u64().unwrap() > 0);

    let shape = ClipShape { channels: 2, frames: 44_100, rate_hz: 44_100 };
    let song = files::wav(&data.path().join("song.wav"), 1, shape).unwrap();
    assert_eq!(health["resident"], serde_json::json!([]), "nothing is loaded before it is needed");
    assert_eq!((&health["wanted"]["engine"], &health["wanted"]["device"]), (&"auto".into(), &"CPU".into()));
    assert!(health["onnx_runtime"]["reason"].is_string(), "{health}");
    assert!(health["memory_budget_bytes"].as_u64().unwrap() > 0);

    let ran = run(data.path(), &["separate", song.to_str().unwrap()]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let health: Value = serde_json::from_str(&http::get(&server.http, "/healthz").unwrap().1).unwrap();
    let mini = &health["resident"][0];
    assert_eq!((&mini["model"], &mini["engine"]), (&"mini".into(), &"rten".into()), "{health}");
    assert!(mini["instead"].as_str().unwrap().contains("no library"), "{health}");
    let bytes = mini["memory_bytes"].as_u64().unwrap();
    assert!(bytes > 1_000_000 && bytes == health["memory_bytes"], "the weights at least: {health}");
    let page = http::get(&server.http, "/metrics").unwrap().1;
    assert_eq!(http::metric(&page, r#"tributary_model_memory_bytes{model="mini"}"#), Some(bytes as f64));
    let expected = [
        (r#"tributary_jobs_total{model="mini",outcome="done"}"#, 1.0),
        ("tributary_ledger_imbalance", 0.0),
        ("tributary_holds_open", 0.0),
        ("tributary_queue_seconds_count", 1.0),
        (r#"tributary_chunk_seconds_count{model="mini"}"#, 1.0),
        ("tributary_batch_size_sum", 1.0),
        ("tributary_device_queue_chunks", 0.0),
        (r#"tributary_jobs{state="running"}"#, 0.0),
        (r#"tributary_jobs{state="queued"}"#, 0.0),
        (r#"tributary_jobs{state="uploading"}"#, 0.0),
    ];
    // Some are written in the reaper's rounds only.
    wait::until("metrics that tell of one job that is done", async || {
        let (status, page) = http::get(&server.http, "/metrics").unwrap();
        assert_eq!(status, 200);
        expected.iter().all(|(name, value)| http::metric(&page, name) == Some(*value)).then_some(())
    })
    .await;
    assert_eq!(http::get(&server.http, "/secrets").unwrap().0, 404);
    assert_eq!(server.terminate().unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_service_needs_no_key_and_says_when_the_server_goes_down() {
    let stage = Stage::new().await.unwrap();
    let raw = Raw::connect(&stage.server.address, "nobody").await.unwrap();
    let mut health = HealthClient::new(raw.channel());
    let whole = HealthCheckRequest { service: String::new() };
    let now = health.check(whole.clone()).await.unwrap().into_inner();
    assert_eq!(now.status, ServingStatus::Serving as i32);
    let mut news = health.watch(whole).await.unwrap().into_inner();
    assert_eq!(news.message().await.unwrap().unwrap().status, ServingStatus::Serving as i32);
    let drained = tokio::spawn(stage.stop());
    assert_eq!(news.message().await.unwrap().unwrap().status, ServingStatus::NotServing as i32);
    drop((news, health));
    drop(raw);
    drained.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_server_gives_its_job_back_and_the_next_one_ends_it_for_one_charge() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path()).unwrap();
    let key = local_key(data.path()).unwrap();
    let client = connect(&server.grpc, &key).await.unwrap();
    let take = take(data.path(), 3, LONG_FRAMES, 1, 8_000).unwrap();
    let id = JobId::generate();
    client.create(&wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    let mut watch = client.watch(id);
    while let Some(job) = watch.next().await.unwrap() {
        assert!(!job.state.is_terminal(), "it should be under way: {job:?}");
        if job.chunks_done > 0 {
            break;
        }
    }
    drop(watch);
    let asked = Instant::now();
    let code = tokio::task::spawn_blocking(move || server.terminate().unwrap()).await.unwrap();
    println!("a server with a job under way ended in {:.1} s", asked.elapsed().as_secs_f64());
    assert_eq!(code, Some(0));
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());

    let server = Serve::start(data.path()).unwrap();
    let client = connect(&server.grpc, &key).await.unwrap();
    let mut last = client.job(id).await.unwrap();
    assert!(matches!(last.state, JobState::Queued | JobState::Running), "{last:?}");
    let mut watch = client.watch(id);
    while let Some(next) = watch.next().await.unwrap() {
        last = next;
    }
    assert_eq!((last.state, last.captured), (JobState::Done, Credits(2)), "{last:?}");
    assert_eq!(client.account().await.unwrap().posted, Credits(598));
    assert_eq!(run(data.path(), &["credits", "audit"]).unwrap().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_beyond_loopback_makes_a_certificate_that_its_clients_must_hold() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start_with(data.path(), &["--listen", "0.0.0.0:0"], &[]).unwrap();
    assert!(server.grpc.starts_with("https://localhost:"), "{}", server.grpc);
    let (certificate, key) = (data.path().join("tls/cert.pem"), local_key(data.path()).unwrap());
    let certificate = certificate.to_str().unwrap();
    let local = run(data.path(), &["balance"]).unwrap();
    assert_eq!(local.code, Some(0), "the command on this machine finds the certificate by itself: {local:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let ask = |more: &[&str]| {
        let args = [&["balance", "--key", &key, "--server"], more].concat();
        run(elsewhere.path(), &args).unwrap()
    };
    let numbered = server.grpc.replace("localhost", "127.0.0.1");
    for address in [&server.grpc, &numbered] {
        let pinned = ask(&[address, "--certificate", certificate]);
        assert_eq!(pinned.code, Some(0), "{address}: {pinned:?}");
        let naked = ask(&[address]);
        assert_eq!(naked.code, Some(4), "{naked:?}");
        assert!(naked.err.contains("cannot prove who it is"), "{naked:?}");
    }
    let other = tempfile::tempdir().unwrap();
    let stranger = Serve::start_with(other.path(), &["--listen", "0.0.0.0:0"], &[]).unwrap();
    let swapped = ask(&[&stranger.grpc, "--certificate", certificate]);
    assert_eq!(swapped.code, Some(4), "{swapped:?}");
    assert!(swapped.err.contains("cannot prove who it is"), "{swapped:?}");
    let rubbish = ask(&[&server.grpc, "--certificate", data.path().join("local.json").to_str().unwrap()]);
    assert_eq!(rubbish.code, Some(2), "{rubbish:?}");
    assert!(rubbish.err.contains("PEM"), "{rubbish:?}");
    let plain = ask(&["http://192.0.2.1:7700"]);
    assert_eq!(plain.code, Some(2), "{plain:?}");
    assert!(plain.err.contains("would send the key unprotected"), "{plain:?}");
    let stripped = server.grpc.replace("https", "http");
    assert_ne!(ask(&[&stripped]).code, Some(0), "plain words to a TLS server");

    let made = fs::read(certificate).unwrap();
    assert_eq!(server.terminate().unwrap(), Some(0));
    let _again = Serve::start_with(data.path(), &["--listen", "0.0.0.0:0"], &[]).unwrap();
    assert_eq!(fs::read(certificate).unwrap(), made, "the certificate is kept");
}

#[cfg(unix)]
#[test]
fn secrets_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data");
    let _server = Serve::start_with(&folder, &["--listen", "0.0.0.0:0"], &[]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["local.json", "tls/key.pem"] {
        assert_eq!(mode(&folder.join(file)) & 0o077, 0, "{file}");
    }
}

#[test]
fn a_second_server_on_the_same_data_folder_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let first = Serve::start(data.path()).unwrap();
    let second =
        ["serve", "--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--listen-pages", "127.0.0.1:0"];
    let ran = run(data.path(), &second).unwrap();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("another server uses the data folder") && ran.err.contains("--data"), "{ran:?}");
    let taken = first.grpc.trim_start_matches("http://").to_owned();
    let other = tempfile::tempdir().unwrap();
    let ran = run(
        other.path(),
        &["serve", "--listen", &taken, "--listen-http", "127.0.0.1:0", "--listen-pages", "127.0.0.1:0"],
    )
    .unwrap();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(&taken) && ran.err.contains("--listen"), "{ran:?}");
    assert_eq!(run(data.path(), &["balance"]).unwrap().code, Some(0), "the first one serves on");
}

#[test]
fn the_configuration_comes_from_file_and_environment_and_a_wrong_key_is_named() {
    let data = tempfile::tempdir().unwrap();
    let print = |env: &[(&str, &str)], args: &[&str]| {
        let mut command = tributary_tests::command::tributary(data.path()).unwrap();
        let args = [&["serve", "--print-config"], args].concat();
        tributary_tests::command::Ran::from(command.args(args).envs(env.iter().copied()).output().unwrap())
    };
    let usual = print(&[], &[]);
    assert_eq!(usual.code, Some(0), "{usual:?}");
    for line in ["listen = \"127.0.0.1:7700\"", "jobs = 4", "mini = 1", "clip_seconds_max = 7200"] {
        assert!(usual.out.lines().any(|printed| printed == line), "{line} is not in {}", usual.out);
    }
    let file = data.path().join("tributary.toml");
    fs::write(&file, &usual.out).unwrap();
    assert_eq!(print(&[], &[]).out, usual.out, "what is printed can be read");
    fs::write(&file, "first_credits = 7\n[worker]\njobs = 3\nattempts = 5\n").unwrap();
    let changed = print(&[("TRIBUTARY_SERVE_WORKER__JOBS", "2"), ("TRIBUTARY_SERVE_PRICES__MINI", "9")], &[]);
    for line in ["first_credits = 7", "jobs = 2", "attempts = 5", "mini = 9"] {
        assert!(changed.out.lines().any(|printed| printed == line), "{line} is not in {changed:?}");
    }
    for (env, says) in [
        ([("TRIBUTARY_SERVE_WORKER__JOBZ", "2")], ["jobz", "jobs_per_account"]),
        ([("TRIBUTARY_SERVE_WORKER__JOBS", "many")], ["many", "jobs"]),
        ([("TRIBUTARY_SERVE_WORKER__JOBS", "65")], ["`worker.jobs` is 65", "1 to 64"]),
        ([("TRIBUTARY_SERVE_LISTEN", "here")], ["socket address", "listen"]),
    ] {
        let wrong = print(&env, &[]);
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(says.iter().all(|word| wrong.err.to_lowercase().contains(word)), "{says:?}: {wrong:?}");
    }
    fs::write(&file, "[limit]\njobs_open_max = 3\n").unwrap();
    let wrong = print(&[], &[]);
    assert!(wrong.code == Some(2) && wrong.err.contains("limit"), "{wrong:?}");
    let missing = print(&[], &["--config", "nowhere.toml"]);
    assert!(
        missing.code == Some(2) && missing.err.contains("no configuration file nowhere.toml"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_never_sends_its_key_in_the_clear_to_another_machine() {
    let refused = connect("http://stems.example.org:7700", "trb_x").await.unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(ClientError::InsecureAddress { .. })), "{refused:?}");
}

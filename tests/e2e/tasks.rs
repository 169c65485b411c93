//! Every service through the server: settings and references go in, stems and sheets come out, and each is paid once.
//! With what is part of the program: no weights of others.

#[path = "../../models/tests/science/speech/model.rs"]
#[expect(dead_code, reason = "the science reads other models' heads, too")]
mod speech_model;

use serde_json::Value;
use speech_model::{Head, Script};
use std::fs;
use tributary_audio::ClipShape;
use tributary_protocol::client::{ClientError, JobState, JobView, NewJob};
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_tests::command::{Serve, run};
use tributary_tests::stage::Take;
use tributary_tests::{Stage, files};

pub(crate) fn wish(model: &str, take: &Take) -> NewJob {
    NewJob::new(JobId::generate(), model, take.header, "a take")
}

/// Create, send clip and references, wait for the end.
pub(crate) async fn run_job(stage: &Stage, new: &NewJob, takes: &[&Take]) -> JobView {
    let mut job = stage.client.create(new).await.unwrap();
    if job.state == JobState::Uploading {
        for take in takes {
            stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap();
        }
    }
    let mut watch = stage.client.watch(new.id);
    while let Some(next) = watch.next().await.unwrap() {
        job = next;
    }
    job
}

pub(crate) async fn sheet(stage: &Stage, job: &JobView, name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(name);
    stage.client.download_sheet(job, name, &to).await.unwrap();
    fs::read(&to).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_every_model_can_be_told() {
    let stage = Stage::new().await.unwrap();
    let offer = stage.client.models().await.unwrap();
    let tasks = |task: &str| offer.models.iter().filter(|model| model.task == task).count();
    assert!(["separate", "enhance", "transcribe", "master"].iter().all(|task| tasks(task) > 0));
    for model in &offer.models {
        assert!(!model.stems.is_empty() || !model.sheets.is_empty(), "{} makes something", model.name);
        assert_eq!(model.commercial_use, "yes", "{}", model.name);
        for control in &model.controls {
            assert!(!control.title.is_empty() && !control.help.is_empty(), "{} {}", model.name, control.name);
        }
    }
    let master = offer.models.iter().find(|model| model.name == "master").unwrap();
    assert!(master.references_max >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_and_noise_add_up_to_the_clip() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(1, 44_100 * 3).unwrap();
    let job = run_job(&stage, &wish("rnnoise", &take), &[&take]).await;
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let names: Vec<_> = job.stems.iter().map(|stem| stem.name.as_str()).collect();
    assert_eq!(names, ["speech", "noise"]);
    let mut stems = Vec::new();
    for name in names {
        stems.push(stage.stem(&job, name).await.unwrap());
    }
    let residual = tributary_tests::signal::residual_db(&take.samples, &stems);
    assert!(residual < -90.0, "{residual:.1} dB");
    let report: Value = serde_json::from_slice(&sheet(&stage, &job, "report.json").await).unwrap();
    assert!(report.is_object());
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(599));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_waits_for_its_reference_and_is_made_like_it() {
    let stage = Stage::new().await.unwrap();
    let (take, reference) = (stage.take(1, 44_100 * 12).unwrap(), stage.take(2, 44_100 * 14).unwrap());
    let new = NewJob {
        references: vec![reference.header],
        settings: Settings::from([("preset".into(), Setting::Choice("streaming".into()))]),
        ..wish("master", &take)
    };
    let job = stage.client.create(&new).await.unwrap();
    stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    let waits = stage.client.job(job.id).await.unwrap();
    assert_eq!((waits.state, &waits.references), (JobState::Uploading, &vec![reference.header]));
    assert_eq!(waits.uploaded_bytes, take.header.canonical_bytes().unwrap());

    let job = run_job(&stage, &new, &[&take, &reference]).await;
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_eq!(job.settings["preset"], Setting::Choice("streaming".into()));
    assert!(job.settings.len() > 1, "what was not said has its default: {:?}", job.settings);
    let master = stage.stem(&job, "master").await.unwrap();
    assert_eq!(master.len(), take.samples.len());
    assert!(master.iter().all(|sample| sample.abs() <= 0.8914), "-1 dBTP is above every sample");
    let report: Value = serde_json::from_slice(&sheet(&stage, &job, "report.json").await).unwrap();
    assert!(report.is_object());
    // Both clips are here now: the same request of another id begins at once.
    let again = NewJob { id: JobId::generate(), ..new };
    assert_ne!(stage.client.create(&again).await.unwrap().state, JobState::Uploading);
    run_job(&stage, &again, &[]).await;
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn beats_come_as_sheets_and_no_stems() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(3, 44_100 * 10).unwrap();
    let job = run_job(&stage, &wish("beats", &take), &[&take]).await;
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert!(job.stems.is_empty());
    let names: Vec<_> = job.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    assert!(names.contains(&"analysis.json") && names.contains(&"beats.mid"), "{names:?}");
    let midi = sheet(&stage, &job, "beats.mid").await;
    assert_eq!(&midi[..4], b"MThd");
    let folder = tempfile::tempdir().unwrap();
    let unknown = stage.client.download_sheet(&job, "stems.zip", &folder.path().join("x")).await;
    assert!(matches!(unknown, Err(ClientError::Refused { .. })), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_wish_is_refused_by_name_before_anything_is_held() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(4, 50_000).unwrap();
    let with = |model: &str, name: &str, setting: Setting| NewJob {
        settings: Settings::from([(name.to_owned(), setting)]),
        ..wish(model, &take)
    };
    let cases = [
        (with("rnnoise", "strength_db", Setting::Number(-1.0)), "`strength_db`"),
        (with("rnnoise", "strength_db", Setting::Switch(true)), "`strength_db`"),
        (with("rnnoise", "volume", Setting::Number(1.0)), "`volume`"),
        (with("master", "preset", Setting::Choice("loudest".into())), "`preset`"),
        (with("mini", "strength_db", Setting::Number(1.0)), "`strength_db`"),
        (with("master", "ceiling_dbtp", Setting::Number(f64::INFINITY)), "`ceiling_dbtp`"),
        (NewJob { references: vec![take.header], ..wish("mini", &take) }, "no reference"),
        (NewJob { references: vec![take.header; 9], ..wish("master", &take) }, "references"),
        (NewJob { stems: vec!["vocals".into()], ..wish("rnnoise", &take) }, "vocals"),
    ];
    for (new, says) in cases {
        let error = stage.client.create(&new).await.unwrap_err();
        assert!(matches!(error, ClientError::Refused { .. }), "{says}: {error:?}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let account = stage.client.account().await.unwrap();
    assert_eq!((account.posted, account.held), (Credits(600), Credits(0)));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_reference_fails_the_job_with_advice_and_costs_nothing() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(5, 44_100 * 6).unwrap();
    let silence = stage.silence(44_100 * 6).unwrap();
    let new = NewJob { references: vec![silence.header], ..wish("master", &take) };
    let job = run_job(&stage, &new, &[&take, &silence]).await;
    assert_eq!(
        (job.state, job.captured, job.released),
        (JobState::Failed, Credits(0), Credits(1)),
        "{job:?}"
    );
    assert!(job.failure.unwrap().contains("silent"));
    stage.audit().await.unwrap();
}

#[test]
fn the_command_line_runs_every_service_here_and_on_the_server() {
    let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _server = Serve::start(data.path()).unwrap();
    let path = home.path().join("talk.wav");
    files::wav(&path, 6, ClipShape { channels: 2, frames: 44_100 * 6, rate_hz: 44_100 }).unwrap();
    let song = path.to_str().unwrap();
    for local in [&[][..], &["--local"]] {
        let cases: [(&[&str], &[&str]); 3] = [
            (
                &["enhance", song, "--model", "rnnoise", "--strength", "12"],
                &["speech.wav", "noise.wav", "report.json"],
            ),
            (&["master", song, "--reference", song, "--preset", "podcast"], &["master.wav", "report.json"]),
            (&["transcribe", song, "--model", "beats"], &["beats.mid", "analysis.json"]),
        ];
        for (args, made) in cases {
            let out = home.path().join(format!("{}{}", args[0], local.len()));
            let all = [args, local, &["--out", out.to_str().unwrap(), "--json"]].concat();
            let ran = run(data.path(), &all).unwrap();
            assert_eq!(ran.code, Some(0), "{all:?}: {ran:?}");
            for name in made {
                let file = out.join(format!("talk - {name}"));
                assert!(file.metadata().unwrap().len() > 10, "{}", file.display());
            }
            let line: Value = serde_json::from_str(ran.out.trim()).unwrap();
            let results = ["stems", "sheets"].map(|kind| line[kind].as_array().unwrap().len());
            assert!(results.iter().sum::<usize>() >= made.len(), "{line}");
        }
    }
    let refused = run(data.path(), &["enhance", song, "--model", "rnnoise", "--set", "strength=3"]).unwrap();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("strength_db"), "{refused:?}");
    let other = run(data.path(), &["enhance", song, "--model", "mini", "--local"]).unwrap();
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.err.contains("tributary separate"), "{other:?}");
}

#[test]
fn words_are_written_down_here_and_on_the_server_by_a_model_that_was_imported() {
    let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let words = [(" Ask", 1), (" not", 2), (" what", 4), (".", 6)];
    let script = Script { language: 2, words: &words, ends: true };
    let weights = home.path().join("ggml-tiny.bin");
    fs::write(&weights, speech_model::file(&Head::of(&script), &script)).unwrap();
    let imported = run(data.path(), &["models", "import", weights.to_str().unwrap()]).unwrap();
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(imported.out.contains("whisper-tiny/ggml-tiny.bin"), "{imported:?}");

    let _server = Serve::start(data.path()).unwrap();
    let path = home.path().join("talk.wav");
    files::wav(&path, 7, ClipShape { channels: 2, frames: 44_100 * 5, rate_hz: 44_100 }).unwrap();
    let talk = path.to_str().unwrap();
    for local in [&[][..], &["--local"]] {
        let out = home.path().join(format!("words{}", local.len()));
        let args = ["transcribe", talk, "--model", "whisper-tiny", "--out", out.to_str().unwrap(), "--json"];
        let ran = run(data.path(), &[&args[..], local].concat()).unwrap();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.err.contains("whisper_") && !ran.err.contains("ggml_"), "its log stays inside: {ran:?}");
        let text = |name: &str| fs::read_to_string(out.join(format!("talk - {name}"))).unwrap();
        assert_eq!(text("transcript.txt"), "Ask not what.\n");
        assert!(text("transcript.srt").contains("\nAsk not what.\n"));
        assert!(text("transcript.vtt").starts_with("WEBVTT\nLanguage: de\n"));
        assert_eq!((text("markers.txt").lines().count(), text("markers.csv").lines().count()), (1, 2));
        let json: Value = serde_json::from_str(&text("transcript.json")).unwrap();
        assert_eq!(
            (&json["language"]["code"], json["lines"][0]["words"].as_array().unwrap().len()),
            (&"de".into(), 3)
        );
    }
    let said = ["transcribe", talk, "--model", "whisper-tiny", "--language", "tlh", "--local"];
    let refused = run(data.path(), &said).unwrap();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("`language` is `tlh`") && refused.err.contains("de"), "{refused:?}");
}

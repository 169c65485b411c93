//! Several models in one job: stems and their notes. Quoted and held as the sum of both, captured once, given back where
//! either fails. With real notes where TRIBUTARY_TEST_DATA has what hears them.

use crate::tasks::{run_job, sheet, wish};
use std::fs;
use std::path::{Path, PathBuf};
use tributary_protocol::client::{JobState, NewJob, QuoteAsk};
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::Credits;
use tributary_server::Parts;
use tributary_tests::command::{Serve, run};
use tributary_tests::stage::{self, Stage, Take};
use tributary_tests::{files, http, wait};

/// What hears notes, where it is.
#[expect(clippy::print_stdout, reason = "a test says what it left out")]
fn notes_model() -> Option<PathBuf> {
    let data = std::env::var_os("TRIBUTARY_TEST_DATA").map(PathBuf::from);
    let file = data.map(|data| data.join("models/basic-pitch/nmp.onnx")).filter(|file| file.is_file());
    if file.is_none() {
        println!("left out: notes of stems through the server (TRIBUTARY_TEST_DATA has no basic-pitch)");
    }
    file
}

/// Installs these bytes as what hears notes in the data folder.
fn install(data: &Path, bytes: &[u8]) {
    let folder = data.join("models/basic-pitch");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("nmp.onnx"), bytes).unwrap();
}

async fn stage_with(notes: &[u8]) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    install(&folder.path().join("data"), notes);
    Stage::on(folder, stage::config(), Parts::default()).await.unwrap()
}

fn midi() -> Settings {
    Settings::from([("midi".to_owned(), Setting::Switch(true))])
}

fn with_notes(take: &Take) -> NewJob {
    NewJob { settings: midi(), ..wish("mini", take) }
}

async fn price(stage: &Stage, take: &Take, settings: Settings) -> (Credits, String) {
    let (frames, channels, rate_hz) = (take.header.frames, take.header.channels, take.header.rate_hz);
    let ask = QuoteAsk { model: "mini".to_owned(), frames, channels, rate_hz, settings };
    let quote = stage.client.quote(&ask).await.unwrap();
    (quote.credits, quote.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn stems_and_their_notes_are_one_job_that_costs_what_both_models_cost() {
    let Some(model) = notes_model() else { return };
    let stage = stage_with(&fs::read(model).unwrap()).await;
    let take = stage.take(1, 44_100 * 14).unwrap();
    assert_eq!(price(&stage, &take, Settings::new()).await.0, Credits(1));
    let (credits, reason) = price(&stage, &take, midi()).await;
    assert_eq!((credits, &*reason), (Credits(2), "2 credits a started minute (mini 1, basic-pitch 1)"));

    let other = run_job(&stage, &wish("basic-pitch", &take), &[&take]).await;
    let job = run_job(&stage, &with_notes(&take), &[]).await;
    assert_eq!((job.state, other.state), (JobState::Done, JobState::Done), "{job:?} {other:?}");
    assert_eq!((job.held, job.captured, job.released), (Credits(2), Credits(2), Credits(0)));
    assert_eq!(job.settings["midi"], Setting::Switch(true));
    assert_eq!(job.stems.len(), 4);
    let names: Vec<_> = job.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    let stems = ["vocals", "drums", "bass", "other"];
    let theirs = stems.iter().flat_map(|stem| [format!("{stem}.mid"), format!("{stem}.musicxml")]);
    let due: Vec<String> =
        std::iter::once("notes.mid".to_owned()).chain(theirs).chain(["analysis.json".to_owned()]).collect();
    assert_eq!(names, due);
    let midi = sheet(&stage, &job, "notes.mid").await;
    assert_eq!((&midi[..4], &midi[8..12]), (&b"MThd"[..], &[0, 1, 0, 5][..]), "type 1, a track a stem");
    let analysis: serde_json::Value =
        serde_json::from_slice(&sheet(&stage, &job, "analysis.json").await).unwrap();
    assert!(analysis["notes"].as_array().unwrap().iter().all(|note| note["stem"].is_string()));
    let health = format!("http://{}", stage.server.http);
    let (_, page) =
        tokio::task::spawn_blocking(move || http::get(&health, "/metrics")).await.unwrap().unwrap();
    let ran = http::metric(&page, "tributary_chunk_seconds_count{model=\"basic-pitch\"}");
    assert!(ran.is_some_and(|ran| ran >= 30.0), "its chunks ran under its own name: {ran:?}");
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(600 - 2 - 1));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hears_notes_fails_and_the_job_says_so_and_costs_nothing() {
    let stage = stage_with(b"these are no weights").await;
    let take = stage.take(2, 44_100 * 14).unwrap();
    assert_eq!(price(&stage, &take, midi()).await.0, Credits(2));
    let job = run_job(&stage, &with_notes(&take), &[&take]).await;
    assert_eq!(
        (job.state, job.captured, job.released),
        (JobState::Failed, Credits(0), Credits(2)),
        "{job:?}"
    );
    let failure = job.failure.unwrap();
    assert!(failure.contains("basic-pitch") && failure.contains("SHA-256"), "{failure}");
    // The first alone is not harmed by it.
    let job = run_job(&stage, &wish("mini", &take), &[&take]).await;
    assert_eq!((job.state, job.captured), (JobState::Done, Credits(1)), "{job:?}");
    assert!(job.sheets.is_empty());
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_two_models_cancelled_on_its_way_pays_its_share_of_both() {
    let Some(model) = notes_model() else { return };
    let folder = tempfile::tempdir().unwrap();
    install(&folder.path().join("data"), &fs::read(model).unwrap());
    let mut config = stage::config();
    config.first_credits = 100_000;
    for model in ["mini", "basic-pitch"] {
        config.prices.insert(model.to_owned(), 1_000);
    }
    let stage = Stage::on(folder, config, Parts::default()).await.unwrap();
    let take = stage::take(stage.folder.path(), 3, 8_000 * 600, 1, 8_000).unwrap();
    let new = with_notes(&take);
    let job = stage.client.create(&new).await.unwrap();
    assert_eq!(job.held, Credits(20_000));
    stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    wait::until("some chunks", async || {
        (stage.client.job(new.id).await.unwrap().chunks_done > 3).then_some(())
    })
    .await;
    stage.client.cancel(new.id).await.unwrap();
    let job = wait::until("the end", async || {
        let job = stage.client.job(new.id).await.unwrap();
        (job.state == JobState::Cancelled).then_some(job)
    })
    .await;
    assert!(job.captured > Credits(0) && job.captured < Credits(20_000), "{job:?}");
    assert_eq!(job.captured.0 + job.released.0, 20_000);
    stage.audit().await.unwrap();
}

#[test]
fn the_command_line_makes_stems_and_notes_here_and_on_the_server() {
    let (data, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = home.path().join("song.wav");
    files::wav(&path, 6, tributary_audio::ClipShape { channels: 2, frames: 44_100 * 6, rate_hz: 44_100 })
        .unwrap();
    let song = path.to_str().unwrap();
    let lacking = run(data.path(), &["separate", song, "--midi", "--local"]).unwrap();
    assert_eq!(lacking.code, Some(2), "{lacking:?}");
    assert!(lacking.err.contains("tributary models pull basic-pitch"), "{lacking:?}");
    let Some(model) = notes_model() else { return };
    install(data.path(), &fs::read(model).unwrap());
    let _server = Serve::start(data.path()).unwrap();
    let quote = run(data.path(), &["quote", song, "--set", "midi=on"]).unwrap();
    assert!(quote.out.contains("2 credits") && quote.out.contains("mini 1, basic-pitch 1"), "{quote:?}");
    for local in [&[][..], &["--local"]] {
        let out = home.path().join(format!("out{}", local.len()));
        let args = [&["separate", song, "--midi", "--out", out.to_str().unwrap()], local].concat();
        let ran = run(data.path(), &args).unwrap();
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        for name in ["vocals.wav", "vocals.mid", "vocals.musicxml", "drums.mid", "notes.mid", "analysis.json"]
        {
            let file = out.join(format!("song - {name}"));
            assert!(file.metadata().unwrap().len() > 10, "{}", file.display());
        }
    }
}

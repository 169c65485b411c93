//! Every service of the server: what a job is told, what is sent with it, and what comes back beside stems.

use crate::rig::{Machine, RATE_HZ, Rig};
use crate::studio::Pace;
use tributary_plugin::command::Command;
use tributary_plugin::library::SettingRecord;
use tributary_plugin::view::{Stage, View};
use tributary_protocol::v1;

const FRAMES: usize = 2 * RATE_HZ as usize;

fn is_ready(stage: &Stage) -> bool {
    matches!(stage, Stage::Ready { .. })
}

/// Chooses a task and waits for its price, not the one of the task before.
fn choose(rig: &Rig, task: &str) {
    rig.send(Command::ChooseTask(task.into()));
    rig.until("chosen", |view| view.choice.task == task);
    rig.priced();
}

#[test]
fn each_task_has_its_models_and_the_last_one_is_remembered_for_fresh_projects() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    for (task, model) in [("enhance", "voice"), ("transcribe", "notes"), ("master", "loud")] {
        rig.send(Command::ChooseTask(task.into()));
        rig.until("chosen", |view| view.choice.task == task && view.choice.model == model);
    }
    drop(rig);
    let rig = machine.open();
    rig.until("remembered", |view| view.choice.model == "loud");
    let project = rig.saved();
    assert!(
        project.contains(r#""task":"""#),
        "a task that was not chosen here is not the project's: {project}"
    );
}

#[test]
fn values_are_sent_where_they_were_set_and_kept_with_project_and_job() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Mix.wav", FRAMES));
    choose(&rig, "master");
    rig.send(Command::Set("target_lufs".into(), Some(SettingRecord::Number(-99.0))));
    rig.until("within bounds", |view| {
        view.choice.settings.get("target_lufs") == Some(&SettingRecord::Number(-30.0))
    });
    rig.priced();
    let job = rig.run();
    rig.stage("ready", is_ready);
    assert_eq!(job.settings.get("target_lufs"), Some(&SettingRecord::Number(-30.0)));
    let sent = |machine: &Machine| {
        machine.studio.state().jobs.values().map(|known| known.job.settings.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sent(&machine)[0][0].value, Some(v1::setting::Value::Number(-30.0)));
    let saved = rig.saved();
    drop(rig);
    let rig = machine.reopen(&saved);
    rig.until("the project's", |view| view.choice.settings.len() == 1 && view.jobs[0].settings.len() == 1);
    rig.send(Command::Set("target_lufs".into(), None));
    rig.until("the default", |view| view.choice.settings.is_empty());
    rig.priced();
    rig.run();
    rig.until("both ready", |view| view.jobs.len() == 2 && view.jobs.iter().all(|job| is_ready(&job.stage)));
    assert!(sent(&machine).iter().any(Vec::is_empty));
    let report = rig.wait("measured", |view| view.result.as_ref().and_then(|result| result.report.clone()));
    assert_eq!(report.after.integrated_lufs, Some(-14.0));
}

#[test]
fn references_are_read_sent_and_kept_for_a_job_that_goes_on_later() {
    let machine = Machine::new(Pace::Admits);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Mix.wav", FRAMES));
    choose(&rig, "master");
    let no_sound = machine.folder.path().join("text.wav");
    std::fs::write(&no_sound, "no sound").unwrap();
    rig.send(Command::AddReference(no_sound));
    rig.until("told", |view| {
        view.notices.iter().any(|notice| notice.text.contains("reference cannot be used"))
    });
    for (name, frames) in [("One.wav", 1_000), ("Two.wav", 60_000), ("Three.wav", 2_000)] {
        rig.send(Command::AddReference(machine.sound_file(name, frames)));
        rig.until("read", |view| view.choice.references.last().is_some_and(|last| last.name == name));
    }
    rig.until("two at most", |view| view.choice.references.len() == 2);
    rig.send(Command::DropReference(1));
    rig.until("one", |view| view.choice.references.len() == 1 && view.choice.references[0].name == "Two.wav");
    rig.priced();
    let job = rig.run();
    assert_eq!(job.references, ["Two.wav"]);
    rig.stage("uploading", |stage| matches!(stage, Stage::Uploading { .. }));
    let saved = rig.saved();
    drop(rig);
    std::fs::remove_file(machine.folder.path().join("Two.wav")).unwrap();
    machine.studio.set_pace(Pace::Works);
    let rig = machine.reopen(&saved);
    rig.stage("ready", is_ready);
    let state = machine.studio.state();
    let known = state.jobs.values().next().unwrap();
    assert_eq!(known.references[0].len(), 60_000 * 8);
    assert_eq!(known.job.stem_names, ["master"]);
}

#[test]
fn files_of_the_result_in_the_window_follow_the_name_of_their_take() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Hum.wav", FRAMES));
    rig.priced();
    rig.run();
    rig.stage("ready", is_ready);
    let all_named = |name: &str| {
        rig.until(name, |view| {
            let stems = view.result.as_ref().map_or(&[][..], |result| &result.stems);
            let is_named = |file: &std::path::PathBuf| {
                file.exists() && file.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name))
            };
            !stems.is_empty() && stems.iter().all(|stem| stem.file.as_ref().is_some_and(is_named))
        });
    };
    all_named("Hum - ");
    let take = rig.wait("the take", |view| view.take.as_ref().map(|take| take.info.id));
    rig.send(Command::RenameTake(take, "Verse 2".into()));
    all_named("Verse 2 - ");
}

#[test]
fn notes_come_back_as_files_a_picture_and_a_sound() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Hum.wav", FRAMES));
    choose(&rig, "transcribe");
    let job = rig.run();
    rig.stage("ready", is_ready);
    let result = rig.wait("shown", |view| {
        let result = view.result.clone()?;
        let has_notes = result.stems.iter().all(|row| row.outline.is_some() && row.file.is_some());
        (result.music.is_some() && has_notes).then_some(result)
    });
    let music = result.music.unwrap();
    assert_eq!((music.notes.len(), music.line().as_str()), (1, "120.0 bpm, C major (50 %)"));
    let rows: Vec<_> = result.stems.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows, ["notes"]);
    let midi = result.stems[0].file.clone().unwrap();
    assert_eq!(midi.file_name().unwrap(), "Hum - notes.mid");
    assert_eq!(std::fs::read(&midi).unwrap(), b"MThd and so on");
    let (low, high) = result.stems[0].outline.as_ref().unwrap().at(1, 0..FRAMES as u64)[0];
    assert!(low < -0.05 && high > 0.05, "the notes sound: {low} {high}");
    let picked = |view: &View| view.result.as_ref().and_then(|result| result.picked.clone());
    rig.send(Command::PickNotes(vec![7, 0, 0]));
    rig.until("picked", |view| picked(view).is_some_and(|picked| *picked.notes == [0]));
    // This studio's file says nothing that could be picked from.
    rig.until("told", |view| view.notices.iter().any(|notice| notice.text.contains("dragged on their own")));
    rig.send(Command::HearPicked(true));
    rig.until("heard", |view| {
        picked(view).is_some_and(|picked| picked.are_heard_alone && picked.file.is_none())
    });
    rig.send(Command::PickNotes(Vec::new()));
    rig.until("none", |view| picked(view).is_none());
    rig.send(Command::RenameTake(rig.session.view().take.as_ref().unwrap().info.id, "Chorus".into()));
    let record = || machine.library().job(job.key).unwrap();
    rig.until("renamed", |_| {
        let sheets = machine.library().sheets(&record());
        sheets.iter().any(|(_, file)| file.as_ref().is_some_and(|file| file.ends_with("Chorus - notes.mid")))
    });
    std::fs::remove_file(machine.library().sheets(&record())[0].1.clone().unwrap()).unwrap();
    rig.send(Command::Refresh);
    rig.stage("missing", |stage| matches!(stage, Stage::Missing { cost: 3 }));
    rig.send(Command::FetchAgain(job.key));
    rig.stage("ready", is_ready);
}

#[test]
fn a_sheet_with_other_bytes_than_promised_is_not_kept() {
    let machine = Machine::new(Pace::Works);
    machine.studio.state().has_wrong_sheets = true;
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Hum.wav", FRAMES));
    choose(&rig, "transcribe");
    let job = rig.run();
    rig.stage("not here", |stage| matches!(stage, Stage::Missing { .. }));
    let library = machine.library();
    assert!(library.sheets(&library.job(job.key).unwrap()).iter().all(|(_, file)| file.is_none()));
    machine.studio.state().has_wrong_sheets = false;
    rig.send(Command::FetchAgain(job.key));
    rig.stage("ready", is_ready);
}

#[test]
fn what_was_taken_out_of_a_voice_is_not_heard_at_first() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Talk.wav", FRAMES));
    choose(&rig, "enhance");
    rig.run();
    rig.stage("ready", is_ready);
    rig.until("muted", |view| {
        let result = view.result.as_ref();
        result.is_some_and(|result| result.stems.iter().map(|row| row.is_muted).eq([false, true]))
    });
}

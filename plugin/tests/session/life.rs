//! Instances come and go: many of them, with nothing to reach and nothing to write to.

use crate::rig::{Machine, Rig};
use crate::studio::Pace;
use tributary_plugin::command::Command;
use tributary_plugin::library::{JobKey, TakeId};
use tributary_plugin::project::Project;
use tributary_plugin::session::Places;
use tributary_plugin::view::{Connection, Recorder, Stage, Trigger, Weight};

#[test]
fn a_server_that_accepts_and_never_answers_holds_nobody_up() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", 48_000));
    machine.studio.set_pace(Pace::Silent);
    let job = rig.run();
    rig.until("saved", |_| machine.library().job(job.key).is_ok());
    let saved = rig.saved();
    drop(rig);
    let rig = machine.reopen(&saved);
    rig.until("known again", |view| view.jobs.iter().any(|known| known.key == job.key));
    drop(rig);
    machine.studio.set_pace(Pace::Works);
    let rig = machine.reopen(&saved);
    rig.stage("ready", |stage| matches!(stage, Stage::Ready { .. }));
    assert_eq!(machine.studio.state().jobs.len(), 1);
}

#[test]
fn a_server_that_cannot_be_reached_is_told_with_its_address() {
    let machine = Machine::new(Pace::Works);
    std::fs::remove_file(machine.places().server.join("local.json")).unwrap();
    machine.wire.cut();
    let rig = machine.open();
    let address = format!("http://{}", machine.wire.address);
    rig.send(Command::Connect { address: address.clone(), key: "tk_known".into() });
    rig.until(
        "lost",
        |view| matches!(&view.connection, Connection::Lost { address: lost, .. } if *lost == address),
    );
    machine.wire.mend();
    rig.connected();
}

#[test]
fn where_nothing_can_be_written_the_window_says_so_and_the_server_is_there() {
    let machine = Machine::new(Pace::Works);
    let file = machine.folder.path().join("a file");
    std::fs::write(&file, "in the way").unwrap();
    let places =
        Places { library: file.join("library"), settings: file.join("settings"), ..machine.places() };
    let rig = Rig::open(Project::new(), places);
    rig.until("told", |view| view.notices.iter().any(|notice| notice.weight == Weight::Error));
    rig.connected();
    rig.send(Command::Record(Trigger::Now));
    rig.until("refused", |view| {
        view.notices.iter().any(|notice| notice.text.contains("Nothing can be recorded"))
    });
    assert_eq!(rig.session.view().recorder, Recorder::Idle);
}

#[test]
fn a_project_that_names_what_is_not_there_is_opened_all_the_same() {
    let machine = Machine::new(Pace::Works);
    let project = Project::new();
    project.update(|state| {
        state.add_take(TakeId::generate());
        state.add_job(JobKey(uuid::Uuid::now_v7()));
        (state.take, state.shown) = (state.takes.first().copied(), state.jobs.first().copied());
    });
    let rig = machine.open_with(project);
    rig.connected();
    let view = rig.session.view();
    assert!(view.take.is_none() && view.result.is_none() && view.jobs.is_empty());
    rig.import(machine.sound_file("Song.wav", 48_000));
}

#[test]
fn a_damaged_project_is_told_and_replaced() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.reopen(r#"{"takes": 7, "jobs": [1, 2], "choice": "loud"}"#);
    rig.until("told", |view| view.notices.iter().any(|notice| notice.text.contains("memory of this plugin")));
    assert!(!rig.project.state().is_damaged);
}

#[test]
fn many_instances_come_and_go_with_a_job_under_way() {
    let machine = Machine::new(Pace::Runs);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", 48_000));
    let job = rig.run();
    rig.stage("running", |stage| matches!(stage, Stage::Running { .. }));
    let saved = rig.saved();
    drop(rig);
    for _ in 0..5 {
        let many: Vec<_> = (0..8).map(|_| machine.reopen(&saved)).collect();
        for rig in &many {
            rig.until("known", |view| view.jobs.iter().any(|known| known.key == job.key));
        }
    }
    machine.studio.set_pace(Pace::Works);
    let rig = machine.reopen(&saved);
    rig.stage("ready", |stage| matches!(stage, Stage::Ready { .. }));
    assert_eq!(machine.studio.count("create"), 1);
}

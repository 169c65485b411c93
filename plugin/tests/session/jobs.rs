//! What becomes of jobs, whatever happens on the way.

use crate::rig::{Machine, RATE_HZ, Rig};
use crate::studio::{CREDITS, Pace};
use std::sync::{Arc, Mutex};
use tributary_plugin::command::Command;
use tributary_plugin::library::{JobKey, JobRecord, Outcome};
use tributary_plugin::view::Stage;

/// Some packets on the wire.
const FRAMES: usize = 4 * RATE_HZ as usize;

/// How far the server goes, and what the window shows then.
type Reached = (Pace, fn(&Stage) -> bool);

fn is_ready(stage: &Stage) -> bool {
    matches!(stage, Stage::Ready { .. })
}

#[test]
fn a_job_is_saved_before_it_is_sent_and_its_stems_come_back() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Verse 2.wav", FRAMES));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (library, project, look) = (machine.library(), Arc::clone(&rig.project), Arc::clone(&seen));
    machine.studio.state().on_create = Some(Arc::new(move |id| {
        let key = JobKey(id);
        look.lock().unwrap().push((library.job(key).is_ok(), project.state().jobs.contains(&key)));
    }));
    let job = rig.run();
    assert_eq!((job.title.as_str(), job.version.as_str(), job.quoted), ("Verse 2", "v7", 3));
    assert_eq!(rig.stage("ready", is_ready), Stage::Ready { cost: 3 });
    assert_eq!(*seen.lock().unwrap(), [(true, true)]);
    let result = rig.wait("shown", |view| {
        let result = view.result.clone()?;
        let is_whole = result.stems.iter().all(|row| row.file.is_some() && row.outline.is_some());
        (is_whole && result.difference_db.is_some()).then_some(result)
    });
    assert_eq!(result.stems.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["half", "other"]);
    assert!(result.difference_db.unwrap() < -90.0, "{:?}", result.difference_db);
    assert!(result.stems.iter().all(|row| row.file.as_ref().unwrap().is_file()));
    rig.until("charged", |view| {
        view.account.as_ref().is_some_and(|account| account.available == CREDITS - 3)
    });
}

#[test]
fn a_job_goes_on_where_it_was_when_the_project_is_opened_again() {
    let reached: [Reached; 4] = [
        (Pace::Admits, |stage| matches!(stage, Stage::Uploading { .. })),
        (Pace::Queues, |stage| matches!(stage, Stage::Queued { .. })),
        (Pace::Runs, |stage| matches!(stage, Stage::Running { .. })),
        (Pace::Finishes, |stage| matches!(stage, Stage::Fetching { .. })),
    ];
    for (pace, is_there) in reached {
        let machine = Machine::new(pace);
        let rig = machine.open();
        rig.connected();
        rig.import(machine.sound_file("Song.wav", FRAMES));
        let job = rig.run();
        rig.stage("as far as it gets", is_there);
        let saved = rig.saved();
        drop(rig);
        machine.studio.set_pace(Pace::Works);
        let rig = machine.reopen(&saved);
        rig.stage("ready after it was opened again", is_ready);
        assert_eq!(rig.session.view().jobs[0].key, job.key, "{pace:?}");
        rig.until("shown", |view| view.result.as_ref().is_some_and(|result| result.job == job.key));
        assert_eq!(machine.studio.count("create"), 1, "{pace:?}");
        assert_eq!(machine.studio.state().jobs.len(), 1);
    }
}

#[test]
fn a_job_that_was_never_received_is_asked_for_again_under_its_id() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", FRAMES));
    machine.wire.cut();
    let job = rig.run();
    rig.stage("waiting", |stage| matches!(stage, Stage::Waiting { .. }));
    let saved = rig.saved();
    drop(rig);
    assert!(machine.studio.state().jobs.is_empty());
    machine.wire.mend();
    let rig = machine.reopen(&saved);
    rig.stage("ready", is_ready);
    let ids: Vec<_> = machine.studio.state().jobs.keys().cloned().collect();
    assert_eq!(ids, [job.key.0.as_bytes().to_vec()]);
}

#[test]
fn a_line_that_is_cut_at_any_stage_only_delays() {
    for pace in [Pace::Admits, Pace::Queues, Pace::Runs, Pace::Finishes] {
        let machine = Machine::new(pace);
        let rig = machine.open();
        rig.connected();
        rig.import(machine.sound_file("Song.wav", FRAMES));
        rig.run();
        rig.stage("under way", |stage| !matches!(stage, Stage::Preparing));
        machine.wire.cut();
        rig.stage("waiting", |stage| matches!(stage, Stage::Waiting { .. }));
        machine.studio.set_pace(Pace::Works);
        machine.wire.mend();
        assert_eq!(rig.stage("ready", is_ready), Stage::Ready { cost: 3 }, "{pace:?}");
        assert_eq!(machine.studio.count("create"), 1);
    }
}

#[test]
fn a_job_cancelled_at_any_stage_says_what_was_given_back() {
    let reached: [Reached; 3] = [
        (Pace::Admits, |stage| matches!(stage, Stage::Uploading { .. })),
        (Pace::Queues, |stage| matches!(stage, Stage::Queued { .. })),
        (Pace::Runs, |stage| matches!(stage, Stage::Running { .. })),
    ];
    for (pace, is_there) in reached {
        let machine = Machine::new(pace);
        let rig = machine.open();
        rig.connected();
        rig.import(machine.sound_file("Song.wav", FRAMES));
        let job = rig.run();
        rig.stage("as far as it gets", is_there);
        rig.send(Command::Cancel(job.key));
        let stage = rig.stage("over", Stage::is_over);
        assert_eq!(stage, Stage::Cancelled { released: 3, cost: 0 }, "{pace:?}");
        rig.until("given back", |view| {
            view.account.as_ref().is_some_and(|account| (account.available, account.held) == (CREDITS, 0))
        });
    }
}

#[test]
fn a_wish_to_cancel_is_kept_while_the_server_is_away_and_the_project_closed() {
    let machine = Machine::new(Pace::Queues);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", FRAMES));
    let job = rig.run();
    rig.stage("queued", |stage| matches!(stage, Stage::Queued { .. }));
    machine.wire.cut();
    rig.stage("waiting", |stage| matches!(stage, Stage::Waiting { .. }));
    rig.send(Command::Cancel(job.key));
    rig.stage("remembered", |stage| {
        matches!(stage, Stage::Waiting { .. }) && machine.library().job(job.key).unwrap().is_cancelled
    });
    let saved = rig.saved();
    drop(rig);
    machine.wire.mend();
    let rig = machine.reopen(&saved);
    assert_eq!(rig.stage("over", Stage::is_over), Stage::Cancelled { released: 3, cost: 0 });
    let record = machine.library().job(job.key).unwrap();
    assert_eq!(record.outcome, Some(Outcome::Cancelled { released: 3, cost: 0 }));
}

#[test]
fn a_job_that_fails_says_why_and_costs_nothing() {
    let machine = Machine::new(Pace::Works);
    machine.studio.state().failure = Some("the device caught fire".into());
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", FRAMES));
    rig.run();
    let stage = rig.stage("over", Stage::is_over);
    assert_eq!(stage, Stage::Failed { reason: "the device caught fire".into(), released: Some(3) });
}

#[test]
fn two_jobs_run_at_once_and_one_can_be_repeated() {
    let machine = Machine::new(Pace::Queues);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("One.wav", FRAMES));
    let first = rig.run();
    rig.import(machine.sound_file("Two.wav", FRAMES / 2));
    rig.run();
    rig.until("both queued", |view| view.jobs.iter().all(|job| matches!(job.stage, Stage::Queued { .. })));
    machine.studio.set_pace(Pace::Works);
    rig.until("both ready", |view| view.jobs.iter().all(|job| is_ready(&job.stage)));
    rig.send(Command::Again(first.key));
    rig.until("the third ready", |view| {
        view.jobs.len() == 3 && view.jobs.iter().all(|job| is_ready(&job.stage))
    });
    assert_eq!(machine.studio.state().jobs.len(), 3);
}

/// A job that is ready, and whose files somebody deleted from this machine.
fn ready_without_its_files(machine: &Machine) -> (Rig, JobRecord) {
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", FRAMES));
    let job = rig.run();
    rig.stage("ready", is_ready);
    let library = machine.library();
    let record = library.job(job.key).unwrap();
    for (_, file) in library.stems(&record) {
        std::fs::remove_file(file.unwrap()).unwrap();
    }
    (rig, record)
}

#[test]
fn files_that_are_gone_are_fetched_again() {
    let machine = Machine::new(Pace::Works);
    let (rig, record) = ready_without_its_files(&machine);
    rig.send(Command::Refresh);
    rig.stage("missing", |stage| matches!(stage, Stage::Missing { cost: 3 }));
    rig.send(Command::FetchAgain(record.key));
    rig.stage("ready", is_ready);
    assert!(machine.library().stems(&record).iter().all(|(_, file)| file.is_some()));
}

#[test]
fn files_that_are_gone_here_and_deleted_there_are_said_to_be_gone() {
    let machine = Machine::new(Pace::Works);
    let (rig, record) = ready_without_its_files(&machine);
    for known in machine.studio.state().jobs.values_mut() {
        known.job.erased = true;
        known.job.stems.clear();
    }
    rig.send(Command::Refresh);
    rig.stage("missing", |stage| matches!(stage, Stage::Missing { cost: 3 }));
    rig.send(Command::FetchAgain(record.key));
    rig.wait("told", |view| {
        view.notices.iter().any(|notice| notice.text.contains("deleted from the server")).then_some(())
    });
    rig.stage("missing", |stage| matches!(stage, Stage::Missing { cost: 3 }));
    assert_eq!(machine.studio.count("create"), 1, "nothing is run, and paid, by itself");
}

#[test]
fn two_instances_of_one_library_fetch_a_job_once() {
    let machine = Machine::new(Pace::Finishes);
    let rig = machine.open();
    rig.connected();
    rig.import(machine.sound_file("Song.wav", FRAMES));
    rig.run();
    rig.stage("done there", |stage| matches!(stage, Stage::Fetching { .. }));
    let other = machine.reopen(&rig.saved());
    other.stage("looked after elsewhere", |stage| matches!(stage, Stage::Waiting { .. }));
    machine.studio.set_pace(Pace::Works);
    rig.stage("ready", is_ready);
    other.stage("ready, too", is_ready);
    assert_eq!(machine.studio.count("read"), 2);
}

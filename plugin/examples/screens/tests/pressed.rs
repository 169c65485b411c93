//! Every button yields its command, once.

use super::*;
use tributary_plugin::command::Command;
use tributary_plugin::library::{JobKey, TakeId};
use tributary_plugin::view::{
    Account, Asking, Connection, Monitor, Notice, Purpose, Quote, Recorder, Stage as Step, Trigger, Weight,
    WindowSize,
};
use uuid::Uuid;

fn check(view: View, path: &[&str], wanted: &[Command]) {
    let mut window = open(view);
    for name in path {
        window.click(name);
    }
    assert_eq!(window.took(), wanted, "{path:?}");
}

const JOB: JobKey = JobKey(Uuid::from_u128(1));

fn take(number: u128) -> TakeId {
    TakeId(Uuid::from_u128(number))
}

fn with_job(window: Step) -> View {
    View { jobs: vec![scenes::job(1, window)].into(), ..ready() }
}

#[test]
fn capture() {
    let recording = Recorder::Recording { trigger: Trigger::Now, room: std::time::Duration::from_secs(60) };
    check(View::default(), &["Arm"], &[Command::Record(Trigger::Transport)]);
    check(View::default(), &["Choose a file\u{2026}"], &[Command::ChooseFile]);
    check(ready(), &["Rec"], &[Command::Record(Trigger::Transport)]);
    check(ready(), &["Other ways to a take", "Record at once   Shift+R"], &[Command::Record(Trigger::Now)]);
    check(View { recorder: Recorder::Armed, ..ready() }, &["Armed"], &[Command::StopRecording]);
    check(
        View { recorder: Recorder::Armed, ..ready() },
        &["Record at once"],
        &[Command::Record(Trigger::Now)],
    );
    check(View { recorder: recording, ..ready() }, &["Stop"], &[Command::StopRecording]);
}

#[test]
fn a_path_is_typed_where_no_chooser_opens() {
    let asking = Some(Asking { purpose: Purpose::Import, has_no_chooser: true });
    let mut window = open(View { asking, ..done() });
    window.click("Import");
    assert_eq!(window.took(), [], "nothing is typed yet");
    for typed in ["/music/a take.wav", "\"/music/a take.wav\"", "file:///music/a take.wav"] {
        window.click_at(egui::pos2(700.0, 64.0));
        window.write(typed);
        window.key(egui::Key::Enter);
        let path = std::path::PathBuf::from("/music/a take.wav");
        assert_eq!(window.took(), [Command::GivePath(Some(path))]);
        // The session takes it, and asks again.
        window.view.asking = None;
        window.rest();
        window.view.asking = asking;
        window.rest();
    }
    window.click("Ask no more");
    assert_eq!(window.took(), [Command::GivePath(None)]);
}

#[test]
fn takes() {
    check(ready(), &["Verse 2", "Chorus"], &[Command::SelectTake(take(2))]);
    check(ready(), &["Verse 2", "Verse 2"], &[]);
    check(ready(), &["History", "Takes", "Delete take"], &[]);
    check(ready(), &["History", "Takes", "Delete take", "Keep"], &[]);
    check(ready(), &["History", "Takes", "Delete take", "Delete"], &[Command::DeleteTake(take(1))]);
    check(ready(), &["Spectrogram"], &[]);
}

#[test]
fn a_take_is_renamed_by_typing() {
    let mut window = open(ready());
    window.click("Rename take");
    window.write(" b");
    window.key(egui::Key::Enter);
    window.rest();
    assert_eq!(window.took(), [Command::RenameTake(take(1), "Verse 2 b".to_owned())]);
    window.click("Rename take");
    window.write("nonsense");
    window.key(egui::Key::Escape);
    window.rest();
    assert_eq!(window.took(), []);
    assert!(window.find("Rename take").is_some());
}

#[test]
fn spectrograms_are_asked_for_once() {
    let mut view = done();
    if let Some(take) = &mut view.take {
        take.spectrogram = None;
    }
    let mut window = open(view);
    window.click("Spectrogram");
    window.rest();
    assert_eq!(window.took(), [Command::WantSpectrograms]);
}

#[test]
fn jobs() {
    check(ready(), &["Enhance"], &[Command::ChooseTask("enhance".to_owned())]);
    check(ready(), &["Tributary Mini", "Tributary Large"], &[Command::ChooseModel("large".to_owned())]);
    check(ready(), &["Drums"], &[Command::WantStem("drums".to_owned(), false)]);
    let running = Step::Running { chunks_done: 13, chunks: 31, left: None };
    check(with_job(running), &["Cancel (about 2 credits back)"], &[Command::Cancel(JOB)]);
    check(with_job(Step::Cancelled { released: 1, cost: 0 }), &["Run again"], &[Command::Again(JOB)]);
    check(with_job(Step::Missing { cost: 1 }), &["Fetch again"], &[Command::FetchAgain(JOB)]);
    check(with_job(Step::Ready { cost: 1 }), &["Show stems"], &[Command::ShowJob(JOB)]);
    let failed = Step::Failed { reason: "No.".to_owned(), released: None };
    check(with_job(failed), &["Try again"], &[Command::Again(JOB)]);
}

#[test]
fn the_button_runs_the_model_and_only_with_a_quote() {
    let below_tabs = |window: &Window| egui::pos2(852.0, window.size.1 - 30.0);
    let mut one = open(ready());
    let at = below_tabs(&one);
    one.click_at(at);
    assert_eq!(one.took(), [Command::Run]);
    for quote in [Quote::Nothing, Quote::Asked, Quote::Refused("Too long".to_owned())] {
        let mut view = ready();
        view.choice.quote = quote.clone();
        let mut window = open(view);
        window.click_at(at);
        assert_eq!(window.took(), [], "{quote:?}");
    }
    let mut poor = ready();
    poor.choice.quote = Quote::Price { credits: 2, reason: String::new(), missing: 1 };
    poor.account = Some(Account { buy_url: None, ..Account::default() });
    let mut window = open(poor);
    window.click_at(at);
    assert_eq!(window.took(), []);
}

#[test]
fn the_history() {
    check(with_job(Step::Ready { cost: 1 }), &["History", "Show"], &[Command::ShowJob(JOB)]);
    check(with_job(Step::Ready { cost: 1 }), &["History", "Use again"], &[Command::Again(JOB)]);
    check(with_job(Step::Missing { cost: 1 }), &["History", "Fetch again"], &[Command::FetchAgain(JOB)]);
    check(with_job(Step::Missing { cost: 1 }), &["History", "Forget"], &[]);
    let forgotten = [Command::ForgetJob(JOB)];
    check(with_job(Step::Missing { cost: 1 }), &["History", "Forget", "Forget"], &forgotten);
}

#[test]
fn the_mix() {
    check(done(), &["Solo vocals"], &[Command::SetSolo("vocals".to_owned(), true)]);
    check(done(), &["Mute vocals"], &[Command::SetMute("vocals".to_owned(), true)]);
    check(done(), &["Original"], &[Command::SetMonitor(Monitor::Original)]);
    check(done(), &["Input"], &[Command::SetMonitor(Monitor::Input)]);
    check(done(), &["Play"], &[Command::Play(true)]);
    check(done(), &["Stems on own outputs"], &[Command::SetOutputs(true)]);
    check(done(), &["Export\u{2026}"], &[Command::Export]);
    let all = (0, song().mixture.outline.frames);
    check(done(), &["Loop"], &[Command::Loop(Some(all))]);
    let mut looped = done();
    looped.player.looped = Some((1, 2));
    check(looped, &["Loop"], &[Command::Loop(None)]);
    let mut playing = done();
    playing.player.is_playing = true;
    check(playing, &["Stop"], &[Command::Play(false)]);
}

#[test]
fn playing_while_only_the_input_is_heard_chooses_what_is_heard() {
    let mut stems = done();
    stems.player.monitor = Monitor::Input;
    check(stems, &["Play"], &[Command::SetMonitor(Monitor::Stems), Command::Play(true)]);
    check(ready(), &["Play"], &[Command::SetMonitor(Monitor::Original), Command::Play(true)]);
}

#[test]
fn the_server() {
    let address = "https://studio.local:8443".to_owned();
    let lost = Connection::Lost { address: address.clone(), reason: String::new() };
    let view = |connection| View { connection, offer: Vec::new().into(), account: None, ..ready() };
    check(view(lost), &["Try again"], &[Command::Refresh]);
    let fingerprint = "AB:CD".to_owned();
    let unknown = |accepted_before: Option<&str>| Connection::Unknown {
        address: address.clone(),
        fingerprint: fingerprint.clone(),
        accepted_before: accepted_before.map(str::to_owned),
    };
    let accepted = [Command::Accept { fingerprint: fingerprint.clone() }];
    check(view(unknown(None)), &["Compare", "They are the same: accept"], &accepted);
    check(view(unknown(Some("EF"))), &["Compare", "Accept the new certificate"], &accepted);
    check(done(), &["Settings", "Sign out"], &[]);
    check(done(), &["Settings", "Sign out", "Forget server and key?"], &[Command::SignOut]);
    let mut window = open(View::default());
    window.click("Enter an address");
    window.click_at(egui::pos2(400.0, 138.0));
    window.write(" http://127.0.0.1:7700 ");
    window.click_at(egui::pos2(400.0, 178.0));
    window.write("secret");
    assert!(!window.text().contains("secret"));
    window.click("Connect");
    let connect = Command::Connect { address: "http://127.0.0.1:7700".to_owned(), key: "secret".to_owned() };
    assert_eq!(window.took(), [connect]);
}

#[test]
fn the_window() {
    let mut window = open(done());
    window.click("Settings");
    window.click("150 %");
    let size = WindowSize { zoom: 1.5, ..WindowSize::default() };
    assert_eq!(window.took(), [Command::Resize(size)]);
    window.size = (1_100.0, 700.0);
    window.rest();
    let size = WindowSize { width: 1_100.0, height: 700.0, zoom: 1.0 };
    assert_eq!(window.took(), [Command::Resize(size)]);
    window.view.window.zoom = 2.0;
    window.rest();
    assert!((window.ctx.zoom_factor() - 2.0).abs() < 0.01);
}

#[test]
fn notices() {
    let path = std::path::PathBuf::from("/music/takes");
    let mut view = ready();
    let notice =
        Notice { number: 7, weight: Weight::Error, text: "No room.".to_owned(), path: Some(path.clone()) };
    view.notices = vec![notice];
    check(view.clone(), &["Dismiss"], &[Command::Dismiss(7)]);
    check(view, &["Show"], &[Command::Reveal(path)]);
}

#[test]
fn buying_opens_the_page_of_the_server() {
    let mut window = open(ready());
    window.click("Buy credits");
    assert_eq!(window.took(), []);
    assert_eq!(window.opened, ["https://studio.local:8443/credits"]);
}

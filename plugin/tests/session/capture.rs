//! From the audio thread to a take on the disk, and back.

use crate::rig::{Machine, RATE_HZ, noise};
use crate::studio::Pace;
use tributary_plugin::audio::Transport;
use tributary_plugin::command::Command;
use tributary_plugin::view::{Monitor, Recorder, Stage, Trigger};

const BLOCK: usize = 512;

fn playing(position: usize) -> Transport {
    Transport {
        is_playing: true,
        position_frames: Some(position as i64),
        position_beats: Some(position as f64 / f64::from(RATE_HZ) * 2.0),
        bar_number: Some(2),
        tempo: Some(120.0),
        meter: Some((4, 4)),
        ..Transport::default()
    }
}

#[test]
fn what_is_recorded_with_the_transport_is_a_take_sample_by_sample() {
    let machine = Machine::new(Pace::Works);
    let mut rig = machine.open();
    rig.session.set_track_name("Drums");
    rig.send(Command::Record(Trigger::Transport));
    rig.until("armed", |view| view.recorder == Recorder::Armed);
    let song = noise(100 * BLOCK);
    let start = 96_000;
    // The host runs whenever it likes; the order arrives some blocks later.
    let mut first = None;
    for at in (0..50 * BLOCK).step_by(BLOCK) {
        let range = at..at + BLOCK;
        rig.block([&song[0][range.clone()], &song[1][range]], &playing(start + at));
        if first.is_none()
            && rig.session.gauges().recorded_frames.load(std::sync::atomic::Ordering::Relaxed) > 0
        {
            first = Some(at);
        }
    }
    rig.block([&song[0][..BLOCK], &song[1][..BLOCK]], &Transport::default());
    let take = rig.wait("a take", |view| {
        view.take
            .as_ref()
            .filter(|take| take.is_present && take.outline.is_some())
            .map(|take| take.info.clone())
    });
    let first = first.unwrap();
    assert_eq!((take.name.as_str(), take.lost_frames), ("Drums 1", 0));
    assert_eq!((take.frames, take.channels, take.rate_hz), ((50 * BLOCK - first) as u64, 2, RATE_HZ));
    assert_eq!(take.place.frames, Some((start + first) as i64));
    let bytes = std::fs::read(machine.library().take_file(take.id)).unwrap();
    let samples: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let expected: Vec<f32> = (first..50 * BLOCK).flat_map(|frame| [song[0][frame], song[1][frame]]).collect();
    assert_eq!(samples, expected);
    assert_eq!(rig.project.state().take, Some(take.id));
}

#[test]
fn a_take_that_is_being_recorded_is_kept_when_the_instance_goes() {
    let machine = Machine::new(Pace::Works);
    let mut rig = machine.open();
    rig.send(Command::Record(Trigger::Now));
    rig.until("armed", |view| view.recorder == Recorder::Armed);
    let song = noise(20 * BLOCK);
    while !matches!(rig.session.view().recorder, Recorder::Recording { .. }) {
        rig.block([&song[0][..BLOCK], &song[1][..BLOCK]], &Transport::default());
        std::thread::yield_now();
    }
    drop(rig);
    let takes = machine.library().takes();
    assert_eq!(takes.len(), 1);
    assert!(takes[0].frames > 0);
    assert_eq!(takes[0].name, "Take 1");
}

#[test]
fn stems_are_played_at_the_takes_place_in_the_song() {
    let machine = Machine::new(Pace::Works);
    let mut rig = machine.open();
    rig.connected();
    rig.send(Command::Record(Trigger::Transport));
    rig.until("armed", |view| view.recorder == Recorder::Armed);
    let frames = 200 * BLOCK;
    let song = noise(frames);
    for at in (0..frames).step_by(BLOCK) {
        let range = at..at + BLOCK;
        rig.block([&song[0][range.clone()], &song[1][range]], &playing(at));
        std::thread::yield_now();
    }
    rig.block([&song[0][..BLOCK], &song[1][..BLOCK]], &Transport::default());
    rig.until("a take", |view| view.take.as_ref().is_some_and(|take| take.is_present));
    let start = rig.session.view().take.as_ref().unwrap().info.place.frames.unwrap() as usize;
    rig.priced();
    rig.run();
    rig.stage("ready", |stage| matches!(stage, Stage::Ready { .. }));
    rig.send(Command::SetMonitor(Monitor::Stems));
    rig.send(Command::SetGain("other".into(), -60.0));
    rig.until("mixed", |view| {
        let result = view.result.as_ref();
        result.is_some_and(|result| result.difference_db.is_some() && result.stems[1].gain_db == -60.0)
    });
    // Silence goes in; half of the song comes out, once orders and pages have arrived.
    let silence = vec![0.0; BLOCK];
    let at = start + 20 * BLOCK;
    let expected: Vec<f32> = song[0][at..at + BLOCK].iter().map(|sample| sample * 0.5).collect();
    loop {
        rig.block([&silence, &silence], &playing(at - BLOCK));
        let out = rig.block([&silence, &silence], &playing(at));
        if out[0] == expected {
            break;
        }
        std::thread::yield_now();
    }
    assert_eq!(rig.session.gauges().playhead(), Some((at - start) as u64));
}

#[test]
fn what_cannot_be_imported_is_told_and_takes_are_named_trimmed_and_deleted() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    let no_sound = machine.folder.path().join("text.wav");
    std::fs::write(&no_sound, "no sound").unwrap();
    rig.send(Command::Import(no_sound));
    rig.until("told", |view| view.notices.iter().any(|notice| notice.text.contains("The import failed")));
    rig.import(machine.sound_file("Song.wav", 48_000));
    let take = rig.session.view().take.as_ref().unwrap().info.id;
    rig.send(Command::RenameTake(take, "Chorus".into()));
    rig.send(Command::Trim(Some((1_000, 9_000_000))));
    rig.until("renamed and trimmed", |view| {
        let info = &view.take.as_ref().unwrap().info;
        info.name == "Chorus" && info.trim == Some((1_000, 48_000))
    });
    rig.priced();
    let saved = rig.saved();
    drop(rig);
    let kept = machine.library().take(take).unwrap();
    assert_eq!((kept.name.as_str(), kept.trim), ("Chorus", Some((1_000, 48_000))));
    let rig = machine.reopen(&saved);
    rig.until("back", |view| view.take.as_ref().is_some_and(|shown| shown.info.id == take));
    rig.send(Command::DeleteTake(take));
    rig.until("gone", |view| view.take.is_none() && view.takes.is_empty());
}

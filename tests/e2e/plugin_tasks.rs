//! Every service beside separation in a host: enhance, transcribe and master through the built plugin and a real server,
//! with what is part of the program. What lands on the disk, what it costs, and what the host hears.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tributary_audio::ClipShape;
use tributary_audio::loudness::LoudnessMeter;
use tributary_protocol::client::{JobState, JobView};
use tributary_protocol::vocab::Credits;
use tributary_tests::plugin_host::{Host, Plugin, Setup, Transport};
use tributary_tests::{Stage, World, alone, files, producer, signal, stage};

const RATE_HZ: u32 = 44_100;
/// The take's place in the song, and its length.
const START: i64 = 100_000;
const TAKE_FRAMES: usize = 10 * 44_100;
/// What an account has at first.
const CREDITS: u64 = 600;

/// A server, and a plugin with a take of the demo song in its window.
struct Desk {
    runtime: tokio::runtime::Runtime,
    stage: Stage,
    plugin: Plugin,
    song: Vec<Vec<f32>>,
    _host: Host,
}

/// By name.
type Files = Vec<(String, PathBuf)>;

impl Desk {
    fn new(world: &World) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stage = runtime.block_on(world.stage(stage::config(), Default::default())).unwrap();
        let host = Host::open(&world.folder.join("door")).unwrap();
        let mut plugin = host.plugin().unwrap();
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        assert_eq!(producer::connected(&mut plugin), CREDITS);
        let song = producer::song(TAKE_FRAMES).unwrap().channels;
        producer::record(&mut plugin, &song, START).unwrap();
        Self { runtime, stage, plugin, song, _host: host }
    }

    /// The take through a model: its rows with their files, and its sheets. What it cost is what was shown before, and
    /// was taken from the account once.
    fn run(&mut self, task: &str, model: &str) -> (Files, Files) {
        let before = self.account();
        producer::choose(&mut self.plugin, task, model);
        let price = producer::priced(&mut self.plugin);
        let key = producer::run(&mut self.plugin);
        let (rows, cost) = producer::finished(&mut self.plugin, &key);
        assert_eq!(cost, price, "{model}");
        let sheets = producer::sheets(&mut self.plugin);
        assert_eq!(self.account(), before - price, "{model}");
        let jobs = self.jobs();
        assert_eq!((jobs[0].state, jobs[0].captured), (JobState::Done, Credits(price)), "{model}");
        assert_eq!(jobs[0].model, model);
        (rows, sheets)
    }

    /// Credits that are left; none is set aside.
    fn account(&self) -> u64 {
        let account = self.runtime.block_on(self.stage.client.account()).unwrap();
        assert_eq!(account.held, Credits(0));
        account.posted.0
    }

    /// The newest first.
    fn jobs(&self) -> Vec<JobView> {
        self.runtime.block_on(self.stage.client.jobs(Default::default())).unwrap()
    }

    fn end(self) {
        let Self { runtime, stage, plugin, .. } = self;
        runtime.block_on(stage.audit()).unwrap();
        drop(plugin);
    }
}

fn names(files: &[(String, PathBuf)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

fn sheet<'a>(sheets: &'a [(String, PathBuf)], name: &str) -> &'a Path {
    let found = sheets.iter().find(|(known, _)| known == name);
    &found.unwrap_or_else(|| panic!("no {name} in {sheets:?}")).1
}

/// The file has the take's place in its name.
fn check_name(path: &Path, title: &str) {
    let file = path.file_name().unwrap().to_str().unwrap();
    assert!(file.contains(title) && file.contains("124bpm") && file.contains("bar 2"), "{file}");
}

/// A stem of the take's shape, with its place inside.
fn stem(path: &Path, title: &str) -> Vec<Vec<f32>> {
    check_name(path, title);
    assert_eq!(producer::time_reference(path).unwrap(), START.cast_unsigned());
    let stem = files::read(path).unwrap();
    assert_eq!((stem.rate_hz, stem.channels.len(), stem.channels[0].len()), (RATE_HZ, 2, TAKE_FRAMES));
    stem.channels
}

/// A MIDI file that ends where the take does: its tempo map is walked to the end of its first track.
fn midi_seconds(path: &Path) -> f64 {
    let bytes = std::fs::read(path).unwrap();
    let smf = midly::Smf::parse(&bytes).unwrap();
    let midly::Timing::Metrical(ticks) = smf.header.timing else { panic!("ticks of a beat") };
    let (mut micros, mut seconds) = (500_000.0, 0.0);
    for event in &smf.tracks[0] {
        seconds += f64::from(event.delta.as_int()) * micros / 1e6 / f64::from(ticks.as_int());
        if let midly::TrackEventKind::Meta(midly::MetaMessage::Tempo(tempo)) = event.kind {
            micros = f64::from(tempo.as_int());
        }
    }
    seconds
}

/// Ticks and pitches of all notes.
fn onsets(path: &Path) -> Vec<(u32, u8)> {
    let bytes = std::fs::read(path).unwrap();
    let smf = midly::Smf::parse(&bytes).unwrap();
    let mut onsets = Vec::new();
    for track in &smf.tracks {
        let mut tick = 0;
        for event in track {
            tick += event.delta.as_int();
            if let midly::TrackEventKind::Midi { message: midly::MidiMessage::NoteOn { key, vel }, .. } =
                event.kind
                && vel > 0
            {
                onsets.push((tick, key.as_int()));
            }
        }
    }
    onsets
}

fn integrated_lufs(sound: &[Vec<f32>]) -> f64 {
    let mut meter = LoudnessMeter::without_peaks(2, RATE_HZ).unwrap();
    meter.add(&[&sound[0], &sound[1]]).unwrap();
    meter.loudness().unwrap().integrated_lufs.expect("not silent")
}

fn peak(sound: &[Vec<f32>]) -> f32 {
    sound.iter().flatten().fold(0.0, |most, sample| most.max(sample.abs()))
}

/// What the host hears in the take's place while it plays silence through the track.
fn heard(plugin: &mut Plugin, monitor: &str, is_right: impl Fn(&[Vec<f32>]) -> bool) -> Vec<Vec<f32>> {
    plugin.door.send(&json!({ "SetMonitor": monitor }));
    plugin.transport = Transport::playing_from(START);
    let silence = vec![vec![0.0; TAKE_FRAMES]; 2];
    let mut last = Vec::new();
    plugin.until_heard(monitor, &silence, |_, heard| {
        last.clone_from(&heard.main);
        is_right(&heard.main)
    });
    last
}

fn check_report(plugin: &mut Plugin) -> Value {
    plugin.until("the report", |view| Some(view["result"]["report"].clone()).filter(Value::is_object))
}

#[test]
fn a_take_is_enhanced_and_what_was_taken_out_lies_beside_it() {
    alone(|world| {
        let mut desk = Desk::new(world);
        let (rows, sheets) = desk.run("enhance", "rnnoise");
        assert_eq!((names(&rows), names(&sheets)), (vec!["speech", "noise"], vec!["report.json"]));
        let stems: Vec<_> = rows.iter().map(|(name, path)| stem(path, name).concat()).collect();
        let residual = signal::residual_db(&desk.song.concat(), &stems);
        assert!(residual < -90.0, "speech and noise sum to the take: {residual:.1} dB");
        check_name(sheet(&sheets, "report.json"), "report");
        let report = check_report(&mut desk.plugin);
        assert!(report["before"]["lufs"].is_number() && report["after"]["lufs"].is_number(), "{report}");
        desk.end();
    });
}

#[test]
fn a_take_becomes_midi_in_time_with_it_and_its_notes_are_heard() {
    alone(|world| {
        let mut desk = Desk::new(world);
        let seconds = TAKE_FRAMES as f64 / f64::from(RATE_HZ);
        for (model, row, midi) in [("beats", "beats", "beats.mid"), ("drum-notes", "notes", "notes.mid")] {
            let (rows, sheets) = desk.run("transcribe", model);
            assert_eq!(names(&rows), [row], "{model}");
            let file = sheet(&sheets, midi);
            assert_eq!(rows[0].1, file, "{model}: what is dragged of the row is the MIDI");
            check_name(file, row);
            let long = midi_seconds(file);
            assert!((long - seconds).abs() < 0.01, "{model}: {long:.3} s of MIDI for {seconds:.3} s");
            let analysis: Value =
                serde_json::from_slice(&std::fs::read(sheet(&sheets, "analysis.json")).unwrap()).unwrap();
            let notes = analysis["notes"].as_array().unwrap().len();
            assert_eq!(notes > 0, model == "drum-notes", "{model}: {notes} notes");
            desk.plugin.until("the notes in the window", |view| {
                (view["result"]["notes"].as_u64() == Some(notes as u64)).then_some(())
            });
            let sound = heard(&mut desk.plugin, "Stems", |main| peak(main) > 0.05);
            assert!(peak(&sound) <= 1.0, "{model}");
        }
        // What is left in the window are the drums: some of them alone, as a file and as sound.
        desk.plugin.door.send(&json!({ "PickNotes": [2, 0, 1, 1, 9_999_999] }));
        let picked = desk.plugin.until("a file of three notes", |view| {
            let picked = &view["result"]["picked"];
            picked["file"].as_str().filter(|_| picked["notes"] == json!([0, 1, 2])).map(PathBuf::from)
        });
        check_name(&picked, "3 notes");
        let whole = desk
            .plugin
            .until("the whole", |view| view["result"]["stems"][0]["file"].as_str().map(PathBuf::from));
        assert_eq!(onsets(&picked), onsets(&whole)[..3]);
        assert!((midi_seconds(&picked) - seconds).abs() < 0.01);
        let analysis = whole.with_file_name(
            whole
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .replace("notes", "analysis")
                .replace(".mid", ".json"),
        );
        let analysis: Value = serde_json::from_slice(&std::fs::read(analysis).unwrap()).unwrap();
        let ends = (0..3).map(|note| analysis["notes"][note]["end_seconds"].as_f64().unwrap());
        let end = ((ends.fold(0.0, f64::max) + 0.1) * f64::from(RATE_HZ)) as usize;
        desk.plugin.door.send(&json!({ "HearPicked": true }));
        heard(&mut desk.plugin, "Stems", |main| {
            let part = |range: std::ops::Range<usize>| {
                main.iter()
                    .flat_map(|channel| &channel[range.clone()])
                    .fold(0.0_f32, |most, one| most.max(one.abs()))
            };
            part(0..end) > 0.05 && part(end..TAKE_FRAMES) == 0.0
        });
        desk.end();
    });
}

#[test]
fn a_master_like_a_reference_plays_in_the_takes_place_and_the_original_as_loud() {
    alone(|world| {
        let mut desk = Desk::new(world);
        let shape = ClipShape { channels: 2, frames: 14 * 44_100, rate_hz: RATE_HZ };
        let reference = files::wav(&world.folder.join("Their song.wav"), 4, shape).unwrap();
        producer::choose(&mut desk.plugin, "master", "master");
        desk.plugin.door.send(&json!({ "AddReference": reference }));
        desk.plugin.until("the reference", |view| {
            (view["choice"]["references"] == json!(["Their song.wav"])).then_some(())
        });
        let (rows, sheets) = desk.run("master", "master");
        assert_eq!((names(&rows), names(&sheets)), (vec!["master"], vec!["report.json"]));
        assert_eq!(desk.jobs()[0].references.len(), 1);
        let master = stem(&rows[0].1, "master");
        assert!(
            master.iter().flatten().all(|sample| sample.abs() <= 0.8914),
            "-1 dBTP is above every sample"
        );
        let report = check_report(&mut desk.plugin);
        assert!(report["curve"].as_u64() > Some(10), "{report}");
        let lufs = integrated_lufs(&master);
        let said = report["after"]["lufs"].as_f64().unwrap();
        assert!((lufs - said).abs() < 0.05, "the report says {said:.2} LUFS, the file has {lufs:.2}");

        // In place, to the sample; then the take itself, exactly as loud.
        let offline = Setup { rate_hz: RATE_HZ, is_offline: true, ..Setup::default() };
        desk.plugin.activate(offline).unwrap();
        heard(&mut desk.plugin, "Stems", |main| *main == master[..]);
        let match_db = desk
            .plugin
            .until("the match", |view| view["match_db"].as_f64().filter(|match_db| match_db.abs() > 0.1));
        let gain = 10f64.powf(match_db / 20.0);
        let song = desk.song.clone();
        let is_take = |main: &[Vec<f32>]| {
            let pairs = main.iter().flatten().zip(song.iter().flatten());
            pairs.fold(0.0, |most: f64, (one, other)| {
                most.max((f64::from(*one) - gain * f64::from(*other)).abs())
            }) < 1e-4
        };
        let original = heard(&mut desk.plugin, "Original", is_take);
        let other = integrated_lufs(&original);
        assert!(
            (lufs - other).abs() < 0.5,
            "the master has {lufs:.2} LUFS, the original beside it {other:.2}"
        );
        desk.end();
    });
}

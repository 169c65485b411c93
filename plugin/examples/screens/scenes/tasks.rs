//! The services beside separation: what they may be told, and what comes out of them.

use super::*;
use egui::{Modifiers, vec2};
use tributary_plugin::command::Command;
use tributary_plugin::library::{ClipRecord, Music, ReferenceRecord, Report, SettingRecord, Transcript};
use tributary_protocol::settings::{Control, ControlKind};

/// A number from, to, its notch and its default.
fn number(
    name: &str,
    title: &str,
    (min, max, step, default): (f64, f64, f64, f64),
    unit: &str,
    advanced: bool,
) -> Control {
    let kind = ControlKind::Number { min, max, step, default, unit: unit.to_owned() };
    control(name, title, kind, advanced)
}

fn control(name: &str, title: &str, kind: ControlKind, advanced: bool) -> Control {
    let help = format!("What {title} does, in a sentence.");
    Control { name: name.to_owned(), title: title.to_owned(), help, advanced, kind }
}

fn choice(name: &str, title: &str, options: &[(&str, &str)], advanced: bool) -> Control {
    let options: Vec<_> =
        options.iter().map(|(word, title)| ((*word).to_owned(), (*title).to_owned())).collect();
    let default = options[0].0.clone();
    control(name, title, ControlKind::Choice { options, default }, advanced)
}

fn service(task: &str) -> ModelView {
    let switch = |default| ControlKind::Switch { default };
    let (name, title, stems, sheets, controls): (&str, &str, &[&str], &[&str], Vec<Control>) = match task {
        "enhance" => (
            "deepfilternet3",
            "DeepFilterNet 3",
            &["speech", "noise"],
            &["report.json"],
            vec![
                number("strength_db", "Strength", (0.0, 100.0, 1.0, 100.0), "dB", false),
                number("room_percent", "Keep room", (0.0, 100.0, 1.0, 0.0), "%", false),
                control("post_filter", "Post-filter", switch(false), true),
                number("target_lufs", "Loudness", (-36.0, -6.0, 0.5, -16.0), "LUFS", true),
            ],
        ),
        "transcribe" => (
            "basic-pitch",
            "Basic Pitch",
            &[],
            &["notes.mid", "score.musicxml", "notes.csv", "analysis.json"],
            vec![
                choice("instrument", "Instrument", &[("any", "Any"), ("voice", "Voice")], false),
                number("quantize_percent", "Quantise", (0.0, 100.0, 1.0, 0.0), "%", false),
                control("mono", "One note at a time", switch(false), false),
                number("onset", "Onset threshold", (0.0, 1.0, 0.01, 0.5), "", true),
                number("frame", "Frame threshold", (0.0, 1.0, 0.01, 0.3), "", true),
                number("minimum_ms", "Shortest note", (10.0, 500.0, 1.0, 58.0), "ms", true),
            ],
        ),
        _ => (
            "master",
            "Tributary Master",
            &["master"],
            &["report.json"],
            vec![
                choice("preset", "Preset", &[("streaming", "Streaming"), ("club", "Club")], false),
                number("amount_percent", "Match", (0.0, 100.0, 1.0, 100.0), "%", false),
                number("target_lufs", "Loudness", (-30.0, -6.0, 0.1, -14.0), "LUFS", false),
                number("ceiling_dbtp", "Ceiling", (-6.0, 0.0, 0.1, -1.0), "dBTP", false),
                control("sides", "Match the sides", switch(true), true),
            ],
        ),
    };
    ModelView {
        stems: stems.iter().map(|stem| (*stem).to_owned()).collect(),
        sheets: sheets.iter().map(|sheet| (*sheet).to_owned()).collect(),
        controls,
        references_max: if task == "master" { 8 } else { 0 },
        description: "What it does, said in a sentence or two that do not fit into the panel, so that they \
                      end in an ellipsis."
            .to_owned(),
        quality: "SI-SDR 20.02 dB at 0 dB noise, DNSMOS 3.1, 44x real time on one core".to_owned(),
        ..model(name, title, task, "standard", 1)
    }
}

/// Every service is offered, and this one chosen.
pub(crate) fn chosen(song: &Song, task: &str) -> View {
    let mut view = ready(song);
    let services = ["master", "transcribe", "enhance"].map(service);
    view.offer = view.offer.iter().take(2).cloned().chain(services).collect();
    let model = service(task);
    view.choice.stems = model.stems.iter().map(|stem| (stem.clone(), true)).collect();
    (view.choice.task, view.choice.model) = (task.to_owned(), model.name);
    view
}

fn file(name: &str, end: &str) -> PathBuf {
    PathBuf::from(format!("/music/takes/Verse 2 - {name} - 104bpm - bar 3.{end}"))
}

/// A result of this task; its rows look like these stems of the song.
pub(crate) fn made(song: &Song, task: &str, rows: &[(&str, usize)]) -> View {
    let mut view = chosen(song, task);
    let service = service(task);
    let stems = rows.iter().map(|(name, like)| StemRow {
        name: (*name).to_owned(),
        file: Some(file(name, if task == "transcribe" { "mid" } else { "wav" })),
        outline: song.stems.get(*like).map(|(_, sound)| sound.outline.clone()),
        spectrogram: None,
        gain_db: 0.0,
        is_solo: false,
        is_muted: *name == "noise",
    });
    let sheets = service.sheets.iter().map(|sheet| {
        let (title, end) = sheet.rsplit_once('.').unwrap_or((sheet, "txt"));
        SheetRow { name: sheet.clone(), file: Some(file(title, end)) }
    });
    view.result = Some(Outcome {
        job: JobKey(Uuid::from_u128(1)),
        task: task.to_owned(),
        model: format!("{} 1", service.name),
        range: (0, song.mixture.outline.frames),
        stems: stems.collect(),
        sheets: sheets.collect(),
        music: None,
        picked: None,
        transcript: None,
        report: None,
        difference_db: None,
        folder: PathBuf::from("/music/takes"),
    });
    let settings = service.controls.first().map(|control| match &control.kind {
        ControlKind::Number { .. } => SettingRecord::Number(60.0),
        _ => SettingRecord::Choice("voice".to_owned()),
    });
    view.jobs = vec![Job {
        task: task.to_owned(),
        model: service.name.clone(),
        stems: service.stems.clone(),
        settings: service.controls.iter().map(|control| control.name.clone()).zip(settings).collect(),
        ..job(1, Stage::Ready { cost: 1 })
    }]
    .into();
    view.player = Player { monitor: Monitor::Stems, match_db: 5.8, ..Player::default() };
    view
}

/// A tune with a bend, over the song's beats.
pub(crate) fn transcribed(song: &Song) -> View {
    let mut view = made(song, "transcribe", &[("notes", 0)]);
    let seconds = song.mixture.outline.frames as f64 / f64::from(song.rate_hz);
    let beat = 60.0 / 104.0;
    let beats: Vec<f64> = (0..).map(|index| f64::from(index) * beat).take_while(|at| *at < seconds).collect();
    let tune = [67, 71, 74, 72, 71, 69, 67, 62, 64, 66, 67, 79];
    let notes: Vec<_> = beats
        .iter()
        .enumerate()
        .flat_map(|(index, at)| {
            let pitch = tune[index % tune.len()];
            let bends: Vec<f64> = (0..20).map(|step| (f64::from(step) * 0.9).sin() * 0.4).collect();
            let is_long = index % 4 == 0;
            let tone = serde_json::json!({
                "start_seconds": at, "end_seconds": at + if is_long { 0.55 } else { 0.35 }, "pitch": pitch,
                "velocity": 60 + index * 7 % 60, "confidence": if index % 7 == 3 { 0.3 } else { 0.95 },
                "bends_semitones": if is_long { bends } else { Vec::new() },
            });
            let low = serde_json::json!({
                "start_seconds": at, "end_seconds": at + 0.25, "pitch": 43 + index % 3 * 5, "velocity": 90,
            });
            [tone, low]
        })
        .collect();
    let text = serde_json::json!({
        "tempo": { "bpm": 104.0, "confidence": 0.9 }, "meter": { "beats": 4, "unit": 4 },
        "key": { "name": "G major", "confidence": 0.87 }, "notes": notes,
        "downbeats_seconds": beats.iter().step_by(4).collect::<Vec<_>>(), "beats_seconds": beats,
    });
    if let Some(result) = &mut view.result {
        result.music = Some(Arc::new(Music::read(text.to_string().as_bytes())));
    }
    view
}

/// The same of several stems.
pub(crate) fn of_stems(song: &Song) -> View {
    let mut view = transcribed(song);
    if let Some(result) = &mut view.result {
        let mut music = result.music.as_deref().cloned().unwrap_or_default();
        music.tracks = ["vocals", "bass", "other"].map(str::to_owned).to_vec();
        for (index, note) in music.notes.iter_mut().enumerate() {
            note.track = if note.pitch < 60 { 1 } else { index / 2 % 2 * 2 };
        }
        result.music = Some(Arc::new(music));
    }
    view
}

/// What was said in a voice take.
pub(crate) fn said(song: &Song) -> View {
    let mut view = made(song, "enhance", &[("speech", 0), ("noise", 3)]);
    let line = |start: f64, end: f64, text: &str| serde_json::json!({ "start_seconds": start, "end_seconds": end, "text": text });
    let text = serde_json::json!({ "language": { "name": "English", "heard": true, "confidence": 0.94 }, "lines": [
        line(0.4, 3.1, "Well, the first thing I heard was the kick drum."),
        line(3.6, 9.8, "Then somebody opened the door of the control room, and for a moment all of us could hear \
                        the rain outside, which is on the record to this day if you know where to listen for it."),
        line(10.2, 12.0, "We kept it."),
        line(12.4, 14.9, "It is the best take."),
        line(15.1, 17.0, "And nobody touched the fader."),
    ] });
    if let Some(result) = &mut view.result {
        result.transcript = Some(Arc::new(Transcript::read(text.to_string().as_bytes())));
        let sheets =
            [("transcript", "txt"), ("transcript", "srt"), ("transcript", "vtt"), ("markers", "txt")];
        let sheets =
            sheets.map(|(name, end)| SheetRow { name: format!("{name}.{end}"), file: Some(file(name, end)) });
        result.sheets = sheets.into();
    }
    view
}

/// Draws a frame around some notes, and answers as the session does.
pub(crate) fn pick(window: &mut Window) {
    stands(window);
    let well = window.find("Notes of the take").expect("notes");
    let (from, to) = (well.min + well.size() * vec2(0.3, 0.06), well.min + well.size() * vec2(0.62, 0.6));
    window.drag(from, to);
    answer(window);
}

/// What the session makes of the notes that were picked last.
pub(crate) fn answer(window: &mut Window) {
    let picked = window.commands.iter().rev().find_map(|command| match command {
        Command::PickNotes(notes) => Some(notes.clone()),
        _ => None,
    });
    if let (Some(result), Some(notes)) = (&mut window.view.result, picked) {
        let file = file(&format!("{} notes", notes.len()), "mid");
        result.picked = Some(Picked { notes: notes.into(), file: Some(file), are_heard_alone: false });
    }
    window.rest();
}

/// A close look at pitches and time, with the pointer over a note.
fn close(window: &mut Window) {
    stands(window);
    let keys = window.middle("Pitches");
    window.holding(Modifiers::COMMAND, |window| window.wheel(keys, vec2(0.0, 300.0)));
    let well = window.find("Notes of the take").expect("notes");
    window.holding(Modifiers::COMMAND, |window| window.wheel(well.center(), vec2(0.0, 300.0)));
    window.point(well.center());
    window.rest();
}

/// What a master's report says.
pub(crate) fn report() -> Report {
    let curve: Vec<_> = (0..=60)
        .map(|index| {
            let at = f64::from(index);
            let (mid, side) = ((at / 9.0).sin() * 3.0 - 0.5, (at / 13.0).cos() * 2.0 + at / 40.0);
            serde_json::json!({ "hz": 20.0 * 2f64.powf(at / 6.0), "mid_db": mid, "side_db": side })
        })
        .collect();
    let text = serde_json::json!({
        "before": { "integrated_lufs": -19.84, "range_lu": 7.2, "true_peak_dbtp": -2.31,
            "sample_peak_dbfs": -2.52, "rms_dbfs": -20.13, "crest_db": 17.61 },
        "after": { "integrated_lufs": -14.02, "range_lu": 5.9, "true_peak_dbtp": -1.04,
            "sample_peak_dbfs": -1.31, "rms_dbfs": -14.4, "crest_db": 13.09 },
        "gain_reduction_db": 3.4, "eq": curve,
    });
    Report::read(text.to_string().as_bytes())
}

fn mastered(song: &Song) -> View {
    let mut view = made(song, "master", &[("master", 0)]);
    if let Some(result) = &mut view.result {
        result.stems[0].outline = Some(song.mixture.outline.clone());
        result.report = Some(Arc::new(report()));
    }
    view
}

fn enhanced(song: &Song) -> View {
    let mut view = made(song, "enhance", &[("speech", 0), ("noise", 3)]);
    let text = br#"{"before":{"integrated_lufs":-23.4,"true_peak_dbtp":-3.1},
        "after":{"integrated_lufs":-24.0,"true_peak_dbtp":-3.6},"mean_reduction_db":18.3}"#;
    if let Some(result) = &mut view.result {
        result.report = Some(Arc::new(Report::read(text)));
    }
    view
}

/// Opens the side panel where it is folded away.
fn unfold(window: &mut Window) {
    stands(window);
    if window.size.0 < 860.0 {
        window.click("Side panel");
    }
}

/// All of them.
pub(crate) fn all(song: &Song) -> Vec<Scene> {
    let mut referred = chosen(song, "master");
    let clip = ClipRecord { sha256: [1; 32], frames: 44_100 * 214, channels: 2, rate_hz: 44_100 };
    referred.choice.references = vec![ReferenceRecord { name: "Their best song.wav".to_owned(), clip }];
    referred.choice.settings = [("target_lufs".to_owned(), SettingRecord::Number(-9.0))].into();
    let more = |window: &mut Window| {
        unfold(window);
        window.click("More controls");
    };
    let mut scenes = services(song, referred, more);
    scenes.extend(heard(song));
    scenes
}

fn services(song: &Song, referred: View, more: fn(&mut Window)) -> Vec<Scene> {
    vec![
        scene(
            "50-enhance",
            chosen(song, "enhance"),
            unfold,
            &["Strength", "100 dB", "Keep room", "More controls (2)"],
        ),
        scene(
            "51-enhanced",
            enhanced(song),
            stands,
            &["Speech", "Noise", "Enhanced by", "-24.0 LUFS", "18.3 dB"],
        ),
        scene(
            "52-transcribe",
            chosen(song, "transcribe"),
            more,
            &["Instrument", "Any", "Quantise", "Onset threshold"],
        ),
        scene(
            "53-transcribed",
            transcribed(song),
            stands,
            &[
                "104.0 bpm, 4/4, G major (87 %)",
                "MIDI",
                "Verse 2 - notes - 104bpm - bar 3.mid",
                "Score",
                "C4",
            ],
        ),
        scene(
            "54-master",
            chosen(song, "master"),
            unfold,
            &["References", "none", "Choose a reference", "Ceiling", "-1.0 dBTP"],
        ),
        scene("55-master-reference", referred, unfold, &["Their best song.wav", "3:34.0", "-9.0 LUFS"]),
        scene(
            "56-mastered",
            mastered(song),
            stands,
            &["-14.0 LUFS", "-19.8 LUFS", "-1.0 dBTP", "5.9 LU", "Mid", "Master by"],
        ),
        scene(
            "57-history-services",
            transcribed(song),
            |window| window.click("History"),
            &["Transcribe with basic-pitch", "Instrument Voice"],
        ),
    ]
}

/// Notes at hand, and words.
fn heard(song: &Song) -> Vec<Scene> {
    vec![
        scene("58-notes-picked", transcribed(song), pick, &["notes", " of ", "Hear", "MIDI"]),
        scene(
            "59-notes-of-stems",
            of_stems(song),
            |window| {
                stands(window);
                window.click("Notes of other");
            },
            &["Vocals", "Bass", "Other", "notes   "],
        ),
        scene("60-notes-close", transcribed(song), close, &["C4", "D4"]),
        scene(
            "61-transcript",
            said(song),
            |window| {
                window.gauges.playhead.store(200_000, Relaxed);
                stands(window);
            },
            &[
                "Transcript",
                "heard as English (94 % sure)",
                "0:00.4",
                "the first thing I heard",
                "Copy all",
                "SRT",
            ],
        ),
        scene(
            "62-transcript-empty",
            {
                let mut silent = said(song);
                if let Some(result) = &mut silent.result {
                    result.transcript = Some(Arc::default());
                }
                silent
            },
            stands,
            &["Nobody speaks in this take"],
        ),
    ]
}

//! The controls of transcription and what they mean together: a preset speaks where a control was left alone.

use super::{HOP_FRAMES, Kind, RATE_HZ};
use crate::ModelError;
use crate::music::beats::Known;
use crate::music::tempo::BPM;
use crate::music::{LOWEST_PITCH, PITCHES, midi_of_hz};
use crate::settings::{Control, ControlKind, Setting, Settings};
use std::ops::Range;

/// The lowest and the highest note of a piano, with room for one that is out of tune.
const LOWEST_HZ: f64 = 27.0;
const HIGHEST_HZ: f64 = 4_300.0;
/// The publisher's shortest note: 11 columns.
const MINIMUM_MS: f64 = 127.7;

/// The publisher's threshold for one voice. Of the song's own stems it finds most notes, too.
const CONFIDENCE: f64 = 0.9;
/// The range of the publisher's network.
const LINE_HZ: (f64, f64) = (46.875, 2_093.75);
const LINE_MINIMUM_MS: f64 = 100.0;
/// General MIDI: choir aahs, counted from 0.
const VOICE_PROGRAM: u8 = 52;

/// What a user wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wishes {
    pub(super) drums: bool,
    pub(super) onset_threshold: f64,
    pub(super) frame_threshold: f64,
    /// How sure a pitch of a line must be.
    pub(super) confidence: f64,
    pub(super) minimum_ms: f64,
    pub(super) hz: (f64, f64),
    pub(super) mono: bool,
    pub(super) bends: bool,
    /// 0 to 1.
    pub(super) quantize: f64,
    pub(super) steps_a_beat: u32,
    /// General MIDI, counted from 0.
    pub(super) program: u8,
    pub(super) known: Known,
}

/// What is usual for an instrument. Ranges: that of the instrument and half a tone.
struct Preset {
    word: &'static str,
    hz: (f64, f64),
    minimum_ms: f64,
    mono: bool,
    program: u8,
}

const PRESETS: [Preset; 6] = [
    Preset { word: "any", hz: (LOWEST_HZ, HIGHEST_HZ), minimum_ms: MINIMUM_MS, mono: false, program: 4 },
    // A bass's E2 to a soprano's C6.
    Preset { word: "voice", hz: (80.0, 1_080.0), minimum_ms: 100.0, mono: true, program: VOICE_PROGRAM },
    // Open low E, or D below it, to the 24th fret.
    Preset { word: "guitar", hz: (71.0, 1_360.0), minimum_ms: 90.0, mono: false, program: 25 },
    Preset { word: "piano", hz: (LOWEST_HZ, HIGHEST_HZ), minimum_ms: 80.0, mono: false, program: 0 },
    // Low B of five strings to the 20th fret of the G string.
    Preset { word: "bass", hz: (30.0, 320.0), minimum_ms: 90.0, mono: true, program: 33 },
    Preset { word: "drums", hz: (LOWEST_HZ, HIGHEST_HZ), minimum_ms: MINIMUM_MS, mono: false, program: 0 },
];

/// The controls of each kind.
pub(super) fn controls(kind: Kind) -> Vec<Control> {
    let mut controls = Vec::new();
    if kind == Kind::Notes {
        controls.push(choice(
            "preset",
            "Instrument",
            "Sets range, shortest note and mono for an instrument, where those are left as they are; drums are \
             written as General MIDI drum notes.",
            &[
                ("any", "Any"),
                ("voice", "Voice"),
                ("guitar", "Guitar"),
                ("piano", "Piano"),
                ("bass", "Bass"),
                ("drums", "Drums"),
            ],
            "any",
        ));
    }
    if kind == Kind::Line {
        controls.extend(line_controls());
    }
    if kind != Kind::Beats {
        controls.push(number(
            ("onset_threshold", "Onsets from"),
            "How sure it must be that a note begins; lower finds more notes.",
            (0.05, 0.95, 0.05, 0.5),
            "",
        ));
    }
    if kind == Kind::Notes {
        controls.extend(note_controls());
    }
    if kind != Kind::Beats {
        controls.push(number(
            ("quantize_percent", "Quantise"),
            "How far notes are drawn to the grid; 0 leaves them as they were played.",
            (0.0, 100.0, 1.0, 0.0),
            "%",
        ));
        controls.push(choice(
            "grid",
            "Grid",
            "The shortest note of the score, and where quantised notes go.",
            &[("1/4", "1/4"), ("1/8", "1/8"), ("1/16", "1/16"), ("1/8t", "1/8 triplets")],
            "1/16",
        ));
    }
    controls.push(choice(
        "meter",
        "Metre",
        "Beats a bar; auto hears it.",
        &[("auto", "Auto"), ("2-4", "2/4"), ("3-4", "3/4"), ("4-4", "4/4"), ("5-4", "5/4"), ("7-4", "7/4")],
        "auto",
    ));
    controls.push(Control {
        advanced: true,
        ..number(
            ("tempo_bpm", "Tempo about"),
            "About how fast it is, where half or double tempo is heard; 0 hears it.",
            (0.0, 300.0, 1.0, 0.0),
            "BPM",
        )
    });
    controls
}

/// The controls of a band: its switch, then what is true of all its stems at once.
pub(super) fn band_controls() -> Vec<Control> {
    let switch = Control {
        name: "midi",
        title: "Notes of each stem",
        help: "Writes the notes of every chosen stem as MIDI and score, drums as General MIDI drum notes, and all of \
               them in one MIDI file; all in time with the clip. Costs what transcribing costs, once for all stems.",
        kind: ControlKind::Switch { default: false },
        advanced: false,
    };
    let all = controls(Kind::Drums).into_iter().filter(|control| control.name != "onset_threshold");
    std::iter::once(switch).chain(all.map(|control| Control { advanced: true, ..control })).collect()
}

fn line_controls() -> Vec<Control> {
    let confidence = number(
        ("confidence", "Sure from"),
        "How sure it must be that there is a pitch; lower finds softer and breathier notes.",
        (0.05, 0.95, 0.05, CONFIDENCE),
        "",
    );
    let [minimum, lowest, highest] = bounds(LINE_HZ, LINE_MINIMUM_MS);
    vec![confidence, minimum, lowest, highest, bends()]
}

fn note_controls() -> Vec<Control> {
    let threshold = number(
        ("frame_threshold", "Notes from"),
        "How sure it must be that a note sounds; lower makes notes longer.",
        (0.05, 0.95, 0.05, 0.3),
        "",
    );
    let [minimum, lowest, highest] = bounds((LOWEST_HZ, HIGHEST_HZ), MINIMUM_MS);
    let mono = choice(
        "mono",
        "Voices",
        "One note at a time or many; auto is as the instrument plays.",
        &[("auto", "Auto"), ("mono", "One at a time"), ("poly", "Many")],
        "auto",
    );
    vec![Control { advanced: true, ..threshold }, minimum, lowest, highest, mono, bends()]
}

/// The shortest note and the range.
fn bounds(hz: (f64, f64), minimum_ms: f64) -> [Control; 3] {
    let minimum = number(
        ("minimum_ms", "Shortest note"),
        "Shorter notes are left out.",
        (20.0, 1_000.0, 1.0, minimum_ms),
        "ms",
    );
    let lowest = number(("lowest_hz", "Lowest"), "Lower notes are left out.", (hz.0, hz.1, 1.0, hz.0), "Hz");
    let highest =
        number(("highest_hz", "Highest"), "Higher notes are left out.", (hz.0, hz.1, 1.0, hz.1), "Hz");
    let advanced = |control: Control| Control { advanced: true, ..control };
    [minimum, advanced(lowest), advanced(highest)]
}

fn bends() -> Control {
    Control {
        name: "bends",
        title: "Pitch bends",
        help: "Writes slides and vibrato of notes that sound alone as pitch bends.",
        kind: ControlKind::Switch { default: true },
        advanced: false,
    }
}

fn number(
    (name, title): (&'static str, &'static str),
    help: &'static str,
    (min, max, step, default): (f64, f64, f64, f64),
    unit: &'static str,
) -> Control {
    let kind = ControlKind::Number { min, max, step, default, unit };
    Control { name, title, help, kind, advanced: false }
}

fn choice(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    options: &'static [(&'static str, &'static str)],
    default: &'static str,
) -> Control {
    Control { name, title, help, kind: ControlKind::Choice { options, default }, advanced: false }
}

impl Wishes {
    /// What checked settings mean.
    ///
    /// # Errors
    /// [`ModelError::Setting`] where they contradict each other.
    pub(super) fn read(settings: &Settings, kind: Kind) -> Result<Self, ModelError> {
        let preset = if kind == Kind::Notes { settings.choice("preset") } else { "any" };
        let preset = PRESETS.iter().find(|known| known.word == preset).unwrap_or(&PRESETS[0]);
        let mut wishes = Self {
            drums: kind == Kind::Drums || preset.word == "drums",
            onset_threshold: 0.5,
            frame_threshold: 0.3,
            confidence: CONFIDENCE,
            minimum_ms: preset.minimum_ms,
            hz: preset.hz,
            mono: preset.mono,
            bends: false,
            quantize: 0.0,
            steps_a_beat: 4,
            program: preset.program,
            known: Known::default(),
        };
        if kind == Kind::Notes {
            wishes.read_notes(settings);
        }
        if kind == Kind::Line {
            wishes.program = VOICE_PROGRAM;
            wishes.confidence = settings.number("confidence");
            wishes.minimum_ms = settings.number("minimum_ms");
            wishes.bends = settings.switch("bends");
            wishes.hz = (settings.number("lowest_hz"), settings.number("highest_hz"));
        }
        if kind != Kind::Beats {
            wishes.onset_threshold = settings.number("onset_threshold");
            wishes.quantize = settings.number("quantize_percent") / 100.0;
            wishes.steps_a_beat = match settings.choice("grid") {
                "1/4" => 1,
                "1/8" => 2,
                "1/8t" => 3,
                _ => 4,
            };
        }
        wishes.known.bar_beats = match settings.choice("meter") {
            "2-4" => Some(2),
            "3-4" => Some(3),
            "4-4" => Some(4),
            "5-4" => Some(5),
            "7-4" => Some(7),
            _ => None,
        };
        let bpm = settings.number("tempo_bpm");
        wishes.known.bpm = (bpm > 0.0).then(|| bpm.clamp(BPM.0, BPM.1));
        wishes.check_range()?;
        Ok(wishes)
    }

    fn read_notes(&mut self, settings: &Settings) {
        let said = |name: &str, default: f64, preset: f64| {
            let said = settings.number(name);
            if said == default { preset } else { said }
        };
        self.frame_threshold = settings.number("frame_threshold");
        self.minimum_ms = said("minimum_ms", MINIMUM_MS, self.minimum_ms);
        self.hz.0 = said("lowest_hz", LOWEST_HZ, self.hz.0);
        self.hz.1 = said("highest_hz", HIGHEST_HZ, self.hz.1);
        self.bends = settings.switch("bends");
        self.mono = match settings.choice("mono") {
            "mono" => true,
            "poly" => false,
            _ => self.mono,
        };
    }

    fn check_range(&self) -> Result<(), ModelError> {
        if self.hz.0 > self.hz.1 {
            let (lowest, highest) = self.hz;
            let reason = format!("it is {lowest} Hz, above `highest_hz`, which is {highest} Hz");
            return Err(ModelError::Setting { setting: "lowest_hz".to_owned(), reason });
        }
        Ok(())
    }

    /// The settings with what the preset decided, so that a job's record says what was done. Reading them again gives
    /// the same wishes.
    pub(super) fn write(&self, settings: Settings, kind: Kind) -> Settings {
        if kind != Kind::Notes {
            return settings;
        }
        settings
            .with("minimum_ms", Setting::Number(self.minimum_ms))
            .with("lowest_hz", Setting::Number(self.hz.0))
            .with("highest_hz", Setting::Number(self.hz.1))
            .with("mono", Setting::Choice((if self.mono { "mono" } else { "poly" }).to_owned()))
    }

    /// Which of the network's pitches count.
    pub(super) fn pitches(&self) -> Range<usize> {
        let index = |hz: f64| midi_of_hz(hz) - f64::from(LOWEST_PITCH);
        let from = (index(self.hz.0).ceil().max(0.0) as usize).min(PITCHES);
        from..((index(self.hz.1).floor() + 1.0).max(0.0) as usize).clamp(from, PITCHES)
    }

    /// The shortest note, columns.
    pub(super) fn minimum_columns(&self) -> u32 {
        (self.minimum_ms / 1000.0 * f64::from(RATE_HZ) / HOP_FRAMES as f64).round().max(1.0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: Settings) -> Wishes {
        Wishes::read(&settings.checked(&controls(Kind::Notes)).unwrap(), Kind::Notes).unwrap()
    }

    fn word(settings: Settings, name: &str, word: &str) -> Settings {
        settings.with(name, Setting::Choice(word.to_owned()))
    }

    #[test]
    fn a_preset_speaks_only_where_a_control_was_left_alone() {
        let bass = read(word(Settings::default(), "preset", "bass"));
        assert_eq!((bass.hz, bass.mono, bass.minimum_ms), ((30.0, 320.0), true, 90.0));
        let bass = word(word(Settings::default(), "preset", "bass"), "mono", "poly");
        let bass = read(bass.with("highest_hz", Setting::Number(500.0)));
        assert_eq!((bass.hz, bass.mono, bass.minimum_ms), ((30.0, 500.0), false, 90.0));
    }

    #[test]
    fn what_was_decided_is_read_again_as_it_was_written() {
        for preset in PRESETS {
            let settings = word(Settings::default(), "preset", preset.word);
            let settings = settings.checked(&controls(Kind::Notes)).unwrap();
            let wishes = Wishes::read(&settings, Kind::Notes).unwrap();
            let again = Wishes::read(&wishes.write(settings, Kind::Notes), Kind::Notes).unwrap();
            assert_eq!(wishes, again);
        }
    }

    #[test]
    fn the_defaults_are_the_publishers() {
        let wishes = read(Settings::default());
        assert_eq!((wishes.pitches(), wishes.minimum_columns()), (0..PITCHES, 11));
        assert_eq!((wishes.onset_threshold, wishes.frame_threshold, wishes.mono), (0.5, 0.3, false));
    }

    #[test]
    fn a_range_upside_down_is_refused_by_name() {
        let settings = Settings::default().with("lowest_hz", Setting::Number(500.0));
        let settings =
            settings.with("highest_hz", Setting::Number(400.0)).checked(&controls(Kind::Notes)).unwrap();
        let error = Wishes::read(&settings, Kind::Notes).unwrap_err();
        assert!(matches!(error, ModelError::Setting { setting, .. } if setting == "lowest_hz"));
    }
}

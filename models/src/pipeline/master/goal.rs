//! What a user may set, and what the settings mean: a level, a ceiling, how much equaliser. Pure bookkeeping.

use crate::ModelError;
use crate::settings::{Control, ControlKind, Settings};

/// The words of the control `preset`.
const PRESETS: &[(&str, &str)] = &[
    ("streaming", "Streaming (-14 LUFS, -1 dBTP)"),
    ("club", "Club (-9 LUFS, -0.5 dBTP)"),
    ("broadcast", "Broadcast, EBU R 128 (-23 LUFS, -1 dBTP)"),
    ("podcast", "Podcast (-16 LUFS, -1 dBTP)"),
    ("reference", "As loud as the reference"),
    ("custom", "Own target and ceiling"),
];

const LIMITERS: &[(&str, &str)] =
    &[("true_peak", "True peak"), ("classic", "Classic (sample peak)"), ("off", "Off: turned down instead")];

/// A reference may peak at full scale; a true-peak ceiling of a result stays this far below.
const REFERENCE_CEILING_DBTP: f64 = -0.1;

/// What to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Level {
    /// Integrated loudness.
    Loudness { lufs: f64 },
    /// The level of the reference's loudest parts, and its peak.
    Reference,
}

/// What keeps peaks down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    TruePeak,
    Classic,
    Off,
}

/// The settings, understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Goal {
    pub(super) level: Level,
    /// With [`Level::Reference`] the highest it may be.
    pub(super) ceiling_db: f64,
    pub(super) guard: Guard,
    pub(super) release_ms: f64,
    /// How much of the equaliser, 0 to 1.
    pub(super) amount: f64,
    pub(super) range_db: f64,
    pub(super) sides: bool,
}

const fn number(min: f64, max: f64, step: f64, default: f64, unit: &'static str) -> ControlKind {
    ControlKind::Number { min, max, step, default, unit }
}

pub(super) const CONTROLS: [Control; 9] = [
    Control {
        name: "preset",
        title: "Loudness",
        help: "Where it will be heard: sets loudness and ceiling.",
        kind: ControlKind::Choice { options: PRESETS, default: "streaming" },
        advanced: false,
    },
    Control {
        name: "target_lufs",
        title: "Target",
        help: "Integrated loudness; counts with the preset `custom`.",
        kind: number(-36.0, -5.0, 0.5, -14.0, "LUFS"),
        advanced: false,
    },
    Control {
        name: "ceiling_dbtp",
        title: "Ceiling",
        help: "No peak will be above this, also between the samples; counts with the preset `custom`.",
        kind: number(-12.0, 0.0, 0.1, -1.0, "dBTP"),
        advanced: false,
    },
    Control {
        name: "match_percent",
        title: "Match",
        help: "How far the tone goes towards the reference's, or without one towards a neutral one.",
        kind: number(0.0, 100.0, 5.0, 100.0, "%"),
        advanced: false,
    },
    Control {
        name: "eq",
        title: "Equaliser",
        help: "Off leaves the tone alone: level and limiter only.",
        kind: ControlKind::Switch { default: true },
        advanced: false,
    },
    Control {
        name: "match_sides",
        title: "Match the sides",
        help: "What is left and right gets a curve of its own; off gives it the middle's, and keeps the width.",
        kind: ControlKind::Switch { default: true },
        advanced: true,
    },
    Control {
        name: "eq_range_db",
        title: "Equaliser range",
        help: "No frequency is raised or lowered by more.",
        kind: number(0.0, 48.0, 1.0, 18.0, "dB"),
        advanced: true,
    },
    Control {
        name: "limiter",
        title: "Limiter",
        help: "What holds the ceiling.",
        kind: ControlKind::Choice { options: LIMITERS, default: "true_peak" },
        advanced: true,
    },
    Control {
        name: "release_ms",
        title: "Release",
        help: "How fast the true-peak limiter lets go: shorter is louder, longer is cleaner.",
        kind: number(20.0, 1000.0, 10.0, 120.0, "ms"),
        advanced: true,
    },
];

impl Goal {
    /// `settings` are checked; there are `references` of them.
    ///
    /// # Errors
    /// [`ModelError::Setting`] where a reference is asked for and none is there.
    pub(super) fn new(settings: &Settings, references: usize) -> Result<Self, ModelError> {
        let loudness = |lufs, ceiling_db| (Level::Loudness { lufs }, ceiling_db);
        let (level, ceiling_db) = match settings.choice("preset") {
            "club" => loudness(-9.0, -0.5),
            "broadcast" => loudness(-23.0, -1.0),
            "podcast" => loudness(-16.0, -1.0),
            "reference" => (Level::Reference, REFERENCE_CEILING_DBTP),
            "custom" => loudness(settings.number("target_lufs"), settings.number("ceiling_dbtp")),
            _ => loudness(-14.0, -1.0),
        };
        if level == Level::Reference && references == 0 {
            let reason = "`reference` needs a reference; give one or choose another preset".to_owned();
            return Err(ModelError::Setting { setting: "preset".to_owned(), reason });
        }
        let guard = match settings.choice("limiter") {
            "classic" => Guard::Classic,
            "off" => Guard::Off,
            _ => Guard::TruePeak,
        };
        let amount = if settings.switch("eq") { settings.number("match_percent") / 100.0 } else { 0.0 };
        Ok(Self {
            level,
            ceiling_db,
            guard,
            release_ms: settings.number("release_ms"),
            amount,
            range_db: settings.number("eq_range_db"),
            sides: settings.switch("match_sides"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    fn goal(words: &[(&str, Setting)], references: usize) -> Result<Goal, ModelError> {
        let settings =
            words.iter().fold(Settings::default(), |all, (name, value)| all.with(name, value.clone()));
        Goal::new(&settings.checked(&CONTROLS)?, references)
    }

    #[test]
    fn presets_set_target_and_ceiling_and_custom_leaves_them_to_the_user() {
        let choice = |word: &str| Setting::Choice(word.to_owned());
        let own = ("target_lufs", Setting::Number(-11.5));
        for (preset, lufs, ceiling_db) in [
            ("streaming", -14.0, -1.0),
            ("club", -9.0, -0.5),
            ("broadcast", -23.0, -1.0),
            ("custom", -11.5, -1.0),
        ] {
            let goal = goal(&[("preset", choice(preset)), own.clone()], 0).unwrap();
            assert_eq!((goal.level, goal.ceiling_db), (Level::Loudness { lufs }, ceiling_db), "{preset}");
        }
        assert_eq!(goal(&[("eq", Setting::Switch(false))], 0).unwrap().amount, 0.0);
        assert_eq!(goal(&[("preset", choice("reference"))], 1).unwrap().level, Level::Reference);
        let missing = goal(&[("preset", choice("reference"))], 0).unwrap_err().to_string();
        assert!(missing.contains("`preset`") && missing.contains("needs a reference"), "{missing}");
    }
}

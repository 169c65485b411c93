//! What a user may set, and what it means for the mix. Pure arithmetic.

use crate::settings::{Control, ControlKind, Settings};

/// The limit at which there is none.
const UNLIMITED_DB: f64 = 100.0;

/// The switch that needs a network of its own.
pub(super) const GATE: &str = "gate_silence";

/// The settings of one job, understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wish {
    /// How much of the clip stays in the speech stem, 0 to 1.
    pub(super) clip_share: f32,
    pub(super) post_filter: bool,
    /// Whether silence between speech is left clean.
    pub(super) gate: bool,
    /// Integrated loudness to bring the speech stem to.
    pub(super) target_lufs: Option<f64>,
}

impl Wish {
    /// `settings` are checked against [`controls`].
    pub(super) fn of(settings: &Settings, post_filter: bool) -> Self {
        let limit_db = settings.number("strength_db");
        let limit = if limit_db >= UNLIMITED_DB { 0.0 } else { 10.0_f64.powf(-limit_db / 20.0) };
        let room = settings.number("room_percent") / 100.0;
        Self {
            clip_share: (1.0 - (1.0 - limit) * (1.0 - room)) as f32,
            gate: settings.switch(GATE),
            post_filter: post_filter && settings.switch("post_filter"),
            target_lufs: settings.switch("loudness").then(|| settings.number("target_lufs")),
        }
    }
}

/// The controls of a network with or without a post-filter.
pub(super) fn controls(post_filter: bool) -> Vec<Control> {
    let number = |(min, max, step, default), unit| ControlKind::Number { min, max, step, default, unit };
    let control = |name, title, help, kind, advanced| Control { name, title, help, kind, advanced };
    let mut controls = vec![
        control(
            "strength_db",
            "Strength",
            "How far noise may be lowered; 100 dB is no limit, 0 dB leaves the clip as it is.",
            number((0.0, UNLIMITED_DB, 1.0, UNLIMITED_DB), "dB"),
            false,
        ),
        control(
            "room_percent",
            "Keep room",
            "How much of the original is mixed back, so that a voice keeps its room.",
            number((0.0, 100.0, 1.0, 0.0), "%"),
            false,
        ),
        control(
            GATE,
            "Silence stays clean",
            "Where nobody speaks, the speech stem is silent, as far as strength allows; needs the model silero-vad.",
            ControlKind::Switch { default: false },
            false,
        ),
        control(
            "loudness",
            "Loudness to target",
            "Brings the speech to the target loudness, peaks at most at -1 dBTP. Doubles the work: the clip is gone \
             through twice, since the gain must be known before the first frame is written.",
            ControlKind::Switch { default: false },
            false,
        ),
        control(
            "target_lufs",
            "Target loudness",
            "Integrated loudness by ITU-R BS.1770, where loudness to target is on.",
            number((-40.0, -8.0, 0.5, -16.0), "LUFS"),
            true,
        ),
    ];
    if post_filter {
        controls.push(control(
            "post_filter",
            "Post-filter",
            "Lowers what is mostly noise a little more; very noisy clips gain, others lose some brightness.",
            ControlKind::Switch { default: false },
            true,
        ));
    }
    controls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    fn share(strength_db: f64, room_percent: f64) -> f32 {
        let settings = Settings::default()
            .with("strength_db", Setting::Number(strength_db))
            .with("room_percent", Setting::Number(room_percent));
        Wish::of(&settings.checked(&controls(false)).unwrap(), false).clip_share
    }

    #[test]
    fn the_limit_and_the_room_keep_their_share_of_the_clip() {
        assert_eq!(share(100.0, 0.0), 0.0);
        assert_eq!(share(0.0, 0.0), 1.0);
        assert_eq!(share(100.0, 100.0), 1.0);
        assert!((share(20.0, 0.0) - 0.1).abs() < 1e-7);
        assert!((share(20.0, 50.0) - 0.55).abs() < 1e-7);
    }

    #[test]
    fn only_a_network_that_has_a_post_filter_offers_it() {
        assert!(!controls(false).iter().any(|control| control.name == "post_filter"));
        let settings = Settings::default().with("post_filter", Setting::Switch(true));
        assert!(settings.clone().checked(&controls(false)).is_err());
        assert!(Wish::of(&settings.checked(&controls(true)).unwrap(), true).post_filter);
    }
}

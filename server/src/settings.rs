//! Settings and controls between the words of the wire and those of the models. No rules of its own.

use tributary_models as models;
use tributary_protocol::settings::{Control, ControlKind, Setting, Settings};

/// As the models take them; what they are is checked by the pipeline's plan.
#[must_use]
pub fn to_models(settings: &Settings) -> models::Settings {
    let set = |all: models::Settings, (name, setting): (&String, &Setting)| {
        let setting = match setting {
            Setting::Number(number) => models::Setting::Number(*number),
            Setting::Switch(on) => models::Setting::Switch(*on),
            Setting::Choice(word) => models::Setting::Choice(word.clone()),
        };
        all.with(name, setting)
    };
    settings.iter().fold(models::Settings::default(), set)
}

/// As jobs keep them. A number that is not finite has no place there and is left out: a plan's are all finite.
#[must_use]
pub fn from_models(settings: &models::Settings) -> Settings {
    let read = |(name, setting): (&str, &models::Setting)| {
        let setting = match setting {
            models::Setting::Number(number) => Setting::number(*number)?,
            models::Setting::Switch(on) => Setting::Switch(*on),
            models::Setting::Choice(word) => Setting::Choice(word.clone()),
        };
        Some((name.to_owned(), setting))
    };
    settings.iter().filter_map(read).collect()
}

/// A control as clients draw it.
#[must_use]
pub fn control(control: &models::Control) -> Control {
    let kind = match &control.kind {
        models::ControlKind::Number { min, max, step, default, unit } => ControlKind::Number {
            min: *min,
            max: *max,
            step: *step,
            default: *default,
            unit: (*unit).to_owned(),
        },
        models::ControlKind::Switch { default } => ControlKind::Switch { default: *default },
        models::ControlKind::Choice { options, default } => ControlKind::Choice {
            options: options.iter().map(|(word, title)| ((*word).to_owned(), (*title).to_owned())).collect(),
            default: (*default).to_owned(),
        },
    };
    Control {
        name: control.name.to_owned(),
        title: control.title.to_owned(),
        help: control.help.to_owned(),
        advanced: control.advanced,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_went() {
        let settings = Settings::from([
            ("a".to_owned(), Setting::Number(-1.5)),
            ("b".to_owned(), Setting::Switch(true)),
            ("c".to_owned(), Setting::Choice("best".to_owned())),
        ]);
        assert_eq!(from_models(&to_models(&settings)), settings);
    }
}

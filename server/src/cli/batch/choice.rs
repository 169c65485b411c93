//! Which model, and what its controls are set to.

use super::Task;
use anyhow::{Context, bail};
use tributary_models::Catalog;
use tributary_protocol::client::Client;
use tributary_protocol::settings::{Control, ControlKind, Setting, Settings};

/// A model with its controls.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) model: String,
    pub(super) controls: Vec<Control>,
}

/// The named model, or the task's best that the server offers.
pub(super) async fn of_server(client: &Client, task: &Task, named: Option<&str>) -> anyhow::Result<Choice> {
    let offered = client.models().await?.models;
    let find = |name: &str| offered.iter().find(|model| model.name == name && model.task == task.word);
    let found = match named {
        // A name that the server does not know is refused by the server, in its words.
        Some(name) => offered.iter().find(|model| model.name == name),
        None => task.prefers.iter().find_map(|name| find(name)),
    };
    let Some(model) =
        found.or_else(|| offered.iter().find(|model| named.is_none() && model.task == task.word))
    else {
        return match named {
            Some(name) => Ok(Choice { model: name.to_owned(), controls: Vec::new() }),
            None => bail!(
                "this server offers no model to {}; `tributary models list` shows what it has",
                task.word
            ),
        };
    };
    wrong_task(&model.name, &model.task, task)?;
    Ok(Choice { model: model.name.clone(), controls: model.controls.clone() })
}

/// The named model, or the task's best that is installed here.
pub(super) fn of_catalog(catalog: &Catalog, task: &Task, named: Option<&str>) -> anyhow::Result<Choice> {
    let name = match named {
        Some(name) => name,
        None => {
            let best = task.prefers.iter().find(|name| catalog.is_installed(name));
            best.with_context(|| {
                let names = task.prefers.join(", ");
                format!("no model to {} is installed; `tributary models pull` one of {names}", task.word)
            })?
        }
    };
    let card = catalog.get(name)?;
    wrong_task(name, card.task.word(), task)?;
    let controls = catalog.pipeline(name)?.controls();
    Ok(Choice { model: name.to_owned(), controls: controls.iter().map(crate::settings::control).collect() })
}

/// `NAME=VALUE`s for a model of the server, whatever its task. A model it does not know it refuses itself.
pub(in crate::cli) async fn settings_of_server(
    client: &Client,
    model: &str,
    texts: &[String],
) -> anyhow::Result<Settings> {
    if texts.is_empty() {
        return Ok(Settings::new());
    }
    let offered = client.models().await?.models.into_iter().find(|offered| offered.name == model);
    let controls = offered.map(|offered| offered.controls).unwrap_or_default();
    Choice { model: model.to_owned(), controls }.settings(texts.iter())
}

fn wrong_task(name: &str, is_for: &str, task: &Task) -> anyhow::Result<()> {
    if is_for == task.word {
        return Ok(());
    }
    bail!("model `{name}` is for another task: use `tributary {is_for}`")
}

impl Choice {
    /// Says what to do where a flag sets what the model lacks.
    pub(super) fn check_flags(&self, task: &Task) -> anyhow::Result<()> {
        for (name, advice) in task.lacks {
            let is_set = task.settings.iter().any(|text| text.split('=').next() == Some(name));
            if is_set && self.controls.iter().all(|control| control.name != *name) {
                bail!("model `{}` has no `--{name}`: {advice}", self.model);
            }
        }
        Ok(())
    }

    /// `NAME=VALUE`s as settings; a later one of the same name counts.
    pub(super) fn settings<'a>(&self, texts: impl Iterator<Item = &'a String>) -> anyhow::Result<Settings> {
        let mut settings = Settings::new();
        for text in texts {
            let (name, value) = text.split_once('=').with_context(|| {
                format!(
                    "`--set {text}`: write NAME=VALUE; `tributary models show {}` lists the names",
                    self.model
                )
            })?;
            let Some(control) = self.controls.iter().find(|control| control.name == name) else {
                let known: Vec<_> = self.controls.iter().map(|control| control.name.as_str()).collect();
                let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
                bail!("model `{}` has no setting `{name}`; it has {known}", self.model);
            };
            let setting = read(&control.kind, value).with_context(|| {
                format!("setting `{name}` is `{value}`; it must be {}", allowed(&control.kind))
            })?;
            settings.insert(name.to_owned(), setting);
        }
        Ok(settings)
    }
}

/// None where the text is no value of this kind; whether a number is in range is said by who runs the model, too.
fn read(kind: &ControlKind, text: &str) -> Option<Setting> {
    match kind {
        ControlKind::Number { min, max, .. } => {
            let number = text.parse().ok()?;
            (*min..=*max).contains(&number).then(|| Setting::number(number))?
        }
        ControlKind::Switch { .. } => match text {
            "on" | "true" | "yes" => Some(Setting::Switch(true)),
            "off" | "false" | "no" => Some(Setting::Switch(false)),
            _ => None,
        },
        ControlKind::Choice { options, .. } => {
            options.iter().any(|(word, _)| word == text).then(|| Setting::Choice(text.to_owned()))
        }
    }
}

/// What is allowed, in words.
pub(in crate::cli) fn allowed(kind: &ControlKind) -> String {
    match kind {
        ControlKind::Number { min, max, unit, .. } => {
            format!("a number from {min} to {max} {unit}").trim_end().to_owned()
        }
        ControlKind::Switch { .. } => "on or off".to_owned(),
        ControlKind::Choice { options, .. } => {
            let words: Vec<_> = options.iter().map(|(word, _)| word.as_str()).collect();
            format!("one of {}", words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice() -> Choice {
        let control = |name: &str, kind| Control {
            name: name.into(),
            title: String::new(),
            help: String::new(),
            advanced: false,
            kind,
        };
        let number =
            ControlKind::Number { min: 0.0, max: 100.0, step: 1.0, default: 100.0, unit: "dB".into() };
        let options = vec![("fast".to_owned(), String::new()), ("best".to_owned(), String::new())];
        let controls = vec![
            control("strength_db", number),
            control("loudness", ControlKind::Switch { default: false }),
            control("mode", ControlKind::Choice { options, default: "fast".into() }),
        ];
        Choice { model: "x".into(), controls }
    }

    #[test]
    fn settings_are_read_by_their_controls_and_later_ones_count() {
        let texts = ["strength_db=12", "loudness=on", "mode=best", "strength_db=6.5"].map(str::to_owned);
        let settings = choice().settings(texts.iter()).unwrap();
        assert_eq!(settings["strength_db"], Setting::Number(6.5));
        assert_eq!(
            (&settings["loudness"], &settings["mode"]),
            (&Setting::Switch(true), &Setting::Choice("best".into()))
        );
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_what_can() {
        for (text, says) in [
            ("strength_db", "NAME=VALUE"),
            ("volume=3", "strength_db, loudness, mode"),
            ("strength_db=101", "0 to 100 dB"),
            ("strength_db=nan", "0 to 100 dB"),
            ("loudness=loud", "on or off"),
            ("mode=worst", "fast, best"),
        ] {
            let error = choice().settings([text.to_owned()].iter()).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

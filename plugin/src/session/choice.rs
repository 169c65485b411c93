//! What shall be done with takes: the project's wish, made to fit what the server offers. Pure.

use crate::library::SettingRecord;
use crate::project::ChosenModel;
use crate::view::Choice;
use tributary_protocol::client::ModelView;

/// The task that is meant where none was chosen.
const USUAL_TASK: &str = "separate";
/// The task whose results are chosen one by one.
const PICKING_TASK: &str = "separate";
/// The grade that is meant where no model was chosen.
const USUAL_GRADE: &str = "standard";

/// The choice that comes closest to the wish. Quote aside, which the server tells.
/// `usual` is the task of this user where the project names none.
pub(super) fn fit(wish: &ChosenModel, usual: &str, offer: &[ModelView]) -> Choice {
    let has = |task: &str| offer.iter().any(|model| model.task == task);
    let task = match &wish.task {
        task if has(task) => task.clone(),
        task if task.is_empty() && has(usual) => usual.to_owned(),
        _ if has(USUAL_TASK) => USUAL_TASK.to_owned(),
        _ => offer.first().map_or_else(|| USUAL_TASK.to_owned(), |model| model.task.clone()),
    };
    let mut of_task = offer.iter().filter(|model| model.task == task);
    let model = of_task
        .clone()
        .find(|model| model.name == wish.model)
        .or_else(|| of_task.clone().find(|model| model.grade == USUAL_GRADE))
        .or_else(|| of_task.next());
    let Some(model) = model else { return Choice { task, ..Choice::default() } };
    let is_wanted = |stem: &String| !wish.unwanted.contains(stem);
    // Where the wish would leave nothing, all are meant.
    let are_all = task != PICKING_TASK || !model.stems.iter().any(is_wanted);
    let stems = model.stems.iter().map(|stem| (stem.clone(), are_all || is_wanted(stem))).collect();
    let takes = usize::try_from(model.references_max).unwrap_or(usize::MAX);
    let over = wish.references.len().saturating_sub(takes);
    let references = wish.references[over..].to_vec();
    let settings = model.controls.iter().filter_map(|control| {
        let wished = wish.settings.get(&model.name)?.get(&control.name)?;
        let value = wished.fitted(&control.kind)?;
        // Only what is said counts as said: a preset speaks where nothing was.
        (value != SettingRecord::from(control.kind.default())).then(|| (control.name.clone(), value))
    });
    let settings = settings.collect();
    Choice { task, model: model.name.clone(), stems, settings, references, ..Choice::default() }
}

/// The wish after the user wanted a stem, or not. The last wanted one stays.
pub(super) fn want(choice: &Choice, wish: &mut ChosenModel, stem: &str, is_wanted: bool) {
    let others = choice.stems.iter().any(|(name, is_wanted)| *is_wanted && name != stem);
    wish.unwanted = choice
        .stems
        .iter()
        .filter(|(name, was_wanted)| if name == stem { !is_wanted && others } else { !was_wanted })
        .map(|(name, _)| name.clone())
        .collect();
}

/// Names of the stems that are wanted, in the model's order.
pub(super) fn wanted(choice: &Choice) -> Vec<String> {
    choice.stems.iter().filter(|(_, is_wanted)| *is_wanted).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{ClipRecord, ReferenceRecord};
    use tributary_protocol::settings::{Control, ControlKind};
    use tributary_protocol::vocab::Credits;

    fn model(name: &str, task: &str, grade: &str, stems: &[&str]) -> ModelView {
        ModelView {
            name: name.into(),
            title: name.into(),
            task: task.into(),
            grade: grade.into(),
            stems: stems.iter().map(|stem| (*stem).to_owned()).collect(),
            description: String::new(),
            licence: String::new(),
            quality: String::new(),
            credits_per_minute: Credits(1),
            version: String::new(),
            controls: Vec::new(),
            references_max: 0,
            sheets: Vec::new(),
            commercial_use: String::new(),
        }
    }

    fn offer() -> Vec<ModelView> {
        vec![
            model("clean", "enhance", "standard", &["speech"]),
            model("mini", "separate", "preview", &["vocals", "drums"]),
            model("big", "separate", "standard", &["vocals", "drums", "bass"]),
        ]
    }

    fn wish(task: &str, model: &str, unwanted: &[&str]) -> ChosenModel {
        let unwanted = unwanted.iter().map(|stem| (*stem).to_owned()).collect();
        ChosenModel { task: task.into(), model: model.into(), unwanted, ..ChosenModel::default() }
    }

    #[test]
    fn a_wish_is_fitted_to_what_there_is() {
        for (wish, task, model, stems) in [
            (wish("", "", &[]), "separate", "big", &["vocals", "drums", "bass"][..]),
            (wish("separate", "mini", &["drums"]), "separate", "mini", &["vocals"]),
            (wish("separate", "gone", &["drums"]), "separate", "big", &["vocals", "bass"]),
            (wish("enhance", "mini", &[]), "enhance", "clean", &["speech"]),
            (wish("master", "mini", &["vocals", "drums"]), "separate", "mini", &["vocals", "drums"]),
        ] {
            let choice = fit(&wish, "", &offer());
            assert_eq!((choice.task.as_str(), choice.model.as_str()), (task, model), "{wish:?}");
            assert_eq!(wanted(&choice), stems, "{wish:?}");
        }
    }

    #[test]
    fn a_fresh_project_begins_with_the_task_of_this_user() {
        for (wished, usual, task) in [
            ("", "enhance", "enhance"),
            ("separate", "enhance", "separate"),
            ("", "master", "separate"),
            ("gone", "enhance", "separate"),
        ] {
            assert_eq!(fit(&wish(wished, "", &[]), usual, &offer()).task, task);
        }
    }

    #[test]
    fn values_are_those_of_the_model_and_only_what_is_no_default() {
        let mut offer = offer();
        offer[0].references_max = 1;
        let kind = ControlKind::Number { min: 0.0, max: 10.0, step: 1.0, default: 5.0, unit: "dB".into() };
        let control = |name: &str| Control {
            name: name.into(),
            title: name.into(),
            help: String::new(),
            advanced: false,
            kind: kind.clone(),
        };
        offer[0].controls = vec![control("one"), control("two"), control("three")];
        let mut wish = wish("enhance", "clean", &[]);
        for (name, number) in [("one", 99.0), ("two", 5.0), ("gone", 1.0)] {
            wish.set("clean", name.into(), Some(SettingRecord::Number(number)));
        }
        wish.set("other", "three".into(), Some(SettingRecord::Number(1.0)));
        let clip = |byte| ClipRecord { sha256: [byte; 32], frames: 9, channels: 1, rate_hz: 48_000 };
        for byte in [1, 2] {
            wish.add_reference(ReferenceRecord { name: byte.to_string(), clip: clip(byte) }, 8);
        }
        let choice = fit(&wish, "", &offer);
        assert_eq!(choice.settings, [("one".to_owned(), SettingRecord::Number(10.0))].into());
        assert_eq!(choice.references.len(), 1);
        assert_eq!(choice.references[0].name, "2");
        wish.choose_task("separate".into());
        assert!(fit(&wish, "", &offer).references.is_empty());
    }

    #[test]
    fn without_an_offer_there_is_no_model() {
        let choice = fit(&wish("separate", "mini", &[]), "", &[]);
        assert_eq!((choice.model.as_str(), choice.stems.len()), ("", 0));
    }

    #[test]
    fn stems_come_and_go_but_the_last_one_stays() {
        let mut wish = wish("separate", "mini", &[]);
        for (stem, is_wanted, left) in [
            ("drums", false, &["vocals"][..]),
            ("vocals", false, &["vocals"]),
            ("drums", true, &["vocals", "drums"]),
            ("none", false, &["vocals", "drums"]),
        ] {
            let choice = fit(&wish, "", &offer());
            want(&choice, &mut wish, stem, is_wanted);
            assert_eq!(wanted(&fit(&wish, "", &offer())), left, "{stem} {is_wanted}");
        }
    }
}

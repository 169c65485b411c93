//! What shall be done with takes: the project's wish, made to fit what the server offers. Pure.

use crate::project::ChosenModel;
use crate::view::Choice;
use tributary_protocol::client::ModelView;

/// The task that is meant where none was chosen.
const USUAL_TASK: &str = "separate";
/// The grade that is meant where no model was chosen.
const USUAL_GRADE: &str = "standard";

/// The choice that comes closest to the wish. Quote aside, which the server tells.
pub(super) fn fit(wish: &ChosenModel, offer: &[ModelView]) -> Choice {
    let has = |task: &str| offer.iter().any(|model| model.task == task);
    let task = match &wish.task {
        task if has(task) => task.clone(),
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
    let leaves_some = model.stems.iter().any(is_wanted);
    let stems = model.stems.iter().map(|stem| (stem.clone(), !leaves_some || is_wanted(stem))).collect();
    Choice { task, model: model.name.clone(), stems, ..Choice::default() }
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
        ChosenModel { task: task.into(), model: model.into(), unwanted }
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
            let choice = fit(&wish, &offer());
            assert_eq!((choice.task.as_str(), choice.model.as_str()), (task, model), "{wish:?}");
            assert_eq!(wanted(&choice), stems, "{wish:?}");
        }
    }

    #[test]
    fn without_an_offer_there_is_no_model() {
        let choice = fit(&wish("separate", "mini", &[]), &[]);
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
            let choice = fit(&wish, &offer());
            want(&choice, &mut wish, stem, is_wanted);
            assert_eq!(wanted(&fit(&wish, &offer())), left, "{stem} {is_wanted}");
        }
    }
}

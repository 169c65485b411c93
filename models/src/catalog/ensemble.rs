//! Cards of several separators as one: whose stems count how much, and whether such a card may be what it says.

use super::card::{Card, CommercialUse, Task};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The architecture of cards with members.
pub const ENSEMBLE: &str = "ensemble";

/// One of the separators.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberCard {
    /// The name of its card.
    pub model: String,
    /// How much its stems count, beside those of the other members; a stem that is not named counts nothing.
    pub weights: BTreeMap<String, f32>,
}

impl MemberCard {
    /// A card with members names no weights of its own, and the other way round.
    pub(super) fn check(card: &Card) -> Result<(), String> {
        if (card.architecture == ENSEMBLE) == card.members.is_empty() {
            return Err(format!(
                "`members` belong to cards whose `architecture` is `{ENSEMBLE}`, and there to every one"
            ));
        }
        if card.members.is_empty() {
            return Ok(());
        }
        if card.task != Task::Separate || !card.files.is_empty() || card.checkpoint.is_some() {
            return Err(
                "`members` are separators with files of their own: a card with them has none".to_owned()
            );
        }
        let counts =
            |stem: &str| card.members.iter().any(|member| member.weights.get(stem).is_some_and(|w| *w > 0.0));
        if let Some(stem) = card.stems.iter().find(|stem| !counts(stem)) {
            return Err(format!("`stems` has `{stem}`, for which no member counts"));
        }
        // The stems of the first member, then what others have more.
        let mut order: Vec<&String> = Vec::new();
        for member in &card.members {
            let gives = card.stems.iter().filter(|stem| member.weights.contains_key(*stem));
            order.extend(gives.filter(|stem| !order.contains(stem)).collect::<Vec<_>>());
        }
        if !card.stems.iter().eq(order.iter().copied()) {
            let order: Vec<&str> = order.iter().map(|stem| stem.as_str()).collect();
            return Err(format!(
                "`stems` must be in the order in which its members give them: {}",
                order.join(", ")
            ));
        }
        for member in &card.members {
            for (stem, weight) in &member.weights {
                if !card.stems.contains(stem) {
                    return Err(format!("`members.weights` has `{stem}`, which is not among `stems`"));
                }
                if !weight.is_finite() || *weight < 0.0 {
                    return Err(format!("`members.weights` of `{stem}` is {weight}: 0 or more is allowed"));
                }
            }
        }
        Ok(())
    }

    /// Whether an ensemble's members are there to be averaged, and let it be as free as it says.
    pub(super) fn check_all<'a>(card: &Card, get: impl Fn(&str) -> Option<&'a Card>) -> Result<(), String> {
        for MemberCard { model, weights } in &card.members {
            let member =
                get(model).ok_or_else(|| format!("`members` names `{model}`, which is no model here"))?;
            if member.task != Task::Separate || !member.members.is_empty() {
                return Err(format!("`members` names `{model}`, which is no single separator"));
            }
            if let Some(stem) = weights.keys().find(|stem| !member.stems.contains(stem)) {
                return Err(format!(
                    "`members` counts `{stem}` of `{model}`, which gives {}",
                    member.stems.join(", ")
                ));
            }
            if card.commercial_use == CommercialUse::Yes && member.commercial_use != CommercialUse::Yes {
                return Err(format!("`commercial_use` is `yes`, and that of its member `{model}` is not"));
            }
        }
        Ok(())
    }
}

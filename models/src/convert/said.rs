//! Settings held against weights: every difference is kept and told with both values, so that a wrong file of settings
//! is seen for what it is at once.

use super::ConvertError;
use crate::checkpoint::{CheckpointError, Settings};

/// How often a frame is computed; more changes nothing that could be heard.
const OVERLAP_MAX: usize = 32;
/// Chunks over a frame where the settings do not say it, in most publishers' programs.
pub(super) const OVERLAP: u32 = 2;

/// What the settings say, and where they contradict the weights.
pub(super) struct Said<'a> {
    settings: &'a Settings,
    contradictions: Vec<CheckpointError>,
}

impl<'a> Said<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, contradictions: Vec::new() }
    }

    /// A count that the weights show, too. Where the settings are silent the weights are believed.
    pub(super) fn same(&mut self, path: &str, weights: usize) -> Result<(), ConvertError> {
        let Some(entry) = self.settings.find(path) else { return Ok(()) };
        let said = entry.count()?;
        if said != weights {
            self.contradictions.push(entry.wrong(&format!("is {said}, and the weights have {weights}")));
        }
        Ok(())
    }

    /// The same for a list of counts.
    pub(super) fn all_same(&mut self, path: &str, weights: &[usize]) -> Result<(), ConvertError> {
        let Some(entry) = self.settings.find(path) else { return Ok(()) };
        let said = entry.counts()?;
        if said.len() != weights.len() {
            let reason = format!("has {} of them, and the weights have {}", said.len(), weights.len());
            self.contradictions.push(entry.wrong(&reason));
        } else if let Some(at) = (0..said.len()).find(|&at| said[at] != weights[at]) {
            let reason = format!("has {} at place {at}, and the weights have {}", said[at], weights[at]);
            self.contradictions.push(entry.wrong(&reason));
        }
        Ok(())
    }

    /// A count that must be as it is for a reason of its own.
    pub(super) fn must(&mut self, path: &str, only: usize, why: &str) -> Result<(), ConvertError> {
        let Some(entry) = self.settings.find(path) else { return Ok(()) };
        let said = entry.count()?;
        if said == only { Ok(()) } else { Err(entry.wrong(&format!("is {said}, and {why}")).into()) }
    }

    /// A switch that no code here follows when it is on.
    pub(super) fn must_be_off(&mut self, path: &str) -> Result<(), ConvertError> {
        match self.settings.find(path) {
            Some(entry) if entry.flag()? => {
                Err(entry.wrong("is true, and no graph is made here of a network with it").into())
            }
            _ => Ok(()),
        }
    }

    /// A switch that must be on; publishers' programs take it for off where nothing is said.
    pub(super) fn must_be_on(&mut self, path: &str, why: &str) -> Result<(), ConvertError> {
        let entry = self.settings.at(path)?;
        if entry.flag()? { Ok(()) } else { Err(entry.wrong(&format!("is false, and {why}")).into()) }
    }

    /// A count within bounds, of which the weights say nothing.
    pub(super) fn within(&self, path: &str, least: usize, most: usize) -> Result<usize, ConvertError> {
        let entry = self.settings.at(path)?;
        let said = entry.count()?;
        if (least..=most).contains(&said) {
            return Ok(said);
        }
        Err(entry.wrong(&format!("is {said}, allowed are {least} to {most}")).into())
    }

    /// A switch, or what its publisher's code takes where nothing is said.
    pub(super) fn flag(&self, path: &str, usual: bool) -> Result<bool, ConvertError> {
        Ok(self.settings.find(path).map(|entry| entry.flag()).transpose()?.unwrap_or(usual))
    }

    /// Chunks over a frame; none where the settings do not say it.
    pub(super) fn overlap(&self) -> Result<Option<u32>, ConvertError> {
        match self.settings.find("inference.num_overlap") {
            Some(_) => Ok(Some(self.within("inference.num_overlap", 1, OVERLAP_MAX)? as u32)),
            None => Ok(None),
        }
    }

    /// Keeps one more contradiction.
    pub(super) fn contradict(&mut self, path: &str, reason: &str) -> Result<(), ConvertError> {
        let entry = self.settings.at(path)?;
        self.contradictions.push(entry.wrong(reason));
        Ok(())
    }

    /// Whether settings and weights belong together.
    pub(super) fn end(self) -> Result<(), ConvertError> {
        if self.contradictions.is_empty() {
            Ok(())
        } else {
            Err(ConvertError::Contradictions(self.contradictions))
        }
    }
}

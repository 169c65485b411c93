//! Several transcribers in one job: every stem of a separation has a player, and a conductor hears the clip itself. The
//! players leave their notes with the band; the conductor, who ends last, writes all sheets by the tempo, the metre and
//! the key of the whole. Holds no sound.

use super::sheets::band_names;
use super::wishes::{Wishes, band_controls, controls};
use super::{Kind, Transcribe};
use crate::ModelError;
use crate::music::Note;
use crate::pipeline::chain::{Follower, Following, Hears};
use crate::pipeline::{Ask, Clips, Ends, Pipeline, Plan};
use crate::settings::{Control, Setting, Settings};
use std::sync::{Arc, Mutex, PoisonError};
use tributary_audio::ClipShape;

/// What a transcriber is in its job.
pub(super) enum Role {
    /// All there is: it writes its own sheets.
    Alone,
    /// Hears one stem.
    Player {
        /// Takes its notes.
        band: Arc<Band>,
        /// The stem's name.
        stem: String,
    },
    /// Hears the whole.
    Conductor {
        /// Has the players' notes.
        band: Arc<Band>,
    },
}

impl Role {
    pub(super) fn plays(&self) -> bool {
        matches!(self, Self::Player { .. })
    }

    pub(super) fn conducts(&self) -> bool {
        matches!(self, Self::Conductor { .. })
    }
}

/// The notes of one job's players, as they end.
#[derive(Default)]
pub(super) struct Band(Mutex<Vec<Played>>);

/// What one player found.
pub(super) struct Played {
    pub(super) stem: String,
    pub(super) wishes: Wishes,
    /// By start.
    pub(super) notes: Vec<Note>,
}

impl Band {
    pub(super) fn keep(&self, played: Played) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(played);
    }

    /// All of it, taken out.
    pub(super) fn played(&self) -> Vec<Played> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The notes of every stem that a separation writes, in the same job: one MIDI file for all, one for each, one score for
/// each.
pub struct StemNotes {
    transcribe: Arc<Transcribe>,
    pipeline: Arc<dyn Pipeline>,
}

impl StemNotes {
    /// With this transcriber, whose network hears notes.
    ///
    /// # Errors
    /// [`ModelError::Card`] where it hears beats or drums only.
    pub fn new(transcribe: Transcribe) -> Result<Self, ModelError> {
        if transcribe.kind != Kind::Notes {
            let reason = "`architecture` must be one that hears notes".to_owned();
            return Err(ModelError::Card { card: transcribe.model, reason });
        }
        let transcribe = Arc::new(transcribe);
        Ok(Self { pipeline: Arc::clone(&transcribe) as Arc<dyn Pipeline>, transcribe })
    }

    /// How the conductor goes about a clip.
    fn conductor(&self, clip: ClipShape, settings: Settings, stems: &[String]) -> Result<Plan, ModelError> {
        // What a band can be told is what drums can; thresholds are the players' own.
        let known = controls(Kind::Drums);
        let settings = settings.of(&known).checked(&known)?;
        let wishes = Wishes::read(&settings, Kind::Drums)?;
        let job = self.transcribe.job(clip, wishes, Role::Conductor { band: Arc::default() })?;
        Ok(Plan {
            clip,
            references: Vec::new(),
            settings,
            stems: Vec::new(),
            sheets: band_names(stems),
            chunks: job.chunks,
        })
    }
}

/// The preset that suits a stem: its player's.
fn preset(stem: &str) -> &'static str {
    match stem {
        "vocals" | "voice" | "speech" => "voice",
        "drums" | "percussion" => "drums",
        "bass" => "bass",
        "guitar" => "guitar",
        "piano" => "piano",
        _ => "any",
    }
}

impl Follower for StemNotes {
    fn controls(&self) -> Vec<Control> {
        band_controls()
    }

    fn model(&self) -> (&str, &Arc<dyn Pipeline>) {
        (&self.transcribe.model, &self.pipeline)
    }

    fn plan(&self, clip: ClipShape, settings: Settings, stems: &[String]) -> Result<Following, ModelError> {
        let mut listeners = Vec::with_capacity(stems.len() + 1);
        for stem in stems {
            let settings = Settings::default().with("preset", Setting::Choice(preset(stem).to_owned()));
            let plan = self.transcribe.plan(clip, &Ask { settings, ..Ask::default() })?;
            listeners.push((Hears::Stem(stem.clone()), plan));
        }
        let conductor = self.conductor(clip, settings.clone(), stems)?;
        let sheets = conductor.sheets.clone();
        listeners.push((Hears::Clip, conductor));
        Ok(Following { listeners, sheets, settings })
    }

    fn begin(
        &self,
        following: &Following,
        clips: Vec<Clips>,
        in_flight_max: usize,
    ) -> Result<Vec<Ends>, ModelError> {
        let band = Arc::new(Band::default());
        let listeners = following.listeners.iter().zip(clips);
        let ends = listeners.map(|((hears, plan), clips)| {
            let band = Arc::clone(&band);
            let (kind, role) = match hears {
                Hears::Stem(stem) => (Kind::Notes, Role::Player { band, stem: stem.clone() }),
                Hears::Clip => (Kind::Drums, Role::Conductor { band }),
            };
            let job = self.transcribe.job(plan.clip, Wishes::read(&plan.settings, kind)?, role)?;
            self.transcribe.ends(job, plan, &clips, in_flight_max)
        });
        ends.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stem_has_a_preset_that_the_control_knows() {
        let known = controls(Kind::Notes);
        for stem in ["vocals", "speech", "drums", "bass", "guitar", "piano", "other"] {
            let settings = Settings::default().with("preset", Setting::Choice(preset(stem).to_owned()));
            assert!(settings.checked(&known).is_ok(), "{stem}");
        }
    }
}

//! Takes the network's answers in order, keeps what notes can be made of, and writes the sheets at the end. Waits for
//! nothing.

use super::Link;
use super::band::{Played, Role};
use super::sheets::{Findings, write, write_band};
use super::{EDGE_COLUMNS, Job, STEP_COLUMNS, WINDOW_COLUMNS, column_seconds, columns};
use crate::ModelError;
use crate::music::beats::beats;
use crate::music::drums::drums;
use crate::music::ear::Listened;
use crate::music::key::key;
use crate::music::line::{by_start, one_line};
use crate::music::notes::{FrameNote, NoteRules, notes};
use crate::music::posteriors::{Heard, Posteriors};
use crate::music::{CONTOUR_STEPS, LOWEST_PITCH, Note, PITCHES, STEPS_A_SEMITONE};
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use std::sync::Arc;

pub(super) struct TranscribeAssembler {
    job: Arc<Job>,
    link: Arc<Link>,
    /// None where no network listens.
    posteriors: Option<Posteriors>,
    /// Columns still to come.
    left: u64,
    next: u32,
}

impl TranscribeAssembler {
    pub(super) fn new(job: Arc<Job>, link: Arc<Link>) -> Self {
        let threshold = job.wishes.frame_threshold as f32;
        let posteriors = job.network.then(|| Posteriors::new(threshold, job.wishes.pitches()));
        Self { link, posteriors, left: columns(job.frames), next: 0, job }
    }

    /// The columns of one window that no neighbour answers for.
    fn keep(&mut self, answer: &[f32]) {
        let Some(posteriors) = &mut self.posteriors else { return };
        let (note, rest) = answer.split_at(WINDOW_COLUMNS * PITCHES);
        let (onset, contour) = rest.split_at(WINDOW_COLUMNS * PITCHES);
        let count = usize::try_from(self.left).unwrap_or(STEP_COLUMNS).min(STEP_COLUMNS);
        for column in EDGE_COLUMNS..EDGE_COLUMNS + count {
            posteriors.push(Heard {
                note: &note[column * PITCHES..][..PITCHES],
                onset: &onset[column * PITCHES..][..PITCHES],
                contour: &contour[column * CONTOUR_STEPS..][..CONTOUR_STEPS],
            });
        }
        self.left -= count as u64;
    }

    /// By start. `heard`: what the ear heard, where it listened.
    fn notes(&mut self, heard: Option<&Listened>) -> Vec<Note> {
        let wishes = &self.job.wishes;
        let mut found = match self.posteriors.take() {
            Some(posteriors) => {
                let rules = NoteRules {
                    onset_threshold: wishes.onset_threshold,
                    minimum_frames: wishes.minimum_columns(),
                };
                let found = notes(&posteriors.finish(), rules);
                found.iter().map(note).collect()
            }
            None if self.job.notes => {
                heard.map_or_else(Vec::new, |heard| drums(heard, 1.0 - wishes.onset_threshold))
            }
            None => Vec::new(),
        };
        if wishes.mono {
            found = one_line(found);
        }
        by_start(&mut found);
        found
    }
}

/// A note in seconds.
fn note(found: &FrameNote) -> Note {
    Note {
        start_seconds: column_seconds(found.start),
        end_seconds: column_seconds(found.end),
        pitch: LOWEST_PITCH + found.index,
        velocity: (127.0 * found.amplitude).round().clamp(1.0, 127.0) as u8,
        confidence: (0.5 * (found.amplitude + found.onset)).clamp(0.0, 1.0),
        bends: found.bends.iter().map(|bend| f32::from(*bend) / STEPS_A_SEMITONE as f32).collect(),
    }
}

impl Assembler for TranscribeAssembler {
    fn push(&mut self, answer: ChunkAnswer, _sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if answer.index != self.next || self.next >= self.job.chunks {
            return Err(ModelError::ChunkOrder { expected: self.next, got: answer.index });
        }
        let numbers = if self.job.network { WINDOW_COLUMNS * (2 * PITCHES + CONTOUR_STEPS) } else { 0 };
        if answer.data.len() != numbers {
            let reason = format!("chunk {} has {} numbers, not {numbers}", answer.index, answer.data.len());
            return Err(ModelError::Engine { model: self.job.model.clone(), reason });
        }
        self.keep(&answer.data);
        self.next += 1;
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let missing = ModelError::ChunkOrder { expected: self.next, got: self.job.chunks };
        if self.next != self.job.chunks {
            return Err(missing);
        }
        // The cutter tells before the last chunk departs.
        let heard = self.link.with(Option::take);
        if self.job.ear && heard.is_none() {
            return Err(missing);
        }
        let notes = self.notes(heard.as_ref());
        let heard = heard.unwrap_or_default();
        let found = |notes| {
            let known = self.job.wishes.known;
            Findings { notes, beats: beats(&heard, known), key: key(&heard.chroma_sum()) }
        };
        match &self.job.role {
            Role::Alone => write(&self.job, &heard, found(notes), sink),
            Role::Player { band, stem } => {
                band.keep(Played { stem: stem.clone(), wishes: self.job.wishes.clone(), notes });
                Ok(())
            }
            Role::Conductor { band } => write_band(&self.job, &heard, &found(notes), band.played(), sink),
        }
    }
}

impl Drop for TranscribeAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}

//! Takes the network's answers in order, keeps what notes can be made of, and writes the sheets at the end. Waits for
//! nothing.

use super::Link;
use super::sheets::{Findings, write};
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
    /// Whether notes are wanted, not only beats.
    notes: bool,
    link: Arc<Link>,
    /// None where no network listens.
    posteriors: Option<Posteriors>,
    /// Columns still to come.
    left: u64,
    next: u32,
}

impl TranscribeAssembler {
    pub(super) fn new(job: Arc<Job>, notes: bool, link: Arc<Link>) -> Self {
        let threshold = job.wishes.frame_threshold as f32;
        let posteriors = job.network.then(|| Posteriors::new(threshold, job.wishes.pitches()));
        Self { notes, link, posteriors, left: columns(job.frames), next: 0, job }
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

    fn find(&mut self, heard: &Listened) -> Findings {
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
            None if self.notes => drums(heard, 1.0 - wishes.onset_threshold),
            None => Vec::new(),
        };
        if wishes.mono {
            found = one_line(found);
        }
        by_start(&mut found);
        Findings { notes: found, beats: beats(heard, wishes.known), key: key(&heard.chroma_sum()) }
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
        let heard = self.link.with(Option::take).ok_or(missing)?;
        let found = self.find(&heard);
        write(&self.job, self.notes, &heard, found, sink)
    }
}

impl Drop for TranscribeAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}

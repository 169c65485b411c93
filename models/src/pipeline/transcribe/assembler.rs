//! Takes the network's answers in order, keeps what notes can be made of, and writes the sheets at the end. Waits for
//! nothing.

use super::Link;
use super::band::{Played, Role};
use super::line::{self, Line, Span};
use super::sheets::{Findings, write, write_band};
use super::wishes::Wishes;
use super::{EDGE_COLUMNS, Job, Network, STEP_COLUMNS, WINDOW_COLUMNS, column_seconds, columns};
use crate::ModelError;
use crate::music::beats::beats;
use crate::music::drums::drums;
use crate::music::ear::Listened;
use crate::music::key::key;
use crate::music::line::{by_start, one_line};
use crate::music::notes::{FrameNote, NoteRules, notes};
use crate::music::pitch_line::{LineNote, LineRules, line_notes, struck};
use crate::music::posteriors::{Heard, Posteriors};
use crate::music::{CONTOUR_STEPS, LOWEST_PITCH, Note, PITCHES, STEPS_A_SEMITONE};
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use std::sync::Arc;

pub(super) struct TranscribeAssembler {
    job: Arc<Job>,
    link: Arc<Link>,
    kept: Kept,
    next: u32,
}

/// What the network has said.
enum Kept {
    /// No network listens.
    Nothing,
    Posteriors {
        posteriors: Posteriors,
        /// Columns still to come.
        left: u64,
    },
    Line(Line),
}

/// A consonant takes so long, seconds: nothing is sure then, and the note goes on.
const CONSONANT_SECONDS: f64 = 0.05;
/// Half a wave of a slow vibrato (4.5 Hz) is above or below for so long, seconds.
const VIBRATO_SECONDS: f64 = 0.11;

impl TranscribeAssembler {
    pub(super) fn new(job: Arc<Job>, link: Arc<Link>) -> Self {
        let kept = match job.network {
            Some(Network::Posteriors) => Kept::Posteriors {
                posteriors: Posteriors::new(job.wishes.frame_threshold as f32, job.wishes.pitches()),
                left: columns(job.frames),
            },
            Some(Network::Line) => Kept::Line(Line::new(Span::of(job.frames))),
            None => Kept::Nothing,
        };
        Self { link, kept, next: 0, job }
    }

    /// How many numbers the next answer has.
    fn numbers(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Posteriors { .. } => WINDOW_COLUMNS * (2 * PITCHES + CONTOUR_STEPS),
            Kept::Line(line) => line.numbers(self.next),
        }
    }

    fn keep(&mut self, answer: &[f32]) {
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Posteriors { posteriors, left } => keep_window(posteriors, left, answer),
            Kept::Line(line) => line.keep(self.next, answer),
        }
    }

    /// By start. `heard`: what the ear heard, where it listened.
    fn notes(&mut self, heard: Option<&Listened>) -> Vec<Note> {
        let wishes = &self.job.wishes;
        let mut found = match std::mem::replace(&mut self.kept, Kept::Nothing) {
            Kept::Posteriors { posteriors, .. } => {
                let rules = NoteRules {
                    onset_threshold: wishes.onset_threshold,
                    minimum_frames: wishes.minimum_columns(),
                };
                let found = notes(&posteriors.finish(), rules);
                found.iter().map(note).collect()
            }
            Kept::Line(line) => {
                let rules = line_rules(wishes);
                let strikes = heard.map_or_else(Vec::new, |heard| heard.strikes(wishes.onset_threshold));
                let strikes: Vec<usize> = strikes.into_iter().map(|s| line::columns_of(s) as usize).collect();
                let found = struck(line_notes(line.columns(), rules), &strikes, rules.minimum_columns);
                found.iter().map(sung).collect()
            }
            Kept::Nothing if self.job.notes => {
                heard.map_or_else(Vec::new, |heard| drums(heard, 1.0 - wishes.onset_threshold))
            }
            Kept::Nothing => Vec::new(),
        };
        if wishes.mono {
            found = one_line(found);
        }
        by_start(&mut found);
        found
    }
}

/// The columns of one window that no neighbour answers for.
fn keep_window(posteriors: &mut Posteriors, left: &mut u64, answer: &[f32]) {
    let (note, rest) = answer.split_at(WINDOW_COLUMNS * PITCHES);
    let (onset, contour) = rest.split_at(WINDOW_COLUMNS * PITCHES);
    let count = usize::try_from(*left).unwrap_or(STEP_COLUMNS).min(STEP_COLUMNS);
    for column in EDGE_COLUMNS..EDGE_COLUMNS + count {
        posteriors.push(Heard {
            note: &note[column * PITCHES..][..PITCHES],
            onset: &onset[column * PITCHES..][..PITCHES],
            contour: &contour[column * CONTOUR_STEPS..][..CONTOUR_STEPS],
        });
    }
    *left -= count as u64;
}

fn line_rules(wishes: &Wishes) -> LineRules {
    LineRules {
        confidence: wishes.confidence as f32,
        hz: wishes.hz,
        minimum_columns: line::columns_of(wishes.minimum_ms / 1000.0),
        gap_columns: line::columns_of(CONSONANT_SECONDS) as usize,
        away_columns: line::columns_of(VIBRATO_SECONDS) as usize,
    }
}

/// A note of one voice in seconds: from the beginning of its first column to the end of its last.
fn sung(found: &LineNote) -> Note {
    Note {
        start_seconds: line::column_seconds(found.start as f64 - 0.5),
        end_seconds: line::column_seconds(found.end as f64 - 0.5),
        pitch: found.pitch,
        velocity: (127.0 * found.confidence).round().clamp(1.0, 127.0) as u8,
        confidence: found.confidence.clamp(0.0, 1.0),
        bends: found.bends.clone(),
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
        let numbers = self.numbers();
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

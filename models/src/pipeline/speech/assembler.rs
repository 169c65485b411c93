//! Takes the windows' words in order, and writes the sheets at the end. Waits for nothing.

use super::lines::Said;
use super::parcel::Parcel;
use super::sheets::{Transcript, write};
use super::{Job, Link, RATE_HZ};
use crate::ModelError;
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use std::sync::Arc;

pub(super) struct SpeechAssembler {
    job: Arc<Job>,
    link: Arc<Link>,
    transcript: Transcript,
    next: u32,
}

impl SpeechAssembler {
    pub(super) fn new(job: Arc<Job>, link: Arc<Link>) -> Self {
        let transcript = Transcript { seconds: job.clip.seconds(), language: None, words: Vec::new() };
        Self { job, link, transcript, next: 0 }
    }

    /// The words at their places in the clip: none before its beginning, after its end or before the word before.
    fn keep(&mut self, parcel: Parcel, start: u64) {
        let start_seconds = start as f64 / f64::from(RATE_HZ);
        for word in parcel.words {
            let last = self.transcript.words.last().map_or(0.0, |last| last.start_seconds);
            let end = self.transcript.seconds;
            let start = (start_seconds + f64::from(word.start_seconds)).max(last).min(end);
            self.transcript.words.push(Said {
                start_seconds: start,
                end_seconds: (start_seconds + f64::from(word.end_seconds)).clamp(start, end),
                probability: word.probability,
                text: word.text,
            });
        }
        if self.transcript.language.is_none() {
            self.transcript.language = parcel.language.map(|language| (language, parcel.confidence));
        }
    }
}

impl Assembler for SpeechAssembler {
    fn push(&mut self, answer: ChunkAnswer, _sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if answer.index != self.next || self.next >= self.job.chunks {
            return Err(ModelError::ChunkOrder { expected: self.next, got: answer.index });
        }
        let start = self.link.with(|told| told.starts.pop_front());
        let (Some(parcel), Some(start)) = (Parcel::unpack(&answer.data), start) else {
            let reason = format!("the answer to chunk {} is no words", answer.index);
            return Err(ModelError::Engine { model: self.job.model.clone(), reason });
        };
        self.keep(parcel, start);
        self.next += 1;
        self.link.with(|told| {
            told.answered = self.next;
            told.language = self.transcript.language.map(|(language, _)| language);
        });
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if self.next != self.job.chunks {
            return Err(ModelError::ChunkOrder { expected: self.next, got: self.job.chunks });
        }
        write(&self.transcript, &self.job.wish, sink)
    }
}

impl Drop for SpeechAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}

//! Reads references and clip as often as needed, first to decide, then to send. Knows no device.

use super::analysis::Analysis;
use super::equaliser::Equaliser;
use super::windows::Windows;
use super::{Job, Link, filtered};
use crate::ModelError;
use crate::pipeline::{Chunk, Clips, Cutter};
use std::sync::Arc;

pub(super) struct MasterCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    analysis: Analysis,
    /// The filters, if any, and the clip, once all is decided.
    sound: Option<(Option<Equaliser>, Windows)>,
    next: u32,
}

impl MasterCutter {
    pub(super) fn new(job: Arc<Job>, clips: Clips, link: Arc<Link>) -> Self {
        let analysis = Analysis::new(Arc::clone(&job), clips);
        Self { job, link, analysis, sound: None, next: 0 }
    }

    /// The next window of the last reading, filtered, for the assembler.
    fn sound(&mut self) -> Result<(), ModelError> {
        let (equaliser, windows) = match &mut self.sound {
            Some(sound) => sound,
            none => {
                let (verdict, equaliser, windows) = self.analysis.finish()?;
                self.link.with(|desk| desk.verdict = Some(verdict));
                none.insert((equaliser, windows))
            }
        };
        let mut rows = self.link.with(|desk| desk.spare.pop()).unwrap_or_default();
        filtered(windows.next()?, equaliser.as_mut(), &mut rows);
        self.link.with(|desk| desk.sound.push_back(rows));
        Ok(())
    }
}

impl Cutter for MasterCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks() {
            return Ok(None);
        }
        self.link.depart()?;
        let index = self.next;
        self.next += 1;
        if index < self.job.analysis_chunks {
            self.analysis.step()?
        } else {
            self.sound()?
        }
        // The device has nothing to do: a chunk stands for a window that was read.
        Ok(Some(Chunk { part: 0, index, shape: vec![1], data: vec![0.0] }))
    }
}

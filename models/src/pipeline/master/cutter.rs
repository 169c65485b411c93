//! Reads references and clip as often as needed, first to decide, then to send. Knows no device.

use super::Link;
use super::analysis::Analysis;
use super::windows::Windows;
use super::{Job, parcel};
use crate::ModelError;
use crate::pipeline::{Chunk, Clips, Cutter};
use std::sync::Arc;

pub(super) struct MasterCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    analysis: Analysis,
    /// Filters and the clip, once all is decided.
    sound: Option<(Vec<Vec<f32>>, Windows)>,
    next: u32,
}

impl MasterCutter {
    pub(super) fn new(job: Arc<Job>, clips: Clips, link: Arc<Link>) -> Self {
        let analysis = Analysis::new(Arc::clone(&job), clips);
        Self { job, link, analysis, sound: None, next: 0 }
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
            self.analysis.step()?;
            return Ok(Some(parcel::empty(index)));
        }
        let (filters, windows) = match &mut self.sound {
            Some(sound) => sound,
            none => {
                let (verdict, filters, windows) = self.analysis.finish()?;
                self.link.with(|decided| *decided = Some(verdict));
                none.insert((filters, windows))
            }
        };
        Ok(Some(parcel::pack(index, filters, windows.next()?)))
    }
}

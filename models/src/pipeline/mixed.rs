//! A clip as one channel, for whatever listens rather than changes. Computes nothing else.

use tributary_audio::{AudioError, ClipShape, Frames};

/// All channels as one: their mean. What is not a number is silence, lest it spread over all that is heard.
pub(super) struct Mixed {
    source: Box<dyn Frames>,
    block: Vec<Vec<f32>>,
}

impl Mixed {
    pub(super) fn new(source: Box<dyn Frames>) -> Self {
        let block = vec![Vec::new(); usize::from(source.shape().channels)];
        Self { source, block }
    }
}

impl Frames for Mixed {
    fn shape(&self) -> ClipShape {
        ClipShape { channels: 1, ..self.source.shape() }
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        self.block.iter_mut().for_each(Vec::clear);
        let frames = self.source.read(&mut self.block, frames_max)?;
        let scale = 1.0 / self.block.len().max(1) as f32;
        if let Some(out) = block.first_mut() {
            out.extend((0..frames).map(|i| {
                let sum: f32 = self.block.iter().filter_map(|channel| channel.get(i)).sum();
                let mean = scale * sum;
                if mean.is_finite() { mean } else { 0.0 }
            }));
        }
        Ok(frames)
    }
}

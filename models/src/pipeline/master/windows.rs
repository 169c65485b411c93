//! A clip read once in pieces that reach over into their neighbours, silence beyond the ends. Bounded memory.

use crate::ModelError;
use tributary_audio::{AudioError, Frames};

pub(super) struct Windows {
    source: Box<dyn Frames>,
    /// Frames that the source must have.
    total: u64,
    read: u64,
    given: u64,
    window_frames: usize,
    reach_frames: usize,
    /// `[channels][..]`, from `reach_frames` before the next window.
    held: Vec<Vec<f32>>,
    /// Frames of the window given last, still at the front.
    used_frames: usize,
}

impl Windows {
    pub(super) fn new(
        source: Box<dyn Frames>,
        total: u64,
        window_frames: usize,
        reach_frames: usize,
    ) -> Self {
        let held = vec![vec![0.0; reach_frames]; usize::from(source.shape().channels)];
        Self { source, total, read: 0, given: 0, window_frames, reach_frames, held, used_frames: 0 }
    }

    /// The next window, `[channels][reach + frames + reach]`; without frames after the last.
    ///
    /// # Errors
    /// Where the source cannot be read or is not as long as it said.
    pub(super) fn next(&mut self) -> Result<&[Vec<f32>], ModelError> {
        self.held.iter_mut().for_each(|held| drop(held.drain(..self.used_frames)));
        let frames = (self.total - self.given).min(self.window_frames as u64) as usize;
        let needed = frames + 2 * self.reach_frames;
        while self.held[0].len() < needed && self.read < self.total {
            let wanted =
                (needed - self.held[0].len()).min(usize::try_from(self.total - self.read).unwrap_or(needed));
            let got = self.source.read(&mut self.held, wanted)?;
            if got == 0 || got > wanted {
                return Err(self.broken(self.read + got as u64));
            }
            self.read += got as u64;
            if self.read == self.total {
                let mut more = vec![Vec::new(); self.held.len()];
                let more = self.source.read(&mut more, 1)?;
                if more != 0 {
                    return Err(self.broken(self.read + more as u64));
                }
            }
        }
        self.held.iter_mut().for_each(|held| held.resize(held.len().max(needed), 0.0));
        self.given += frames as u64;
        self.used_frames = frames;
        // What lies behind the window's reach belongs to the next one; a window is cut to its own length.
        self.held.iter_mut().for_each(|held| held.truncate(needed));
        Ok(&self.held)
    }

    fn broken(&self, got: u64) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.total), got: format!("{got} or more") }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_audio::Audio;

    #[test]
    fn windows_reach_over_and_are_silent_beyond_the_ends() {
        let sound: Vec<f32> = (1..=10_u8).map(f32::from).collect();
        for (window, reach) in [(4, 2), (3, 5), (100, 3), (1, 0)] {
            let source = Audio { channels: vec![sound.clone()], rate_hz: 8000 }.into_frames();
            let mut windows = Windows::new(Box::new(source), 10, window, reach);
            let at = |i: i64| usize::try_from(i).ok().and_then(|i| sound.get(i)).copied().unwrap_or(0.0);
            for start in (0..10).step_by(window) {
                let frames = window.min(10 - start);
                let (from, to) = (start as i64 - reach as i64, (start + frames + reach) as i64);
                assert_eq!(windows.next().unwrap()[0], (from..to).map(at).collect::<Vec<_>>());
            }
            assert_eq!(windows.next().unwrap()[0].len(), 2 * reach);
        }
    }

    #[test]
    fn a_source_of_another_length_is_an_error() {
        for total in [9, 11] {
            let source = Audio { channels: vec![vec![0.0; 10]], rate_hz: 8000 }.into_frames();
            let mut windows = Windows::new(Box::new(source), total, 4, 0);
            assert!((0..3).any(|_| windows.next().is_err()), "{total}");
        }
    }
}

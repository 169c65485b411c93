//! A gain that moves in a straight line, so that no change of it clicks. Exact once it has arrived.

/// How long every change of a gain takes, milliseconds.
pub(super) const RAMP_MS: u32 = 10;

/// Frames of a ramp at this rate.
pub(super) fn ramp_frames(rate_hz: u32) -> u32 {
    (rate_hz / 1_000).saturating_mul(RAMP_MS).max(1)
}

/// One moving gain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    value: f32,
    target: f32,
    step: f32,
    left: u32,
}

impl Ramp {
    /// At rest.
    pub(super) fn at(value: f32) -> Self {
        Self { value, target: value, step: 0.0, left: 0 }
    }

    /// Moves to `target` over `frames`; a target it has or moves to already changes nothing.
    pub(super) fn aim(&mut self, target: f32, frames: u32) {
        if target != self.target {
            self.target = target;
            self.left = frames;
            self.step = (target - self.value) / frames.max(1) as f32;
        }
    }

    /// Is at its target from now on.
    pub(super) fn settle(&mut self) {
        *self = Self::at(self.target);
    }

    /// Where it moves to, or is.
    pub(super) fn target(&self) -> f32 {
        self.target
    }

    /// The gain of all frames, while it does not move.
    pub(super) fn steady(&self) -> Option<f32> {
        (self.left == 0).then_some(self.target)
    }

    /// Nothing comes through, now and until it is aimed again.
    pub(super) fn is_silent(&self) -> bool {
        self.steady() == Some(0.0)
    }

    /// The gain of the next frame.
    pub(super) fn next(&mut self) -> f32 {
        match self.left {
            0 => {}
            1 => self.settle(),
            _ => {
                self.left -= 1;
                self.value += self.step;
            }
        }
        self.value
    }
}

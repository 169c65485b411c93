//! What the host tells of its transport for one block, in our own words. Plain data; the wiring fills it, from what
//! the host said or, where it said less, from what follows from that.

use crate::library::Place;

/// The host's transport at the first frame of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// It runs.
    pub is_playing: bool,
    /// It runs, but only to count in: nothing of this is to be recorded.
    pub is_preroll: bool,
    /// Where, in frames of the host's rate from the project's start; may be negative.
    pub position_frames: Option<i64>,
    /// The host told seconds or beats and the frames were worked out from them, so they may be off by one.
    pub is_position_derived: bool,
    /// Where, in quarter notes from the project's start.
    pub position_beats: Option<f64>,
    /// The bar it is in, counted from 0 as hosts do.
    pub bar_number: Option<i32>,
    /// Beats a minute.
    pub tempo: Option<f64>,
    /// Time signature: numerator and denominator.
    pub meter: Option<(u16, u16)>,
    /// First frame and end of the host's loop, while it loops.
    pub loop_frames: Option<(i64, i64)>,
}

impl Transport {
    /// Where a take that begins now lies in the song. A transport that stands still is nowhere; its tempo counts.
    #[must_use]
    pub fn place(&self) -> Place {
        let place = Place { tempo: self.known_tempo(), meter: self.known_meter(), ..Place::default() };
        if !self.is_playing {
            return place;
        }
        Place {
            frames: self.position_frames,
            beats: self.position_beats.filter(|beats| beats.is_finite()),
            bar: self.bar_number.map(|bar| bar.saturating_add(1)),
            ..place
        }
    }

    /// Where a take lies that begins `frames` frames later. Where that is the project's start, it is bar 1.
    #[must_use]
    pub fn place_after(&self, frames: usize, rate_hz: u32) -> Place {
        let place = self.place();
        if frames == 0 {
            return place;
        }
        let at = place.frames.map(|at| at.saturating_add_unsigned(frames as u64));
        let beats = place.tempo.map(|tempo| frames as f64 / f64::from(rate_hz) * tempo / 60.0);
        Place {
            frames: at,
            beats: place.beats.zip(beats).map(|(at, more)| at + more),
            bar: if at == Some(0) { Some(1) } else { place.bar },
            ..place
        }
    }

    /// The tempo, where it is one.
    pub(super) fn known_tempo(&self) -> Option<f64> {
        self.tempo.filter(|tempo| tempo.is_finite() && *tempo > 0.0)
    }

    /// The time signature, where it is one.
    pub(super) fn known_meter(&self) -> Option<(u16, u16)> {
        self.meter.filter(|(numerator, denominator)| *numerator > 0 && *denominator > 0)
    }
}

//! What moves with the sound, from the audio thread to the window: atomics, read at any time, never waited for.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Stems that can be played at once: as many as there are stereo outputs beside the main one.
pub const STEMS_MAX: usize = 6;

/// A highest absolute sample since it was last read.
#[derive(Debug, Default)]
pub struct Peak(AtomicU32);

impl Peak {
    /// Thread: audio. Positive floats order like their bits.
    pub fn raise(&self, level: f32) {
        self.0.fetch_max(level.abs().to_bits(), Ordering::Relaxed);
    }

    /// Thread: audio. The highest of many; what is no number counts as infinite. Compares bits, which needs no
    /// special case for such and so goes over many samples at a time.
    pub fn raise_all(&self, samples: &[f32]) {
        let highest =
            samples.iter().fold(0, |highest: u32, sample| highest.max(sample.to_bits() & 0x7fff_ffff));
        self.0.fetch_max(highest.min(f32::INFINITY.to_bits()), Ordering::Relaxed);
    }

    /// Thread: editor. The highest since the last call; linear, 1.0 is full scale.
    pub fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Ordering::Relaxed))
    }

    /// The highest since it was last taken; leaves it there.
    #[must_use]
    pub fn peek(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// What moves with the sound.
#[derive(Debug, Default)]
pub struct Gauges {
    /// What the host sends, by channel.
    pub input: [Peak; 2],
    /// What we send on the main output, by channel.
    pub output: [Peak; 2],
    /// Each stem as heard, after its fader.
    pub stems: [Peak; STEMS_MAX],
    /// The host's transport runs.
    pub is_host_playing: AtomicBool,
    /// The host's tempo, beats a minute as `f64` bits; 0 for unknown.
    pub tempo_bits: AtomicU64,
    /// The host's time signature, numerator << 16 | denominator; 0 for unknown.
    pub meter: AtomicU32,
    /// Where on the reel the sound is, in frames of the host's rate from the reel's start; negative for nowhere.
    /// While all stands still: where free play would begin.
    pub playhead: AtomicI64,
    /// The frame of the take that the reel begins with, in frames of the host's rate; set by the session.
    pub reel_first: AtomicU64,
    /// Free play runs; it ends by itself at the take's end and when the host begins to play.
    pub is_free_playing: AtomicBool,
    /// Frames recorded in this take so far.
    pub recorded_frames: AtomicU64,
    /// Frames of this take that were lost because nobody took them off the ring.
    pub lost_frames: AtomicU64,
    /// Blocks in which the input was heard instead of the reel, and the stems' own outputs were silent, because
    /// samples had not come from the disk yet.
    pub late_blocks: AtomicU64,
    /// The host's rate, Hz.
    pub rate_hz: AtomicU32,
    /// Blocks processed; stands still when the host does not call us.
    pub blocks: AtomicU64,
}

impl Gauges {
    /// The host's tempo in beats a minute, where it told.
    #[must_use]
    pub fn tempo(&self) -> Option<f64> {
        let tempo = f64::from_bits(self.tempo_bits.load(Ordering::Relaxed));
        (tempo > 0.0).then_some(tempo)
    }

    /// Where in the take the sound is, in frames of the host's rate from the take's start, while it is inside.
    #[must_use]
    pub fn playhead(&self) -> Option<u64> {
        let on_reel = u64::try_from(self.playhead.load(Ordering::Relaxed)).ok()?;
        on_reel.checked_add(self.reel_first.load(Ordering::Relaxed))
    }

    /// Thread: session. The reel that is being loaded begins with this frame of the take.
    pub fn set_reel_first(&self, frame: u64) {
        self.reel_first.store(frame, Ordering::Relaxed);
    }
}

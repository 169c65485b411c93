//! The session's end of the audio thread: orders in, reports and recorded samples out, all through rings that never
//! make the audio thread wait.

use super::{Gauges, Reel};
use crate::library::Place;
use crate::view::{Monitor, Trigger};
use std::sync::Arc;

/// Tracks of a reel: up to six stems, then the original.
pub const TRACKS_MAX: usize = super::gauges::STEMS_MAX + 1;

/// What the session tells the audio thread.
#[derive(Clone, Debug)]
pub enum Order {
    /// Arm, or record at once. While a take runs: nothing.
    Record(Trigger),
    /// End the take, or disarm.
    StopRecording,
    /// Play from this reel from now on; the one before comes back through [`Desk::retired`].
    Load(Arc<Reel>),
    /// Play from none.
    Unload,
    /// What is heard on the main output.
    Monitor(Monitor),
    /// Whether the stems sound on their own outputs, too. Off at first: a host that sums all outputs would play them
    /// twice.
    Outputs(bool),
    /// Linear gain of every track; solo and mute are in it already. Reached over 10 ms, without a click.
    Levels([f32; TRACKS_MAX]),
    /// Free play on or off; heeded only while the host stands still.
    Play(bool),
    /// Free play goes on at this frame of the take (host's rate).
    Locate(u64),
    /// Frames of the take that free play repeats.
    Loop(Option<(u64, u64)>),
}

/// What the audio thread tells the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Report {
    /// The host prepared us for this rate and width.
    Activated {
        /// Hz.
        rate_hz: u32,
        /// 1 or 2.
        channels: u16,
    },
    /// A take begins with the next sample on the tape.
    Begun {
        /// How it was begun.
        trigger: Trigger,
        /// Where in the song.
        place: Place,
        /// Hz.
        rate_hz: u32,
        /// 1 or 2.
        channels: u16,
    },
    /// The take has ended; all its samples are on the tape.
    Ended {
        /// Frames on the tape.
        frames: u64,
        /// Frames that found no room there.
        lost_frames: u64,
        /// Why.
        end: End,
    },
}

/// Why a take ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The session asked.
    Stopped,
    /// The transport stopped.
    TransportStopped,
    /// The transport went back to the start of its loop.
    Looped,
    /// The transport jumped.
    Jumped,
    /// The host changed rate, width or put us to sleep.
    Deactivated,
}

/// The session's end.
#[derive(Debug)]
pub struct Desk {
    /// Levels and positions.
    pub gauges: Arc<Gauges>,
    /// What the audio thread shall do; when full, keep the order and try again.
    pub orders: rtrb::Producer<Order>,
    /// What the audio thread has done.
    pub reports: rtrb::Consumer<Report>,
    /// Recorded samples, interleaved, between a `Begun` and its `Ended`.
    pub tape: rtrb::Consumer<f32>,
    /// Reels that the audio thread has let go, to be freed here.
    pub retired: rtrb::Consumer<Arc<Reel>>,
}

//! Follows the host's transport from block to block: tells going on from looping from jumping. Knows no sound.
//!
//! Only the first frame of each block has a position, so a host that loops inside a block is noticed one block late:
//! the frames after the turn are then taken for frames before it. Most hosts cut blocks at their loop.

use super::Transport;

/// How far a position that was worked out from seconds or beats may be off and still mean "going on". Rounding alone
/// makes one frame on either side.
const DERIVED_SLACK_FRAMES: u64 = 2;

/// How the transport came to this block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It stands still.
    Still,
    /// It stood still before.
    Starts,
    /// It goes on where the block before ended.
    GoesOn,
    /// It went back to the start of the host's loop.
    Loops,
    /// It is elsewhere.
    Jumps,
}

/// The transport, followed.
#[derive(Debug, Default)]
pub(super) struct Course {
    is_running: bool,
    /// Position of the frame after the last block.
    next: Option<i64>,
    /// Position of the first frame of this block.
    here: Option<i64>,
    /// Length of the last block.
    last_frames: i64,
}

impl Course {
    /// Takes note of one block of `frames`.
    pub(super) fn follow(&mut self, transport: &Transport, frames: usize) -> Step {
        let frames = i64::try_from(frames).unwrap_or(i64::MAX);
        let step = self.step(transport);
        self.here = match step {
            Step::Still => None,
            // Our own count goes on: a derived position that wavers by a frame must not cut the sound there.
            Step::GoesOn => self.next.or(transport.position_frames),
            Step::Starts | Step::Loops | Step::Jumps => transport.position_frames,
        };
        self.is_running = transport.is_playing;
        self.next = self.here.map(|here| here.saturating_add(frames));
        self.last_frames = frames;
        step
    }

    /// Position of the first frame of the block last followed; `None` while still, or where the host never told.
    pub(super) fn here(&self) -> Option<i64> {
        self.here
    }

    fn step(&self, transport: &Transport) -> Step {
        if !transport.is_playing {
            return Step::Still;
        }
        if !self.is_running {
            return Step::Starts;
        }
        let (Some(next), Some(told)) = (self.next, transport.position_frames) else { return Step::GoesOn };
        let slack = if transport.is_position_derived { DERIVED_SLACK_FRAMES } else { 0 };
        if next.abs_diff(told) <= slack {
            return Step::GoesOn;
        }
        match transport.loop_frames {
            Some((start, end)) if self.is_turn(told, next, start, end) => Step::Loops,
            _ => Step::Jumps,
        }
    }

    /// Whether going from `next` to `told` is the turn of this loop: from its end, or past it within the last block,
    /// to its start, or as far behind it as that block reached beyond the end.
    fn is_turn(&self, told: i64, next: i64, start: i64, end: i64) -> bool {
        let slack = i64::try_from(DERIVED_SLACK_FRAMES).unwrap_or(i64::MAX);
        let beyond = next.saturating_sub(end);
        let behind = told.saturating_sub(start);
        told < next
            && (-slack..=self.last_frames).contains(&beyond)
            && behind >= -slack
            && behind.abs_diff(beyond) <= DERIVED_SLACK_FRAMES
    }
}

//! Puts what the host sends on the tape: from the first frame that counts to the last, and says what became of it.
//! Never changes the sound.
//!
//! With the transport a take begins with the first block that plays (hosts start on block boundaries; counting in is
//! left out) and ends before the first block that does not go on where the last one ended. Where a host loops inside a
//! block, the take's last frames are those of the loop's start: only the beginnings of blocks can be seen.

use super::course::Step;
use super::desk::{End, Report};
use super::pace::{Look, Pace, Trust};
use super::reel::PIECE_FRAMES;
use super::{Gauges, Transport};
use crate::view::Trigger;
use std::sync::atomic::Ordering::Relaxed;

/// Samples on the tape: 21 seconds at 48 kHz in stereo, 5 at 192 kHz.
pub(super) const TAPE_SAMPLES: usize = 1 << 21;
/// Reports that can wait to be read.
pub(super) const REPORTS_MAX: usize = 64;
/// A take begins only with room for `Begun` and `Ended`, and one `Activated` between, so none is ever lost.
const REPORTS_OF_A_TAKE: usize = 3;
/// Offline, the tape is never filled beyond this: what is left takes any block while we wait for the rest.
const ROOM_OFFLINE: usize = TAPE_SAMPLES / 4;

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Armed(Trigger),
    Running(Running),
}

#[derive(Clone, Copy, Debug)]
struct Running {
    trigger: Trigger,
    channels: usize,
    frames: u64,
    lost_frames: u64,
}

/// The recorder.
#[derive(Debug)]
pub(super) struct Recorder {
    state: State,
    tape: rtrb::Producer<f32>,
    reports: rtrb::Producer<Report>,
    /// Told as soon as there is room; newest wins.
    activated: Option<Report>,
    /// Samples put on the tape ever.
    written: u64,
    trust: Trust,
    interleaved: [f32; 2 * PIECE_FRAMES],
}

/// The block to be recorded and all that is known of it.
pub(super) struct Input<'a, 'b> {
    pub(super) main: &'a [&'b mut [f32]],
    pub(super) transport: &'a Transport,
    pub(super) step: Step,
    pub(super) rate_hz: u32,
}

impl Recorder {
    pub(super) fn new(tape: rtrb::Producer<f32>, reports: rtrb::Producer<Report>) -> Self {
        Self {
            state: State::Idle,
            tape,
            reports,
            activated: None,
            written: 0,
            trust: Trust::default(),
            interleaved: [0.0; 2 * PIECE_FRAMES],
        }
    }

    /// Arms, or begins with the next block.
    pub(super) fn record(&mut self, trigger: Trigger) {
        if !matches!(self.state, State::Running(_)) {
            self.state = State::Armed(trigger);
        }
    }

    /// Ends the take before the next block, or disarms.
    pub(super) fn stop(&mut self) {
        self.end(End::Stopped);
        self.state = State::Idle;
    }

    /// The host has prepared us anew; ends the take that was running. Armed stays armed.
    pub(super) fn activate(&mut self, rate_hz: u32, channels: u16) {
        self.end(End::Deactivated);
        self.activated = Some(Report::Activated { rate_hz, channels });
        self.tell_activated();
    }

    /// The host puts us to sleep.
    pub(super) fn deactivate(&mut self) {
        self.end(End::Deactivated);
    }

    /// One block.
    pub(super) fn block(&mut self, input: &Input<'_, '_>, gauges: &Gauges, pace: &mut Pace) {
        self.tell_activated();
        let channels = input.main.len().min(2);
        if let State::Running(take) = self.state
            && let Some(end) = reason_to_end(&take, input.step, channels)
        {
            self.end(end);
        }
        let mut from = 0;
        if let State::Armed(trigger) = self.state
            && channels > 0
            && is_time(trigger, input.transport)
            && self.activated.is_none()
            && self.reports.slots() >= REPORTS_OF_A_TAKE
        {
            from = lead_in(trigger, input);
            if from < frames_of(input.main) || from == 0 {
                self.begin(trigger, channels, input, from);
            }
        }
        if let State::Running(mut take) = self.state {
            self.write(&mut take, input.main, from, pace);
            gauges.recorded_frames.store(take.frames, Relaxed);
            gauges.lost_frames.store(take.lost_frames, Relaxed);
            self.state = State::Running(take);
        }
    }

    /// `from`: the first frame of the block that belongs to the take.
    fn begin(&mut self, trigger: Trigger, channels: usize, input: &Input<'_, '_>, from: usize) {
        let begun = Report::Begun {
            trigger,
            place: input.transport.place_after(from, input.rate_hz),
            rate_hz: input.rate_hz,
            channels: channels as u16,
        };
        self.tell(begun);
        self.state = State::Running(Running { trigger, channels, frames: 0, lost_frames: 0 });
    }

    fn end(&mut self, end: End) {
        if let State::Running(take) = self.state {
            self.tell(Report::Ended { frames: take.frames, lost_frames: take.lost_frames, end });
            self.state = State::Idle;
        }
    }

    /// The room was made sure of before the take began.
    fn tell(&mut self, report: Report) {
        let _ = self.reports.push(report);
    }

    fn tell_activated(&mut self) {
        // One place stays free for the end of a running take.
        if let Some(report) = self.activated
            && self.reports.slots() > 1
        {
            self.tell(report);
            self.activated = None;
        }
    }

    fn write(&mut self, take: &mut Running, main: &[&mut [f32]], from: usize, pace: &mut Pace) {
        let frames = frames_of(&main[..take.channels]);
        let mut done = from;
        while done < frames {
            let piece = (frames - done).min(PIECE_FRAMES);
            if pace.may_wait() {
                self.wait_for_room(pace);
            }
            let fits = piece.min(self.tape.slots() / take.channels);
            for (index, channel) in main[..take.channels].iter().enumerate() {
                let to = self.interleaved[index..].iter_mut().step_by(take.channels);
                to.zip(&channel[done..done + fits]).for_each(|(to, from)| *to = *from);
            }
            let samples = fits * take.channels;
            // The room was looked up just now, and only we use it.
            let _ = self.tape.push_entire_slice(&self.interleaved[..samples]);
            self.written += samples as u64;
            take.frames += fits as u64;
            take.lost_frames += (piece - fits) as u64;
            done += piece;
        }
    }

    fn wait_for_room(&mut self, pace: &mut Pace) {
        let (tape, written) = (&self.tape, self.written);
        pace.wait(&mut self.trust, || {
            let room = tape.slots();
            // Room plus what was written grows exactly by what was read at the other end.
            Look { is_ready: room >= ROOM_OFFLINE || tape.is_abandoned(), progress: written + room as u64 }
        });
    }
}

fn frames_of(main: &[&mut [f32]]) -> usize {
    main.iter().map(|channel| channel.len()).min().unwrap_or(0)
}

/// Frames of the block that lie before the project's start. Hosts that make up for latency begin to play a little
/// early, where no file can be placed: it is not recorded.
fn lead_in(trigger: Trigger, input: &Input<'_, '_>) -> usize {
    match (trigger, input.transport.position_frames) {
        (Trigger::Transport, Some(position)) if position < 0 => {
            usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX)
        }
        _ => 0,
    }
}

fn is_time(trigger: Trigger, transport: &Transport) -> bool {
    match trigger {
        Trigger::Now => true,
        Trigger::Transport => transport.is_playing && !transport.is_preroll,
    }
}

fn reason_to_end(take: &Running, step: Step, channels: usize) -> Option<End> {
    if take.channels != channels {
        // Only a host that breaks its own promise changes the width without preparing us anew.
        return Some(End::Deactivated);
    }
    match (take.trigger, step) {
        (Trigger::Now, _) | (Trigger::Transport, Step::Starts | Step::GoesOn) => None,
        (Trigger::Transport, Step::Still) => Some(End::TransportStopped),
        (Trigger::Transport, Step::Loops) => Some(End::Looped),
        (Trigger::Transport, Step::Jumps) => Some(End::Jumped),
    }
}

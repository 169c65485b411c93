//! From the audio thread's tape to a take on the disk: one blocking thread while a take runs, none otherwise. It owns
//! tape and reports meanwhile, so that a take that follows at once cannot get into this one. Never makes the audio
//! thread wait.

use super::mailbox::{Event, Mailbox};
use crate::audio::Report;
use crate::library::{Library, LibraryError, Origin, Outline, Outliner, Place, TakeId, TakeInfo, TakeWriter};
use crate::view::Trigger;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A look at a tape that was empty. The tape holds seconds; the disk's thread sleeps between blocks of any length.
const NAP: Duration = Duration::from_millis(4);
/// Samples taken off the tape at a time; even, so that it is a whole number of frames.
const SAMPLES_AT_A_TIME: usize = 1 << 16;
/// Columns of the outline of a take that still grows: more than a window is wide.
const COLUMNS_MAX: usize = 4096;
/// How often the window hears of a growing take.
const TELL: Duration = Duration::from_millis(200);
/// How often the disk is asked for room.
const LOOK_AT_DISK: Duration = Duration::from_secs(1);

/// The readers' ends of the audio thread's rings.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) reports: rtrb::Consumer<Report>,
    pub(super) samples: rtrb::Consumer<f32>,
}

/// What is known of a take as it begins.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) id: TakeId,
    pub(super) name: String,
    pub(super) trigger: Trigger,
    pub(super) place: Place,
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) made_at_us: i64,
}

/// What became of a recording.
#[derive(Debug)]
pub(super) enum CaptureNews {
    /// It grows.
    Growing { room: Duration, outline: Arc<Outline> },
    /// Nothing more can be written; it must end. For people.
    Stuck(String),
    /// The host prepared us for another rate or width meanwhile.
    Activated { rate_hz: u32 },
    /// It has ended, and the tape is free.
    Ended { tape: Box<Tape>, kept: Result<TakeInfo, String>, lost_frames: u64 },
}

/// Blocking, until the take ends, the audio thread is gone or `stop`.
pub(super) fn record(
    library: &Library,
    begun: Begun,
    mut tape: Tape,
    stop: &CancellationToken,
    mailbox: &Mailbox,
) {
    let mut take = Recording::begin(library, &begun, mailbox);
    let mut lost_frames = 0;
    let goal = loop {
        // Looked at before the reports: what lies on the tape now was put there before any report that is not there
        // yet, so it belongs to this take.
        let ready = tape.samples.slots();
        match tape.reports.pop() {
            Ok(Report::Ended { frames, lost_frames: lost, .. }) => {
                lost_frames = lost;
                break Some(frames);
            }
            Ok(Report::Activated { rate_hz, .. }) => {
                mailbox.post_blocking(Event::Capture(CaptureNews::Activated { rate_hz }));
            }
            // A take cannot begin before this one has ended.
            Ok(Report::Begun { .. }) | Err(_) => {}
        }
        if ready >= usize::from(begun.channels) {
            take.take_off(&mut tape.samples, ready);
        }
        let is_dry = ready < usize::from(begun.channels);
        if stop.is_cancelled() || (is_dry && tape.reports.is_abandoned()) {
            break None;
        }
        if is_dry {
            std::thread::sleep(NAP);
        }
        take.tell();
    };
    if let Some(frames) = goal {
        let samples = frames.saturating_mul(u64::from(begun.channels));
        take.finish_tape(&mut tape.samples, samples);
    }
    let kept = take.finish(lost_frames);
    mailbox.post_blocking(Event::Capture(CaptureNews::Ended { tape: Box::new(tape), kept, lost_frames }));
}

struct Recording<'a> {
    library: &'a Library,
    mailbox: &'a Mailbox,
    begun: &'a Begun,
    /// None where the disk takes no more; what was written before stays.
    writer: Option<TakeWriter>,
    /// Why nothing more is written.
    stuck: Option<String>,
    is_writing: bool,
    outline: Outliner,
    /// Samples that were taken off the tape.
    taken: u64,
    samples: Vec<f32>,
    told_at: Instant,
    looked_at: Option<Instant>,
    room: Duration,
}

impl<'a> Recording<'a> {
    fn begin(library: &'a Library, begun: &'a Begun, mailbox: &'a Mailbox) -> Self {
        let mut recording = Self {
            library,
            mailbox,
            begun,
            writer: None,
            stuck: None,
            is_writing: true,
            outline: Outliner::new(begun.channels, COLUMNS_MAX),
            taken: 0,
            samples: Vec::with_capacity(SAMPLES_AT_A_TIME),
            told_at: Instant::now(),
            looked_at: None,
            room: Duration::ZERO,
        };
        match library.begin_take(begun.id, begun.channels, begun.rate_hz) {
            Ok(mut writer) => {
                // Only for the case that the host crashes: without it the take has another name then.
                let _ = writer.describe(&begun.name, begun.place, begun.made_at_us);
                recording.writer = Some(writer);
            }
            Err(error) => recording.stop_writing(&error),
        }
        recording
    }

    /// Takes whole frames off the tape, at most `ready` samples.
    fn take_off(&mut self, tape: &mut rtrb::Consumer<f32>, ready: usize) {
        let channels = usize::from(self.begun.channels).max(1);
        let count = ready.min(SAMPLES_AT_A_TIME) / channels * channels;
        let Ok(chunk) = tape.read_chunk(count) else { return };
        let (first, second) = chunk.as_slices();
        self.samples.clear();
        self.samples.extend_from_slice(first);
        self.samples.extend_from_slice(second);
        chunk.commit_all();
        self.taken += count as u64;
        if !self.is_writing {
            return;
        }
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.write(&self.samples)
        {
            self.stop_writing(&error);
            return;
        }
        self.outline.push(&self.samples);
    }

    /// What belongs to the take and was not taken yet; all of it is on the tape.
    fn finish_tape(&mut self, tape: &mut rtrb::Consumer<f32>, samples: u64) {
        while self.taken < samples {
            let left = usize::try_from(samples - self.taken).unwrap_or(usize::MAX);
            let before = self.taken;
            self.take_off(tape, left.min(tape.slots()));
            if self.taken == before {
                return;
            }
        }
    }

    fn stop_writing(&mut self, error: &LibraryError) {
        self.is_writing = false;
        let reason = error.told();
        self.stuck = Some(reason.clone());
        self.mailbox.post_blocking(Event::Capture(CaptureNews::Stuck(reason)));
    }

    fn tell(&mut self) {
        let now = Instant::now();
        if now - self.told_at < TELL {
            return;
        }
        self.told_at = now;
        if self.looked_at.is_none_or(|at| now - at >= LOOK_AT_DISK) {
            self.looked_at = Some(now);
            let bytes_a_second = u64::from(self.begun.rate_hz) * u64::from(self.begun.channels) * 4;
            self.room = Duration::from_secs(self.library.free_bytes() / bytes_a_second.max(1));
        }
        let outline = Arc::new(self.outline.outline());
        self.mailbox.post_if_room(Event::Capture(CaptureNews::Growing { room: self.room, outline }));
    }

    fn finish(self, lost_frames: u64) -> Result<TakeInfo, String> {
        let begun = self.begun;
        let Some(writer) = self.writer else {
            return Err(self.stuck.unwrap_or_else(|| "nothing could be written".to_owned()));
        };
        let info = TakeInfo {
            id: begun.id,
            name: begun.name.clone(),
            frames: writer.frames(),
            channels: begun.channels,
            rate_hz: begun.rate_hz,
            place: begun.place,
            origin: Origin::Recorded,
            lost_frames,
            trim: None,
            made_at_us: begun.made_at_us,
        };
        writer.finish(info).map_err(|error| error.told())
    }
}

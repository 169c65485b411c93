//! What the player plays: the tracks of one result as pages of samples, of which only those near the playhead are in
//! memory. The disk's thread fills pages, the audio thread reads them; a page that changes while it is read counts as
//! absent, so neither waits for the other and no sample is torn. A clip that fits the pool is in memory whole.
//!
//! The disk's thread does `while let Some(wanted) = reel.wanted() { reel.fill(..) }` and looks again some
//! milliseconds later. Which pages stay is one rule: those that will most likely be heard next, see `rank`.

mod pool;

use super::desk::TRACKS_MAX;
use pool::Pool;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Frames a page.
pub const PAGE_FRAMES: usize = 16_384;
/// Memory of one reel's pages, all tracks together: two minutes of four stems and the original at 48 kHz in stereo.
pub const POOL_BYTES_MAX: usize = 256 << 20;
/// Frames that are played at most, 24 hours at 48 kHz; more frames of a file are never heard.
pub const REEL_FRAMES_MAX: u64 = 1 << 32;
/// Frames that are mixed at a time; bounds the memory beside the pages.
pub(super) const PIECE_FRAMES: usize = 256;

/// Sound ahead of the playhead that comes before all else. A disk that sleeps needs some seconds to wake.
const AHEAD_SECONDS: u64 = 8;
/// Sound kept where the transport may jump to: the loop's start and the reel's start. More than the second that a bounce
/// may be ahead before `pace` knows it for one, so that a bounce from there misses nothing.
const LANDING_SECONDS: u64 = 2;
/// Says that there is no loop.
const NO_LOOP: u64 = u64::MAX;

/// What a reel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReelShape {
    /// Stems, then the original: 1 to `TRACKS_MAX`.
    pub tracks: usize,
    /// 1 or 2.
    pub channels: u16,
    /// Length of every track.
    pub frames: u64,
    /// The host's rate; files of another rate are converted before. A reel of another rate is not played.
    pub rate_hz: u32,
    /// Host position of the first frame, in frames; `None` for a take without a place.
    pub start: Option<i64>,
}

/// A page to be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which track, from 0.
    pub track: usize,
    /// Which page of it, from 0.
    pub page: u64,
    /// The frames of the track that the page holds: [`PAGE_FRAMES`], but for the last.
    pub frames: Range<u64>,
}

/// Frames of one track as the player wants them: by channel; a mono reel's are in both.
pub(super) type Piece = [[f32; PIECE_FRAMES]; 2];

/// The tracks of one result.
pub struct Reel {
    shape: ReelShape,
    /// Pages a track.
    pages: u64,
    pool: Pool,
    /// By track and page: the slot that holds it, counted from 1; 0 for none.
    table: Box<[AtomicU32]>,
    /// Where the sound is or will begin.
    cursor: AtomicU64,
    /// Where the host's or our own loop begins.
    loop_start: AtomicU64,
    is_filling: AtomicBool,
    fills: AtomicU64,
}

impl std::fmt::Debug for Reel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reel").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Reel {
    /// An empty one. What is beyond the limits of [`ReelShape`] and [`REEL_FRAMES_MAX`] is cut off.
    #[must_use]
    pub fn new(shape: ReelShape) -> Self {
        Self::with_pool(shape, POOL_BYTES_MAX)
    }

    /// An empty one with another size of its pool; at least two pages a track. Memory is taken as pages are filled.
    #[must_use]
    pub fn with_pool(shape: ReelShape, pool_bytes: usize) -> Self {
        let shape = ReelShape {
            tracks: shape.tracks.clamp(1, TRACKS_MAX),
            channels: shape.channels.clamp(1, 2),
            frames: shape.frames.min(REEL_FRAMES_MAX),
            ..shape
        };
        let pages = shape.frames.div_ceil(PAGE_FRAMES as u64);
        let entries = pages as usize * shape.tracks;
        let page_samples = PAGE_FRAMES * usize::from(shape.channels);
        let slots = (pool_bytes / (page_samples * size_of::<f32>())).max(2 * shape.tracks).min(entries);
        #[expect(clippy::disallowed_methods, reason = "thread: session; made once, before it is loaded")]
        let table = (0..entries).map(|_| AtomicU32::new(0)).collect();
        Self {
            shape,
            pages,
            pool: Pool::new(slots, page_samples),
            table,
            cursor: AtomicU64::new(0),
            loop_start: AtomicU64::new(NO_LOOP),
            is_filling: AtomicBool::new(false),
            fills: AtomicU64::new(0),
        }
    }

    /// What it holds.
    #[must_use]
    pub fn shape(&self) -> ReelShape {
        self.shape
    }

    /// Tracks without the last one, the original.
    #[must_use]
    pub fn stems(&self) -> usize {
        self.shape.tracks - 1
    }

    /// Thread: disk. The missing page that will most likely be heard first; `None` while all that there is room for
    /// is there.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        if self.pool.used() == self.table.len() {
            return None;
        }
        let (track, page) = self.by_rank().find_map(|page| {
            (0..self.shape.tracks)
                .find(|track| self.slot(self.entry(*track, page)).is_none())
                .map(|t| (t, page))
        })?;
        let has_room = self.pool.has_free() || self.least_likely()?.1 > self.rank(page);
        has_room.then(|| Wanted { track, page, frames: self.frames_of(page) })
    }

    /// Thread: disk. Puts samples, interleaved, into a page; missing ones are silence. Takes the place of the page
    /// that will least likely be heard, if that is less likely than this one. False when it did nothing: no such
    /// page, no room for it any more, or another thread fills.
    pub fn fill(&self, track: usize, page: u64, samples: &[f32]) -> bool {
        if track >= self.shape.tracks || page >= self.pages || self.is_filling.swap(true, Ordering::Acquire) {
            return false;
        }
        let is_there = self.place(track, page, samples);
        self.is_filling.store(false, Ordering::Release);
        is_there
    }

    fn place(&self, track: usize, page: u64, samples: &[f32]) -> bool {
        let entry = self.entry(track, page);
        if self.slot(entry).is_some() {
            return true;
        }
        let slot = if self.pool.has_free() {
            self.pool.used()
        } else {
            match self.least_likely() {
                Some((slot, rank)) if rank > self.rank(page) => slot,
                _ => return false,
            }
        };
        if let Some(before) = self.pool.owner(slot) {
            self.table[before].store(0, Ordering::Relaxed);
        }
        self.pool.put(slot, entry, samples);
        self.table[entry].store(slot as u32 + 1, Ordering::Release);
        self.fills.fetch_add(1, Ordering::Release);
        true
    }

    /// Whether these frames of all tracks are in memory now. Frames beyond the end count as there.
    #[must_use]
    pub fn is_resident(&self, frames: Range<u64>) -> bool {
        let end = frames.end.min(self.shape.frames);
        if frames.start >= end {
            return true;
        }
        let pages = frames.start / PAGE_FRAMES as u64..end.div_ceil(PAGE_FRAMES as u64);
        pages
            .into_iter()
            .all(|page| (0..self.shape.tracks).all(|track| self.slot(self.entry(track, page)).is_some()))
    }

    /// Frames that are not in memory, summed over the tracks.
    #[must_use]
    pub fn frames_missing(&self) -> u64 {
        let missing = |track| {
            (0..self.pages)
                .filter(move |page| self.slot(self.entry(track, *page)).is_none())
                .map(|page| self.frames_of(page))
                .map(|frames| frames.end - frames.start)
                .sum::<u64>()
        };
        (0..self.shape.tracks).map(missing).sum()
    }

    /// Where the sound is, or where it will begin; pages from here on are wanted first.
    pub fn set_cursor(&self, frame: u64) {
        self.cursor.store(frame, Ordering::Relaxed);
    }

    /// Where the sound goes back to, while it is looped.
    pub fn set_loop_start(&self, frame: Option<u64>) {
        self.loop_start.store(frame.unwrap_or(NO_LOOP), Ordering::Relaxed);
    }

    /// Pages filled so far.
    pub(super) fn fills(&self) -> u64 {
        self.fills.load(Ordering::Acquire)
    }

    /// Thread: audio. Frames `at..at + frames` of a track, at most [`PIECE_FRAMES`]; frames beyond the end are
    /// silence. False where some are not in memory; what is in `into` then means nothing.
    pub(super) fn read(&self, track: usize, at: u64, frames: usize, into: &mut Piece) -> bool {
        let mut done = 0;
        while done < frames {
            let from = at + done as u64;
            if from >= self.shape.frames {
                into.iter_mut().for_each(|channel| channel[done..frames].fill(0.0));
                break;
            }
            let (page, offset) = (from / PAGE_FRAMES as u64, (from % PAGE_FRAMES as u64) as usize);
            let run = (frames - done).min(PAGE_FRAMES - offset);
            let entry = self.entry(track, page);
            let Some(slot) = self.slot(entry) else { return false };
            let [left, right] = into;
            let to = [&mut left[done..done + run], &mut right[done..done + run]];
            let is_whole = match self.shape.channels {
                1 => self.pool.read_mono(slot, entry, offset, to),
                _ => self.pool.read_stereo(slot, entry, offset, to),
            };
            if !is_whole {
                return false;
            }
            done += run;
        }
        true
    }

    fn entry(&self, track: usize, page: u64) -> usize {
        track * self.pages as usize + page as usize
    }

    fn slot(&self, entry: usize) -> Option<usize> {
        (self.table[entry].load(Ordering::Acquire) as usize).checked_sub(1)
    }

    fn frames_of(&self, page: u64) -> Range<u64> {
        let start = page * PAGE_FRAMES as u64;
        start..(start + PAGE_FRAMES as u64).min(self.shape.frames)
    }

    /// The used slot whose page is needed least, and that page's rank.
    fn least_likely(&self) -> Option<(usize, u64)> {
        (0..self.pool.used())
            .filter_map(|slot| Some((slot, self.rank(self.pool.owner(slot)? as u64 % self.pages))))
            .max_by_key(|(_, rank)| *rank)
    }

    /// How soon a page will be heard, 0 first. Ahead of the playhead, then where the transport may jump to, then the
    /// rest in the order of playing, round the end. What was just heard is thus the first to go.
    fn rank(&self, page: u64) -> u64 {
        let cursor = self.cursor_page();
        let ahead = (page + self.pages - cursor) % self.pages;
        let landing = self.pages_of(LANDING_SECONDS);
        let from_loop = self.loop_page().and_then(|start| page.checked_sub(start));
        if ahead < self.pages_of(AHEAD_SECONDS) {
            ahead
        } else if let Some(from_loop) = from_loop.filter(|pages| *pages < landing) {
            self.pages + from_loop
        } else if page < landing {
            2 * self.pages + page
        } else {
            3 * self.pages + ahead
        }
    }

    /// All pages of a track in the order of [`Self::rank`], some of them twice.
    fn by_rank(&self) -> impl Iterator<Item = u64> {
        let (pages, cursor, landing) = (self.pages, self.cursor_page(), self.pages_of(LANDING_SECONDS));
        let round = move |ahead: u64| (cursor + ahead) % pages;
        let looped = self.loop_page().map_or(0..0, |start| start..(start + landing).min(pages));
        let near = (0..self.pages_of(AHEAD_SECONDS)).map(round);
        near.chain(looped).chain(0..landing.min(pages)).chain((0..pages).map(round))
    }

    fn cursor_page(&self) -> u64 {
        match self.cursor.load(Ordering::Relaxed) / PAGE_FRAMES as u64 {
            page if page < self.pages => page,
            // Behind the end: it can only be heard again from its start.
            _ => 0,
        }
    }

    fn loop_page(&self) -> Option<u64> {
        let page = self.loop_start.load(Ordering::Relaxed) / PAGE_FRAMES as u64;
        (page < self.pages).then_some(page)
    }

    /// Pages that hold so much sound, wherever in the first of them it begins.
    fn pages_of(&self, seconds: u64) -> u64 {
        (seconds * u64::from(self.shape.rate_hz) / PAGE_FRAMES as u64 + 2).min(self.pages)
    }
}

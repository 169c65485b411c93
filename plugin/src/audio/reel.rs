//! What the player plays: the tracks of one result as pages of samples, of which only those near the playhead are in
//! memory. The disk's thread fills pages, the audio thread reads them; a page that changes while it is read counts as
//! absent, so neither waits for the other and no sample is torn.

/// Frames a page.
pub const PAGE_FRAMES: usize = 16_384;

/// What a reel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReelShape {
    /// Stems, then the original: 1 to `TRACKS_MAX`.
    pub tracks: usize,
    /// 1 or 2.
    pub channels: u16,
    /// Length of every track.
    pub frames: u64,
    /// The host's rate; files of another rate are converted before.
    pub rate_hz: u32,
    /// Host position of the first frame, in frames; `None` for a take without a place.
    pub start: Option<i64>,
}

/// The tracks of one result.
#[derive(Debug)]
pub struct Reel {
    shape: ReelShape,
}

impl Reel {
    /// An empty one.
    #[must_use]
    pub fn new(shape: ReelShape) -> Self {
        Self { shape }
    }

    /// What it holds.
    #[must_use]
    pub fn shape(&self) -> ReelShape {
        self.shape
    }
}

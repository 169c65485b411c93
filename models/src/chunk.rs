//! Where chunks lie on a clip's columns, and which chunk answers for which column. Pure arithmetic.
//!
//! All chunks of a clip that needs more than one are equally long, so that chunks of different jobs fit one batch:
//! the last is shifted back until it ends with the clip. Neighbours share at least the overlap; they are cross-faded
//! over the last columns of the earlier one, wherever the later one starts.

use std::ops::Range;

/// How long chunks are and how much neighbours share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkShape {
    columns: u32,
    overlap_columns: u32,
}

impl ChunkShape {
    /// None unless the overlap is less than half of `columns` (a column may lie under two chunks, never three).
    #[must_use]
    pub fn new(columns: u32, overlap_columns: u32) -> Option<Self> {
        (overlap_columns < columns.div_ceil(2)).then_some(Self { columns, overlap_columns })
    }

    /// One chunk whatever the clip's length: memory grows with the clip. For comparison with reference outputs.
    #[must_use]
    pub fn whole() -> Self {
        Self { columns: u32::MAX, overlap_columns: 0 }
    }

    /// Columns of one chunk; fewer where the clip has fewer.
    #[must_use]
    pub fn columns(self) -> u32 {
        self.columns
    }

    /// Columns over which two neighbours are cross-faded.
    #[must_use]
    pub fn overlap_columns(self) -> u32 {
        self.overlap_columns
    }

    /// Lays chunks over a clip of `columns` columns. None where the clip has no column, or more than 2^32 - 1.
    #[must_use]
    pub fn lay(self, columns: u64) -> Option<ChunkLayout> {
        let columns = u32::try_from(columns).ok()?;
        (columns > 0).then_some(ChunkLayout { shape: self, columns })
    }
}

/// The chunks of one clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLayout {
    shape: ChunkShape,
    columns: u32,
}

impl ChunkLayout {
    /// How many chunks, at least 1.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        if self.columns <= self.shape.columns {
            return 1;
        }
        (self.columns - self.shape.columns).div_ceil(self.step()) + 1
    }

    /// The columns that chunk `k` holds.
    #[must_use]
    pub fn chunk(&self, k: u32) -> Range<u32> {
        let columns = self.shape.columns.min(self.columns);
        let start = if self.is_last(k) { self.columns - columns } else { k * self.step() };
        start..start + columns
    }

    /// The columns that become final with the answer to chunk `k`. Segments follow each other without a gap.
    #[must_use]
    pub fn segment(&self, k: u32) -> Range<u32> {
        k * self.step()..if self.is_last(k) { self.columns } else { (k + 1) * self.step() }
    }

    /// How many of the first columns of segment `k` are cross-faded from chunk `k - 1` to chunk `k`.
    #[must_use]
    pub fn fade_columns(&self, k: u32) -> u32 {
        if k == 0 { 0 } else { self.shape.overlap_columns }
    }

    /// Whether `k` is the last chunk.
    #[must_use]
    pub fn is_last(&self, k: u32) -> bool {
        k + 1 >= self.chunks()
    }

    fn step(&self) -> u32 {
        self.shape.columns - self.shape.overlap_columns
    }
}

/// How much of the later chunk is in column `i` of a cross-fade over `columns` columns: linear, and symmetric.
#[must_use]
pub fn fade_in(i: u32, columns: u32) -> f32 {
    ((f64::from(i) + 0.5) / f64::from(columns.max(1))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(chunk: u32, overlap: u32, columns: u32) {
        let layout = ChunkShape::new(chunk, overlap).unwrap().lay(u64::from(columns)).unwrap();
        let mut next = 0;
        for k in 0..layout.chunks() {
            let (held, segment) = (layout.chunk(k), layout.segment(k));
            assert_eq!(held.len(), chunk.min(columns) as usize, "chunks are equally long");
            assert_eq!(segment.start, next, "segments follow each other");
            assert!(segment.end > segment.start, "every chunk brings something");
            assert!(held.start <= segment.start && segment.end <= held.end, "a segment lies in its chunk");
            if k > 0 {
                let fade_end = segment.start + layout.fade_columns(k);
                assert_eq!(fade_end, layout.chunk(k - 1).end, "the fade is at the end of the earlier chunk");
                assert!(fade_end <= segment.end, "the fade is over before the next segment begins");
            }
            next = segment.end;
        }
        assert_eq!(next, columns);
    }

    #[test]
    fn lengths_around_every_border_are_covered_once() {
        for columns in (1..=3).chain(447..=450).chain(510..=514).chain(895..=898).chain(958..=962) {
            check(512, 64, columns);
        }
    }

    proptest! {
        #[test]
        fn any_shape_covers_any_clip(chunk in 1_u32..700, part in 0.0_f64..0.5, columns in 1_u32..5000) {
            let overlap = (f64::from(chunk) * part) as u32;
            prop_assume!(ChunkShape::new(chunk, overlap).is_some());
            check(chunk, overlap, columns);
        }
    }

    #[test]
    fn the_whole_clip_can_be_one_chunk() {
        let layout = ChunkShape::whole().lay(1_000_000).unwrap();
        assert_eq!(layout.chunks(), 1);
        assert_eq!(layout.segment(0), 0..1_000_000);
    }

    #[test]
    fn a_fade_is_symmetric() {
        for i in 0..64 {
            assert!((fade_in(i, 64) + fade_in(63 - i, 64) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn too_much_overlap_and_too_many_columns_are_refused() {
        assert!(ChunkShape::new(512, 256).is_none());
        assert!(ChunkShape::new(512, 255).is_some());
        assert!(ChunkShape::new(0, 0).is_none());
        assert!(ChunkShape::whole().lay(0).is_none());
        assert!(ChunkShape::whole().lay(1 << 32).is_none());
    }
}

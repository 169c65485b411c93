//! Bands of a spectrum, and the runs of equally wide ones that are multiplied as one batch.

/// How wide each band is, in numbers of the network's input: bins times channels times real and imaginary part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    widths: Vec<usize>,
}

/// Neighbouring bands of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) width: usize,
}

/// Bands of BS-RoFormer (Lu et al. 2023), bins each: how many, how wide.
const BAND_SPLIT: [(usize, usize); 7] = [(24, 2), (12, 4), (8, 12), (8, 24), (8, 48), (1, 128), (1, 129)];

/// Real and imaginary part.
const PARTS: usize = 2;

impl Bands {
    /// Bands of so many bins each, of so many channels.
    #[must_use]
    pub fn new(bins: &[usize], channels: usize) -> Self {
        Self { widths: bins.iter().map(|bins| bins * channels * PARTS).collect() }
    }

    /// Those of BS-RoFormer for a transform of 2048 frames.
    #[must_use]
    pub fn band_split(channels: usize) -> Self {
        let bins: Vec<_> =
            BAND_SPLIT.iter().flat_map(|&(count, bins)| std::iter::repeat_n(bins, count)).collect();
        Self::new(&bins, channels)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.widths.len()
    }

    /// Numbers of one column.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.widths.iter().sum()
    }

    /// In order; a run ends where the width changes.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (first, &width) in self.widths.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if run.width == width => run.count += 1,
                _ => runs.push(Run { first, count: 1, width }),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_bands_are_62_of_7_widths_and_cover_1025_bins() {
        let bands = Bands::band_split(2);
        assert_eq!((bands.count(), bands.numbers(), bands.runs().len()), (62, 4 * 1025, 7));
        assert_eq!(bands.runs()[2], Run { first: 36, count: 8, width: 48 });
    }
}

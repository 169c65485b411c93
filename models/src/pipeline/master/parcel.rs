//! How sound and filters travel in a chunk: the device sees numbers only. One row of numbers: three that say what
//! follows, then the filters, then the channels one after the other.

use super::equaliser::Equaliser;
use crate::pipeline::Chunk;

/// Channels, taps of a filter, number of filters.
const HEADER: usize = 3;

/// A chunk of a reading that only looks: it carries nothing and is answered by nothing.
pub(super) fn empty(index: u32) -> Chunk {
    Chunk { index, shape: vec![1], data: vec![0.0], part: 0 }
}

/// A chunk with sound. `filters`: none, one for everything, or one for the middle and one for the sides; all equally
/// long. `rows` reach over both ends by half a filter.
pub(super) fn pack(index: u32, filters: &[Vec<f32>], rows: &[Vec<f32>]) -> Chunk {
    let taps = filters.first().map_or(0, Vec::len);
    let numbers = HEADER + filters.iter().chain(rows).map(Vec::len).sum::<usize>();
    let mut data = Vec::with_capacity(numbers);
    // Counts this small are exact in f32.
    data.extend([rows.len() as f32, taps as f32, filters.len() as f32]);
    filters.iter().chain(rows).for_each(|numbers| data.extend_from_slice(numbers));
    Chunk { index, shape: vec![data.len()], data, part: 0 }
}

/// Runs the filters of a chunk over its sound: `[channels][frames]` in one row. None where it is no such chunk.
pub(super) fn answer(data: &[f32]) -> Option<Vec<f32>> {
    if data.len() < HEADER {
        return Some(Vec::new());
    }
    let (header, rest) = data.split_at(HEADER);
    let [channels, taps, filters] = [header[0] as usize, header[1] as usize, header[2] as usize];
    let (filters, rows) = rest.split_at_checked(taps.checked_mul(filters)?)?;
    if channels == 0 || !rows.len().is_multiple_of(channels) || rows.is_empty() {
        return None;
    }
    let rows: Vec<&[f32]> = rows.chunks_exact(rows.len() / channels).collect();
    let mut filters = filters.chunks_exact(taps.max(1));
    let Some(mid) = filters.next() else { return Some(rows.concat()) };
    if taps % 2 == 0 || rows[0].len() < taps {
        return None;
    }
    Some(Equaliser::new(mid, filters.next()).run(&rows).concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_answered() {
        let rows = vec![vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0]];
        assert_eq!(answer(&pack(0, &[], &rows).data).unwrap(), rows.concat());
        let doubled = answer(&pack(0, &[vec![0.0, 2.0, 0.0]], &rows).data).unwrap();
        let exact = [4.0, 6.0, 12.0, 14.0];
        assert!(doubled.len() == 4 && doubled.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-5));
        // The middle silenced, the side kept: each channel is half of what they differ by.
        let side = [vec![0.0; 3], vec![0.0, 1.0, 0.0]];
        let side = answer(&pack(0, &side, &rows).data).unwrap();
        assert!(side.iter().zip([-2.0, -2.0, 2.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{side:?}");
        assert_eq!(answer(&empty(0).data), Some(Vec::new()));
    }

    #[test]
    fn numbers_that_are_no_chunk_are_refused() {
        for data in
            [&[2.0, 0.0, 0.0, 1.0][..], &[1.0, 9.0, 1.0, 1.0], &[0.0; 9], &[1.0, 2.0, 1.0, 1.0, 1.0, 1.0]]
        {
            assert_eq!(answer(data), None, "{data:?}");
        }
    }
}

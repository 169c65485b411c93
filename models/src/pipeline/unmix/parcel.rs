//! What crosses the device on its way there, as numbers: what the network sees of a chunk, and behind that for every stem
//! whether it is asked for. So chunks of jobs that ask for different stems share a batch.

/// How a chunk of one model is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Numbers that the network sees.
    pub(super) seen: usize,
    /// Stems that it has.
    pub(super) stems: usize,
}

impl Parcel {
    /// Numbers of every chunk.
    pub(super) fn numbers(self) -> usize {
        self.seen + self.stems
    }

    /// `asked`: indices of stems. Those beyond the last are a bug of the caller and left out.
    pub(super) fn pack(self, mut data: Vec<f32>, asked: &[usize]) -> Vec<f32> {
        data.reserve_exact(self.stems);
        data.extend((0..self.stems).map(|stem| f32::from(u8::from(asked.contains(&stem)))));
        data
    }

    /// What the network sees, and which stems are asked for, ascending. None where the numbers are no chunk.
    pub(super) fn unpack(self, data: &[f32]) -> Option<(&[f32], Vec<usize>)> {
        if data.len() != self.numbers() {
            return None;
        }
        let (seen, flags) = data.split_at(self.seen);
        Some((seen, (0..self.stems).filter(|&stem| flags[stem] != 0.0).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let parcel = Parcel { seen: 3, stems: 4 };
        for asked in [&[][..], &[2], &[0, 3], &[0, 1, 2, 3]] {
            let data = parcel.pack(vec![0.5, -1.0, 2.0], asked);
            assert_eq!(data.len(), parcel.numbers());
            assert_eq!(parcel.unpack(&data), Some((&[0.5, -1.0, 2.0][..], asked.to_vec())));
        }
        assert_eq!(parcel.unpack(&[0.0; 6]), None);
        assert_eq!(parcel.unpack(&[0.0; 8]), None);
    }
}

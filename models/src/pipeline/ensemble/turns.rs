//! Whose chunk is next: that of whoever has come least far. Pure arithmetic, the same at both ends of a job.

/// The turns still to come, as pairs: the member, and the number of the chunk among its own.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    /// Of each member: chunks that had their turn, all chunks.
    members: Vec<(u32, u32)>,
}

impl Turns {
    /// `chunks`: of each member.
    pub(super) fn new(chunks: Vec<u32>) -> Self {
        Self { members: chunks.into_iter().map(|chunks| (0, chunks)).collect() }
    }
}

impl Iterator for Turns {
    type Item = (usize, u32);

    fn next(&mut self) -> Option<(usize, u32)> {
        let left = self.members.iter_mut().enumerate().filter(|(_, (done, all))| done < all);
        // By how far one would be after its turn: a / b < c / d, in whole numbers.
        let next = left.min_by(|(_, (a, b)), (_, (c, d))| {
            let (one, other) = ((u64::from(*a) + 1) * u64::from(*d), (u64::from(*c) + 1) * u64::from(*b));
            one.cmp(&other)
        });
        let (member, (done, _)) = next?;
        *done += 1;
        Some((member, *done - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_has_one_turn_and_nobody_is_more_than_a_chunk_ahead() {
        for chunks in [vec![5], vec![1, 1, 1], vec![10, 3], vec![1, 40, 7], vec![0, 2]] {
            let mut done = vec![0_u32; chunks.len()];
            for (member, index) in Turns::new(chunks.clone()) {
                assert_eq!(index, done[member], "{chunks:?}");
                done[member] += 1;
                let far = |at: usize| f64::from(done[at]) / f64::from(chunks[at]);
                for (at, all) in chunks.iter().enumerate().filter(|(_, all)| **all > 0) {
                    let ahead = far(member) - far(at);
                    assert!(ahead <= 1.0 / f64::from(*all) + 1e-9, "{chunks:?}: {done:?}");
                }
            }
            assert_eq!(done, chunks);
        }
    }
}

//! How channels belong together: pairs have a middle and a side, single channels are a middle alone.

/// Channels that are worked on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Left and right: mid = (L+R)/2, side = (L-R)/2.
    Pair(usize, usize),
    /// Centre, bass effects, mono.
    One(usize),
}

/// The groups of a clip, by the usual orders of channels (L R C LFE Ls Rs Lb Rb).
pub(super) fn groups(channels: u16) -> &'static [Group] {
    use Group::{One, Pair};
    match channels {
        0 | 1 => &[One(0)],
        2 => &[Pair(0, 1)],
        3 => &[Pair(0, 1), One(2)],
        4 => &[Pair(0, 1), Pair(2, 3)],
        5 => &[Pair(0, 1), One(2), Pair(3, 4)],
        6 => &[Pair(0, 1), One(2), One(3), Pair(4, 5)],
        7 => &[Pair(0, 1), One(2), One(3), Pair(4, 5), One(6)],
        _ => &[Pair(0, 1), One(2), One(3), Pair(4, 5), Pair(6, 7)],
    }
}

/// The groups that are listened to: pairs, or the only channel.
pub(super) fn heard(channels: u16) -> impl Iterator<Item = Group> {
    groups(channels).iter().copied().filter(move |group| channels == 1 || matches!(group, Group::Pair(..)))
}

/// `(a + b) / 2`, or `(a - b) / 2` for the side, into `out`, which is cleared first.
pub(super) fn half_sum(a: &[f32], b: &[f32], sign: f32, out: &mut Vec<f32>) {
    out.clear();
    out.extend(a.iter().zip(b).map(|(a, b)| 0.5 * (a + sign * b)));
}

/// The middle of a group, into `out`.
pub(super) fn mid<R: AsRef<[f32]>>(rows: &[R], group: Group, out: &mut Vec<f32>) {
    match group {
        Group::Pair(l, r) => half_sum(rows[l].as_ref(), rows[r].as_ref(), 1.0, out),
        Group::One(c) => {
            out.clear();
            out.extend_from_slice(rows[c].as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_in_exactly_one_group() {
        for channels in 1..=8 {
            let mut seen: Vec<usize> = groups(channels)
                .iter()
                .flat_map(|group| match *group {
                    Group::Pair(a, b) => vec![a, b],
                    Group::One(a) => vec![a],
                })
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..usize::from(channels)).collect::<Vec<_>>());
            assert!(heard(channels).count() > 0);
        }
    }
}

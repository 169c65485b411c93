//! Which masks are turned back into sound, and which stem is left to subtraction. Pure bookkeeping.

/// The signals that are computed, `parts`, and what comes out, `outputs`. With the remainder asked for, the parts
/// cover every other stem, those not asked for together in one, since mixture minus all of them is the remainder.
pub(super) struct Parts {
    parts: Vec<Vec<usize>>,
    outputs: Vec<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The part of that number is the stem.
    Part(usize),
    /// The mixture minus all parts is the stem.
    Remainder,
}

impl Parts {
    /// `stems`: indices of the stems asked for, ascending, of a model with `count` stems.
    pub(super) fn new(count: usize, remainder: usize, stems: &[usize]) -> Self {
        let alone = stems.iter().filter(|&&s| s != remainder);
        let mut parts: Vec<Vec<usize>> = alone.map(|&s| vec![s]).collect();
        let mut next = 0;
        let outputs = stems
            .iter()
            .map(|&s| {
                if s == remainder {
                    return Output::Remainder;
                }
                next += 1;
                Output::Part(next - 1)
            })
            .collect();
        let rest: Vec<usize> = (0..count).filter(|s| *s != remainder && !stems.contains(s)).collect();
        if stems.contains(&remainder) && !rest.is_empty() {
            parts.push(rest);
        }
        Self { parts, outputs }
    }

    /// For each part, the network's stems whose masks are summed for it.
    pub(super) fn parts(&self) -> &[Vec<usize>] {
        &self.parts
    }

    /// For each stem asked for, where it comes from.
    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Which output is the remainder, where it was asked for: it needs the mixture.
    pub(super) fn remainder_output(&self) -> Option<usize> {
        self.outputs.iter().position(|o| *o == Output::Remainder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stems: &[usize], parts: &[&[usize]], outputs: &[Output]) {
        let made = Parts::new(4, 3, stems);
        assert_eq!(made.parts(), parts);
        assert_eq!(made.outputs(), outputs);
        assert_eq!(made.remainder_output().is_some(), stems.contains(&3));
    }

    #[test]
    fn as_few_parts_are_computed_as_the_stems_need() {
        use Output::{Part, Remainder};
        check(&[0, 1, 2, 3], &[&[0], &[1], &[2]], &[Part(0), Part(1), Part(2), Remainder]);
        check(&[0], &[&[0]], &[Part(0)]);
        check(&[1, 2], &[&[1], &[2]], &[Part(0), Part(1)]);
        check(&[3], &[&[0, 1, 2]], &[Remainder]);
        check(&[1, 3], &[&[1], &[0, 2]], &[Part(0), Remainder]);
    }
}

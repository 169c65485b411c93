//! Which masks are turned back into sound, and which stem is left to subtraction. Pure bookkeeping.

/// The signals that are computed, `parts`, and what comes out, `outputs`. With the remainder asked for, the parts
/// cover every other stem, those not asked for together in one, since mixture minus all of them is the remainder.
pub(in crate::pipeline) struct Parts {
    parts: Vec<Vec<usize>>,
    outputs: Vec<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Output {
    /// The part of that number is the stem.
    Part(usize),
    /// The mixture minus all parts is the stem.
    Remainder,
}

impl Parts {
    /// `stems`: indices of the stems asked for, ascending, of a model with `count` stems. `remainder`: the one that is not
    /// computed, where stems shall add up to the mixture.
    pub(in crate::pipeline) fn new(count: usize, remainder: Option<usize>, stems: &[usize]) -> Self {
        let alone = stems.iter().filter(|&&s| Some(s) != remainder);
        let mut parts: Vec<Vec<usize>> = alone.map(|&s| vec![s]).collect();
        let mut next = 0;
        let outputs = stems
            .iter()
            .map(|&s| {
                if Some(s) == remainder {
                    return Output::Remainder;
                }
                next += 1;
                Output::Part(next - 1)
            })
            .collect();
        let rest: Vec<usize> = (0..count).filter(|s| Some(*s) != remainder && !stems.contains(s)).collect();
        if remainder.is_some_and(|remainder| stems.contains(&remainder)) && !rest.is_empty() {
            parts.push(rest);
        }
        Self { parts, outputs }
    }

    /// For each part, the network's stems whose masks are summed for it.
    pub(in crate::pipeline) fn parts(&self) -> &[Vec<usize>] {
        &self.parts
    }

    /// The network's stems that any part needs, ascending: nothing else of its answer is looked at.
    pub(in crate::pipeline) fn needed(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.parts.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// For each stem asked for, where it comes from.
    pub(in crate::pipeline) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Which output is the remainder, where it was asked for: it needs the mixture.
    pub(in crate::pipeline) fn remainder_output(&self) -> Option<usize> {
        self.outputs.iter().position(|o| *o == Output::Remainder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stems: &[usize], parts: &[&[usize]], outputs: &[Output]) {
        let made = Parts::new(4, Some(3), stems);
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
        assert_eq!(Parts::new(4, Some(3), &[2, 3]).needed(), [0, 1, 2]);
        assert_eq!(Parts::new(4, Some(3), &[0, 2]).needed(), [0, 2]);
        let plain = Parts::new(4, None, &[1, 3]);
        assert_eq!((plain.parts(), plain.outputs()), (&[vec![1], vec![3]][..], &[Part(0), Part(1)][..]));
    }
}

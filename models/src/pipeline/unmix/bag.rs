//! Several networks of one family that hear the same, averaged stem by stem; most models have one.

use super::net::Net;
use crate::ModelError;
use crate::recipe::Recipe;
use crate::session::Session;

/// How much of each stem is whose.
pub(super) struct Bag {
    /// `[networks][stems]`; those of one stem add up to 1.
    shares: Vec<Vec<f32>>,
}

impl Bag {
    /// That of a checked recipe.
    pub(super) fn new(recipe: &Recipe) -> Self {
        if recipe.bag.is_empty() {
            return Self { shares: vec![vec![1.0; recipe.stems.len()]] };
        }
        let sums: Vec<f32> = (0..recipe.stems.len())
            .map(|stem| recipe.bag.iter().map(|weights| weights[stem]).sum())
            .collect();
        let share =
            |weights: &Vec<f32>| weights.iter().zip(&sums).map(|(weight, sum)| weight / sum).collect();
        Self { shares: recipe.bag.iter().map(share).collect() }
    }

    /// How many networks it has.
    pub(super) fn networks(&self) -> usize {
        self.shares.len()
    }

    /// What the session calls the graph of one of them.
    pub(super) fn graph(network: usize) -> String {
        format!("network.{network}")
    }

    /// Gives one chunk to every network that counts for a stem which is asked for; the answer has those stems, in their
    /// order.
    pub(super) fn run(
        &self,
        net: &dyn Net,
        session: &mut Session,
        data: &[f32],
        asked: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        if self.shares.len() == 1 {
            return net.run(session, &Self::graph(0), data, asked);
        }
        let numbers = net.stem_numbers();
        let mut sum = vec![0.0; asked.len() * numbers];
        for (network, shares) in self.shares.iter().enumerate() {
            let given: Vec<usize> = asked.iter().copied().filter(|stem| shares[*stem] > 0.0).collect();
            if given.is_empty() {
                continue;
            }
            let answer = net.run(session, &Self::graph(network), data, &given)?;
            for (stem, answer) in given.iter().zip(answer.chunks_exact(numbers)) {
                let stems =
                    asked.iter().zip(sum.chunks_exact_mut(numbers)).filter(|(asked, _)| *asked == stem);
                stems.for_each(|(_, sum)| {
                    sum.iter_mut().zip(answer).for_each(|(sum, x)| *sum += shares[*stem] * x);
                });
            }
        }
        Ok(sum)
    }
}

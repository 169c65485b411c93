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

    /// Gives one chunk to every network that counts for a stem.
    pub(super) fn run(
        &self,
        net: &dyn Net,
        session: &mut Session,
        data: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        if self.shares.len() == 1 {
            return net.run(session, &Self::graph(0), data);
        }
        let numbers = net.stem_numbers();
        let mut sum = vec![0.0; self.shares[0].len() * numbers];
        for (network, shares) in self.shares.iter().enumerate() {
            let answer = net.run(session, &Self::graph(network), data)?;
            let stems = sum.chunks_exact_mut(numbers).zip(answer.chunks_exact(numbers)).zip(shares);
            for ((sum, answer), share) in stems.filter(|(_, share)| **share > 0.0) {
                sum.iter_mut().zip(answer).for_each(|(sum, x)| *sum += share * x);
            }
        }
        Ok(sum)
    }
}

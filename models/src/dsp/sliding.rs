//! The largest of the last so many numbers, in constant time a number. Pure.

use std::collections::VecDeque;

/// A window that slides over numbers as they come.
#[derive(Clone, Debug)]
pub struct SlidingMax {
    window: u64,
    count: u64,
    /// Candidates with their place, falling: whatever is behind a larger number will never be the largest.
    candidates: VecDeque<(u64, f32)>,
}

impl SlidingMax {
    /// Over `window` numbers, at least 1; before the first there is nothing.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window: window.max(1) as u64, count: 0, candidates: VecDeque::new() }
    }

    /// Takes the next number and gives the largest of the window that ends with it.
    pub fn push(&mut self, x: f32) -> f32 {
        while self.candidates.back().is_some_and(|(_, last)| *last <= x) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.count, x));
        self.count += 1;
        if self.candidates.front().is_some_and(|(place, _)| place + self.window < self.count) {
            self.candidates.pop_front();
        }
        self.candidates.front().map_or(x, |(_, top)| *top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_largest_of_the_window() {
        let numbers: Vec<f32> = (0..2000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32).collect();
        for window in [1, 2, 7, 300] {
            let mut sliding = SlidingMax::new(window);
            for (i, x) in numbers.iter().enumerate() {
                let top = numbers[(i + 1).saturating_sub(window)..=i].iter().copied().fold(0.0, f32::max);
                assert_eq!(sliding.push(*x), top, "window {window}, number {i}");
            }
        }
    }
}

//! The largest of the last so many numbers, in constant time a number. Pure.

/// A window that slides over numbers as they come. Numbers are taken in blocks as long as the window: its largest is the
/// largest of the end of the block before and of the beginning of this one (van Herk 1992).
#[derive(Clone, Debug)]
pub struct SlidingMax {
    /// For the block before: the largest from each place to its end, then one that is never the largest.
    ends: Vec<f32>,
    block: Vec<f32>,
    /// The largest of this block so far.
    so_far: f32,
}

impl SlidingMax {
    /// Over `window` numbers, at least 1; before the first there is nothing.
    #[must_use]
    pub fn new(window: usize) -> Self {
        let window = window.max(1);
        Self {
            ends: vec![f32::NEG_INFINITY; window + 1],
            block: Vec::with_capacity(window),
            so_far: f32::NEG_INFINITY,
        }
    }

    /// Takes the next number and gives the largest of the window that ends with it.
    #[inline]
    pub fn push(&mut self, x: f32) -> f32 {
        self.block.push(x);
        self.so_far = if x > self.so_far { x } else { self.so_far };
        let end = self.ends[self.block.len()];
        let top = if end > self.so_far { end } else { self.so_far };
        if self.block.len() + 1 == self.ends.len() {
            self.turn();
        }
        top
    }

    fn turn(&mut self) {
        let mut top = f32::NEG_INFINITY;
        for (end, x) in self.ends.iter_mut().zip(&self.block).rev() {
            top = top.max(*x);
            *end = top;
        }
        self.block.clear();
        self.so_far = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_largest_of_the_window() {
        let numbers: Vec<f32> = (0..2000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32).collect();
        for window in [1, 2, 7, 300, 3000] {
            let mut sliding = SlidingMax::new(window);
            for (i, x) in numbers.iter().enumerate() {
                let top = numbers[(i + 1).saturating_sub(window)..=i].iter().copied().fold(0.0, f32::max);
                assert_eq!(sliding.push(*x), top, "window {window}, number {i}");
            }
        }
    }
}

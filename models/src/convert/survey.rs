//! Which tensors a graph wants, held against those a checkpoint has: all that is missing, extra or misshapen at once.

use super::{ConvertError, Weights};
use crate::checkpoint::{CheckpointError, Mismatch, Misshapen};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Weights that only listen to what is asked of them. Numbers are never read.
pub(super) struct Survey<'w> {
    weights: &'w dyn Weights,
    asked: RefCell<BTreeSet<String>>,
    wrong: RefCell<Mismatch>,
}

impl<'w> Survey<'w> {
    pub(super) fn new(weights: &'w dyn Weights) -> Self {
        Self { weights, asked: RefCell::default(), wrong: RefCell::default() }
    }

    /// After all was asked: what does not fit. `names` are those of the checkpoint; the ones that `is_spare` are never
    /// missed.
    ///
    /// # Errors
    /// [`CheckpointError::Mismatch`].
    pub(super) fn finish<'a>(
        self,
        names: impl Iterator<Item = &'a str>,
        is_spare: impl Fn(&str) -> bool,
    ) -> Result<(), ConvertError> {
        let (asked, mut wrong) = (self.asked.into_inner(), self.wrong.into_inner());
        wrong.extra =
            names.filter(|name| !asked.contains(*name) && !is_spare(name)).map(str::to_owned).collect();
        if wrong == Mismatch::default() {
            return Ok(());
        }
        Err(CheckpointError::Mismatch(Box::new(wrong)).into())
    }
}

impl Weights for Survey<'_> {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let shape = self.weights.shape(name);
        if shape.is_some() {
            self.asked.borrow_mut().insert(name.to_owned());
        }
        shape
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError> {
        self.weights.read(name)
    }

    fn expect(&self, name: &str, expected: &[usize]) -> Result<(), ConvertError> {
        if !self.asked.borrow_mut().insert(name.to_owned()) {
            // A tensor that was looked for has been seen; its shape may still be wrong, and is told once.
            let told = |wrong: &Misshapen| wrong.name == name;
            if self.wrong.borrow().misshapen.iter().any(told) {
                return Ok(());
            }
        }
        let mut wrong = self.wrong.borrow_mut();
        match self.weights.shape(name) {
            None => wrong.missing.push(name.to_owned()),
            Some(found) if found != expected => {
                wrong.misshapen.push(Misshapen { name: name.to_owned(), expected: expected.to_vec(), found });
            }
            Some(_) => {}
        }
        Ok(())
    }
}

//! One small network of every family of separators, ready to run.

use crate::unmix::{Installed, TINY, Tiny, installed};
use crate::{htdemucs, scnet};
use tributary_models::Recipe;
use tributary_models::convert::roformer::Target;

/// One of them.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) recipe: Recipe,
    pub(crate) onnx: Vec<u8>,
}

impl Family {
    pub(crate) fn roformer(tiny: &Tiny) -> Self {
        let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
        Self { name: tiny.name(), recipe, onnx }
    }

    pub(crate) fn htdemucs() -> Self {
        let (recipe, onnx) = htdemucs::TINY[1].published(Target::Cpu);
        Self { name: "htdemucs_plain", recipe, onnx }
    }

    pub(crate) fn scnet() -> Self {
        let (recipe, onnx) = scnet::published(Target::Cpu);
        Self { name: "scnet_tiny", recipe, onnx }
    }

    /// The same with other names for its stems.
    pub(crate) fn called(mut self, stems: &[&str]) -> Self {
        assert_eq!(stems.len(), self.recipe.stems.len());
        self.recipe.stems = stems.iter().map(|&stem| stem.to_owned()).collect();
        self
    }

    pub(crate) fn installed(&self) -> Installed {
        installed(self.recipe.clone(), &self.onnx).unwrap()
    }

    /// Every stem that comes out.
    pub(crate) fn stems(&self) -> usize {
        self.recipe.stems.len() + usize::from(self.recipe.remainder().is_some())
    }
}

pub(crate) fn families() -> [Family; 4] {
    [Family::roformer(&TINY[0]), Family::roformer(&TINY[1]), Family::htdemucs(), Family::scnet()]
}

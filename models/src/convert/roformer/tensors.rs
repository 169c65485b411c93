//! All tensors that a band transformer of a given shape has, under the names of the PyPI package BS-RoFormer 0.4.1.

use super::Shape;
use crate::checkpoint::{Checkpoint, Expected};
use crate::convert::family::Family;
use std::io::{Read, Seek};

/// What must be there, with the shapes it must have. How many layers a part has, and how wide a hidden one is, is taken
/// from the first of its kind. One family norms at the end of all layers, the other at the end of each transformer.
pub(in crate::convert) fn expected<R: Read + Seek>(
    family: Family,
    shape: &Shape,
    checkpoint: &Checkpoint<R>,
) -> Vec<Expected> {
    let mut list = List { checkpoint, each_normed: family == Family::MelBandRoformer, expected: Vec::new() };
    for layer in 0..shape.depth {
        for axis in 0..2 {
            list.transformer(shape, layer, axis);
        }
    }
    if family == Family::BsRoformer {
        list.add("final_norm.gamma", &[shape.dim]);
    }
    let widths = shape.bands.widths();
    for (band, &width) in widths.iter().enumerate() {
        let name = format!("band_split.to_features.{band}");
        list.add(&format!("{name}.0.gamma"), &[width]);
        list.linear(&format!("{name}.1"), shape.dim, width);
    }
    for stem in 0..shape.stems {
        list.masks(shape, stem, widths);
    }
    list.expected
}

struct List<'a, R> {
    checkpoint: &'a Checkpoint<R>,
    each_normed: bool,
    expected: Vec<Expected>,
}

impl<R: Read + Seek> List<'_, R> {
    fn has(&self, name: &str) -> bool {
        self.checkpoint.get(name).is_some()
    }

    fn rows(&self, name: &str) -> usize {
        let shape = self.checkpoint.get(name).map(|tensor| tensor.shape());
        shape.and_then(|shape| shape.first().copied()).unwrap_or(0)
    }

    fn add(&mut self, name: &str, shape: &[usize]) {
        self.expected.push(Expected { name: name.to_owned(), shape: shape.to_vec() });
    }

    fn linear(&mut self, name: &str, outside: usize, inside: usize) {
        self.add(&format!("{name}.weight"), &[outside, inside]);
        self.add(&format!("{name}.bias"), &[outside]);
    }

    fn transformer(&mut self, shape: &Shape, layer: usize, axis: usize) {
        let Shape { dim, heads, head, .. } = *shape;
        let inner = heads * head;
        let first = format!("layers.0.{axis}.layers");
        let count = (0..self.checkpoint.tensors().len())
            .take_while(|i| self.has(&format!("{first}.{i}.0.norm.gamma")))
            .count();
        for block in 0..count {
            let name = format!("layers.{layer}.{axis}.layers.{block}");
            // One of them stands for all, and none for the usual frequencies.
            if self.has(&format!("{name}.0.rotary_embed.freqs")) {
                self.add(&format!("{name}.0.rotary_embed.freqs"), &[head / 2]);
            }
            self.add(&format!("{name}.0.norm.gamma"), &[dim]);
            self.add(&format!("{name}.0.to_qkv.weight"), &[3 * inner, dim]);
            self.linear(&format!("{name}.0.to_gates"), heads, dim);
            self.add(&format!("{name}.0.to_out.0.weight"), &[dim, inner]);
            let hidden = self.rows(&format!("{first}.0.1.net.1.weight"));
            self.add(&format!("{name}.1.net.0.gamma"), &[dim]);
            self.linear(&format!("{name}.1.net.1"), hidden, dim);
            self.linear(&format!("{name}.1.net.4"), dim, hidden);
        }
        if self.each_normed {
            self.add(&format!("layers.{layer}.{axis}.norm.gamma"), &[dim]);
        }
    }

    fn masks(&mut self, shape: &Shape, stem: usize, widths: &[usize]) {
        let name = |stem: usize, band: usize, layer: usize| {
            format!("mask_estimators.{stem}.to_freqs.{band}.0.{}", 2 * layer)
        };
        let count = (0..self.checkpoint.tensors().len())
            .take_while(|&layer| self.has(&format!("{}.weight", name(0, 0, layer))))
            .count();
        for (band, width) in widths.iter().enumerate() {
            let mut inside = shape.dim;
            for layer in 0..count {
                let hidden = self.rows(&format!("{}.weight", name(0, 0, layer)));
                // What it gives is halved by its gate.
                let outside = if layer + 1 == count { 2 * width } else { hidden };
                self.linear(&name(stem, band, layer), outside, inside);
                inside = outside;
            }
        }
    }
}

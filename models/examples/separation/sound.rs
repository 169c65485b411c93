//! What a network makes of given numbers, for comparison with its publisher's code: masks of a spectrum by the graph alone,
//! stems of one chunk by the whole pipeline.

use crate::Failure;
use crate::installed::{self, GRAPH};
use std::path::Path;
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, Frames};
use tributary_models::session::Input;
use tributary_models::{Ask, Clip, Go, Pipeline, ResultSink, Session, SessionOptions, run};

/// The graph of either roformer: its input.
const SPECTRUM: &str = "spectrum";

/// Gives the graph a spectrum, `[1, columns, numbers]`, and writes the masks, stem after stem.
pub(crate) fn masks(folder: &Path, from: &Path, to: &Path, options: SessionOptions) -> Result<(), Failure> {
    let recipe = installed::recipe(folder)?;
    let data = read(from)?;
    let shape = [1, recipe.columns(), data.len() / recipe.columns()];
    let onnx = std::fs::read(folder.join(GRAPH))?;
    let mut session = Session::load("measured", &[("masks", &onnx)], options)?;
    drop(onnx);
    let names: Vec<String> = (0..recipe.stems.len()).map(|stem| format!("mask.{stem}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let masks = session.run("masks", &[Input { name: SPECTRUM, shape: &shape, data: &data }], &names)?;
    write(to, masks.iter().flat_map(|mask| &mask.data))
}

/// Separates one chunk of sound, `[2][frames]`, and writes the network's own stems, `[stems][2][frames]`.
pub(crate) fn stems(folder: &Path, from: &Path, to: &Path, options: SessionOptions) -> Result<(), Failure> {
    let (pipeline, recipe) = (installed::pipeline(folder, options)?, installed::recipe(folder)?);
    let mut left = read(from)?;
    let right = left.split_off(left.len() / 2);
    let audio = Audio { channels: vec![left, right], rate_hz: recipe.rate_hz };
    let plan = pipeline.plan(audio.shape(), &Ask::stems(&recipe.stems))?;
    let mut session = pipeline.load()?;
    let (mut stems, clip) = (Stems::default(), Arc::new(Held(audio)));
    run(&pipeline, &mut session, clip.into(), &plan, &mut stems, &mut |_: u32, _: u32| Go::On)?;
    write(to, stems.0.iter().flatten().flatten())
}

/// A clip in memory.
pub(crate) struct Held(pub(crate) Audio);

impl Clip for Held {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(self.0.clone().into_frames()))
    }
}

/// `[stem][channel][frames]`.
#[derive(Default)]
struct Stems(Vec<Vec<Vec<f32>>>);

impl ResultSink for Stems {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        if self.0.len() <= stem {
            self.0.resize_with(stem + 1, || vec![Vec::new(); block.len()]);
        }
        self.0[stem].iter_mut().zip(block).for_each(|(to, from)| to.extend_from_slice(from));
        Ok(())
    }

    fn sheet(&mut self, _sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<f32>, Failure> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

fn write<'a>(path: &Path, numbers: impl Iterator<Item = &'a f32>) -> Result<(), Failure> {
    Ok(std::fs::write(path, numbers.flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())?)
}

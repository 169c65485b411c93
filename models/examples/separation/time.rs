//! How long chunks of sound take through the whole pipeline, and what memory they leave: one line once the network is
//! loaded and has had its first chunk, which is silence, then one a chunk.

use crate::sound::Held;
use crate::usage::Usage;
use crate::{Failure, installed};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tributary_audio::{Audio, AudioError};
use tributary_models::{Ask, Go, Pipeline, ResultSink, SessionOptions};

/// More are not held in memory.
const CHUNKS_MAX: u32 = 64;

/// Separates so many chunks of noise one after the other: the work does not depend on what is heard.
pub(crate) fn run(folder: &Path, chunks: u32, options: SessionOptions) -> Result<(), Failure> {
    if chunks == 0 || chunks > CHUNKS_MAX {
        return Err(format!("{chunks} chunks; 1 to {CHUNKS_MAX} can be measured").into());
    }
    let (pipeline, recipe) = (installed::pipeline(folder, options)?, installed::recipe(folder)?);
    let channel = noise(recipe.chunk_frames as usize * chunks as usize);
    let audio = Audio { channels: vec![channel.clone(), channel], rate_hz: recipe.rate_hz };
    let plan = pipeline.plan(audio.shape(), &Ask::stems(&recipe.stems))?;
    let mut last = (Instant::now(), Usage::look());
    let mut tell = |what: &str| {
        let now = Usage::look();
        let used = now.cpu_seconds.zip(last.1.cpu_seconds).map(|(now, before)| now - before);
        let line = json!({
            "what": what,
            "seconds": last.0.elapsed().as_secs_f64(),
            "cpu_seconds": used,
            "mib": now.mib,
            "most_mib": now.most_mib,
        });
        println!("{line}");
        last = (Instant::now(), now);
    };
    let mut session = pipeline.load()?;
    tell("load");
    let mut told = |done: u32, _all: u32| {
        if done > 0 {
            tell("chunk");
        }
        Go::On
    };
    let clip = Arc::new(Held(audio));
    tributary_models::run(&pipeline, &mut session, clip.into(), &plan, &mut Nowhere, &mut told)?;
    Ok(())
}

fn noise(frames: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(next).take(frames).collect()
}

/// Nobody wants the stems.
struct Nowhere;

impl ResultSink for Nowhere {
    fn write(&mut self, _stem: usize, _block: &[&[f32]]) -> Result<(), AudioError> {
        Ok(())
    }

    fn sheet(&mut self, _sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        Ok(())
    }
}

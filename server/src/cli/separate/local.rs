//! Separating in this process: the same pipeline, no server, no credits.

use super::{Line, Separated, Wish};
use crate::cli::output::StemFile;
use crate::cli::{Ended, JOB_FAILED, canonical, screen};
use anyhow::Context;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tributary_audio::{AudioError, FrameSink, Frames, decode};
use tributary_models::catalog::Catalog;
use tributary_models::progress::Go;
use tributary_models::run::run;
use tributary_models::{Clip, ModelError, Pipeline, Session, StemSink};

/// A loaded model.
pub(super) struct Engine {
    pipeline: Arc<dyn Pipeline>,
    session: Mutex<Session>,
}

impl Engine {
    pub(super) async fn load(model: &str) -> anyhow::Result<Arc<Self>> {
        let model = model.to_owned();
        let load = move || -> Result<_, ModelError> {
            let pipeline = Catalog::embedded()?.pipeline(&model)?;
            let session = Mutex::new(pipeline.load()?);
            Ok(Arc::new(Self { pipeline, session }))
        };
        Ok(tokio::task::spawn_blocking(load).await.context("load the model")??)
    }
}

struct FileClip(PathBuf);

impl Clip for FileClip {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        decode::open(&self.0)
    }
}

struct StemFiles(Vec<StemFile>);

impl StemSink for StemFiles {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.0[stem].write(block)
    }
}

pub(super) async fn separate(
    engine: &Arc<Engine>,
    wish: &Wish,
    line: &Line,
    stop: &CancellationToken,
) -> anyhow::Result<Separated> {
    // The session is for one file at a time, and the bar lives on this thread.
    tokio::task::block_in_place(|| separate_blocking(engine, wish, line, stop))
}

fn separate_blocking(
    engine: &Engine,
    wish: &Wish,
    line: &Line,
    stop: &CancellationToken,
) -> anyhow::Result<Separated> {
    let shape = canonical::shape_of(&wish.file)?;
    line.state(&canonical::describe(shape));
    let plan = engine.pipeline.plan(shape, &wish.stems)?;
    wish.paths.make_folder()?;
    let files = plan.stems.iter().map(|stem| wish.paths.writer(stem, shape)).collect::<Result<_, _>>()?;
    let mut sink = StemFiles(files);
    let mut session = engine.session.lock().unwrap_or_else(PoisonError::into_inner);
    let mut progress = |done: u32, total: u32| {
        line.progress("separating", done.into(), total.into());
        if stop.is_cancelled() { Go::Stop } else { Go::On }
    };
    let clip = Arc::new(FileClip(wish.file.clone()));
    match run(engine.pipeline.as_ref(), &mut session, clip, &plan, &mut sink, &mut progress) {
        Ok(_) => {}
        Err(ModelError::Stopped) => return Err(anyhow::Error::new(Ended(JOB_FAILED)).context("cancelled")),
        // Found on the way, like a sample that is no number: it is the file that cannot be used.
        Err(ModelError::Audio(error)) if !matches!(error, AudioError::Io { .. }) => {
            return Err(anyhow::Error::new(error).context(wish.file.display().to_string()));
        }
        Err(error) => {
            let words = screen::chain(&anyhow::Error::new(error));
            return Err(anyhow::Error::new(Ended(JOB_FAILED)).context(words));
        }
    }
    let (mut stems, mut clipped) = (Vec::new(), 0);
    for (name, mut file) in plan.stems.into_iter().zip(sink.0) {
        file.finish().with_context(|| format!("write the stem {name}"))?;
        let (path, beyond) = file.keep()?;
        clipped += beyond;
        stems.push((name, path));
    }
    Ok(Separated { job: None, credits_quoted: 0, seconds_audio: shape.seconds(), stems, clipped })
}

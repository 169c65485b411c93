//! Work in this process: the same pipeline, no server, no credits.

use super::choice::{self, Choice};
use super::{Line, Made, Task, Wish};
use crate::cli::output::StemFile;
use crate::cli::{Ended, JOB_FAILED, Place, canonical, screen};
use crate::data::MODELS;
use crate::settings;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tributary_audio::{AudioError, FrameSink, Frames, decode};
use tributary_models::catalog::Catalog;
use tributary_models::progress::Go;
use tributary_models::run::run;
use tributary_models::{Ask, Clip, Clips, ModelError, Pipeline, ResultSink, Session};

/// A loaded model.
pub(super) struct Engine {
    choice: Choice,
    pipeline: Arc<dyn Pipeline>,
    session: Mutex<Session>,
}

impl Engine {
    /// The named model, or the task's best that is installed here.
    pub(super) async fn load(place: &Place, task: &Task, named: Option<&str>) -> anyhow::Result<Arc<Self>> {
        let models = place.data_path().ok().map(|data| data.join(MODELS));
        let catalog = Catalog::new(models.as_deref())?;
        let choice = choice::of_catalog(&catalog, task, named)?;
        let load = move || -> Result<_, ModelError> {
            let pipeline = catalog.pipeline(&choice.model)?;
            let session = Mutex::new(pipeline.load()?);
            Ok(Arc::new(Self { choice, pipeline, session }))
        };
        Ok(tokio::task::spawn_blocking(load).await.context("load the model")??)
    }

    pub(super) fn choice(&self) -> Choice {
        self.choice.clone()
    }
}

struct FileClip(PathBuf);

impl Clip for FileClip {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        decode::open(&self.0)
    }
}

struct Results {
    stems: Vec<StemFile>,
    /// Number and bytes.
    sheets: Vec<(usize, Vec<u8>)>,
}

impl ResultSink for Results {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.stems[stem].write(block)
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        self.sheets.push((sheet, bytes.to_vec()));
        Ok(())
    }
}

pub(super) async fn make(
    engine: &Arc<Engine>,
    wish: &Wish,
    line: &Line,
    stop: &CancellationToken,
) -> anyhow::Result<Made> {
    // The session is for one file at a time, and the bar lives on this thread.
    tokio::task::block_in_place(|| make_blocking(engine, wish, line, stop))
}

fn make_blocking(
    engine: &Engine,
    wish: &Wish,
    line: &Line,
    stop: &CancellationToken,
) -> anyhow::Result<Made> {
    let shape = canonical::shape_of(&wish.file)?;
    line.state(&canonical::describe(shape));
    let shapes = wish.references.iter().map(|file| canonical::shape_of(file)).collect::<Result<_, _>>()?;
    let ask =
        Ask { stems: wish.stems.clone(), settings: settings::to_models(&wish.settings), references: shapes };
    let plan = engine.pipeline.plan(shape, &ask)?;
    wish.paths.make_folder()?;
    let files = plan.stems.iter().map(|stem| wish.paths.writer(stem, shape)).collect::<Result<_, _>>()?;
    let mut sink = Results { stems: files, sheets: Vec::new() };
    let mut session = engine.session.lock().unwrap_or_else(PoisonError::into_inner);
    let mut progress = |done: u32, total: u32| {
        line.progress(wish.doing, done.into(), total.into());
        if stop.is_cancelled() { Go::Stop } else { Go::On }
    };
    let file = |path: &PathBuf| -> Arc<dyn Clip> { Arc::new(FileClip(path.clone())) };
    let clips = Clips { clip: file(&wish.file), references: wish.references.iter().map(file).collect() };
    match run(engine.pipeline.as_ref(), &mut session, clips, &plan, &mut sink, &mut progress) {
        Ok(_) => {}
        Err(ModelError::Stopped) => return Err(anyhow::Error::new(Ended(JOB_FAILED)).context("cancelled")),
        Err(error @ ModelError::Unfit(_)) => return Err(error.into()),
        // Found on the way, like a sample that is no number: it is the file that cannot be used.
        Err(ModelError::Audio(error)) if !matches!(error, AudioError::Io { .. }) => {
            return Err(anyhow::Error::new(error).context(wish.file.display().to_string()));
        }
        Err(error) => {
            let words = screen::chain(&anyhow::Error::new(error));
            return Err(anyhow::Error::new(Ended(JOB_FAILED)).context(words));
        }
    }
    let (mut results, mut clipped) = (Vec::new(), 0);
    for (name, mut file) in plan.stems.into_iter().zip(sink.stems) {
        file.finish().with_context(|| format!("write the stem {name}"))?;
        let (path, beyond) = file.keep()?;
        clipped += beyond;
        results.push((name, path));
    }
    for (sheet, bytes) in sink.sheets {
        let name = plan.sheets[sheet].clone();
        let path = wish.paths.write_sheet(&name, &bytes)?;
        results.push((name, path));
    }
    Ok(Made { job: None, credits_quoted: 0, seconds_audio: shape.seconds(), results, clipped })
}

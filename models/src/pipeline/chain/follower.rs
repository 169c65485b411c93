//! What can follow a first pipeline in the same job, each behind a switch of its own.

use crate::ModelError;
use crate::pipeline::{Ask, Clips, Ends, Pipeline, Plan};
use crate::settings::{Control, Settings};
use std::sync::Arc;
use tributary_audio::ClipShape;

/// One thing that is done beside a first pipeline where its switch is on. It makes sheets only.
pub trait Follower: Send + Sync {
    /// Its switch, then what else it can be told.
    fn controls(&self) -> Vec<Control>;

    /// The model it works with, and the pipeline whose sessions run its chunks.
    fn model(&self) -> (&str, &Arc<dyn Pipeline>);

    /// CPU, no audio. `settings` are checked and its own; `stems` are those that the first writes.
    ///
    /// # Errors
    /// As [`Pipeline::plan`].
    fn plan(&self, clip: ClipShape, settings: Settings, stems: &[String]) -> Result<Following, ModelError>;

    /// The ends of all its listeners, in their order; `clips` are what each hears. What listens to a stem opens it once.
    ///
    /// # Errors
    /// As [`Pipeline::begin`].
    fn begin(
        &self,
        following: &Following,
        clips: Vec<Clips>,
        in_flight_max: usize,
    ) -> Result<Vec<Ends>, ModelError>;
}

/// How a follower goes about one clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Following {
    /// Who listens to what. They end in this order, each after all its answers.
    pub listeners: Vec<(Hears, Plan)>,
    /// The sheets of all of them: each counts its own among these.
    pub sheets: Vec<String>,
    /// Its settings as they are carried out.
    pub settings: Settings,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hears {
    /// The clip as it was sent.
    Clip,
    /// A stem of the first, by name.
    Stem(String),
}

/// A whole pipeline that makes sheets of the clip as it was sent, beside the first: a transcript beside enhancement.
pub struct Beside {
    switch: Control,
    model: String,
    pipeline: Arc<dyn Pipeline>,
}

impl Beside {
    /// `pipeline` of the card `model`, where `switch` is on. Its own controls come behind the switch.
    #[must_use]
    pub fn new(switch: Control, model: &str, pipeline: Arc<dyn Pipeline>) -> Self {
        Self { switch, model: model.to_owned(), pipeline }
    }
}

impl Follower for Beside {
    fn controls(&self) -> Vec<Control> {
        let own = self.pipeline.controls().into_iter().map(|control| Control { advanced: true, ..control });
        std::iter::once(self.switch.clone()).chain(own).collect()
    }

    fn model(&self) -> (&str, &Arc<dyn Pipeline>) {
        (&self.model, &self.pipeline)
    }

    fn plan(&self, clip: ClipShape, settings: Settings, _stems: &[String]) -> Result<Following, ModelError> {
        let ask = Ask { settings: settings.of(&self.pipeline.controls()), ..Ask::default() };
        let plan = self.pipeline.plan(clip, &ask)?;
        Ok(Following {
            sheets: plan.sheets.clone(),
            settings: settings.and(plan.settings.clone()),
            listeners: vec![(Hears::Clip, plan)],
        })
    }

    fn begin(
        &self,
        following: &Following,
        clips: Vec<Clips>,
        in_flight_max: usize,
    ) -> Result<Vec<Ends>, ModelError> {
        let listeners = following.listeners.iter().zip(clips);
        listeners.map(|((_, plan), clips)| self.pipeline.begin(plan, clips, in_flight_max)).collect()
    }
}

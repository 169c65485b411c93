//! The science: model cards, pipelines and the engines they run on. No network, no database, no clock, no async.
//!
//! One clip's way: [`Pipeline::plan`] counts the chunks (the quote is made from the same number), a [`Cutter`]
//! pulls frames and yields chunks, [`Pipeline::infer`] runs a batch of chunks, of one clip or of many, on the
//! device, and an [`Assembler`] turns the answers, in order, back into stems as long as the mixture. [`run()`] does
//! all of it for one job alone; a [`Catalog`] knows which pipelines there are.

#![deny(clippy::disallowed_methods)]

pub mod catalog;
pub mod checkpoint;
pub mod chunk;
pub mod convert;
pub mod dsp;
pub mod error;
pub mod music;
pub mod onnx;
pub mod pipeline;
pub mod progress;
pub mod recipe;
pub mod run;
pub mod session;
pub mod settings;
pub mod weights;

pub use catalog::{Card, Catalog};
pub use error::ModelError;
pub use pipeline::chain::{Beside, Chain};
pub use pipeline::enhance::Enhance;
pub use pipeline::ensemble::{Ensemble, Member};
pub use pipeline::master::Master;
pub use pipeline::separate::Separate;
pub use pipeline::speech::Speech;
pub use pipeline::transcribe::{StemNotes, Transcribe};
pub use pipeline::{
    Ask, Assembler, Chunk, ChunkAnswer, Clip, Clips, Cutter, Ends, Part, Pipeline, Plan, ResultSink,
};
pub use progress::{Go, Progress};
pub use recipe::Recipe;
pub use run::{RunReport, run};
pub use session::{Device, EngineChoice, Session, SessionOptions};
pub use settings::{Control, ControlKind, Setting, Settings};
pub use weights::Files;

//! One attempt of one job: clip -> chunks -> device -> stems -> artifacts. Blocking; settles nothing.
//!
//! Three threads at once: the cutter reads and cuts, the device (elsewhere) infers, this one assembles and stores.
//! At most `in_flight_max` chunks are between them, so memory does not grow with the clip.

use super::stop::Stop;
use super::stop::StopReason;
use crate::artifacts::{ArtifactError, ArtifactWriter, Artifacts, Key};
use crate::device::{Device, DeviceError, Meter, Ticket, Work};
use crate::job::{Job, StemArtifact};
use crate::progress::Progress;
use crate::settings;
use crate::steps::{SharedSteps, Step};
use crate::tenant::Tenant;
use std::io::{self, BufReader};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tributary_audio::pcm::PcmReader;
use tributary_audio::{AudioError, ClipShape, Frames};
use tributary_models::{Ask, Assembler, Clip, Clips, Cutter, ModelError, Part, Pipeline, ResultSink};
use tributary_protocol::limits::SHEET_BYTES_MAX;
use tributary_protocol::vocab::ClipHeader;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All stems are artifacts.
    Done(Vec<StemArtifact>),
    /// It cannot succeed; the reason is for people.
    Failed(String),
    /// It was told to stop.
    Stopped,
    /// The device has no room or goes down: somebody may try again.
    Later,
}

impl Outcome {
    /// For metrics and logs.
    #[must_use]
    pub fn word(&self, reason: Option<StopReason>) -> &'static str {
        match (self, reason) {
            (Self::Done(_), _) => "done",
            (Self::Failed(_), _) => "failed",
            (Self::Stopped, Some(StopReason::User)) => "cancelled",
            (Self::Stopped, _) | (Self::Later, _) => "returned",
        }
    }
}

/// Everything one attempt uses.
pub struct Run {
    /// As claimed.
    pub job: Job,
    /// Its account.
    pub tenant: Tenant,
    /// Its account's share of the device.
    pub weight: NonZeroU32,
    /// Its model's.
    pub pipeline: Arc<dyn Pipeline>,
    /// Where chunks are run.
    pub device: Device,
    /// Where the clip is and the stems go.
    pub artifacts: Arc<dyn Artifacts>,
    /// Who is told of chunks.
    pub progress: Arc<dyn Progress>,
    /// Who is told of steps.
    pub steps: SharedSteps,
    /// The stop sign.
    pub stop: Arc<Stop>,
    /// What the attempt takes of the device.
    pub meter: Arc<Meter>,
    /// Bounds memory.
    pub in_flight_max: usize,
}

/// Why an attempt ended early.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl Run {
    /// Runs the attempt. Blocking.
    #[must_use]
    pub fn to_end(self) -> Outcome {
        match self.stems() {
            Ok(stems) => {
                self.steps.reached(Step::StemsStored, Some(self.job.id));
                Outcome::Done(stems)
            }
            Err(_) if self.stop.is_stopped() => Outcome::Stopped,
            Err(Halt::Device(error)) if error.is_transient() => Outcome::Later,
            Err(halt) => {
                let chain = chain(&halt);
                tracing::error!(job = %self.job.id, error = chain, "a job failed");
                Outcome::Failed(chain)
            }
        }
    }

    fn stems(&self) -> Result<Vec<StemArtifact>, Halt> {
        let clips = Clips {
            clip: self.stored(&self.job.clip),
            references: self.job.references.iter().map(|clip| self.stored(clip)).collect(),
        };
        let ask = Ask {
            stems: self.job.stems.clone(),
            settings: settings::to_models(&self.job.settings),
            references: self.job.references.iter().map(shape).collect(),
        };
        let plan = self.pipeline.plan(shape(&self.job.clip), &ask)?;
        let others = self.pipeline.others(&plan);
        let (cutter, assembler) = self.pipeline.begin(&plan, clips, self.in_flight_max)?;
        let names = plan.stems.iter().chain(&plan.sheets);
        let writers =
            names.clone().map(|_| self.artifacts.create(&self.tenant)).collect::<Result<Vec<_>, _>>()?;
        let mut sink = Writers { writers, stems: plan.stems.len(), bytes: Vec::new(), failure: None };
        let (tickets_in, tickets) = sync_channel(self.in_flight_max);
        std::thread::scope(|scope| {
            let cutting = scope.spawn(|| self.cut(cutter, &others, tickets_in));
            let assembled = self.assemble(assembler, tickets, &mut sink);
            let cut = cutting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // A full disk is known only to the sink; a failed cut shows at the assembler as missing chunks only.
            match sink.failure.take() {
                Some(failure) => Err(Halt::Artifact(failure)),
                // A cutter whose assembler is gone says only that it was stopped.
                None if matches!(cut, Err(Halt::Model(ModelError::Stopped))) => assembled.and(cut),
                None => cut.and(assembled),
            }
        })?;
        let finish = |(name, writer): (&String, Box<dyn ArtifactWriter>)| {
            let (sha256, bytes) = writer.finish()?;
            Ok(StemArtifact { name: name.clone(), sha256, bytes })
        };
        names.zip(sink.writers).map(finish).collect()
    }

    fn stored(&self, clip: &ClipHeader) -> Arc<dyn Clip> {
        let key = Key::new(&self.tenant, clip.sha256);
        Arc::new(StoredClip { artifacts: Arc::clone(&self.artifacts), key, shape: shape(clip) })
    }

    /// Own thread: chunks to the device, in order. Ends early when nobody takes the tickets any more.
    fn cut(
        &self,
        mut cutter: Box<dyn Cutter>,
        others: &[Part],
        tickets: SyncSender<Ticket>,
    ) -> Result<(), Halt> {
        while !self.stop.is_stopped() {
            let Some(chunk) = cutter.next_chunk()? else { return Ok(()) };
            // A chunk that only moves the work on costs next to nothing, but something.
            let cost = (chunk.data.len() as u64).max(1);
            // Another model's chunk goes to the session, and into the batches, of everybody's jobs of that model.
            let other = others.iter().find(|part| part.number == chunk.part);
            let own = (&self.job.model, &self.pipeline);
            let (model, pipeline) = other.map_or(own, |part| (&part.model, &part.pipeline));
            let ticket = self.device.submit(Work {
                account: self.tenant.account(),
                weight: self.weight,
                job: self.job.id,
                model: model.clone(),
                pipeline: Arc::clone(pipeline),
                chunk,
                cost,
                cancelled: self.stop.token(),
                meter: Arc::clone(&self.meter),
            })?;
            if tickets.send(ticket).is_err() {
                return Ok(());
            }
        }
        Err(Halt::Stopped)
    }

    /// This thread: answers, in order, into stems. Drops the assembler at its end, which frees a waiting cutter.
    fn assemble(
        &self,
        mut assembler: Box<dyn Assembler>,
        tickets: Receiver<Ticket>,
        sink: &mut Writers,
    ) -> Result<(), Halt> {
        for ticket in tickets {
            if self.stop.is_stopped() {
                return Err(Halt::Stopped);
            }
            assembler.push(ticket.wait()?, sink)?;
            let done = self.stop.chunk_done();
            self.progress.chunks_done(&self.tenant, self.job.id, self.job.attempt, done);
            self.steps.reached(Step::ChunkDone, Some(self.job.id));
        }
        if self.stop.is_stopped() {
            return Err(Halt::Stopped);
        }
        Ok(assembler.finish(sink)?)
    }
}

fn shape(clip: &ClipHeader) -> ClipShape {
    ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz }
}

/// A clip among the artifacts.
struct StoredClip {
    artifacts: Arc<dyn Artifacts>,
    key: Key,
    shape: ClipShape,
}

impl Clip for StoredClip {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        let reader = self.artifacts.open(&self.key).map_err(|error| AudioError::Io {
            action: "open the stored clip",
            cause: io::Error::other(error),
        })?;
        Ok(Box::new(PcmReader::new(BufReader::with_capacity(1 << 18, reader), self.shape)?))
    }
}

/// Writes each stem's canonical bytes, and each sheet, to its artifact.
struct Writers {
    /// Of stems, then of sheets.
    writers: Vec<Box<dyn ArtifactWriter>>,
    stems: usize,
    bytes: Vec<u8>,
    failure: Option<ArtifactError>,
}

impl ResultSink for Writers {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.bytes.clear();
        let frames = block.first().map_or(0, |channel| channel.len());
        for frame in 0..frames {
            for channel in block {
                self.bytes.extend_from_slice(&channel[frame].to_le_bytes());
            }
        }
        let written = self.writers[stem].write(&self.bytes);
        written.map_err(|error| self.failed(error))
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        if bytes.len() as u64 > SHEET_BYTES_MAX {
            return Err(AudioError::Limit {
                what: "the size of a sheet",
                value: bytes.len() as u64,
                limit: format!("{SHEET_BYTES_MAX} bytes: choose a shorter clip"),
            });
        }
        let written = self.writers[self.stems + sheet].write(bytes);
        written.map_err(|error| self.failed(error))
    }
}

impl Writers {
    /// Keeps what the artifact store said; the pipeline sees only that it failed.
    fn failed(&mut self, error: ArtifactError) -> AudioError {
        self.failure = Some(error);
        AudioError::Io { action: "store a result", cause: io::Error::other("see the artifact store's error") }
    }
}

/// The whole chain of an error in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

//! The way out: speech at the network's rate becomes the stems at the clip's, mixed and measured. Holds one segment.

use super::report::Meters;
use super::voice::Gate;
use super::{Job, Stem};
use crate::ModelError;
use crate::pipeline::{Clip, ResultSink};
use tributary_audio::frames::{empty_block, fill, slices};
use tributary_audio::{AudioError, Frames, Loudness, PushResampler};

/// Frames mixed and written at a time.
const WRITE_FRAMES: usize = 16_384;

/// What is done with the stems.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Purpose {
    /// They are measured only.
    Measure,
    /// They are multiplied by `gain_db` and written.
    Write { gain_db: f64 },
}

pub(super) struct Outlet {
    purpose: Purpose,
    resampler: PushResampler,
    gate: Option<Gate>,
    /// The clip read a second time, in step with what goes out.
    source: Box<dyn Frames>,
    clip: Vec<Vec<f32>>,
    speech: Vec<Vec<f32>>,
    gain: f32,
    meters: Meters,
    pushed_frames: u64,
    written_frames: u64,
}

impl Outlet {
    pub(super) fn new(job: &Job, clip: &dyn Clip, purpose: Purpose) -> Result<Self, ModelError> {
        let channels = job.clip.channels;
        let gain_db = if let Purpose::Write { gain_db } = purpose { gain_db } else { 0.0 };
        Ok(Self {
            purpose,
            resampler: PushResampler::new(job.sight().rate_hz, job.clip.rate_hz, channels)?,
            gate: job.wish.gate.then(|| Gate::new(job.clip.rate_hz)),
            source: job.open(clip)?,
            clip: empty_block(channels, WRITE_FRAMES),
            speech: empty_block(channels, WRITE_FRAMES),
            gain: 10.0_f64.powf(gain_db / 20.0) as f32,
            meters: Meters::new(job)?,
            pushed_frames: 0,
            written_frames: 0,
        })
    }

    /// Takes the probabilities of speech in the windows of the next segment, before it.
    pub(super) fn hear(&mut self, probabilities: &[f32]) {
        if let Some(gate) = &mut self.gate {
            probabilities.iter().for_each(|probability| gate.hear(*probability));
        }
    }

    /// Takes the next segment, `[channels][frames]` at the network's rate; what lies after the clip's end is dropped.
    pub(super) fn push(
        &mut self,
        job: &Job,
        segment: &[Vec<f32>],
        sink: &mut dyn ResultSink,
    ) -> Result<(), ModelError> {
        let left = usize::try_from(job.model_frames - self.pushed_frames).unwrap_or(usize::MAX);
        let frames = segment.first().map_or(0, Vec::len).min(left);
        for from in (0..frames).step_by(WRITE_FRAMES) {
            let to = frames.min(from + WRITE_FRAMES);
            let block: Vec<&[f32]> = segment.iter().map(|channel| &channel[from..to]).collect();
            append(&mut self.speech, self.resampler.push(&block)?);
            self.write(job, sink)?;
        }
        self.pushed_frames += frames as u64;
        Ok(())
    }

    /// After the last segment: hands on the rest, and says how loud the speech was.
    pub(super) fn finish(&mut self, job: &Job, sink: &mut dyn ResultSink) -> Result<Loudness, ModelError> {
        append(&mut self.speech, self.resampler.finish(job.clip.frames)?);
        if let Some(gate) = &mut self.gate {
            gate.end();
        }
        self.write(job, sink)?;
        if self.written_frames != job.clip.frames {
            let got = format!("{} frames of every stem", self.written_frames);
            return Err(AudioError::Shape { expected: job.clip.frames.to_string(), got }.into());
        }
        self.meters.after()
    }

    /// The sheet of all that was written.
    pub(super) fn report(&self, job: &Job) -> Result<Vec<u8>, ModelError> {
        let speech_share = self.gate.as_ref().and_then(Gate::speech_share);
        self.meters.report(job, 20.0 * f64::from(self.gain).log10(), speech_share)
    }

    /// Mixes, measures and writes what is ready.
    fn write(&mut self, job: &Job, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let mut ready = self.speech.first().map_or(0, Vec::len);
        if let Some(gate) = &self.gate {
            let known = gate.known_frames().saturating_sub(self.written_frames);
            ready = ready.min(usize::try_from(known).unwrap_or(usize::MAX));
        }
        let read = fill(&mut *self.source, &mut self.clip, ready)?;
        if read != ready {
            let expected = format!("the clip as long as before, {} frames", job.clip.frames);
            let got = format!("{} frames", self.written_frames + read as u64);
            return Err(AudioError::Shape { expected, got }.into());
        }
        let later: Vec<_> = self.speech.iter_mut().map(|channel| channel.split_off(ready)).collect();
        self.mix(job.wish.clip_share);
        self.meters.add(&slices(&self.clip), &slices(&self.speech), self.gain)?;
        if self.purpose != Purpose::Measure && ready > 0 {
            self.write_stems(job, sink)?;
        }
        self.speech = later;
        self.written_frames += ready as u64;
        Ok(())
    }

    /// The gate, then as much of the clip as stays, then the gain.
    fn mix(&mut self, share: f32) {
        if let Some(gate) = &mut self.gate {
            for i in 0..self.speech.first().map_or(0, Vec::len) {
                let gain = gate.gain(self.written_frames + i as u64);
                self.speech.iter_mut().for_each(|channel| channel[i] *= gain);
            }
        }
        for (speech, clip) in self.speech.iter_mut().zip(&self.clip) {
            for (speech, clip) in speech.iter_mut().zip(clip) {
                // All of the clip must be the clip, bit for bit.
                let mixed = if share >= 1.0 { *clip } else { *speech + share * (clip - *speech) };
                *speech = mixed * self.gain;
            }
        }
    }

    fn write_stems(&mut self, job: &Job, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        for (index, stem) in job.stems.iter().enumerate() {
            match stem {
                Stem::Speech => sink.write(index, &slices(&self.speech))?,
                Stem::Noise => {
                    for (clip, speech) in self.clip.iter_mut().zip(&self.speech) {
                        let both = clip.iter_mut().zip(speech);
                        both.for_each(|(clip, speech)| *clip = *clip * self.gain - speech);
                    }
                    sink.write(index, &slices(&self.clip))?;
                }
            }
        }
        Ok(())
    }
}

fn append(to: &mut [Vec<f32>], block: &[Vec<f32>]) {
    for (to, channel) in to.iter_mut().zip(block) {
        to.extend_from_slice(channel);
    }
}

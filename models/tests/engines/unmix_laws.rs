//! What holds of published separators for every clip: silence stays silent, what is no number is refused, channels and
//! stems are what they are alone, batches change nothing, memory does not grow with the clip.

use crate::library::options;
use crate::unmix::{Held, Installed, Stem, TINY, Tiny, ask, difference_db, engines, installed, separate};
use std::sync::{Arc, Mutex};
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::convert::roformer::Target;
use tributary_models::{Ask, Chunk, ChunkAnswer, Clip, ModelError, Pipeline, ResultSink, Setting};

const BS: &Tiny = &TINY[0];
const MEL: &Tiny = &TINY[1];
/// Numbers of one stem in an answer of [`BS`]: 69 columns, 129 bins, two channels, real and imaginary.
const BS_STEM: usize = 69 * 129 * 4;

fn pipeline(tiny: &Tiny) -> Installed {
    let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
    installed(recipe, &onnx).unwrap()
}

/// Noise and a tone, other ones on every channel.
pub(crate) fn clip(channels: usize, frames: usize, rate_hz: u32) -> Audio {
    let channel = |channel: usize| {
        let mut state = 12_345 + channel as u32;
        let sound = move |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
            0.2 * noise + 0.3 * ((i * (channel + 2)) as f32 * 0.021).sin()
        };
        (0..frames).map(sound).collect()
    };
    Audio { channels: (0..channels).map(channel).collect(), rate_hz }
}

pub(crate) fn names(stems: &[&str]) -> Ask {
    Ask::stems(&stems.iter().map(|&stem| stem.to_owned()).collect::<Vec<_>>())
}

fn adds_up(audio: &Audio, stems: &[Stem], what: &str) {
    let sum: Stem = (0..audio.channels.len())
        .map(|c| (0..audio.frames()).map(|i| stems.iter().map(|stem| stem[c][i]).sum()).collect())
        .collect();
    let db = difference_db(&sum.concat(), &audio.channels.concat());
    assert!(db < -110.0, "{what}: the stems are {db:.1} dB from the mixture");
}

#[test]
fn nothing_comes_of_silence() {
    let silence = Audio::silence(ClipShape { channels: 2, frames: 9_000, rate_hz: 44_100 });
    for (tiny, count) in [(BS, 2), (MEL, 3)] {
        for quality in ["fast", "balanced", "best"] {
            let Installed { pipeline, _folder } = pipeline(tiny);
            let (stems, _) = separate(&pipeline, &silence, &ask(&[("quality", quality)])).unwrap();
            assert_eq!(stems.len(), count);
            assert!(stems.iter().flatten().flatten().all(|x| *x == 0.0));
        }
    }
}

#[test]
fn a_sample_that_is_no_number_ends_the_job_and_is_named() {
    let Installed { pipeline, _folder } = pipeline(MEL);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut audio = clip(2, 12_000, 44_100);
        audio.channels[1][11_000] = bad;
        let ended = separate(&pipeline, &audio, &Ask::default());
        let named =
            matches!(ended, Err(ModelError::Audio(AudioError::NotFinite { frame: 11_000, channel: 1 })));
        assert!(named, "{bad}: {:?}", ended.err());
    }
}

#[test]
fn stems_add_up_at_every_rate_and_length_also_in_a_hundredth_of_a_second() {
    let Installed { pipeline, _folder } = pipeline(MEL);
    for rate_hz in [8_000, 22_050, 44_100, 48_000, 192_000] {
        for frames in [1, 2, rate_hz as usize / 100, rate_hz as usize / 5] {
            let audio = clip(2, frames, rate_hz);
            let (stems, names) = separate(&pipeline, &audio, &Ask::default()).unwrap();
            assert_eq!(names, ["drums", "bass", "other"]);
            adds_up(&audio, &stems, &format!("{frames} frames at {rate_hz} Hz"));
        }
    }
}

#[test]
fn one_channel_is_two_that_are_equal_and_more_are_what_their_pairs_are_alone() {
    let Installed { pipeline, _folder } = pipeline(BS);
    let audio = clip(5, 9_000, 44_100);
    let (together, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
    for pair in [0..2, 2..4, 4..5] {
        let alone = Audio { channels: audio.channels[pair.clone()].to_vec(), rate_hz: 44_100 };
        let (alone, _) = separate(&pipeline, &alone, &Ask::default()).unwrap();
        for (alone, together) in alone.iter().zip(&together) {
            let db = difference_db(&together[pair.clone()].concat(), &alone.concat());
            assert!(db < -100.0, "channels {pair:?} are {db:.1} dB from what they are alone");
        }
    }
    let last = &audio.channels[4];
    let twice = Audio { channels: vec![last.clone(), last.clone()], rate_hz: 44_100 };
    let (twice, _) = separate(&pipeline, &twice, &Ask::default()).unwrap();
    for (stem, both) in together.iter().zip(&twice) {
        let mean: Vec<f32> = both[0].iter().zip(&both[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        assert!(difference_db(&stem[4], &mean) < -100.0);
    }
}

#[test]
fn a_stem_asked_for_alone_is_the_one_among_all() {
    for engine in engines() {
        for tiny in [BS, MEL] {
            let Installed { pipeline, _folder } = pipeline(tiny);
            let pipeline = pipeline.with_session_options(options(engine, 2));
            let audio = clip(2, 9_000, 48_000);
            let (all, known) = separate(&pipeline, &audio, &Ask::default()).unwrap();
            for (stem, name) in all.iter().zip(&known) {
                let (alone, written) = separate(&pipeline, &audio, &names(&[name])).unwrap();
                assert_eq!(written, [name.as_str()]);
                let db = difference_db(&alone[0].concat(), &stem.concat());
                assert!(db < -100.0, "{} of {}, {engine:?}: {db:.1} dB", name, tiny.name());
            }
        }
    }
    let Installed { pipeline, _folder } = pipeline(MEL);
    let error = pipeline.plan(clip(2, 1, 44_100).shape(), &names(&["tuba"])).unwrap_err();
    assert!(error.to_string().contains("drums, bass, other"), "{error}");
}

/// All chunks of a job; no answer to them is needed.
fn chunks(pipeline: &dyn Pipeline, audio: Audio, ask: &Ask) -> Vec<Chunk> {
    let plan = pipeline.plan(audio.shape(), ask).unwrap();
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 1).unwrap();
    let (mut all, mut nowhere) = (Vec::new(), Counted::default());
    while let Some(chunk) = cutter.next_chunk().unwrap() {
        let data = vec![0.0; plan.stems.len() * BS_STEM];
        assembler.push(ChunkAnswer { index: chunk.index, data }, &mut nowhere).unwrap();
        all.push(chunk);
    }
    all
}

#[test]
fn chunks_of_jobs_that_ask_for_different_stems_are_answered_in_one_batch_as_each_alone() {
    let Installed { pipeline, _folder } = pipeline(BS);
    let mut session = pipeline.load().unwrap();
    let all = chunks(&pipeline, clip(2, 9_000, 44_100), &Ask::default());
    let voice = chunks(&pipeline, clip(1, 6_000, 48_000), &names(&["vocals"]));
    assert_eq!(all[0].shape, voice[0].shape, "they share a batch");
    let mixed = [&all[0], &voice[1], &all[2], &voice[0]].map(Clone::clone);
    let together = pipeline.infer(&mut session, &mixed).unwrap();
    assert_eq!(together.len(), mixed.len());
    for (chunk, together) in mixed.iter().zip(&together) {
        let alone = pipeline.infer(&mut session, std::slice::from_ref(chunk)).unwrap().remove(0);
        assert_eq!(alone.index, together.index);
        assert!(difference_db(&together.data, &alone.data) < -110.0, "chunk {}", chunk.index);
    }
    assert_eq!(together.iter().map(|answer| answer.data.len() / BS_STEM).collect::<Vec<_>>(), [2, 1, 2, 1]);
    assert!(pipeline.infer(&mut session, &[]).unwrap().is_empty());
    let short = Chunk { data: all[0].data[1..].to_vec(), ..all[0].clone() };
    assert!(matches!(pipeline.infer(&mut session, &[short]), Err(ModelError::Engine { .. })));
}

/// Counts what comes.
#[derive(Default)]
struct Counted {
    /// `[stems]`.
    frames: Vec<u64>,
}

impl ResultSink for Counted {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.frames.resize(self.frames.len().max(stem + 1), 0);
        self.frames[stem] += block[0].len() as u64;
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        panic!("a separator wrote sheet {sheet}");
    }
}

/// A clip that nobody holds.
struct Endless {
    shape: ClipShape,
    /// Frames that each of its readers has read.
    read: Arc<Mutex<Vec<u64>>>,
}

struct EndlessFrames {
    shape: ClipShape,
    read: Arc<Mutex<Vec<u64>>>,
    reader: usize,
}

impl Clip for Endless {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        let mut read = self.read.lock().unwrap();
        read.push(0);
        let reader = read.len() - 1;
        Ok(Box::new(EndlessFrames { shape: self.shape, read: Arc::clone(&self.read), reader }))
    }
}

impl Frames for EndlessFrames {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let at = &mut self.read.lock().unwrap()[self.reader];
        let frames = (self.shape.frames - *at).min(frames_max as u64);
        for channel in block {
            channel.extend((*at..*at + frames).map(|i| (i % 100) as f32 / 100.0 - 0.5));
        }
        *at += frames;
        Ok(frames as usize)
    }
}

/// The most frames that were read and not yet written, with one chunk on its way at a time.
pub(crate) fn held_most(pipeline: &dyn Pipeline, seconds: u64, rate_hz: u32, quality: &str) -> u64 {
    let shape = ClipShape { channels: 2, frames: seconds * u64::from(rate_hz), rate_hz };
    let read = Arc::new(Mutex::new(Vec::new()));
    let plan = pipeline.plan(shape, &ask(&[("quality", quality)])).unwrap();
    let clip = Arc::new(Endless { shape, read: Arc::clone(&read) });
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 1).unwrap();
    let (mut session, mut sink, mut most) = (pipeline.load().unwrap(), Counted::default(), 0);
    while let Some(chunk) = cutter.next_chunk().unwrap() {
        let written = (0..plan.stems.len()).map(|stem| sink.frames.get(stem).copied().unwrap_or(0)).min();
        most = most.max(read.lock().unwrap().iter().max().unwrap() - written.unwrap());
        let answer = pipeline.infer(&mut session, &[chunk]).unwrap().remove(0);
        assembler.push(answer, &mut sink).unwrap();
    }
    assembler.finish(&mut sink).unwrap();
    assert_eq!(sink.frames, vec![shape.frames; plan.stems.len()]);
    most
}

#[test]
fn what_a_job_holds_of_a_clip_does_not_grow_with_it() {
    let Installed { pipeline, _folder } = pipeline(BS);
    for (rate_hz, quality) in [(44_100, "fast"), (44_100, "balanced"), (44_100, "best"), (48_000, "balanced")]
    {
        let [short, long] = [2, 9].map(|seconds| held_most(&pipeline, seconds, rate_hz, quality));
        // A chunk of 4,080 frames, what is mirrored into it, and what rate conversion reads ahead.
        let most = 2 * 4_080 * u64::from(rate_hz) / 44_100 + 4_096;
        println!("{quality} at {rate_hz} Hz: {short} and {long} frames are held");
        assert!(short <= most && long <= most, "{quality} at {rate_hz} Hz: {short} and {long}, not {most}");
    }
}

#[test]
fn answers_out_of_order_of_the_wrong_size_or_no_numbers_are_refused() {
    let Installed { pipeline, _folder } = pipeline(BS);
    let audio = clip(2, 9_000, 44_100);
    let plan = pipeline.plan(audio.shape(), &names(&["other"])).unwrap();
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 3).unwrap();
    let mut sink = Counted::default();
    let answer = |index, data| ChunkAnswer { index, data };
    let early = assembler.push(answer(0, vec![0.0; BS_STEM]), &mut sink);
    assert!(matches!(early, Err(ModelError::ChunkOrder { .. })), "before it was cut");
    cutter.next_chunk().unwrap();
    let skipped = assembler.push(answer(1, vec![0.0; BS_STEM]), &mut sink);
    assert!(matches!(skipped, Err(ModelError::ChunkOrder { expected: 0, got: 1 })));
    for numbers in [0, BS_STEM - 1, 2 * BS_STEM] {
        let wrong = assembler.push(answer(0, vec![0.0; numbers]), &mut sink);
        assert!(matches!(wrong, Err(ModelError::Engine { .. })), "{numbers}");
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        let mut data = vec![0.0; BS_STEM];
        data[1_000] = bad;
        assert!(matches!(assembler.push(answer(0, data), &mut sink), Err(ModelError::Engine { .. })));
    }
    assembler.push(answer(0, vec![0.0; BS_STEM]), &mut sink).unwrap();
    assert!(matches!(assembler.finish(&mut sink), Err(ModelError::ChunkOrder { expected: 1, .. })));
}

#[test]
fn stems_are_made_to_add_up_only_where_that_is_asked_for_and_may_be() {
    let controls = |tiny: &Tiny| pipeline(tiny).pipeline.controls();
    assert!(controls(BS).iter().any(|control| control.name == "adds_up"));
    assert!(controls(MEL).iter().all(|control| control.name != "adds_up"), "they do anyway");
    let Installed { pipeline, _folder } = pipeline(BS);
    let audio = clip(2, 9_000, 44_100);
    let (plain, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
    let mut asked = ask(&[("quality", "fast")]);
    asked.settings = asked.settings.with("adds_up", Setting::Switch(true));
    let (exact, _) = separate(&pipeline, &audio, &asked).unwrap();
    adds_up(&audio, &exact, "all stems");
    let sum: Vec<f32> =
        plain[0].concat().iter().zip(&plain[1].concat()).map(|(one, other)| one + other).collect();
    assert!(difference_db(&sum, &audio.channels.concat()) > -60.0, "random masks do not add up by chance");
}

//! Speech models on whisper.cpp: sound of a window in, tokens with their times out. Not an engine of graphs: it brings the
//! whole model. Errors are in its words; what it logs goes nowhere, and nothing in it may end the process, so all it is
//! given was checked before.

mod weights_file;

use super::engine::{Device, Engine, Running};
use super::{SessionOptions, caught};
use crate::ModelError;
use std::sync::{Mutex, PoisonError};
use weights_file::Sizes;
use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext,
    WhisperContextParameters, WhisperState,
};

/// What it hears.
pub const RATE_HZ: u32 = 16_000;
/// The most it hears at once, 30 s.
pub const WINDOW_FRAMES: usize = 480_000;
/// Shorter windows get silence after them: the search for word times fails below 0.2 s.
const WINDOW_FRAMES_MIN: usize = RATE_HZ as usize;
/// From one try to the next of a window that came out unlikely or repeating: 0, 0.4, 0.8. Its publisher takes six steps.
const TEMPERATURE_STEP: f32 = 0.4;
/// What the search for word times may use, bytes: twice what 30 s of the largest model take.
const ALIGNMENT_BYTES: usize = 128 << 20;

/// A language by its place in the model's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Language(u8);

impl Language {
    /// The one of that code, like `de`; none where no model knows it.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        // It would tell the terminal of a code that it does not know.
        whisper_rs::install_logging_hooks();
        // The list is asked with C strings, which cannot hold a zero.
        let id = if code.contains('\0') { None } else { whisper_rs::get_lang_id(code) };
        id.and_then(|id| u8::try_from(id).ok()).map(Self)
    }

    /// The one at that place; none beyond the list's end.
    #[must_use]
    pub fn at(place: u8) -> Option<Self> {
        (i32::from(place) <= whisper_rs::get_lang_max_id()).then_some(Self(place))
    }

    /// Its place in the list.
    #[must_use]
    pub fn place(self) -> u8 {
        self.0
    }

    /// Its code, like `de`.
    #[must_use]
    pub fn code(self) -> &'static str {
        whisper_rs::get_lang_str(self.0.into()).unwrap_or("")
    }
}

/// What is wanted of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// None: the model says which it is.
    pub language: Option<Language>,
    /// English out, whatever is spoken.
    pub translate: bool,
}

/// What was heard in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// As asked, or as found.
    pub language: Language,
    /// How sure the model is of it, 0 to 1; 1 where it was asked for.
    pub confidence: f32,
    /// In the order they were spoken.
    pub tokens: Vec<Token>,
    /// More was said than the model writes down of one window.
    pub is_cut: bool,
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// UTF-8, but a letter may be spread over two tokens. A word's first token begins with a space, in languages that
    /// have any.
    pub text: Vec<u8>,
    /// 0 to 1.
    pub probability: f32,
    /// Where it ends, in the window. It begins where the one before ends; pauses are counted to whichever is beside them.
    pub end_seconds: f32,
}

/// A loaded model.
pub(super) struct Whisper {
    context: WhisperContext,
    /// What was set for each kind of window: the binding never frees a language's name, so none is set twice.
    params: Mutex<Vec<((Language, bool), FullParams<'static, 'static>)>>,
}

impl Whisper {
    /// The model in `weights`, a whole file in ggml's format, where the options want it.
    pub(super) fn load(
        model: &str,
        weights: &[u8],
        options: SessionOptions,
    ) -> Result<(Self, Running), ModelError> {
        check_processor()?;
        let device = device(options)?;
        let failed = |reason| super::engine_error(model, reason);
        let sizes = weights_file::check(weights).map_err(failed)?;
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::new();
        parameters
            .use_gpu(device.is_accelerator())
            .gpu_device(options.device_number.into())
            // Without it: word times are read off the attention, which the fast kernel does not keep.
            .flash_attn(false)
            .dtw_parameters(DtwParameters { mode: alignment(&sizes), dtw_mem_size: ALIGNMENT_BYTES });
        let context = caught(|| {
            let refused = |error| format!("whisper.cpp does not load it ({error})");
            WhisperContext::new_from_buffer_with_params(weights, parameters).map_err(refused)
        });
        let context = context.map_err(failed)?;
        let running = Running { engine: Engine::WhisperCpp, device, instead: None };
        Ok((Self { context, params: Mutex::new(Vec::new()) }, running))
    }

    /// Listens to one window of at most [`WINDOW_FRAMES`], one channel at [`RATE_HZ`].
    pub(super) fn listen(&self, threads: usize, frames: &[f32], wish: Listen) -> Result<Heard, String> {
        if frames.len() > WINDOW_FRAMES {
            return Err(format!("a window of {} frames is longer than {WINDOW_FRAMES}", frames.len()));
        }
        let mut padded;
        let frames = if frames.len() < WINDOW_FRAMES_MIN {
            padded = frames.to_vec();
            padded.resize(WINDOW_FRAMES_MIN, 0.0);
            &padded[..]
        } else {
            frames
        };
        // A state of its own for each window, 30 ms: its random numbers would else go on from other jobs' windows.
        let mut state = self.context.create_state().map_err(words)?;
        let (language, confidence) = match wish.language {
            Some(language) => (language, 1.0),
            None => detect(&mut state, threads, frames)?,
        };
        let mut params = self.params(language, wish.translate);
        params.set_n_threads(i32::try_from(threads).unwrap_or(1));
        state.full(params, frames).map_err(words)?;
        let (tokens, ended) = self.tokens(&state)?;
        Ok(Heard { language, confidence, is_cut: !ended && !tokens.is_empty(), tokens })
    }

    fn params(&self, language: Language, translate: bool) -> FullParams<'static, 'static> {
        // Only ever added to: a panic elsewhere leaves nothing to repair.
        let mut known = self.params.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (language, translate);
        if let Some((_, params)) = known.iter().find(|(known, _)| *known == kind) {
            return params.clone();
        }
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_language(Some(language.code()));
        params.set_translate(translate);
        params.set_no_context(true);
        // One window, one text: windows are cut at pauses, and times come from the alignment. Its own times would move
        // its window about, down to lengths that the alignment ends the process for.
        params.set_no_timestamps(true);
        params.set_single_segment(true);
        params.set_temperature_inc(TEMPERATURE_STEP);
        params.set_suppress_nst(true);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_special(false);
        params.set_print_timestamps(false);
        known.push((kind, params.clone()));
        params
    }

    /// The text's tokens, and whether the model came to its end.
    fn tokens(&self, state: &WhisperState) -> Result<(Vec<Token>, bool), String> {
        let end_of_text = self.context.token_eot();
        let (mut tokens, mut ended, mut last_seconds) = (Vec::new(), false, 0.0_f32);
        for segment in state.as_iter() {
            for token in (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)) {
                let data = token.token_data();
                ended |= data.id == end_of_text;
                if data.id >= end_of_text {
                    continue;
                }
                // Centiseconds; a token without a time of its own ends with the one before.
                last_seconds = last_seconds.max(data.t_dtw.max(0) as f32 / 100.0);
                tokens.push(Token {
                    text: token.to_bytes().map_err(words)?.to_vec(),
                    probability: data.p,
                    end_seconds: last_seconds,
                });
            }
        }
        Ok((tokens, ended))
    }
}

/// What is spoken, and how sure that is.
fn detect(state: &mut WhisperState, threads: usize, frames: &[f32]) -> Result<(Language, f32), String> {
    state.pcm_to_mel(frames, threads).map_err(words)?;
    let (id, probabilities) = state.lang_detect(0, threads).map_err(words)?;
    let language = u8::try_from(id).ok().and_then(Language::at).ok_or("it found a language of no name")?;
    let confidence = probabilities.get(usize::from(language.place())).copied().unwrap_or(0.0);
    Ok((language, confidence))
}

fn words(error: whisper_rs::WhisperError) -> String {
    format!("whisper.cpp: {error}")
}

/// Which heads follow the sound, found by its publisher for each size; of others, all of the last layer.
fn alignment(sizes: &Sizes) -> DtwMode<'static> {
    let preset = |model_preset| DtwMode::ModelPreset { model_preset };
    match (sizes.state, sizes.text_layers, sizes.text_heads, sizes.audio_layers) {
        (384, 4, 6, 4) => preset(DtwModelPreset::Tiny),
        (512, 6, 8, 6) => preset(DtwModelPreset::Base),
        (768, 12, 12, 12) => preset(DtwModelPreset::Small),
        (1280, 4, 20, 32) => preset(DtwModelPreset::LargeV3Turbo),
        _ => DtwMode::TopMost { n_top: 1 },
    }
}

/// TensorRT is asked for with CUDA beneath it, and this runs on that.
fn device(options: SessionOptions) -> Result<Device, ModelError> {
    if !options.device.is_accelerator() {
        return Ok(Device::Cpu);
    }
    if cfg!(feature = "cuda") {
        return Ok(Device::Cuda);
    }
    Err(ModelError::NoEngine {
        wanted: format!("whisper.cpp on {}", options.device),
        reason: "this program was built without it; build it with `--features cuda`, or ask for the CPU"
            .to_owned(),
    })
}

/// It is built for these instructions and asks for none of them itself.
fn check_processor() -> Result<(), ModelError> {
    #[cfg(target_arch = "x86_64")]
    {
        let has = [
            ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
            ("FMA", std::arch::is_x86_feature_detected!("fma")),
            ("F16C", std::arch::is_x86_feature_detected!("f16c")),
            ("BMI2", std::arch::is_x86_feature_detected!("bmi2")),
        ];
        if let Some((lacks, _)) = has.iter().find(|(_, has)| !has) {
            return Err(ModelError::NoEngine {
                wanted: "whisper.cpp".to_owned(),
                reason: format!("this processor has no {lacks}; use one from 2014 or later"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_code_and_place() {
        let german = Language::of_code("de").unwrap();
        assert_eq!((german.code(), Language::at(german.place())), ("de", Some(german)));
        assert!(Language::of_code("xx").is_none() && Language::of_code("d\0e").is_none());
        assert!(Language::at(u8::MAX).is_none());
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_device_that_was_not_built_in_is_refused_with_what_to_do() {
        let options = SessionOptions { device: Device::Cuda, ..SessionOptions::default() };
        let error = device(options).unwrap_err().to_string();
        assert!(error.contains("whisper.cpp on CUDA") && error.contains("--features cuda"), "{error}");
    }
}

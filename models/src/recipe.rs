//! How a published separation network is fed: what its graph does not hold. Made from the publisher's settings when a
//! checkpoint is converted, kept beside the graph as TOML, read again when the model's pipeline is made.

use serde::{Deserialize, Serialize};

/// A separation network's surroundings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Rate of what the network hears, Hz.
    pub rate_hz: u32,
    /// Channels it hears at once; all published ones are stereo.
    pub channels: u16,
    /// Stems of its output, in order.
    pub stems: Vec<String>,
    /// Frames of one chunk, at `rate_hz`.
    pub chunk_frames: u32,
    /// How many chunks cover a frame in the publisher's own inference: the hop is `chunk_frames / overlap`, where the
    /// network does not say another.
    pub overlap: u32,
    /// For several networks that are averaged, how much each counts for each stem, `[networks][stems]`; empty for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bag: Vec<Vec<f32>>,
    /// How chunks become the network's input, and its output becomes stems.
    #[serde(flatten)]
    pub network: Network,
}

/// The families that are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture", rename_all = "kebab-case")]
pub enum Network {
    /// Lu et al. 2023: complex masks on a spectrum cut in bands that do not overlap.
    BsRoformer {
        /// The transform.
        spectrum: Spectrum,
        /// Bins of each band.
        bands: Vec<usize>,
    },
    /// Wang et al. 2023: bands of the mel scale, which overlap; masks of a bin are averaged over its bands.
    MelBandRoformer {
        /// The transform.
        spectrum: Spectrum,
        /// How many bands.
        bands: usize,
    },
    /// Rouard et al. 2023: a waveform and a spectrum, both in and out.
    #[serde(rename = "htdemucs")]
    HtDemucs {
        /// The transform.
        spectrum: Spectrum,
        /// From one chunk to the next, frames, where chunks lie as in the publisher's own program; it has no whole number
        /// of them over a frame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step_frames: Option<u32>,
    },
    /// Tong et al. 2024: a spectrum in, spectra of stems out.
    Scnet {
        /// The transform, whose windows are rectangular: the publisher's code names none.
        spectrum: Spectrum,
    },
}

/// A short-time Fourier transform, windows as long as `n_fft`, Hann where nothing else is said, centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spectrum {
    /// Frames of a window.
    pub n_fft: usize,
    /// From one window to the next, frames; need not divide `n_fft`.
    pub hop_frames: usize,
    /// Whether spectra are divided by the square root of `n_fft`.
    pub normalised: bool,
    /// Whether the masked spectrum's bin 0 is set to nothing.
    pub without_dc: bool,
}

impl Recipe {
    /// Longer chunks are a mistake: two minutes at 48 kHz.
    const CHUNK_FRAMES_MAX: u32 = 120 * 48_000;
    /// More chunks over one frame than these are a mistake.
    const OVERLAP_MAX: u32 = 64;
    /// More networks than these are a mistake.
    pub const BAG_MAX: usize = 16;
    /// More stems than these are a mistake.
    const STEMS_MAX: usize = 32;

    /// A recipe is no longer.
    pub const BYTES_MAX: usize = 64 * 1024;

    /// Reads one, and checks it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > Self::BYTES_MAX {
            return Err(format!("it has {} bytes, at most {} are read", text.len(), Self::BYTES_MAX));
        }
        let text = std::str::from_utf8(text).map_err(|cause| cause.to_string())?;
        let recipe: Self = toml::from_str(text).map_err(|cause| cause.to_string())?;
        recipe.check()?;
        Ok(recipe)
    }

    /// As [`Recipe::parse`] takes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("strings, numbers and lists of them are TOML")
    }

    /// The stems that come out of the whole pipeline: the network's, and what they leave.
    #[must_use]
    pub fn all_stems(&self) -> Vec<String> {
        self.stems.iter().cloned().chain(self.remainder().map(str::to_owned)).collect()
    }

    /// What the stems leave of the mixture; none where the network gives that itself. One stem always leaves another: the
    /// instruments beside a voice, a voice beside the instruments.
    #[must_use]
    pub fn remainder(&self) -> Option<&'static str> {
        let gives_the_rest = |stem: &String| matches!(stem.as_str(), "other" | "instrumental" | "no-vocals");
        match &self.stems[..] {
            [one] => Some(match one.as_str() {
                "vocals" => "instrumental",
                "instrumental" | "no-vocals" => "vocals",
                "other" => "rest",
                _ => "other",
            }),
            stems if stems.iter().any(gives_the_rest) => None,
            _ => Some("other"),
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// In words, naming the field.
    pub fn check(&self) -> Result<(), String> {
        let limits = tributary_audio::limits::RATE_HZ_MIN..=tributary_audio::limits::RATE_HZ_MAX;
        if !limits.contains(&self.rate_hz) {
            return Err(format!("`rate_hz` is {}, allowed are {limits:?}", self.rate_hz));
        }
        if self.channels != 2 {
            return Err(format!("`channels` is {}; separators here are stereo", self.channels));
        }
        if self.stems.is_empty() || self.stems.len() > Self::STEMS_MAX {
            return Err(format!("`stems` names {}, allowed are 1 to {}", self.stems.len(), Self::STEMS_MAX));
        }
        let count = self.bag.len();
        if count > Self::BAG_MAX || self.bag.iter().any(|weights| weights.len() != self.stems.len()) {
            let (most, stems) = (Self::BAG_MAX, self.stems.len());
            return Err(format!("`bag` has {count} networks, allowed are {most}, each with {stems} weights"));
        }
        let counts = |stem: usize| {
            let weights = self.bag.iter().map(|weights| weights[stem]);
            weights.clone().all(|weight| weight.is_finite() && weight >= 0.0) && weights.sum::<f32>() > 0.0
        };
        if let Some(stem) = (0..self.stems.len()).find(|&stem| count > 0 && !counts(stem)) {
            return Err(format!("`bag` has no weights from 0 on for `{}`", self.stems[stem]));
        }
        let spectrum = self.network.spectrum();
        let least = spectrum.n_fft.max(10) as u64;
        if u64::from(self.chunk_frames) < least || self.chunk_frames > Self::CHUNK_FRAMES_MAX {
            let most = Self::CHUNK_FRAMES_MAX;
            return Err(format!("`chunk_frames` is {}, allowed are {least} to {most}", self.chunk_frames));
        }
        if !(1..=Self::OVERLAP_MAX).contains(&self.overlap) {
            return Err(format!("`overlap` is {}, allowed are 1 to {}", self.overlap, Self::OVERLAP_MAX));
        }
        if let Network::HtDemucs { step_frames: Some(step), .. } = self.network {
            let steps = self.chunk_frames.div_ceil(Self::OVERLAP_MAX)..=self.chunk_frames;
            if !steps.contains(&step) {
                return Err(format!("`step_frames` is {step}, allowed are {steps:?}"));
            }
        }
        if crate::dsp::StftShape::new(spectrum.n_fft, spectrum.hop_frames).is_none() {
            return Err(format!(
                "`spectrum` has windows of {} frames every {}: a hop must fit in at least 3 times",
                spectrum.n_fft, spectrum.hop_frames
            ));
        }
        Ok(())
    }

    /// Columns of one chunk's spectrum.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.chunk_frames as usize / self.network.spectrum().hop_frames.max(1) + 1
    }
}

impl Network {
    /// As cards and recipes write it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::BsRoformer { .. } => "bs-roformer",
            Self::MelBandRoformer { .. } => "mel-band-roformer",
            Self::HtDemucs { .. } => "htdemucs",
            Self::Scnet { .. } => "scnet",
        }
    }

    /// Its transform.
    #[must_use]
    pub fn spectrum(&self) -> Spectrum {
        match self {
            Self::BsRoformer { spectrum, .. }
            | Self::MelBandRoformer { spectrum, .. }
            | Self::HtDemucs { spectrum, .. }
            | Self::Scnet { spectrum } => *spectrum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECTRUM: Spectrum = Spectrum { n_fft: 2048, hop_frames: 441, normalised: false, without_dc: true };

    fn recipe(stems: &[&str], network: Network) -> Recipe {
        Recipe {
            rate_hz: 44_100,
            channels: 2,
            stems: stems.iter().map(|&stem| stem.to_owned()).collect(),
            chunk_frames: 352_800,
            overlap: 2,
            bag: Vec::new(),
            network,
        }
    }

    #[test]
    fn a_recipe_is_read_as_it_was_written_and_its_word_is_that_of_the_file() {
        let spectrum = SPECTRUM;
        for network in [
            Network::BsRoformer { spectrum, bands: vec![2, 12, 1011] },
            Network::MelBandRoformer { spectrum, bands: 60 },
            Network::HtDemucs { spectrum, step_frames: None },
            Network::Scnet { spectrum },
        ] {
            let recipe = recipe(&["drums", "bass", "other", "vocals"], network);
            let text = recipe.to_text();
            assert!(text.contains(&format!("architecture = \"{}\"", recipe.network.word())), "{text}");
            assert_eq!(Recipe::parse(text.as_bytes()), Ok(recipe.clone()));
            let text = text.replace("overlap = 2", "overlap = 0");
            assert!(Recipe::parse(text.as_bytes()).unwrap_err().contains("overlap"));
        }
    }

    #[test]
    fn what_is_no_recipe_is_refused() {
        for text in [&b""[..], b"rate_hz = 1", b"\xff", &[b'#'; Recipe::BYTES_MAX + 1]] {
            assert!(Recipe::parse(text).is_err());
        }
    }

    #[test]
    fn what_no_stem_has_gets_a_name() {
        let check = |stems: &[&str], remainder: Option<&str>| {
            let recipe = recipe(stems, Network::Scnet { spectrum: SPECTRUM });
            assert_eq!(recipe.remainder(), remainder, "{:?}", recipe.stems);
            assert!(recipe.remainder().is_none_or(|rest| recipe.stems.iter().all(|stem| stem != rest)));
        };
        check(&["vocals"], Some("instrumental"));
        check(&["instrumental"], Some("vocals"));
        check(&["other"], Some("rest"));
        check(&["drums"], Some("other"));
        check(&["drums", "bass"], Some("other"));
        check(&["vocals", "instrumental"], None);
        check(&["drums", "bass", "other", "vocals"], None);
    }

    #[test]
    fn steps_that_leave_gaps_or_make_far_too_many_chunks_are_refused() {
        let check = |step_frames| {
            let recipe = recipe(&["vocals"], Network::HtDemucs { spectrum: SPECTRUM, step_frames });
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(text.contains("step_frames"), step_frames.is_some());
            assert_eq!(toml::from_str(&text), Ok(recipe.clone()));
            recipe.check()
        };
        for step_frames in [None, Some(352_800), Some(264_600), Some(5_513)] {
            assert_eq!(check(step_frames), Ok(()));
        }
        for step in [0, 5_512, 352_801, u32::MAX] {
            let error = check(Some(step)).unwrap_err();
            assert!(error.contains(&format!("`step_frames` is {step}")), "{error}");
        }
    }
}

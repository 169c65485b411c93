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
    /// How many chunks cover a frame in the publisher's own inference: the hop is `chunk_frames / overlap`.
    pub overlap: u32,
    /// How chunks become the network's input, and its output becomes stems.
    #[serde(flatten)]
    pub network: Network,
}

impl Recipe {
    /// A recipe is no longer.
    pub const BYTES_MAX: usize = 64 * 1024;

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > Self::BYTES_MAX {
            return Err(format!("it has {} bytes, at most {} are read", text.len(), Self::BYTES_MAX));
        }
        let text = std::str::from_utf8(text).map_err(|cause| cause.to_string())?;
        toml::from_str(text).map_err(|cause| cause.to_string())
    }

    /// As [`Recipe::parse`] takes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("strings, numbers and lists of them are TOML")
    }

    /// The stems that come out of the whole pipeline, and which of them is what the network's leave of the mixture: a
    /// network of one stem leaves one.
    #[must_use]
    pub fn card_stems(&self) -> (Vec<String>, Option<String>) {
        let [only] = &self.stems[..] else { return (self.stems.clone(), None) };
        let rest = match only.as_str() {
            "vocals" => "instrumental",
            "instrumental" => "vocals",
            "other" => "rest",
            _ => "other",
        };
        (vec![only.clone(), rest.to_owned()], Some(rest.to_owned()))
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
    },
    /// Tong et al. 2024: a spectrum in, spectra of stems out.
    Scnet {
        /// The transform.
        spectrum: Spectrum,
    },
}

/// A short-time Fourier transform, Hann window as long as `n_fft`, centred.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum() -> Spectrum {
        Spectrum { n_fft: 2048, hop_frames: 441, normalised: false, without_dc: true }
    }

    fn recipe(stems: &[&str], network: Network) -> Recipe {
        let stems = stems.iter().map(|&stem| stem.to_owned()).collect();
        Recipe { rate_hz: 44_100, channels: 2, stems, chunk_frames: 352_800, overlap: 2, network }
    }

    #[test]
    fn a_recipe_is_read_as_it_was_written_and_its_word_is_that_of_the_file() {
        for network in [
            Network::BsRoformer { spectrum: spectrum(), bands: vec![2, 12, 1011] },
            Network::MelBandRoformer { spectrum: spectrum(), bands: 60 },
            Network::HtDemucs { spectrum: spectrum() },
            Network::Scnet { spectrum: spectrum() },
        ] {
            let recipe = recipe(&["drums", "bass", "other", "vocals"], network);
            let text = recipe.to_text();
            assert!(text.contains(&format!("architecture = \"{}\"", recipe.network.word())), "{text}");
            assert_eq!(Recipe::parse(text.as_bytes()), Ok(recipe));
        }
    }

    #[test]
    fn what_is_no_recipe_is_refused() {
        for text in [&b""[..], b"rate_hz = 1", b"\xff", &[b'#'; Recipe::BYTES_MAX + 1]] {
            assert!(Recipe::parse(text).is_err());
        }
    }

    #[test]
    fn a_network_of_one_stem_leaves_another() {
        let of = |stem: &str| recipe(&[stem], Network::Scnet { spectrum: spectrum() }).card_stems();
        for (stem, rest) in
            [("vocals", "instrumental"), ("instrumental", "vocals"), ("other", "rest"), ("drums", "other")]
        {
            assert_eq!(of(stem), (vec![stem.to_owned(), rest.to_owned()], Some(rest.to_owned())));
        }
        let both = recipe(&["vocals", "drums"], Network::Scnet { spectrum: spectrum() });
        assert_eq!(both.card_stems(), (both.stems.clone(), None));
    }
}

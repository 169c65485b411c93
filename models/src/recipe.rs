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

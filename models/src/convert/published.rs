//! Settings as the publishers of separation networks write them, into what a network is and how it is fed. Their programs:
//! ZFTurbo's Music-Source-Separation-Training and those that read its files.

use super::architecture::Architecture;
use super::roformer::{self, Shape};
use super::{Bands, ConvertError, htdemucs, scnet};
use crate::checkpoint::{Entry, Settings};
use crate::pipeline::unmix::mel_bands;
use crate::recipe::{Network, Recipe, Spectrum};

/// Families that are known, as errors list them.
const KNOWN: &str = "bs-roformer (`model.freqs_per_bands`), mel-band-roformer (`model.num_bands`), scnet (`model.band_SR`), \
                     htdemucs (`htdemucs`, or inside its checkpoint)";
/// Defaults of the publishers' programs, where settings leave something out.
const RATE_HZ: usize = 44_100;
const OVERLAP: u32 = 2;
const N_FFT: usize = 2_048;
const HOP_FRAMES: usize = 512;
const HEADS: usize = 8;
const HEAD: usize = 64;

/// What the settings say.
pub(super) struct Published {
    pub(super) recipe: Recipe,
    pub(super) architecture: Architecture,
}

/// Reads them.
///
/// # Errors
/// [`ConvertError::Settings`] where the family is unknown or needs what no code here does; those of the settings, each with
/// its path.
pub(super) fn read(settings: &Settings) -> Result<Published, ConvertError> {
    let overlap = settings.find("inference.num_overlap").map(|entry| entry.count()).transpose()?;
    let said = overlap.map(|overlap| u32::try_from(overlap).unwrap_or(u32::MAX));
    let overlap = said.unwrap_or(OVERLAP);
    let (recipe, architecture) = if let Some(shape) = htdemucs::read(settings)? {
        (shape.recipe(said), Architecture::HtDemucs(shape))
    } else if let Some(shape) = scnet::read(settings)? {
        (shape.recipe(overlap), Architecture::Scnet(shape))
    } else {
        roformer(settings, overlap)?
    };
    recipe.check().map_err(ConvertError::Settings)?;
    Ok(Published { recipe, architecture })
}

/// Those of BS-RoFormer and Mel-Band RoFormer.
fn roformer(settings: &Settings, overlap: u32) -> Result<(Recipe, Architecture), ConvertError> {
    let model = settings.at("model")?;
    let number = |key: &str, default: usize| -> Result<usize, ConvertError> {
        Ok(model.find(key).map(|entry| entry.count()).transpose()?.unwrap_or(default))
    };
    let flag = |key: &str, default: bool| -> Result<bool, ConvertError> {
        Ok(model.find(key).map(|entry| entry.flag()).transpose()?.unwrap_or(default))
    };
    let spectrum = Spectrum {
        n_fft: number("stft_n_fft", N_FFT)?,
        hop_frames: number("stft_hop_length", HOP_FRAMES)?,
        normalised: flag("stft_normalized", false)?,
        // The program for mel bands has no such switch and leaves the bin as it is.
        without_dc: flag("zero_dc", model.find("freqs_per_bands").is_some())?,
    };
    if number("stft_win_length", spectrum.n_fft)? != spectrum.n_fft {
        return Err(model.find("stft_win_length").map_or_else(
            || ConvertError::Settings("the window is not as long as the transform".to_owned()),
            |entry| entry.wrong(&format!("is not `stft_n_fft`, {}", spectrum.n_fft)).into(),
        ));
    }
    if !flag("stereo", false)? {
        return Err(ConvertError::Settings(
            "`model.stereo` is not true; separators here are stereo".to_owned(),
        ));
    }
    if number("linear_transformer_depth", 0)? > 0 {
        let reason = "`model.linear_transformer_depth` is above 0: linear attention is not known here";
        return Err(ConvertError::Settings(reason.to_owned()));
    }
    let rate_hz = match settings.find("audio.sample_rate") {
        Some(entry) => entry.count()?,
        None => number("sample_rate", RATE_HZ)?,
    };
    let rate_hz = u32::try_from(rate_hz).unwrap_or(u32::MAX);
    let (network, bands) = network(settings, &model, rate_hz, spectrum)?;
    let chunk = match settings.find("inference.chunk_size") {
        Some(entry) => entry.count()?,
        None => settings.at("audio.chunk_size")?.count()?,
    };
    let recipe = Recipe {
        rate_hz,
        channels: 2,
        stems: stems(settings, number("num_stems", 1)?)?,
        chunk_frames: u32::try_from(chunk).unwrap_or(u32::MAX),
        overlap,
        bag: Vec::new(),
        network,
    };
    recipe.check().map_err(ConvertError::Settings)?;
    let shape = Shape {
        dim: model.find("dim").ok_or_else(|| missing("model.dim"))?.count()?,
        depth: model.find("depth").ok_or_else(|| missing("model.depth"))?.count()?,
        heads: number("heads", HEADS)?,
        head: number("dim_head", HEAD)?,
        stems: recipe.stems.len(),
        bands: Bands::new(&bands, usize::from(recipe.channels)),
        columns: recipe.columns(),
        batch: 1,
    };
    let layers = roformer::Layers {
        time: number("time_transformer_depth", 2)?,
        bands: number("freq_transformer_depth", 2)?,
        mask: number(
            "mask_estimator_depth",
            if matches!(recipe.network, Network::BsRoformer { .. }) { 2 } else { 1 },
        )?,
    };
    Ok((recipe, Architecture::Roformer(shape, layers)))
}

fn missing(path: &str) -> ConvertError {
    ConvertError::Settings(format!("`{path}` is missing"))
}

/// The family, and how many bins its bands have.
fn network(
    settings: &Settings,
    model: &Entry<'_>,
    rate_hz: u32,
    spectrum: Spectrum,
) -> Result<(Network, Vec<usize>), ConvertError> {
    let bins = spectrum.n_fft / 2 + 1;
    if let Some(entry) = model.find("freqs_per_bands") {
        let bands = entry.counts()?;
        let sum = bands.iter().fold(0_usize, |sum, band| sum.saturating_add(*band));
        if sum != bins || bands.contains(&0) {
            return Err(entry.wrong(&format!("has {sum} bins in all, and the transform {bins}")).into());
        }
        return Ok((Network::BsRoformer { spectrum, bands: bands.clone() }, bands));
    }
    if let Some(entry) = model.find("num_bands") {
        let bands = entry.count()?;
        if bands == 0 || bands > bins {
            return Err(entry.wrong(&format!("must be 1 to {bins}")).into());
        }
        let widths = mel_bands(rate_hz, spectrum, bands).iter().map(Vec::len).collect();
        return Ok((Network::MelBandRoformer { spectrum, bands }, widths));
    }
    let keys = settings.at("model")?.keys()?.join(", ");
    Err(ConvertError::Settings(format!(
        "no architecture here has settings like these ({keys}); known are {KNOWN}"
    )))
}

/// The stems of the network's output: one where a target is named, else all that it was trained on.
fn stems(settings: &Settings, count: usize) -> Result<Vec<String>, ConvertError> {
    let entry = settings.at("training.instruments")?;
    let all: Vec<&str> = entry.texts()?;
    let named: Vec<&str> = match settings.find("training.target_instrument") {
        Some(target) => vec![target.text()?],
        None => all,
    };
    if named.len() != count {
        let names = named.join(", ");
        return Err(entry
            .wrong(&format!("names {} stems ({names}), and `model.num_stems` is {count}", named.len()))
            .into());
    }
    Ok(named.into_iter().map(stem_name).collect())
}

/// A stem as we write it: small letters, digits and hyphens.
pub(super) fn stem_name(published: &str) -> String {
    let kept = published.trim().to_ascii_lowercase();
    kept.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

//! Settings of both kinds of band transformers, as their publishers' YAML has them, held against the weights. Where the
//! settings are silent about what the weights show, the weights are believed; of what they do not show, the publishers'
//! own defaults are taken.

use super::{MASK_LAYERS_MAX, Shape, axes};
use crate::checkpoint::{Checkpoint, Settings};
use crate::convert::bands::Bands;
use crate::convert::family::Family;
use crate::convert::said::{OVERLAP, Said};
use crate::convert::{ConvertError, stems};
use crate::pipeline::unmix::mel_bands;
use crate::recipe::{Network, Recipe, Spectrum};
use std::io::{Read, Seek};
use tributary_audio::limits::{RATE_HZ_MAX, RATE_HZ_MIN};

/// Frames of a window; published networks have 2048.
const N_FFT_MAX: usize = 1 << 15;
/// One minute at 48 kHz; published networks have 13 s at most.
const CHUNK_FRAMES_MAX: usize = 60 * 48_000;
/// The rate of networks whose settings do not say it.
const RATE_HZ: usize = 44_100;
/// What all published separators hear.
const CHANNELS: usize = 2;
/// What only a linear attention has.
const LINEAR: &str = "layers.0.0.layers.0.0.temperature";
/// Real and imaginary part.
const PARTS: usize = 2;

/// What the tensors show.
struct Found {
    dim: usize,
    depth: usize,
    time_layers: usize,
    frequency_layers: usize,
    heads: usize,
    head: usize,
    stems: usize,
    /// Matrices of one mask estimator, one after the other.
    mask_layers: usize,
    mask_hidden: Option<usize>,
    /// Numbers of each band.
    widths: Vec<usize>,
}

/// Recipe and shape of a network.
///
/// # Errors
/// All contradictions at once; else what is missing, out of bounds or not done here.
pub(in crate::convert) fn read<R: Read + Seek>(
    family: Family,
    settings: &Settings,
    checkpoint: &Checkpoint<R>,
) -> Result<(Recipe, Shape), ConvertError> {
    if checkpoint.get(LINEAR).is_some() {
        let reason = "the checkpoint has linear attention, and no graph is made here of a network with it";
        return Err(ConvertError::Settings(reason.to_owned()));
    }
    let found = Found::of(checkpoint)?;
    let mut said = Said::new(settings);
    compare(&mut said, &found, family)?;
    refuse_others(&mut said)?;
    said.must_be_on("model.stereo", "separators here are stereo")?;
    let numbers = PARTS * CHANNELS;
    if let Some(odd) = found.widths.iter().find(|width| *width % numbers != 0) {
        let reason = format!("says {CHANNELS} channels, and a band of the weights has {odd} numbers");
        said.contradict("model.stereo", &reason)?;
    }
    let bins: Vec<usize> = found.widths.iter().map(|width| width / numbers).collect();
    let spectrum = spectrum(&mut said, &bins, family)?;
    let chunk_frames = chunk(&said, settings, spectrum.hop_frames)?;
    let overlap = said.overlap()?.unwrap_or(OVERLAP);
    let rate_hz = rate(&said, settings)?;
    if family == Family::MelBandRoformer {
        compare_mel(&mut said, rate_hz, spectrum, &bins)?;
    }
    let stems = stems::names(settings, found.stems, &mut said)?;
    said.end()?;

    let network = if family == Family::MelBandRoformer {
        Network::MelBandRoformer { spectrum, bands: bins.len() }
    } else {
        Network::BsRoformer { spectrum, bands: bins.clone() }
    };
    let shape = Shape {
        dim: found.dim,
        depth: found.depth,
        heads: found.heads,
        head: found.head,
        stems: found.stems,
        bands: Bands::new(&bins, CHANNELS),
        columns: chunk_frames / spectrum.hop_frames + 1,
        batch: 1,
    };
    let recipe = Recipe {
        rate_hz,
        channels: CHANNELS as u16,
        stems,
        chunk_frames: chunk_frames as u32,
        overlap,
        bag: Vec::new(),
        network,
    };
    Ok((recipe, shape))
}

/// All that the weights show beside what the settings say.
fn compare(said: &mut Said<'_>, found: &Found, family: Family) -> Result<(), ConvertError> {
    said.same("model.dim", found.dim)?;
    said.same("model.depth", found.depth)?;
    said.same("model.num_stems", found.stems)?;
    said.same("model.time_transformer_depth", found.time_layers)?;
    said.same("model.freq_transformer_depth", found.frequency_layers)?;
    said.same("model.heads", found.heads)?;
    said.same("model.dim_head", found.head)?;
    // The publishers count the hidden layers of one kind, and all layers of the other.
    let mask_depth = found.mask_layers.saturating_sub(usize::from(family == Family::MelBandRoformer));
    said.same("model.mask_estimator_depth", mask_depth)?;
    if let Some(hidden) = found.mask_hidden.filter(|hidden| hidden % found.dim == 0) {
        said.same("model.mlp_expansion_factor", hidden / found.dim)?;
    }
    said.same("model.num_bands", found.widths.len())
}

/// Bins of bands of the mel scale follow from rate, transform and how many there are.
fn compare_mel(
    said: &mut Said<'_>,
    rate_hz: u32,
    spectrum: Spectrum,
    bins: &[usize],
) -> Result<(), ConvertError> {
    let all = spectrum.n_fft / 2 + 1;
    if bins.len() > all {
        let reason =
            format!("is {}, which has {all} bins, and the weights have {} bands", spectrum.n_fft, bins.len());
        return said.contradict("model.stft_n_fft", &reason);
    }
    let expected: Vec<usize> = mel_bands(rate_hz, spectrum, bins.len()).iter().map(Vec::len).collect();
    match (0..bins.len()).find(|&band| bins[band] != expected[band]) {
        Some(band) => {
            let (of, has) = (expected[band], bins[band]);
            let reason = format!(
                "and rate make {} bands of which number {band} has {of} bins, and the weights have {has}",
                bins.len()
            );
            said.contradict("model.stft_n_fft", &reason)
        }
        None => Ok(()),
    }
}

/// What changes the function and is not emitted.
fn refuse_others(said: &mut Said<'_>) -> Result<(), ConvertError> {
    said.must(
        "model.linear_transformer_depth",
        0,
        "no graph is made here of a network with linear attention",
    )?;
    said.must("model.num_residual_streams", 1, "no graph is made here of a network with several streams")?;
    for switch in ["model.skip_connection", "model.use_pope", "model.add_value_residual"] {
        said.must_be_off(switch)?;
    }
    Ok(())
}

fn spectrum(said: &mut Said<'_>, bins: &[usize], family: Family) -> Result<Spectrum, ConvertError> {
    let n_fft = said.within("model.stft_n_fft", 4, N_FFT_MAX)?;
    let hop_frames = said.within("model.stft_hop_length", 1, n_fft)?;
    said.must(
        "model.stft_win_length",
        n_fft,
        "no network is fed here by windows of another length than the transform",
    )?;
    let all = n_fft / 2 + 1;
    if family == Family::BsRoformer {
        said.all_same("model.freqs_per_bands", bins)?;
        let covered: usize = bins.iter().sum();
        if covered != all {
            said.contradict(
                "model.stft_n_fft",
                &format!("is {n_fft}, which has {all} bins, and the weights have {covered}"),
            )?;
        }
    }
    Ok(Spectrum {
        n_fft,
        hop_frames,
        normalised: said.flag("model.stft_normalized", false)?,
        // Publishers train BS-RoFormer without bin 0, and the other with it, where they do not say.
        without_dc: said.flag("model.zero_dc", family == Family::BsRoformer)?,
    })
}

/// Frames of a chunk.
fn chunk(said: &Said<'_>, settings: &Settings, hop_frames: usize) -> Result<usize, ConvertError> {
    let inference = settings.find("inference.chunk_size").is_some();
    let path = if inference { "inference.chunk_size" } else { "audio.chunk_size" };
    said.within(path, hop_frames, CHUNK_FRAMES_MAX)
}

fn rate(said: &Said<'_>, settings: &Settings) -> Result<u32, ConvertError> {
    let path =
        ["audio.sample_rate", "model.sample_rate"].into_iter().find(|path| settings.find(path).is_some());
    let rate_hz = match path {
        Some(path) => said.within(path, RATE_HZ_MIN as usize, RATE_HZ_MAX as usize)?,
        None => RATE_HZ,
    };
    Ok(rate_hz as u32)
}

impl Found {
    fn of<R: Read + Seek>(checkpoint: &Checkpoint<R>) -> Result<Self, ConvertError> {
        let size = |name: &str, axis: usize| {
            let shape = checkpoint.get(name).map(|tensor| tensor.shape().to_vec());
            shape.and_then(|shape| shape.get(axis).copied()).filter(|size| *size > 0).ok_or_else(|| {
                ConvertError::Settings(format!("the checkpoint has no usable `{name}`, which tells its size"))
            })
        };
        let many = |name: &dyn Fn(usize) -> String| {
            (0..checkpoint.tensors().len()).take_while(|&i| checkpoint.get(&name(i)).is_some()).count()
        };
        let [time, across] = axes(&|name: &str| checkpoint.get(name).is_some());
        let attention = format!("layers.0.{time}.layers.0.0");
        let heads = size(&format!("{attention}.to_gates.weight"), 0)?;
        let bands = many(&|band| format!("band_split.to_features.{band}.0.gamma"));
        let mask = |layer: usize| format!("mask_estimators.0.to_freqs.0.0.{}.weight", 2 * layer);
        let mask_layers = (0..MASK_LAYERS_MAX).take_while(|&i| checkpoint.get(&mask(i)).is_some()).count();
        Ok(Self {
            dim: size("band_split.to_features.0.1.weight", 0)?,
            depth: many(&|layer| format!("layers.{layer}.{time}.layers.0.0.norm.gamma")),
            time_layers: many(&|layer| format!("layers.0.{time}.layers.{layer}.0.norm.gamma")),
            frequency_layers: many(&|layer| format!("layers.0.{across}.layers.{layer}.0.norm.gamma")),
            heads,
            head: size(&format!("{attention}.to_qkv.weight"), 0)? / 3 / heads,
            stems: many(&|stem| format!("mask_estimators.{stem}.to_freqs.0.0.0.weight")),
            mask_layers,
            mask_hidden: if mask_layers > 1 { Some(size(&mask(0), 0)?) } else { None },
            widths: (0..bands)
                .map(|band| size(&format!("band_split.to_features.{band}.0.gamma"), 0))
                .collect::<Result<_, _>>()?,
        })
    }
}

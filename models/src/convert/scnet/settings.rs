//! Settings of SCNet, as they stand beside its checkpoints.

use super::{Band, PARTS, Shape};
use crate::checkpoint::{Entry, Settings};
use crate::convert::ConvertError;
use crate::convert::published::stem_name;

/// Layers, channels, pairs: far more than any published network has.
const LAYERS_MAX: usize = 64;
const WIDTH_MAX: usize = 1 << 14;
const STRIDE_MAX: usize = 1 << 10;
/// Columns of one chunk; published networks have some 500.
const COLUMNS_MAX: usize = 1 << 13;

/// Where the settings are those of SCNet: what they say.
///
/// # Errors
/// Where they contradict themselves, or are more than any network has.
pub(in crate::convert) fn read(settings: &Settings) -> Result<Option<Shape>, ConvertError> {
    let Some(parts) = settings.find("model.band_SR") else { return Ok(None) };
    let model = settings.at("model")?;
    let count = |key: &str, default: usize| -> Result<usize, ConvertError> {
        Ok(model.find(key).map(|entry| entry.count()).transpose()?.unwrap_or(default))
    };
    let three = |key: &str, default: [usize; 3]| -> Result<[usize; 3], ConvertError> {
        let Some(entry) = model.find(key) else { return Ok(default) };
        <[usize; 3]>::try_from(entry.counts()?)
            .map_err(|_| entry.wrong("has not three numbers, one a band").into())
    };
    let numbers = parts.items()?.iter().map(Entry::number).collect::<Result<Vec<f64>, _>>()?;
    let portions = <[f64; 3]>::try_from(numbers);
    let portions = portions
        .ok()
        .filter(|portions| portions.iter().all(|part| *part > 0.0) && portions[0] + portions[1] < 1.0)
        .ok_or_else(|| parts.wrong("is not three parts of a spectrum"))?;
    let (strides, kernels) = (three("band_stride", [1, 4, 16])?, three("band_kernel", [3, 4, 16])?);
    let depths = three("conv_depths", [3, 2, 1])?;
    let band =
        |at: usize| Band { part: portions[at], stride: strides[at], kernel: kernels[at], depth: depths[at] };
    let rate = settings.find("audio.sample_rate").map(|entry| entry.count()).transpose()?;
    let n_fft = count("nfft", 4096)?;
    let shape = Shape {
        stems: settings.at("model.sources")?.texts()?.into_iter().map(stem_name).collect(),
        rate_hz: u32::try_from(rate.unwrap_or(44_100)).unwrap_or(u32::MAX),
        channels: count("audio_channels", 2)?,
        frames: settings
            .find("inference.chunk_size")
            .map_or_else(|| settings.at("audio.chunk_size"), Ok)?
            .count()?,
        n_fft,
        hop_frames: count("hop_size", 1024)?,
        normalised: model.find("normalized").map(|entry| entry.flag()).transpose()?.unwrap_or(true),
        widths: model.find("dims").map(|entry| entry.counts()).transpose()?.unwrap_or(vec![4, 32, 64, 128]),
        bands: [band(0), band(1), band(2)],
        compress: model.find("compress").map(|entry| entry.number()).transpose()?.unwrap_or(4.0),
        kernel: count("conv_kernel", 3)?,
        pairs: count("num_dplayer", 6)?,
        expand: count("expand", 1)?,
    };
    if count("win_size", n_fft)? != n_fft {
        return Err(model.wrong("has a window that is not as long as its transform").into());
    }
    check(&shape).map_err(|reason| model.wrong(&reason))?;
    Ok(Some(shape))
}

/// What is wrong with sizes, in words that follow the settings' place.
fn check(shape: &Shape) -> Result<(), String> {
    let Shape { widths, bands, kernel, pairs, expand, .. } = shape;
    let depth = widths.len().saturating_sub(1);
    if !(1..=LAYERS_MAX).contains(&depth) || widths.iter().any(|width| !(1..=WIDTH_MAX).contains(width)) {
        return Err(format!("has layers of {widths:?} channels"));
    }
    if shape.channels.checked_mul(PARTS) != Some(widths[0]) {
        return Err(format!("begins with {} channels for sound of {}", widths[0], shape.channels));
    }
    for Band { stride, kernel, depth, .. } in bands {
        if !(1..=STRIDE_MAX).contains(stride)
            || kernel < stride
            || *kernel > STRIDE_MAX
            || *depth > LAYERS_MAX
        {
            return Err(format!(
                "has a band with kernels of {kernel}, strides of {stride} and {depth} layers"
            ));
        }
    }
    let least = widths.iter().skip(1).min().copied().unwrap_or(0) as f64;
    if !(1.0..=least).contains(&shape.compress) {
        return Err(format!("compresses {least} channels by {}", shape.compress));
    }
    if kernel.is_multiple_of(2) || *kernel > STRIDE_MAX {
        return Err(format!("has kernels of {kernel} along time; odd ones are known here"));
    }
    if !pairs.is_multiple_of(2) || *pairs > LAYERS_MAX || !(1..=LAYERS_MAX).contains(expand) {
        return Err(format!(
            "has {pairs} pairs of recurrent layers, expanded {expand} times: even numbers are known here"
        ));
    }
    let sizes = 1..=crate::dsp::StftShape::N_FFT_MAX;
    if !sizes.contains(&shape.n_fft) || !sizes.contains(&shape.hop_frames) {
        return Err(format!("has a transform of {} frames every {}", shape.n_fft, shape.hop_frames));
    }
    if u32::try_from(shape.frames).is_err() {
        return Err(format!("has chunks of {} frames", shape.frames));
    }
    if shape.columns() > COLUMNS_MAX {
        return Err(format!("has chunks of {} columns", shape.columns()));
    }
    Ok(())
}

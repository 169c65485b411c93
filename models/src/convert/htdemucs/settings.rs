//! Settings of HTDemucs, as they lie inside its publisher's packages and as other programs write them beside a checkpoint.
//! What no published checkpoint uses is refused by name.

use super::{PARTS, Residual, Shape, Transformer};
use crate::checkpoint::{Entry, Settings};
use crate::convert::ConvertError;
use crate::convert::published::stem_name;

/// Layers of encoder and decoder; more leave no bins.
const DEPTH_MAX: usize = 8;
/// Channels and numbers of one place; far more than any published network has.
const WIDTH_MAX: usize = 1 << 14;
/// Layers of the transformer, heads of each and places that they hear; published networks have 5, 8 and 2,688.
const LAYERS_MAX: usize = 64;
const HEADS_MAX: usize = 64;
const PLACES_MAX: usize = 1 << 15;
/// Channels of sound; published networks have 2.
const CHANNELS_MAX: usize = 64;
/// Numbers in the widest tensor of a layer; more is a mistake.
const WIDEST_NUMBERS_MAX: usize = 1 << 30;

/// Settings that are refused unless they are nothing or this, with what they would turn on.
const FLAGS: [(&str, bool, &str); 9] = [
    ("cac", true, "masks of magnitudes"),
    ("rewrite", true, "layers without gates"),
    ("t_norm_in_group", false, "a group norm before the transformer"),
    ("t_group_norm", false, "group norms inside the transformer"),
    ("t_norm_first", true, "norms after the layers of a transformer"),
    ("t_gelu", true, "other activations in the transformer"),
    ("t_sparse_self_attn", false, "sparse attention"),
    ("t_sparse_cross_attn", false, "sparse attention"),
    ("use_train_segment", true, "chunks of any length"),
];

/// What the settings of a model say, defaults being those of its publisher's code.
struct Model<'a>(Entry<'a>);

impl Model<'_> {
    fn count(&self, key: &str, default: usize) -> Result<usize, ConvertError> {
        Ok(self.0.find(key).map(|entry| entry.count()).transpose()?.unwrap_or(default))
    }

    fn number(&self, key: &str, default: f64) -> Result<f64, ConvertError> {
        Ok(self.0.find(key).map(|entry| entry.number()).transpose()?.unwrap_or(default))
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, ConvertError> {
        Ok(self.0.find(key).map(|entry| entry.flag()).transpose()?.unwrap_or(default))
    }

    /// Refuses what would turn on something that is not known here. Numbers stand for flags as in Python.
    fn refuse_unknown(&self) -> Result<(), ConvertError> {
        for (key, known, what) in FLAGS {
            let Some(entry) = self.0.find(key) else { continue };
            let said = entry.flag().or_else(|_| entry.number().map(|number| number != 0.0))?;
            if said != known {
                return Err(entry.wrong(&format!("is {said}: {what} are not known here")).into());
            }
        }
        if let Some(entry) =
            self.0.find("multi_freqs").filter(|entry| entry.items().is_ok_and(|all| !all.is_empty()))
        {
            return Err(entry
                .wrong("is not empty: layers for each band of frequencies are not known here")
                .into());
        }
        if let Some(entry) = self.0.find("t_emb") {
            let kind = entry.text()?;
            if kind != "sin" {
                return Err(entry
                    .wrong(&format!("is {kind}: only places by sines (`sin`) are known here"))
                    .into());
            }
        }
        Ok(())
    }

    /// Channels of the layers of one branch, outermost first.
    fn widths(&self, first: usize, depth: usize, growth: f64) -> Result<Vec<usize>, ConvertError> {
        let mut widths = vec![first];
        while widths.len() < depth {
            widths.push((growth * widths[widths.len() - 1] as f64) as usize);
        }
        if widths.iter().any(|width| !(1..=WIDTH_MAX).contains(width)) {
            return Err(self.0.wrong(&format!("makes layers of {widths:?} channels")).into());
        }
        Ok(widths)
    }
}

/// Where the settings are those of HTDemucs: what they say.
///
/// # Errors
/// Where they want what is not known here, contradict themselves, or are more than any network has.
pub(in crate::convert) fn read(settings: &Settings) -> Result<Option<Shape>, ConvertError> {
    // Beside a checkpoint a family's settings have its name, and what the training had stands apart.
    let (model, sound, [stems, channels, rate]) = match (settings.find("htdemucs"), settings.find("sources"))
    {
        (Some(model), _) => (model, settings.at("training")?, ["instruments", "channels", "samplerate"]),
        (None, Some(_)) => (settings.root(), settings.root(), ["sources", "audio_channels", "samplerate"]),
        (None, None) => return Ok(None),
    };
    let model = Model(model);
    model.refuse_unknown()?;
    let sound = Model(sound);
    let stems = sound.0.find(stems).ok_or_else(|| sound.0.wrong(&format!("does not say `{stems}`")))?;
    let stems: Vec<String> = stems.texts()?.into_iter().map(stem_name).collect();
    let rate_hz = u32::try_from(sound.count(rate, 44_100)?).unwrap_or(u32::MAX);
    let frames = match sound.0.find("segment") {
        Some(seconds) => seconds.frames(rate_hz)?,
        None => 10 * rate_hz as usize,
    };
    let depth = model.count("depth", 4)?;
    let (n_fft, kernel, stride) =
        (model.count("nfft", 4096)?, model.count("kernel_size", 8)?, model.count("stride", 4)?);
    let first = model.count("channels", 48)?;
    let growth = model.number("growth", 2.0)?;
    if !(1..=DEPTH_MAX).contains(&depth) {
        return Err(model.0.wrong(&format!("has a depth of {depth}, allowed are 1 to {DEPTH_MAX}")).into());
    }
    let widths = model.widths(first, depth, growth)?;
    let bin_scale = model.number("freq_emb", 0.2)? * model.number("emb_scale", 10.0)?;
    let inner = widths[depth - 1];
    let bottom = model.count("bottom_channels", 0)?;
    let transformer = Transformer {
        dim: if bottom > 0 { bottom } else { inner },
        projected: bottom > 0,
        norm_in: model.flag("t_norm_in", true)?,
        norm_out: model.flag("t_norm_out", true)?,
        scaled: model.flag("t_layer_scale", true)?,
        widening: model.number("t_hidden_scale", 4.0)?,
        layers: model.count("t_layers", 5)?,
        heads: model.count("t_heads", 8)?,
        cross_first: model.flag("t_cross_first", false)?,
        period_max: model.number("t_max_period", 10_000.0)?,
        place_scale: model.number("t_weight_pos_embed", 1.0)? as f32,
    };
    let mode = model.count("dconv_mode", 1)?;
    let shape = Shape {
        stems,
        rate_hz,
        channels: sound.count(channels, 2)?,
        frames,
        n_fft,
        waveform_widths: model.widths(model.count("channels_time", first)?, depth, growth)?,
        widths,
        kernel,
        stride,
        encoder_context: model.count("context_enc", 0)?,
        decoder_context: model.count("context", 1)?,
        norms_from: model.count("norm_starts", 4)?,
        norm_groups: model.count("norm_groups", 4)?,
        residual: Residual {
            in_encoders: mode & 1 > 0,
            in_decoders: mode & 2 > 0,
            depth: model.count("dconv_depth", 2)?,
            compress: model.number("dconv_comp", 8.0)?,
        },
        bin_scale: bin_scale as f32,
        transformer,
    };
    check(&shape).map_err(|reason| model.0.wrong(&reason))?;
    Ok(Some(shape))
}

/// What is wrong with sizes, in words that follow the settings' place.
fn check(shape: &Shape) -> Result<(), String> {
    let Shape { n_fft, kernel, stride, transformer, .. } = shape;
    if shape.channels > CHANNELS_MAX {
        return Err(format!("has {} channels of sound", shape.channels));
    }
    if *stride == 0 || kernel < stride || kernel / 4 + kernel / 4 + stride < *kernel || *kernel > WIDTH_MAX {
        return Err(format!(
            "has kernels of {kernel} with a stride of {stride}, which leave frames out or add some"
        ));
    }
    if !n_fft.is_multiple_of(8) || !(8..=crate::dsp::StftShape::N_FFT_MAX).contains(n_fft) {
        return Err(format!("has a transform of {n_fft} frames, which is no multiple of 8"));
    }
    let mut bins = shape.bins();
    for _ in &shape.widths {
        if bins <= *kernel || !bins.is_multiple_of(*stride) {
            return Err(format!(
                "leaves {bins} bins to a layer: networks that merge their branches are not known here"
            ));
        }
        bins /= stride;
    }
    let Transformer { dim, layers, heads, .. } = transformer;
    if *layers > 0 {
        let frames = (0..shape.widths.len()).fold(shape.frames, |frames, _| frames.div_ceil(*stride));
        if frames.max(bins.saturating_mul(shape.columns())) > PLACES_MAX {
            return Err(format!("hears {frames} places and {bins} times {} at once", shape.columns()));
        }
        if !(1..=HEADS_MAX).contains(heads)
            || !dim.is_multiple_of(*heads)
            || !dim.is_multiple_of(4)
            || !(4..=WIDTH_MAX).contains(dim)
        {
            return Err(format!("has {heads} heads for {dim} numbers of a place"));
        }
        if shape.widths.last() != shape.waveform_widths.last() {
            return Err("has branches of different widths before its transformer".to_owned());
        }
    }
    if *layers > LAYERS_MAX || shape.encoder_context.max(shape.decoder_context) > kernel * 8 {
        return Err("has more layers or wider contexts than any network".to_owned());
    }
    let Residual { depth, compress, .. } = shape.residual;
    if depth > DEPTH_MAX || !(1.0..=WIDTH_MAX as f64).contains(&compress) {
        return Err(format!("has {depth} residual branches of {compress} times fewer channels"));
    }
    if !(0.0..=HEADS_MAX as f64).contains(&transformer.widening) {
        return Err(format!("widens places {} times", transformer.widening));
    }
    if shape.norm_groups == 0 {
        return Err("has norms without groups".to_owned());
    }
    let widest = [PARTS * shape.channels * shape.stems.len(), shape.n_fft, shape.columns()];
    if widest
        .iter()
        .try_fold(1_usize, |all, size| all.checked_mul(*size))
        .is_none_or(|all| all > WIDEST_NUMBERS_MAX)
    {
        return Err(format!("has chunks of {} frames, which no device holds", shape.frames));
    }
    Ok(())
}

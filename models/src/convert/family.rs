//! Which architecture a checkpoint is of, told by the names of its tensors and by what its settings say.

use super::ConvertError;
use crate::checkpoint::{Checkpoint, Settings};
use std::io::{Read, Seek};

/// Architectures that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Lu et al. 2023.
    BsRoformer,
    /// Wang et al. 2023.
    MelBandRoformer,
    /// Rouard et al. 2023.
    HtDemucs,
    /// Tong et al. 2024.
    Scnet,
}

/// A tensor that both kinds of band transformers have.
const ROFORMER: &str = "band_split.to_features.0.1.weight";
/// Tensors that only the others have: the waveform's encoder, the first band's convolution.
const HTDEMUCS: &str = "tencoder.0.conv.weight";
const SCNET: &str = "encoder.0.SDlayer.convs.0.weight";
/// The class whose packages have their settings inside.
const HTDEMUCS_CLASS: &str = "demucs.htdemucs.HTDemucs";
/// So many names stand in a message.
const NAMED: usize = 3;
/// And so many letters of each.
const LETTERS_MAX: usize = 80;

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BsRoformer, Self::MelBandRoformer, Self::HtDemucs, Self::Scnet];

    /// As cards and recipes write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BsRoformer => "bs-roformer",
            Self::MelBandRoformer => "mel-band-roformer",
            Self::HtDemucs => "htdemucs",
            Self::Scnet => "scnet",
        }
    }

    /// The one that a card's word names.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// The words of all.
    pub(super) fn known() -> String {
        Self::ALL.map(Self::word).join(", ")
    }

    /// Which one a checkpoint is of.
    ///
    /// # Errors
    /// [`ConvertError::Unknown`], and [`ConvertError::NoSettings`] where only settings would tell.
    pub fn of<R: Read + Seek>(
        checkpoint: &Checkpoint<R>,
        settings: Option<&Settings>,
    ) -> Result<Self, ConvertError> {
        if let Some(class) = checkpoint.enclosed("klass")? {
            let class = class.root().text()?.to_owned();
            return match class.as_str() {
                HTDEMUCS_CLASS => Ok(Self::HtDemucs),
                _ => Err(ConvertError::Unknown { found: format!("it is one of `{class}`") }),
            };
        }
        let has = |name| checkpoint.get(name).is_some();
        match (has(ROFORMER), has(HTDEMUCS), has(SCNET)) {
            (true, ..) => Self::of_bands(checkpoint, settings),
            (_, true, _) => Ok(Self::HtDemucs),
            (.., true) => Ok(Self::Scnet),
            _ => Err(ConvertError::Unknown { found: names(checkpoint) }),
        }
    }

    /// Which of the two whose tensors have the same names.
    fn of_bands<R: Read + Seek>(
        checkpoint: &Checkpoint<R>,
        settings: Option<&Settings>,
    ) -> Result<Self, ConvertError> {
        let settings =
            settings.ok_or(ConvertError::NoSettings { family: "BS-RoFormer or Mel-Band RoFormer" })?;
        match (settings.find("model.freqs_per_bands"), settings.find("model.num_bands")) {
            (Some(_), None) => Ok(Self::BsRoformer),
            (None, Some(_)) => Ok(Self::MelBandRoformer),
            // Bands of the mel scale overlap, so their transformers are normed one by one.
            (None, None) if checkpoint.get("final_norm.gamma").is_none() => Ok(Self::MelBandRoformer),
            (None, None) => Ok(Self::BsRoformer),
            (Some(bands), Some(_)) => {
                Err(bands.wrong("stands beside `model.num_bands`, and no architecture here has both").into())
            }
        }
    }
}

fn names<R: Read + Seek>(checkpoint: &Checkpoint<R>) -> String {
    let tensors = checkpoint.tensors();
    let count = tensors.len();
    let first: Vec<String> = tensors
        .take(NAMED)
        .map(|(name, _)| format!("`{}`", name.escape_debug().take(LETTERS_MAX).collect::<String>()))
        .collect();
    format!("its {count} tensors are {} and so on", first.join(", "))
}

//! A model card: what a model is, how it sees sound, what it may be used for and how good it was measured to be.
//! A card that cannot be used is an error that names the field.

use super::ensemble::MemberCard;
use super::facts::{Figure, Graph, Speed};
use super::origin::Origin;
use crate::ModelError;
use crate::chunk::ChunkShape;
use crate::dsp::StftShape;
use serde::Deserialize;
use std::collections::BTreeMap;
use tributary_audio::limits::{RATE_HZ_MAX, RATE_HZ_MIN};

/// One model. Every field of the file is here, and no other is allowed in it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What it is called on the command line and the wire: `a-z`, `0-9` and `-`.
    pub name: String,
    /// What people read.
    pub title: String,
    /// A sentence or two for people who choose.
    pub description: String,
    /// What it does.
    pub task: Task,
    /// Which code runs it: a word that [`Catalog::pipeline`](crate::Catalog::pipeline) knows.
    pub architecture: String,
    /// How far it can be relied on.
    pub grade: Grade,
    /// How much device time a minute of audio takes; the server's price list is by this.
    pub price_class: PriceClass,
    /// Who made the weights.
    pub publisher: String,
    /// Licence of the weights, SPDX.
    pub licence: String,
    /// Whether the licence lets what comes out be used commercially.
    pub commercial_use: CommercialUse,
    /// Stems in the order they come out; none where it makes sheets only.
    #[serde(default)]
    pub stems: Vec<String>,
    /// Separation: the stem that takes what the others leave of the mixture, so that all stems add up to it.
    #[serde(default)]
    pub remainder: Option<String>,
    /// Separation: how it sees sound.
    #[serde(default)]
    pub signal: Option<Signal>,
    /// Its weights; none for plain signal processing. Of a card with a checkpoint: what the checkpoint is made into.
    #[serde(default)]
    pub files: Vec<CardFile>,
    /// The publisher's checkpoint, where a graph is made of it.
    #[serde(default)]
    pub checkpoint: Option<Origin>,
    /// Of several separators averaged as one: which, and how much each counts.
    #[serde(default)]
    pub members: Vec<MemberCard>,
    /// What goes into each graph and out of it.
    #[serde(default)]
    pub graphs: Vec<Graph>,
    /// The rate it works at; clips of other rates are converted to it and back.
    #[serde(default)]
    pub rate_hz: Option<u32>,
    /// How a clip is cut for it, in words; none where it need not be.
    #[serde(default)]
    pub chunking: Option<String>,
    /// Where it is described: title and address.
    #[serde(default)]
    pub paper: Option<String>,
    /// How good its publisher says it is.
    #[serde(default)]
    pub published: Vec<Figure>,
    /// How good we measured it to be; separation says it in `quality`.
    #[serde(default)]
    pub measured: Vec<Figure>,
    /// How fast we measured it to be, by device.
    #[serde(default)]
    pub speed: Vec<Speed>,
    /// Separation: how good it was measured to be, by stem.
    #[serde(default)]
    pub quality: Vec<Quality>,
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// A mixture into its stems.
    Separate,
    /// Speech out of noise.
    Enhance,
    /// Sound into notes, beats and key.
    Transcribe,
    /// A finished mix to loudness, level and spectrum of a reference or a target.
    Master,
    /// Where something is in a clip: other pipelines use it, nobody runs it alone.
    Detect,
}

impl Task {
    /// On the wire, in cards and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Separate => "separate",
            Self::Enhance => "enhance",
            Self::Transcribe => "transcribe",
            Self::Master => "master",
            Self::Detect => "detect",
        }
    }
}

/// Whether a licence lets what comes out be used commercially.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommercialUse {
    /// The licence says so.
    Yes,
    /// The licence says not.
    No,
    /// No licence was stated: ask its publisher.
    Unstated,
}

/// How far a model can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Grade {
    /// Works, with clearly audible faults: to try things out.
    Preview,
    /// Good enough to work with.
    Standard,
    /// Among the best known.
    Studio,
}

/// Device time a minute of audio takes, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PriceClass {
    /// Seconds on a CPU.
    Small,
    /// Minutes on a CPU, seconds on a GPU.
    Large,
    /// A quarter of an hour on a CPU, seconds on a fast GPU.
    Heavy,
}

impl Signal {
    /// Window and hop.
    #[must_use]
    pub fn stft(&self) -> Option<StftShape> {
        StftShape::new(self.n_fft, self.hop_frames)
    }

    /// Chunks and their overlap.
    #[must_use]
    pub fn chunk(&self) -> Option<ChunkShape> {
        ChunkShape::new(self.chunk_columns, self.overlap_columns)
    }

    fn check(&self) -> Result<(), String> {
        let rate_hz = self.rate_hz;
        if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz) {
            return Err(format!("`signal.rate_hz` is {rate_hz}, allowed are {RATE_HZ_MIN} to {RATE_HZ_MAX}"));
        }
        if self.stft().is_none() {
            return Err(
                "`signal.hop_frames` must fit into an even `signal.n_fft` at least 3 times".to_owned()
            );
        }
        if self.chunk().is_none() {
            return Err("`signal.overlap_columns` must be below half of `signal.chunk_columns`".to_owned());
        }
        Ok(())
    }
}

/// How a model sees sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// The rate the network works at; clips of other rates are converted to it and back.
    pub rate_hz: u32,
    /// Window of the transform, frames.
    pub n_fft: usize,
    /// From column to column, frames.
    pub hop_frames: usize,
    /// Columns of one chunk.
    pub chunk_columns: u32,
    /// Columns over which the masks of neighbouring chunks are cross-faded.
    pub overlap_columns: u32,
}

/// A file of weights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// Its name, without a folder.
    pub file: String,
    /// Its SHA-256, 64 lower-case hex digits. Where its publisher has none and nobody here has measured it yet, what comes
    /// first is pinned.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Where it can be had, tried in order: `https://..`, `pypi:<package>==<version>#<member>`, `file:<path>`.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Its size.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// The file, another of the card's, whose graph it holds in half precision: same names, same shapes. Taken where a
    /// deployment asks for it.
    #[serde(default)]
    pub half_of: Option<String>,
    /// The first hex digits of its SHA-256, where its publisher says no more of it.
    #[serde(default)]
    pub sha256_start: Option<String>,
    /// The graph, another of the card's, whose weights it holds; there only where they are too many for one file.
    #[serde(skip)]
    pub weights_of: Option<String>,
}

impl CardFile {
    pub(super) fn check(&self, field: &str) -> Result<(), String> {
        if self.file.is_empty() || self.file.starts_with('.') || self.file.contains(['/', '\\', ':']) {
            return Err(format!("`{field}.file` must be a file name without a folder"));
        }
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if self.sha256.as_ref().is_some_and(|sha256| sha256.len() != 64 || !hex(sha256)) {
            return Err(format!("`{field}.sha256` must be 64 lower-case hex digits"));
        }
        if self.sha256_start.as_ref().is_some_and(|start| start.is_empty() || start.len() > 64 || !hex(start))
        {
            return Err(format!("`{field}.sha256_start` must be up to 64 lower-case hex digits"));
        }
        Ok(())
    }

    /// Whether the model can be used without it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.half_of.is_some() || self.weights_of.is_some()
    }
}

/// One measurement: source-to-distortion ratio, `10 log10(|stem|^2 / |stem - estimate|^2)`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// What was separated.
    pub clip: String,
    /// Whether the network knew the clip: such figures say little about others.
    pub seen_in_training: bool,
    /// dB for each stem.
    pub sdr_db: BTreeMap<String, f64>,
    /// dB above taking the mixture itself as the stem.
    pub gain_db: BTreeMap<String, f64>,
}

impl Card {
    /// A card longer than this is no card.
    pub const BYTES_MAX: usize = 64 * 1024;
    /// More stems than this are a mistake.
    pub const STEMS_MAX: usize = 64;
    /// More files than these are a mistake.
    pub const FILES_MAX: usize = 64;

    /// Parses and checks a card.
    ///
    /// # Errors
    /// [`ModelError::Card`], naming the field.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        if text.len() > Self::BYTES_MAX {
            let reason = format!("the file has {} bytes, the limit is {}", text.len(), Self::BYTES_MAX);
            return Err(ModelError::Card { card: "(too long)".to_owned(), reason });
        }
        let mut card: Self = toml::from_str(text).map_err(|cause| {
            // The parser shows the line it stumbled over, which holds the field's name.
            ModelError::Card { card: named(text), reason: cause.to_string() }
        })?;
        let usable = card.check().and_then(|()| card.take_origin());
        usable.map_err(|reason| ModelError::Card { card: card.name.clone(), reason })?;
        Ok(card)
    }

    /// A card with a checkpoint has the files that it is made into.
    fn take_origin(&mut self) -> Result<(), String> {
        let Some(origin) = &self.checkpoint else { return Ok(()) };
        if !self.files.is_empty() {
            return Err("`files` stands beside `checkpoint`, which says what the files are".to_owned());
        }
        origin.check()?;
        self.files = origin.made();
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        check_word("name", &self.name)?;
        for (field, text) in [
            ("title", &self.title),
            ("description", &self.description),
            ("publisher", &self.publisher),
            ("licence", &self.licence),
        ] {
            if text.trim().is_empty() {
                return Err(format!("`{field}` is empty"));
            }
        }
        self.check_stems()?;
        check_word("architecture", &self.architecture)?;
        if let Some(signal) = &self.signal {
            signal.check()?;
        }
        self.check_files()?;
        MemberCard::check(self)?;
        self.check_facts()?;
        self.check_quality()
    }

    fn check_facts(&self) -> Result<(), String> {
        if let Some(rate_hz) = self.rate_hz.filter(|rate| !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(rate)) {
            return Err(format!("`rate_hz` is {rate_hz}, allowed are {RATE_HZ_MIN} to {RATE_HZ_MAX}"));
        }
        self.graphs.iter().try_for_each(|graph| graph.check(&self.files))?;
        self.published.iter().try_for_each(|figure| figure.check("published"))?;
        self.measured.iter().try_for_each(|figure| figure.check("measured"))?;
        self.speed.iter().try_for_each(Speed::check)
    }

    fn check_files(&self) -> Result<(), String> {
        if self.files.len() > Self::FILES_MAX {
            return Err(format!("`files` has {}, allowed are {}", self.files.len(), Self::FILES_MAX));
        }
        for file in &self.files {
            file.check("files")?;
            let is_full =
                |other: &CardFile| file.half_of.as_ref() == Some(&other.file) && other.half_of.is_none();
            if file.half_of.is_some() && !self.files.iter().any(is_full) {
                return Err(format!("`files.half_of` of `{}` must name another of `files`", file.file));
            }
        }
        Ok(())
    }

    fn check_stems(&self) -> Result<(), String> {
        let few = match (self.task, &self.checkpoint) {
            (Task::Separate, None) if self.members.is_empty() => 2,
            // A network of one stem that is already what all others leave.
            (Task::Separate, _) => 1,
            _ => 0,
        };
        if !(few..=Self::STEMS_MAX).contains(&self.stems.len()) {
            return Err(format!(
                "`stems` names {}, allowed are {few} to {}",
                self.stems.len(),
                Self::STEMS_MAX
            ));
        }
        for (i, stem) in self.stems.iter().enumerate() {
            check_word("stems", stem)?;
            if self.stems[..i].contains(stem) {
                return Err(format!("`stems` names `{stem}` twice"));
            }
        }
        match &self.remainder {
            Some(stem) if !self.stems.contains(stem) => {
                Err(format!("`remainder` is `{stem}`, which is not among `stems`"))
            }
            _ => Ok(()),
        }
    }

    fn check_quality(&self) -> Result<(), String> {
        for quality in &self.quality {
            for (field, table) in [("sdr_db", &quality.sdr_db), ("gain_db", &quality.gain_db)] {
                for (stem, db) in table {
                    if !self.stems.contains(stem) {
                        return Err(format!("`quality.{field}` has `{stem}`, which is not among `stems`"));
                    }
                    if !db.is_finite() {
                        return Err(format!("`quality.{field}` of `{stem}` is not a finite number"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Names go into paths, messages and tables: short, plain words only.
fn check_word(field: &str, word: &str) -> Result<(), String> {
    let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if word.is_empty() || word.len() > 64 || !plain {
        return Err(format!("`{field}` has `{word}`: use up to 64 of a-z, 0-9 and -"));
    }
    Ok(())
}

/// The name in a card that does not parse as one, for the message.
fn named(text: &str) -> String {
    let table: Option<toml::Table> = text.parse().ok();
    let name = table.as_ref().and_then(|t| t.get("name")).and_then(toml::Value::as_str);
    name.unwrap_or("(unnamed)").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINI: &str = include_str!("../../catalog/mini.toml");

    fn check_refused(from: &str, to: &str, field: &str) {
        assert!(MINI.contains(from), "the card has `{from}`");
        match Card::parse(&MINI.replacen(from, to, 1)) {
            Err(error @ ModelError::Card { .. }) => {
                assert!(error.to_string().contains(field), "`{error}` names {field}");
            }
            other => panic!("{from} -> {to} gave {other:?}"),
        }
    }

    #[test]
    fn a_bad_card_is_refused_with_the_fields_name() {
        for (from, to, field) in [
            ("grade = \"preview\"", "grade = \"perfect\"", "grade"),
            ("grade = \"preview\"\n", "", "grade"),
            ("grade = \"preview\"", "grade = \"preview\"\ncolour = \"red\"", "colour"),
            ("rate_hz = 44100", "rate_hz = 44100\nrates = 2", "rates"),
            ("rate_hz = 44100", "rate_hz = \"fast\"", "rate_hz"),
            ("rate_hz = 44100", "rate_hz = 4410", "rate_hz"),
            ("rate_hz = 44100", "rate_hz = -1", "rate_hz"),
            ("n_fft = 4096", "n_fft = 4095", "n_fft"),
            ("hop_frames = 1024", "hop_frames = 0", "hop_frames"),
            ("overlap_columns = 64", "overlap_columns = 256", "overlap_columns"),
            ("\"drums\", \"bass\"", "\"drums\", \"drums\"", "stems"),
            ("\"drums\", \"bass\"", "\"../drums\", \"bass\"", "stems"),
            ("stems = [\"vocals\", \"drums\", \"bass\", \"other\"]", "stems = []", "stems"),
            ("remainder = \"other\"", "remainder = \"rest\"", "remainder"),
            ("sha256 = \"bbef", "sha256 = \"BBEF", "sha256"),
            ("sha256 = \"bbef", "sha256 = \"", "sha256"),
            ("sha256 = \"bbef", "half_of = \"mini.onnx\"\nsha256 = \"bbef", "half_of"),
            ("file = \"mini.onnx\"", "file = \"../mini.onnx\"", "files.file"),
            ("name = \"mini\"", "name = \"Mini!\"", "name"),
            ("title = \"Tributary Mini\"", "title = \" \"", "title"),
            ("[[graphs]]\nfile = \"mini.onnx\"", "[[graphs]]\nfile = \"maxi.onnx\"", "graphs.file"),
            ("shape = \"1, 2, columns, 192\"", "shape = \"\"", "graphs"),
            ("real_time_factor = ", "real_time_factor = -", "speed.real_time_factor"),
            ("vocals = 1.28", "voice = 1.28", "sdr_db"),
            ("vocals = 10.98", "vocals = inf", "gain_db"),
        ] {
            check_refused(from, to, field);
        }
    }

    #[test]
    fn a_card_that_is_no_toml_or_too_long_is_refused() {
        assert!(matches!(Card::parse("name = "), Err(ModelError::Card { .. })));
        assert!(matches!(Card::parse(&"#".repeat(Card::BYTES_MAX + 1)), Err(ModelError::Card { .. })));
    }

    #[test]
    fn the_name_is_in_the_message_even_when_another_field_is_wrong() {
        let error = Card::parse(&MINI.replace("n_fft = 4096", "n_fft = \"long\"")).unwrap_err();
        assert!(error.to_string().contains("`mini`"), "{error}");
    }
}

//! A Whisper model's file in ggml's format, checked from the first byte to the last before whisper.cpp sees it: that one
//! believes every number in it, and ends the process over some. Reads, keeps nothing.
//!
//! Magic, eleven sizes, the mel filters, the vocabulary, then tensors to the file's end; numbers are little-endian, 32 bits.

use std::collections::BTreeMap;

const MAGIC: u32 = 0x6767_6d6c;
/// Multilingual vocabularies: with 99 languages, and with Cantonese.
const VOCABULARIES: [usize; 2] = [51_865, 51_866];
const AUDIO_CONTEXT: usize = 1_500;
const TEXT_CONTEXT: usize = 448;
const MELS: [usize; 2] = [80, 128];
/// Bins of a window of 400 frames.
const FILTER_BINS: usize = 201;
/// Those of the largest published model.
const STATE_MAX: usize = 1_280;
/// Numbers of a head, in all models.
const HEAD: usize = 64;
const LAYERS_MAX: usize = 32;
/// The longest in the published vocabularies has 128 bytes.
const WORD_BYTES_MAX: usize = 1_024;
const NAME_BYTES_MAX: usize = 128;

/// What the model is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    vocabulary: usize,
    pub(super) state: usize,
    pub(super) audio_layers: usize,
    pub(super) text_heads: usize,
    pub(super) text_layers: usize,
    mels: usize,
    /// Of the large tensors.
    numbers: Numbers,
}

/// How a tensor's numbers are written: in blocks of so many, each of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    code: usize,
    block: usize,
    block_bytes: usize,
}

const F32: Numbers = Numbers { code: 0, block: 1, block_bytes: 4 };
const F16: Numbers = Numbers { code: 1, block: 1, block_bytes: 2 };
/// By the file's word for them. What is not here, nobody publishes Whisper in; over whole floats whisper.cpp ends the
/// process.
const KINDS: [(usize, Numbers); 6] = [
    (1, F16),
    (2, Numbers { code: 2, block: 32, block_bytes: 18 }),
    (3, Numbers { code: 3, block: 32, block_bytes: 20 }),
    (7, Numbers { code: 8, block: 32, block_bytes: 34 }),
    (8, Numbers { code: 6, block: 32, block_bytes: 22 }),
    (9, Numbers { code: 7, block: 32, block_bytes: 24 }),
];
/// The file's word also tells the version of the blocks, in thousands.
const KIND_VERSION: usize = 1_000;

/// A tensor: its dimensions, the fastest first, and its numbers.
type Shape = ([usize; 3], Numbers);

/// The model's sizes, where all of it is there and fits together.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn check(bytes: &[u8]) -> Result<Sizes, String> {
    let mut file = Reader { bytes, at: 0 };
    if file.number("its first bytes")? != MAGIC as usize {
        return Err("the file is no Whisper model in ggml's format".to_owned());
    }
    let sizes = sizes(&mut file)?;
    filters(&mut file, &sizes)?;
    vocabulary(&mut file, &sizes)?;
    tensors(&mut file, tensors_of(&sizes))?;
    Ok(sizes)
}

fn sizes(file: &mut Reader<'_>) -> Result<Sizes, String> {
    let mut size = |what: &str, fits: &dyn Fn(usize) -> bool| {
        let size = file.number("its sizes")?;
        if fits(size) { Ok(size) } else { Err(format!("its {what} is {size}, which no Whisper model has")) }
    };
    let vocabulary = size("vocabulary", &|n| n == VOCABULARIES[0] - 1 || VOCABULARIES.contains(&n))?;
    if !VOCABULARIES.contains(&vocabulary) {
        return Err("it is a model for English alone; take the one for all languages".to_owned());
    }
    let is_state = |n: usize| (HEAD..=STATE_MAX).contains(&n) && n.is_multiple_of(HEAD);
    size("audio context", &|n| n == AUDIO_CONTEXT)?;
    let state = size("audio state", &is_state)?;
    let heads = |n: usize| n == state / HEAD;
    let layers = |n: usize| (1..=LAYERS_MAX).contains(&n);
    size("number of audio heads", &heads)?;
    let audio_layers = size("number of audio layers", &layers)?;
    size("text context", &|n| n == TEXT_CONTEXT)?;
    size("text state", &|n| n == state)?;
    let text_heads = size("number of text heads", &heads)?;
    let text_layers = size("number of text layers", &layers)?;
    let mels = size("number of mel bands", &|n| MELS.contains(&n))?;
    let kind = size("kind of numbers", &|n| KINDS.iter().any(|(kind, _)| *kind == n % KIND_VERSION))?;
    let numbers =
        KINDS.iter().find(|(known, _)| *known == kind % KIND_VERSION).map_or(F16, |(_, kind)| *kind);
    Ok(Sizes { vocabulary, state, audio_layers, text_heads, text_layers, mels, numbers })
}

fn filters(file: &mut Reader<'_>, sizes: &Sizes) -> Result<(), String> {
    let what = "its mel filters";
    let (mels, bins) = (file.number(what)?, file.number(what)?);
    if (mels, bins) != (sizes.mels, FILTER_BINS) {
        return Err(format!("{what} are {mels} by {bins}, not {} by {FILTER_BINS}", sizes.mels));
    }
    file.skip(mels * bins * 4, what).map(|_| ())
}

fn vocabulary(file: &mut Reader<'_>, sizes: &Sizes) -> Result<(), String> {
    let what = "its vocabulary";
    let words = file.number(what)?;
    if words > sizes.vocabulary {
        return Err(format!("{what} has {words} words, more than the {} it says", sizes.vocabulary));
    }
    let mut has_space = false;
    for _ in 0..words {
        let length = file.number(what)?;
        if length > WORD_BYTES_MAX {
            return Err(format!("{what} has a word of {length} bytes"));
        }
        has_space |= file.skip(length, what)? == b" ";
    }
    // Looked up by whisper.cpp without asking whether it is there.
    if has_space { Ok(()) } else { Err(format!("{what} has no space")) }
}

fn tensors(file: &mut Reader<'_>, mut expected: BTreeMap<String, Shape>) -> Result<(), String> {
    while file.at < file.bytes.len() {
        let what = "a tensor's head";
        let (dimensions, name_bytes, code) = (file.number(what)?, file.number(what)?, file.number(what)?);
        if dimensions > 3 || name_bytes > NAME_BYTES_MAX {
            return Err("what follows its vocabulary is no tensor".to_owned());
        }
        let mut shape = [1; 3];
        for size in &mut shape[..dimensions] {
            *size = file.number(what)?;
        }
        let name = String::from_utf8_lossy(file.skip(name_bytes, what)?).into_owned();
        let Some((wanted, numbers)) = expected.remove(&name) else {
            return Err(format!("it has a tensor `{name}` twice, or one that no Whisper model has"));
        };
        if shape != wanted || code != numbers.code {
            return Err(format!(
                "its tensor `{name}` is {shape:?} of kind {code}, not {wanted:?} of kind {}",
                numbers.code
            ));
        }
        let elements: usize = wanted.iter().product();
        file.skip(elements / numbers.block * numbers.block_bytes, &format!("`{name}`"))?;
    }
    match expected.len() {
        0 => Ok(()),
        missing => {
            let first = expected.keys().next().map_or("", String::as_str);
            Err(format!(
                "{missing} of its tensors are missing, among them `{first}`: the file has no end or no weights"
            ))
        }
    }
}

/// Every tensor that a model of these sizes has.
fn tensors_of(sizes: &Sizes) -> BTreeMap<String, Shape> {
    let Sizes { vocabulary, state, mels, numbers, .. } = *sizes;
    let mut all = BTreeMap::new();
    let mut put = |name: String, shape: [usize; 3], numbers| {
        all.insert(name, (shape, numbers));
    };
    put("encoder.positional_embedding".into(), [state, AUDIO_CONTEXT, 1], F32);
    put("decoder.positional_embedding".into(), [state, TEXT_CONTEXT, 1], F32);
    put("decoder.token_embedding.weight".into(), [state, vocabulary, 1], numbers);
    for (layer, inputs) in [(1, mels), (2, state)] {
        put(format!("encoder.conv{layer}.weight"), [3, inputs, state], F16);
        put(format!("encoder.conv{layer}.bias"), [1, state, 1], F32);
    }
    let mut norm = |name: String| {
        put(format!("{name}.weight"), [state, 1, 1], F32);
        put(format!("{name}.bias"), [state, 1, 1], F32);
    };
    norm("encoder.ln_post".into());
    norm("decoder.ln".into());
    let encoder = (0..sizes.audio_layers).map(|layer| (format!("encoder.blocks.{layer}"), false));
    let decoder = (0..sizes.text_layers).map(|layer| (format!("decoder.blocks.{layer}"), true));
    let blocks: Vec<(String, bool)> = encoder.chain(decoder).collect();
    for (block, listens) in &blocks {
        norm(format!("{block}.mlp_ln"));
        norm(format!("{block}.attn_ln"));
        if *listens {
            norm(format!("{block}.cross_attn_ln"));
        }
    }
    for (block, listens) in &blocks {
        put(format!("{block}.mlp.0.weight"), [state, 4 * state, 1], numbers);
        put(format!("{block}.mlp.0.bias"), [4 * state, 1, 1], F32);
        put(format!("{block}.mlp.2.weight"), [4 * state, state, 1], numbers);
        put(format!("{block}.mlp.2.bias"), [state, 1, 1], F32);
        for attention in if *listens { &["attn", "cross_attn"][..] } else { &["attn"] } {
            for part in ["query", "key", "value", "out"] {
                put(format!("{block}.{attention}.{part}.weight"), [state, state, 1], numbers);
                if part != "key" {
                    put(format!("{block}.{attention}.{part}.bias"), [state, 1, 1], F32);
                }
            }
        }
    }
    all
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next bytes.
    fn skip(&mut self, count: usize, what: &str) -> Result<&'a [u8], String> {
        let next = self.bytes[self.at..].get(..count);
        let next = next.ok_or_else(|| {
            format!("the file ends in {what}, after {} bytes: it is not whole", self.bytes.len())
        })?;
        self.at += count;
        Ok(next)
    }

    /// The next number; negative ones are huge here, and refused wherever they stand.
    fn number(&mut self, what: &str) -> Result<usize, String> {
        let bytes = self.skip(4, what)?.try_into().map_err(|_| what.to_owned())?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }
}

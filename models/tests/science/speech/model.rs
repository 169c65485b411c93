//! A speech model made for a test, in ggml's format: it says a given sentence, each word at a given time, whatever it hears.
//! No training: the positions of its decoder hold the words, those of its encoder the times. Knows nothing of the product.
//!
//! Attention and layers between are nothing but for one: what a position holds goes to the output as it is. Numbers 0 to
//! 47 of a position are the embedding of the word that follows it, 48 to 63 the code of the half second in which that is
//! said; the decoder's attention to the encoder compares those codes alone.

use std::collections::BTreeMap;

/// Numbers a position.
const STATE: usize = 64;
/// Of those, for words.
const WORD: usize = 48;
const AUDIO_CONTEXT: usize = 1_500;
const TEXT_CONTEXT: usize = 448;
const VOCABULARY: usize = 51_865;
const MELS: usize = 80;
const BINS: usize = 201;
const END_OF_TEXT: usize = 50_257;
/// The first language's token, English.
const LANGUAGES: usize = 50_259;
/// Columns of the encoder in half a second.
const HALF_SECOND: usize = 25;
/// The decoder's position that says the first word: start, language, task and "no times" stand before it.
const FIRST: usize = 3;

/// What the model says of every window.
pub(crate) struct Script<'a> {
    /// The language's place in the model's list: 0 is English, 2 German.
    pub(crate) language: usize,
    /// Tokens, and the half second in which each is said.
    pub(crate) words: &'a [(&'a str, usize)],
    /// Whether it comes to an end.
    pub(crate) ends: bool,
}

/// Everything in front of the tensors: sizes, filters, vocabulary.
pub(crate) struct Head {
    filters: Vec<u8>,
    vocabulary: Vec<Vec<u8>>,
}

impl Head {
    /// A vocabulary of these words and the space.
    pub(crate) fn of(script: &Script<'_>) -> Self {
        let mut vocabulary = vec![b" ".to_vec()];
        for (word, _) in script.words {
            if !vocabulary.contains(&word.as_bytes().to_vec()) {
                vocabulary.push(word.as_bytes().to_vec());
            }
        }
        Self { filters: vec![0; MELS * BINS * 4], vocabulary }
    }

    /// How long the vocabulary is in the file, without its count.
    pub(crate) fn bytes(&self) -> usize {
        self.vocabulary.iter().map(|word| 4 + word.len()).sum()
    }

    /// Those of a file.
    pub(crate) fn read(file: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let after_filters = 56 + MELS * BINS * 4;
        let mut at = after_filters + 4;
        let word = |_| {
            let length = number(at);
            at += 4 + length;
            file[at - length..at].to_vec()
        };
        let vocabulary = (0..number(after_filters)).map(word).collect();
        Self { filters: file[56..after_filters].to_vec(), vocabulary }
    }
}

/// The whole file.
pub(crate) fn file(head: &Head, script: &Script<'_>) -> Vec<u8> {
    let mut out = 0x6767_6d6c_u32.to_le_bytes().to_vec();
    let sizes = [VOCABULARY, AUDIO_CONTEXT, STATE, 1, 1, TEXT_CONTEXT, STATE, 1, 1, MELS, 1, MELS, BINS];
    let numbers = |out: &mut Vec<u8>, numbers: &[usize]| {
        numbers.iter().for_each(|number| out.extend((*number as u32).to_le_bytes()));
    };
    numbers(&mut out, &sizes);
    out.extend(&head.filters);
    numbers(&mut out, &[head.vocabulary.len()]);
    for word in &head.vocabulary {
        numbers(&mut out, &[word.len()]);
        out.extend(word);
    }
    for (name, (shape, data)) in tensors(head, script) {
        // Weights are of 16 bits, but for those of norms.
        let is_half = name.ends_with(".weight") && shape.len() > 1;
        numbers(&mut out, &[shape.len(), name.len(), usize::from(is_half)]);
        numbers(&mut out, &shape);
        out.extend(name.as_bytes());
        if is_half {
            out.extend(data.iter().flat_map(|number| half(*number).to_le_bytes()));
        } else {
            out.extend(data.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
    out
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn tensors(head: &Head, script: &Script<'_>) -> Tensors {
    let mut all = Tensors::new();
    let mut put = |name: &str, shape: &[usize], data: Vec<f32>| {
        assert_eq!(data.len(), shape.iter().product::<usize>(), "{name}");
        all.insert(name.to_owned(), (shape.to_vec(), data));
    };
    let zeros = |count: usize| vec![0.0; count];
    put("encoder.conv1.weight", &[3, MELS, STATE], zeros(3 * MELS * STATE));
    put("encoder.conv2.weight", &[3, STATE, STATE], zeros(3 * STATE * STATE));
    put("encoder.conv1.bias", &[1, STATE], zeros(STATE));
    put("encoder.conv2.bias", &[1, STATE], zeros(STATE));
    for (block, parts) in [("encoder", &["attn"][..]), ("decoder", &["attn", "cross_attn"])] {
        let mut norm = |name: String| {
            put(&format!("{name}.weight"), &[STATE], vec![1.0; STATE]);
            put(&format!("{name}.bias"), &[STATE], zeros(STATE));
        };
        norm(if block == "encoder" { "encoder.ln_post".into() } else { "decoder.ln".into() });
        norm(format!("{block}.blocks.0.mlp_ln"));
        parts.iter().for_each(|part| norm(format!("{block}.blocks.0.{part}_ln")));
        let block = format!("{block}.blocks.0");
        put(&format!("{block}.mlp.0.weight"), &[STATE, 4 * STATE], zeros(4 * STATE * STATE));
        put(&format!("{block}.mlp.0.bias"), &[4 * STATE], zeros(4 * STATE));
        put(&format!("{block}.mlp.2.weight"), &[4 * STATE, STATE], zeros(4 * STATE * STATE));
        put(&format!("{block}.mlp.2.bias"), &[STATE], zeros(STATE));
        for part in parts {
            for projection in ["query", "key", "value", "out"] {
                let compares = *part == "cross_attn" && ["query", "key"].contains(&projection);
                let weight = if compares { times_only() } else { zeros(STATE * STATE) };
                put(&format!("{block}.{part}.{projection}.weight"), &[STATE, STATE], weight);
                if projection != "key" {
                    put(&format!("{block}.{part}.{projection}.bias"), &[STATE], zeros(STATE));
                }
            }
        }
    }
    let embeddings = signs(VOCABULARY * WORD, 1);
    let embedding = |token: usize| &embeddings[token * WORD..][..WORD];
    let mut table = zeros(VOCABULARY * STATE);
    for token in 0..VOCABULARY {
        table[token * STATE..][..WORD].copy_from_slice(embedding(token));
    }
    put("decoder.token_embedding.weight", &[STATE, VOCABULARY], table);
    let codes = signs(AUDIO_CONTEXT / HALF_SECOND * (STATE - WORD), 2);
    let code = |half_second: usize| &codes[half_second * (STATE - WORD)..][..STATE - WORD];
    let mut encoder = zeros(AUDIO_CONTEXT * STATE);
    for column in 0..AUDIO_CONTEXT {
        encoder[column * STATE + WORD..][..STATE - WORD].copy_from_slice(code(column / HALF_SECOND));
    }
    put("encoder.positional_embedding", &[STATE, AUDIO_CONTEXT], encoder);
    let decoder = positions(head, script, &embedding, &code);
    put("decoder.positional_embedding", &[STATE, TEXT_CONTEXT], decoder);
    all
}

/// What each position of the decoder holds: the word that it says, and when.
fn positions<'a>(
    head: &Head,
    script: &Script<'_>,
    embedding: &dyn Fn(usize) -> &'a [f32],
    code: &dyn Fn(usize) -> &'a [f32],
) -> Vec<f32> {
    let mut decoder = vec![0.0; TEXT_CONTEXT * STATE];
    // Four times as loud as the word that stands there itself.
    let mut say = |position: usize, at: usize, numbers: &[f32]| {
        let place = &mut decoder[position * STATE + at..][..numbers.len()];
        place.iter_mut().zip(numbers).for_each(|(to, from)| *to = 4.0 * from);
    };
    say(0, 0, embedding(LANGUAGES + script.language));
    let words = script.words.len();
    let last = if script.ends { words } else { TEXT_CONTEXT - FIRST };
    for i in 0..last {
        let (word, half_second) = script.words[i % words];
        let token = head.vocabulary.iter().position(|known| known == word.as_bytes());
        say(FIRST + i, 0, embedding(token.unwrap_or_else(|| panic!("no `{word}`"))));
        // The alignment goes without the task's token: all its positions are one earlier.
        say(FIRST - 1 + i, WORD, code(half_second));
    }
    if script.ends {
        say(FIRST + words, 0, embedding(END_OF_TEXT));
    }
    decoder
}

/// Lets the codes of times through, and nothing else; loud, so that attention is on one half second.
fn times_only() -> Vec<f32> {
    let on = |i: usize| i / STATE == i % STATE && i % STATE >= WORD;
    (0..STATE * STATE).map(|i| if on(i) { 2.0 } else { 0.0 }).collect()
}

/// The few numbers that weights have here, in 16 bits.
fn half(number: f32) -> u16 {
    match number {
        0.0 => 0,
        1.0 => 0x3c00,
        -1.0 => 0xbc00,
        2.0 => 0x4000,
        other => panic!("{other} is no weight"),
    }
}

/// Ones with random signs, by a linear congruential generator (Knuth's MMIX constants).
fn signs(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 0 { 1.0 } else { -1.0 }
    };
    (0..count).map(|_| next()).collect()
}

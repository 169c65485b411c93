//! What is made of a small checkpoint, and what is refused: settings of another model, tensors that are missing, extra or
//! of another shape, architectures that nobody knows.

use super::*;
use crate::checkpoint::{Checkpoint, Settings};
use crate::recipe::{Network, Recipe, Spectrum};
use std::collections::BTreeMap;
use std::io::Cursor;

const CHECKPOINT: &[u8] = include_bytes!("../../tests/fixtures/bs_roformer_tiny.ckpt");
const SETTINGS: &str = include_str!("../../tests/fixtures/bs_roformer_tiny.yaml");

/// Shapes and numbers by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn tensors() -> Tensors {
    let mut checkpoint = Checkpoint::open(Cursor::new(CHECKPOINT)).unwrap();
    let names: Vec<(String, Vec<usize>)> =
        checkpoint.tensors().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
    names
        .into_iter()
        .map(|(name, shape)| (name.clone(), (shape, checkpoint.read_f32(&name).unwrap())))
        .collect()
}

/// The same as a safetensors file.
fn safetensors(tensors: &Tensors) -> Checkpoint<Cursor<Vec<u8>>> {
    let (mut head, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, numbers)) in tensors {
        let from = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [from, data.len()] });
        head.insert(name.clone(), entry);
    }
    let head = serde_json::to_vec(&head).unwrap();
    let bytes = [&(head.len() as u64).to_le_bytes()[..], &head, &data].concat();
    Checkpoint::open(Cursor::new(bytes)).unwrap()
}

fn settings(text: &str) -> Settings {
    Settings::parse("tiny.yaml", text.as_bytes()).unwrap()
}

fn refused(tensors: &Tensors, said: &str) -> String {
    Separator::new(safetensors(tensors), &settings(said)).err().expect("it is refused").to_string()
}

/// Without settings.
fn refusal(tensors: &Tensors) -> ConvertError {
    Separator::new(safetensors(tensors), None).err().expect("it is refused")
}

#[test]
fn a_checkpoint_and_its_settings_make_a_recipe() {
    let checkpoint = Checkpoint::open(Cursor::new(CHECKPOINT)).unwrap();
    let separator = Separator::new(checkpoint, &settings(SETTINGS)).unwrap();
    let expected = Recipe {
        rate_hz: 44_100,
        channels: 2,
        stems: vec!["vocals".to_owned(), "other".to_owned()],
        chunk_frames: 4080,
        overlap: 2,
        bag: Vec::new(),
        network: Network::BsRoformer {
            spectrum: Spectrum { n_fft: 256, hop_frames: 60, normalised: false, without_dc: false },
            bands: vec![2, 2, 2, 2, 4, 4, 4, 12, 12, 24, 24, 37],
        },
    };
    assert_eq!(*separator.recipe(), expected);
    let trial = separator.trial(Target::Cpu).unwrap();
    let shapes: Vec<_> = trial.inputs.into_iter().chain(trial.outputs).map(|port| port.shape).collect();
    assert_eq!(shapes, vec![vec![1, 69, 516]; 3]);
}

#[test]
fn settings_that_contradict_the_weights_are_told_with_both_values_and_all_at_once() {
    let said = SETTINGS
        .replace("dim: 8\n", "dim: 16\n")
        .replace("  depth: 2", "  depth: 3")
        .replace("  heads: 2", "  heads: 4")
        .replace("  mask_estimator_depth: 2", "  mask_estimator_depth: 2\n  mlp_expansion_factor: 2")
        .replace("  - 37", "  - 36");
    let text = refused(&tensors(), &said);
    for part in [
        "tiny.yaml: `model.dim` is 16, and the weights have 8",
        "`model.depth` is 3, and the weights have 2",
        "`model.heads` is 4, and the weights have 2",
        "`model.mlp_expansion_factor` is 2, and the weights have 4",
        "`model.freqs_per_bands` has 36 at place 11, and the weights have 37",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (from, to, part) in [
        ("num_stems: 2", "num_stems: 4", "`model.num_stems` is 4, and the weights have 2"),
        ("  - other", "  - other\n  - bass", "names vocals, other, bass, and the weights make 2 stems"),
        (
            "target_instrument: null",
            "target_instrument: vocals",
            "names vocals, and the weights make 2 stems",
        ),
        (
            "stft_n_fft: 256",
            "stft_n_fft: 512",
            "`model.stft_n_fft` is 512, which has 257 bins, and the weights have 129",
        ),
        ("  - 37\n", "", "has 11 of them, and the weights have 12"),
    ] {
        let said = SETTINGS.replace(from, to).replace("stft_win_length: 256\n", "stft_win_length: 256 \n");
        let said = if to.contains("512") { said.replace("win_length: 256", "win_length: 512") } else { said };
        let text = refused(&tensors(), &said);
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn settings_that_say_too_much_or_nothing_are_refused_by_their_path() {
    for (from, to, part) in [
        ("chunk_size: 4080", "chunk_size: 40800000", "audio.chunk_size` is 40800000, allowed are 60 to"),
        ("chunk_size: 4080", "chunk_size: none", "audio.chunk_size"),
        ("stft_hop_length: 60", "stft_hop_length: 0", "model.stft_hop_length` is 0"),
        ("stft_hop_length: 60\n", "dummy: 1\n", "model.stft_hop_length` is missing"),
        ("stft_win_length: 256", "stft_win_length: 128", "model.stft_win_length` is 128"),
        ("linear_transformer_depth: 0", "linear_transformer_depth: 1", "linear attention"),
        ("flash_attn: false", "skip_connection: true", "model.skip_connection` is true"),
        ("num_overlap: 2", "num_overlap: 400", "inference.num_overlap` is 400"),
        ("sample_rate: 44100", "sample_rate: 1", "audio.sample_rate` is 1"),
        ("  - vocals", "  - ../vocals", "cannot be the name of a stem"),
        ("flash_attn: false", "num_bands: 60", "stands beside `model.num_bands`"),
    ] {
        assert!(SETTINGS.contains(from), "{from}");
        let text = refused(&tensors(), &SETTINGS.replace(from, to));
        assert!(text.contains(part), "{part}: {text}");
    }
    // Settings that are silent about it do not hide what the weights show.
    let mut linear = tensors();
    linear.insert("layers.0.0.layers.0.0.temperature".to_owned(), (vec![2, 1, 1], vec![1.0; 2]));
    assert!(refused(&linear, SETTINGS).contains("linear attention"));
}

#[test]
fn all_tensors_that_are_missing_extra_or_misshapen_are_in_one_error() {
    let mut changed = tensors();
    changed.remove("layers.1.0.layers.0.0.to_out.0.weight");
    changed.remove("mask_estimators.1.to_freqs.3.0.2.bias");
    changed.insert("layers.1.0.layers.0.0.surprise".to_owned(), (vec![1], vec![0.0]));
    changed.get_mut("layers.1.1.layers.0.1.net.4.weight").unwrap().0 = vec![32, 8];
    let text = refused(&changed, SETTINGS);
    for part in [
        "2 tensors missing, 1 extra, 1 of another shape",
        "missing: layers.1.0.layers.0.0.to_out.0.weight",
        "missing: mask_estimators.1.to_freqs.3.0.2.bias",
        "extra: layers.1.0.layers.0.0.surprise",
        "layers.1.1.layers.0.1.net.4.weight: [32, 8], expected [8, 32]",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn no_tensor_whose_absence_hides_others_is_a_panic() {
    for name in tensors().keys() {
        let mut changed = tensors();
        changed.remove(name);
        match Separator::new(safetensors(&changed), &settings(SETTINGS)) {
            // Angles have usual values.
            Ok(_) => assert!(name.ends_with("rotary_embed.freqs"), "{name}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        // Of angles, one stands for all.
        if name.ends_with("rotary_embed.freqs") && !name.starts_with("layers.0.") {
            continue;
        }
        changed.insert(name.clone(), (vec![0], Vec::new()));
        assert!(Separator::new(safetensors(&changed), &settings(SETTINGS)).is_err(), "{name}");
    }
}

#[test]
fn what_is_not_finite_ends_the_conversion_by_name() {
    let mut changed = tensors();
    changed.get_mut("layers.1.0.layers.0.1.net.1.bias").unwrap().1[3] = f32::NAN;
    let separator = Separator::new(safetensors(&changed), &settings(SETTINGS)).unwrap();
    let write = || separator.write(Target::Cpu, &[], "", &mut io::sink(), || Ok(io::sink()), &mut |_, _| ());
    let error = write().unwrap_err();
    assert!(error.to_string().contains("layers.1.0.layers.0.1.net.1.bias"), "{error}");
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("number 3 of 32 is NaN"), "{why}");
}

#[test]
fn an_unknown_architecture_is_told_with_those_that_are_known() {
    let stranger = Tensors::from([("conv.weight".to_owned(), (vec![1], vec![0.0]))]);
    let error = refusal(&stranger);
    assert!(matches!(error, ConvertError::Unknown { .. }));
    let text = error.to_string();
    assert!(text.contains("`conv.weight`") && text.contains("bs-roformer, mel-band-roformer"), "{text}");
    let error = refusal(&tensors());
    assert!(matches!(error, ConvertError::NoSettings { .. }), "{error}");
    assert!(error.to_string().contains("--settings"), "{error}");
}

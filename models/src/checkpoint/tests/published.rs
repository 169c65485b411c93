//! Files that PyTorch and safetensors wrote, by tests/fixtures/make_checkpoints.py: every number is known here.

use super::super::{Dtype, Expected};
use super::{open, refusal};

pub(super) const KINDS: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/kinds.pth");
pub(super) const LIGHTNING: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/lightning.ckpt");
pub(super) const DEMUCS: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/demucs.th");
pub(super) const SAFETENSORS: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/kinds.safetensors");
const AVERAGE: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/average.pt");
const EMA_PYTORCH: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/ema_pytorch.pt");
const NAN: &[u8] = include_bytes!("../../../tests/fixtures/checkpoints/nan.pth");

/// The numbers that the script puts everywhere, from `start` on.
fn ramp(start: u16, count: u16) -> Vec<f32> {
    (start..start + count).map(|i| (f32::from(i * 37 % 101) - 50.0) / 8.0).collect()
}

fn check(file: &[u8], name: &str, shape: &[usize], expected: &[f32]) {
    let mut checkpoint = open(file).unwrap();
    let names: Vec<String> = checkpoint.tensors().map(|(name, _)| name.to_owned()).collect();
    let tensor = checkpoint.get(name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    assert_eq!(tensor.shape(), shape, "{name}");
    assert_eq!(tensor.elements(), expected.len(), "{name}");
    assert_eq!(checkpoint.read_f32(name).unwrap(), expected, "{name}");
}

#[test]
fn floats_of_all_widths_views_and_shared_storages_have_pytorchs_numbers() {
    let matrix = ramp(0, 12);
    let turned: Vec<f32> =
        (0..4).flat_map(|column| (0..3).map(move |row| row * 4 + column)).map(|i| matrix[i]).collect();
    check(KINDS, "matrix", &[3, 4], &matrix);
    check(KINDS, "tied", &[3, 4], &matrix);
    check(KINDS, "turned", &[4, 3], &turned);
    check(KINDS, "cut", &[2, 2], &[5, 7, 9, 11].map(|i| matrix[i]));
    check(KINDS, "half", &[5], &ramp(1, 5));
    check(KINDS, "brain", &[2, 3], &ramp(2, 6));
    check(KINDS, "double", &[3], &ramp(3, 3));
    check(KINDS, "parameter", &[2, 2], &ramp(4, 4));
    check(KINDS, "scalar", &[], &ramp(5, 1));
    check(KINDS, "empty", &[0, 3], &[]);
    let mut checkpoint = open(KINDS).unwrap();
    assert_eq!(checkpoint.layout(), "at its top");
    assert_eq!(checkpoint.tensors().len(), 11);
    assert_eq!(checkpoint.get("brain").unwrap().dtype(), Dtype::Bf16);
    let count = checkpoint.read_f32("count").unwrap_err().to_string();
    assert_eq!(count, "tensor `count`: holds int64, and weights are floats");
    assert_eq!(checkpoint.read_f32("none").unwrap_err().to_string(), "the checkpoint has no tensor `none`");
}

#[test]
fn safetensors_have_the_numbers_that_were_saved() {
    check(SAFETENSORS, "matrix", &[3, 4], &ramp(0, 12));
    check(SAFETENSORS, "half", &[5], &ramp(1, 5));
    check(SAFETENSORS, "brain", &[2, 3], &ramp(2, 6));
    check(SAFETENSORS, "empty", &[0, 3], &[]);
    assert_eq!(open(SAFETENSORS).unwrap().layout(), "safetensors, without `module.`");
}

#[test]
fn a_training_state_gives_the_models_tensors_without_prefixes_and_its_settings() {
    check(LIGHTNING, "weight", &[3, 2], &ramp(0, 6));
    check(LIGHTNING, "bias", &[3], &ramp(9, 3));
    let checkpoint = open(LIGHTNING).unwrap();
    assert_eq!(checkpoint.tensors().len(), 2);
    assert_eq!(checkpoint.layout(), "in `state_dict`, without `model.`, without `module.`");
    let settings = checkpoint.enclosed("hyper_parameters").unwrap().unwrap();
    assert_eq!(settings.at("dim").unwrap().count().unwrap(), 384);
    assert_eq!(settings.at("rate").unwrap().number().unwrap(), 5e-4);
    assert_eq!(settings.at("names").unwrap().texts().unwrap(), ["drums", "bass"]);
    assert!(settings.at("deep.flag").unwrap().flag().unwrap());
    assert!(settings.find("deep.none").is_none());
    assert_eq!(checkpoint.enclosed("global_step").unwrap().unwrap().root().count().unwrap(), 1 << 40);
    let wide = checkpoint.enclosed("seed").unwrap().unwrap().root().count().unwrap_err().to_string();
    assert_eq!(wide, "the checkpoint's seed: `(top)` is an integer, expected an integer from 0 on");
    let best = checkpoint.enclosed("callbacks").unwrap().unwrap().at("best").unwrap().number().unwrap_err();
    assert!(best.to_string().contains("an object of `numpy._core.multiarray.scalar`"), "{best}");
    assert!(checkpoint.enclosed("nothing").unwrap().is_none());
}

#[test]
fn a_demucs_package_gives_its_class_its_settings_and_its_state() {
    check(DEMUCS, "encoder.0.conv.weight", &[4, 2, 3], &ramp(0, 24));
    check(DEMUCS, "encoder.0.conv.bias", &[4], &ramp(7, 4));
    let checkpoint = open(DEMUCS).unwrap();
    assert_eq!(checkpoint.layout(), "in `state`");
    let class = checkpoint.enclosed("klass").unwrap().unwrap();
    assert_eq!(class.root().text().unwrap(), "demucs.htdemucs.HTDemucs");
    let settings = checkpoint.enclosed("kwargs").unwrap().unwrap();
    assert_eq!(settings.at("sources").unwrap().texts().unwrap(), ["drums", "bass", "other", "vocals"]);
    assert_eq!(settings.at("segment").unwrap().number().unwrap(), 7.8);
    assert_eq!(settings.at("segment").unwrap().frames(44_100).unwrap(), 343_980);
    let twice = settings.at("sources.4").err().map(|error| error.to_string()).unwrap();
    assert_eq!(twice, "the checkpoint's kwargs: `sources.4` is missing");
}

#[test]
fn the_moving_average_is_taken_before_the_last_step() {
    check(AVERAGE, "w", &[4], &ramp(50, 4));
    assert_eq!(open(AVERAGE).unwrap().layout(), "in `ema`");
    check(EMA_PYTORCH, "w", &[4], &ramp(50, 4));
    assert_eq!(open(EMA_PYTORCH).unwrap().layout(), "at its top, only `ema_model.`, without `module.`");
}

#[test]
fn missing_extra_and_misshapen_tensors_are_told_in_one_error() {
    let checkpoint = open(LIGHTNING).unwrap();
    let expected = |name: &str, shape: &[usize]| Expected { name: name.to_owned(), shape: shape.to_vec() };
    checkpoint.check(&[expected("weight", &[3, 2]), expected("bias", &[3])]).unwrap();
    let mut wrong: Vec<Expected> =
        (10..25).map(|layer| expected(&format!("layers.{layer}.w"), &[1])).collect();
    wrong.push(expected("weight", &[2, 3]));
    let error = checkpoint.check(&wrong).unwrap_err().to_string();
    let mut lines = error.lines();
    let first = "the checkpoint does not fit the model and its settings: 15 tensors missing, 1 extra, 1 of another shape";
    assert_eq!(lines.next().unwrap(), first);
    assert_eq!(lines.next().unwrap(), "  missing: layers.10.w");
    assert_eq!(lines.nth(9).unwrap(), "  missing: and 5 more");
    assert_eq!(lines.next().unwrap(), "  extra: bias");
    assert_eq!(lines.next().unwrap(), "  shape: weight: [3, 2], expected [2, 3]");
    assert_eq!(lines.next(), None);
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    let error = open(NAN).unwrap().read_f32("layer.w").unwrap_err().to_string();
    assert_eq!(error, "tensor `layer.w`: number 2 of 4 is NaN as float32, and weights are finite");
}

#[test]
fn forms_that_are_no_state_dict_are_refused_with_advice() {
    let old = include_bytes!("../../../tests/fixtures/checkpoints/before_1_6.pt");
    assert!(refusal(old).contains("before version 1.6"), "{}", refusal(old));
    let program = include_bytes!("../../../tests/fixtures/checkpoints/program.pt");
    assert!(refusal(program).contains("TorchScript"), "{}", refusal(program));
    let whole = include_bytes!("../../../tests/fixtures/checkpoints/whole_model.pt");
    assert!(refusal(whole).contains("an object of `torch.nn.modules.linear.Linear`"), "{}", refusal(whole));
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"\x80\x02}q\x00.", "a pickle without PyTorch's archive"),
        (b"\x08\x07\x12\x07pytorch", "no known form"),
    ] {
        assert!(refusal(bytes).contains(words), "{}", refusal(bytes));
    }
}

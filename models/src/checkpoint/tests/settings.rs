//! Settings as publishers write them, and settings that are none.

use super::super::Settings;

/// In the style of the training programs' own files: tags of Python, comments, numbers in every spelling.
const YAML: &str = "
audio:
  chunk_size: 352800   # 8 s
  hop_length: 441
  min_mean_abs: 0.000
model:
  dim: 512
  stereo: true
  freqs_per_bands: !!python/tuple
    - 2
    - 2
    - 129
  multi_stft_resolutions_window_sizes: !!python/tuple [4096, 2048]
  dim_head: 64
  dim: 384  # the later one counts
  mlp: null
  name: 'on'
  spare: !!python/none
training:
  lr: 5.0e-05
  small: 5e-5
  whole: 1e3
  big: 1_000
  instruments: [vocals, other]
  use_amp: yes
  version: 1.0.12
  octal: 010
  limit: .inf
  shared: &id001 [1, 2]
  again: *id001
";

fn yaml(text: &str) -> Result<Settings, String> {
    Settings::parse("model.yaml", text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn tags_of_python_comments_and_all_spellings_of_numbers_are_read() {
    let settings = yaml(YAML).unwrap();
    let at = |path: &str| settings.at(path).unwrap();
    assert_eq!(at("audio.chunk_size").count().unwrap(), 352_800);
    assert_eq!(at("audio.min_mean_abs").number().unwrap(), 0.0);
    assert_eq!(at("model.freqs_per_bands").counts().unwrap(), [2, 2, 129]);
    assert_eq!(at("model.multi_stft_resolutions_window_sizes").counts().unwrap(), [4096, 2048]);
    assert_eq!(at("model.dim").count().unwrap(), 384);
    assert!(at("model.stereo").flag().unwrap() && at("training.use_amp").flag().unwrap());
    assert_eq!(at("training.lr").number().unwrap(), 5e-5);
    assert_eq!(at("training.small").number().unwrap(), 5e-5);
    assert_eq!(at("training.whole").number().unwrap(), 1000.0);
    assert_eq!(at("training.big").count().unwrap(), 1000);
    assert_eq!(at("training.instruments").texts().unwrap(), ["vocals", "other"]);
    assert_eq!(at("training.version").text().unwrap(), "1.0.12");
    assert_eq!(at("training.again").counts().unwrap(), [1, 2]);
    assert_eq!(at("model.name").text().unwrap(), "on");
    assert!(settings.find("model.mlp").is_none() && settings.find("model.spare").is_none());
    assert!(settings.find("model.none.at.all").is_none());
    assert_eq!(at("audio").keys().unwrap(), ["chunk_size", "hop_length", "min_mean_abs"]);
    assert_eq!(at("training.whole").frames(44_100).unwrap(), 44_100_000);
}

#[test]
fn refusals_name_the_file_the_path_and_what_was_found() {
    let settings = yaml(YAML).unwrap();
    let at = |path: &str| settings.at(path).unwrap();
    for (error, words) in [
        (settings.at("model.depth").err(), "`model.depth` is missing"),
        (settings.at("model.mlp").err(), "`model.mlp` is missing"),
        (at("model.name").count().err(), "`model.name` is the text `on`, expected an integer from 0 on"),
        (at("training.lr").count().err(), "`training.lr` is 5e-5, expected an integer from 0 on"),
        (
            at("training.octal").count().err(),
            "`training.octal` is the text `010`, expected an integer from 0 on",
        ),
        (at("training.limit").number().err(), "`training.limit` is inf, expected a number"),
        (at("model").counts().map(drop).err(), "`model` is a map of 9, expected a list"),
        (
            at("training.instruments").counts().map(drop).err(),
            "`training.instruments.0` is the text `vocals`, expected",
        ),
        (at("training.instruments").flag().map(drop).err(), "is a list of 2, expected true or false"),
        (
            Some(at("model.dim").wrong("is 384, and the weights have 512")),
            "`model.dim` is 384, and the weights have 512",
        ),
    ] {
        let error = error.unwrap().to_string();
        assert!(error.starts_with("model.yaml: ") && error.contains(words), "{error}");
    }
}

#[test]
fn tags_that_would_make_objects_and_yaml_that_is_none_are_refused_with_their_line() {
    for (text, words) in [
        (
            "a: 1\nb: !!python/object/apply:os.system [true]",
            "model.yaml, line 2: the tag `!!python/object/apply:os.system`",
        ),
        ("a: !!python/name:os.system ''", "the tag `!!python/name:os.system`"),
        ("a: !mine 1", "the tag `!mine`"),
        ("a: [1, 2", "model.yaml, line"),
        ("", "it says nothing"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("x: &x {a: 1}\ny:\n  <<: *x", "maps are merged"),
        ("a: &a [*a]", "an alias stands inside what it means"),
        ("[a]: 1", "a key is a list of 1"),
    ] {
        let error = yaml(text).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let error = Settings::parse("model.yaml", b"a: \xff").unwrap_err().to_string();
    assert!(error.contains("not text in UTF-8"), "{error}");
}

#[test]
fn yaml_bombs_are_refused() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{},", level - 1).repeat(9);
        laughs += &format!("a{level}: &a{level} [{before}]\n");
    }
    assert!(yaml(&laughs).unwrap_err().contains("aliases repeat more"), "{laughs}");
    let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
    assert!(yaml(&deep).unwrap_err().contains("more than 32 deep"));
    let long = "#".repeat(2 << 20);
    assert!(yaml(&long).unwrap_err().contains("bytes of settings, at most 1048576"));
}

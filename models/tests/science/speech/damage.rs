//! Files that are no whole Whisper model: each is an error in words, none ends the process.

use super::*;

/// What loading `weights` says.
fn refusal(weights: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    match pipeline(folder.path(), weights).load() {
        Err(ModelError::Engine { model, reason }) => {
            assert_eq!(model, "whisper-test");
            reason
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{} bytes were taken", weights.len()),
    }
}

#[test]
fn a_file_that_is_not_whole_is_refused_wherever_it_ends() {
    let whole = asked();
    let tensors = 56 + 80 * 201 * 4;
    for bytes in
        [0, 3, 4, 47, 52, 1_000, tensors + 2, tensors + 30, tensors + 500, whole.len() / 2, whole.len() - 1]
    {
        let reason = refusal(&whole[..bytes]);
        assert!(reason.contains("not whole") || reason.contains("missing"), "{bytes}: {reason}");
    }
    let longer = [whole, &[0; 40]].concat();
    assert!(refusal(&longer).contains("tensor"));
}

#[test]
fn another_file_is_refused_as_such() {
    assert!(refusal(b"GGUF, and then something else entirely").contains("no Whisper model in ggml's format"));
    assert!(refusal(&[0x6c; 4096]).contains("no Whisper model"));
}

#[test]
fn no_size_in_the_head_is_believed() {
    let whole = asked();
    // Sizes, filters, vocabulary, the first word's length; then the first tensor's head.
    let vocabulary = 56 + 80 * 201 * 4;
    let words: usize = 4 + Head::of(&ASKED).bytes();
    let heads =
        (4..56).step_by(4).chain([vocabulary, vocabulary + 4, vocabulary + words, vocabulary + words + 8]);
    for at in heads {
        for value in [0xffff_ffff_u32, 0x7fff_ffff, 50_000_000, 7] {
            let mut damaged = whole.to_vec();
            damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(!refusal(&damaged).is_empty(), "{value} at {at}");
        }
    }
}

#[test]
fn a_model_for_english_alone_is_refused_with_what_to_take() {
    let mut english = asked().to_vec();
    english[4..8].copy_from_slice(&51_864_u32.to_le_bytes());
    assert!(refusal(&english).contains("take the one for all languages"));
}

#[test]
fn a_model_without_weights_is_refused_and_with_weights_its_vocabulary_is_read() {
    let Some(data) = test_data("speech with the stub of whisper.cpp") else { return };
    let Ok(stub) = std::fs::read(data.join("models/whisper-stub/for-tests-ggml-tiny.bin")) else {
        println!("left out: speech with the stub of whisper.cpp (it is not there)");
        return;
    };
    assert!(refusal(&stub).contains("no weights"));
    let words = [(" And", 0), (" so", 1), (" my", 2), (" fellow", 3), (" Americ", 4), ("ans", 5), (",", 7)];
    let script = Script { language: 0, words: &words, ends: true };
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), &model::file(&Head::read(&stub), &script));
    let sheets = write_down(&pipeline, &sound(6.0, RATE, 1), Settings::default()).unwrap();
    assert_eq!(sheets.text("transcript.txt"), "And so my fellow Americans,\n");
    assert_eq!(sheets.json()["language"]["code"], "en");
}

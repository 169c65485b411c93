//! Random files and good files with random damage: they may be refused or read, and never panic.

use super::super::Settings;
use super::open;
use super::published::{DEMUCS, KINDS, LIGHTNING, SAFETENSORS};
use super::writer::archive;
use proptest::prelude::*;

/// Opens a file and asks for all that it may be asked for; no number of tensors or of their numbers exceeds the file.
fn use_up(file: &[u8]) {
    let Ok(mut checkpoint) = open(file) else { return };
    let names: Vec<String> = checkpoint.tensors().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        if let Ok(numbers) = checkpoint.read_f32(&name) {
            assert!(numbers.len() * 2 <= file.len(), "{} numbers from {} bytes", numbers.len(), file.len());
        }
    }
    for key in ["kwargs", "hyper_parameters", "callbacks", "optimizer_states", "klass"] {
        if let Ok(Some(settings)) = checkpoint.enclosed(key) {
            let _ = (settings.root().number(), settings.root().counts(), settings.find("a.b"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_are_refused(file in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(open(&file).is_err());
    }

    #[test]
    fn random_pickles_do_no_harm(ops in proptest::collection::vec(prop::sample::select(
        b"()]}tQRabcehjqrsuNXK01.\x81\x85\x86\x87\x88\0\n".to_vec()), 0..200)) {
        use_up(&archive([&[0x80, 2], ops.as_slice()].concat()));
    }

    #[test]
    fn damaged_files_are_refused_or_read(
        file in prop::sample::select(vec![KINDS, LIGHTNING, DEMUCS, SAFETENSORS]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = file.to_vec();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        // Not only at the end: what follows is then somewhere else than the file says.
        if let Some(cut) = cut {
            file.remove(cut.index(file.len()));
        }
        use_up(&file);
    }

    #[test]
    fn random_yaml_is_refused_or_read(text in "[-a-c0-9:!&*<>\\[\\]{},'\"#|?@%. \n\t]{0,200}") {
        if let Ok(settings) = Settings::parse("a.yaml", text.as_bytes()) {
            let _ = (settings.root().counts(), settings.find("a.b").map(|entry| entry.text().is_ok()));
        }
    }
}

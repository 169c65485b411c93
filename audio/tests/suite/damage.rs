//! Files changed at random, hundreds of them: an error or sound, but never a panic and never more frames than promised.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tributary_audio::{AudioError, Frames, open};

const FIXTURES: [&str; 8] = [
    "tones.aac",
    "tones.adpcm.wav",
    "tones.aiff",
    "tones.flac",
    "tones.m4a",
    "tones.mp3",
    "tones.no-xing.mp3",
    "tones.ogg",
];
/// Half a second of sound damaged in a few bytes cannot become an hour.
const FRAMES_MAX: u64 = 1 << 28;

fn read_to_end(path: &Path) -> Result<(), AudioError> {
    let mut frames = open(path)?;
    let shape = frames.shape();
    let mut block = vec![Vec::new(); usize::from(shape.channels)];
    let mut given = 0;
    loop {
        block.iter_mut().for_each(Vec::clear);
        let more = frames.read(&mut block, 4_096)? as u64;
        given += more;
        assert!(given <= shape.frames);
        if more == 0 {
            assert_eq!(given, shape.frames, "a clean end is the promised end");
            return Ok(());
        }
        assert!(given <= FRAMES_MAX);
        assert!(block.iter().flatten().all(|sample| sample.is_finite()));
    }
}

/// What happens to a file on its way.
#[derive(Clone, Debug)]
enum Damage {
    Byte { at: f64, value: u8 },
    Run { at: f64, bytes: Vec<u8> },
    Cut { at: f64 },
    Lost { at: f64, count: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    // Headers stand at the front, and in MP4 at the back: most of the harm is done there.
    let place = prop_oneof![0.0..0.02, 0.0..1.0, 0.88..1.0];
    let place = place.boxed();
    prop_oneof![
        4 => (place.clone(), any::<u8>()).prop_map(|(at, value)| Damage::Byte { at, value }),
        3 => (place.clone(), prop::collection::vec(prop_oneof![Just(0u8), Just(255u8), any::<u8>()], 1..16))
            .prop_map(|(at, bytes)| Damage::Run { at, bytes }),
        1 => place.clone().prop_map(|at| Damage::Cut { at }),
        1 => (place, 1usize..200).prop_map(|(at, count)| Damage::Lost { at, count }),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: f64| ((at * bytes.len() as f64) as usize).min(bytes.len().saturating_sub(1));
    match damage {
        _ if bytes.is_empty() => {}
        Damage::Byte { at, value } => {
            let at = place(*at);
            bytes[at] = *value;
        }
        Damage::Run { at, bytes: run } => {
            let at = place(*at);
            let end = bytes.len().min(at + run.len());
            bytes[at..end].copy_from_slice(&run[..end - at]);
        }
        Damage::Cut { at } => bytes.truncate(place(*at)),
        Damage::Lost { at, count } => {
            let at = place(*at);
            bytes.drain(at..bytes.len().min(at + count));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn no_damage_makes_a_panic(fixture in 0..FIXTURES.len(), damages in prop::collection::vec(damage(), 1..6)) {
        let name = FIXTURES[fixture];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let mut bytes = std::fs::read(path).unwrap();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let _ = read_to_end(&path);
    }

    #[test]
    fn no_damage_of_a_wav_header_makes_a_panic(damages in prop::collection::vec((0usize..80, any::<u8>()), 1..12)) {
        let audio = crate::signal::tones(44_100, 300, &[(0.5, 440.0), (0.5, 441.0), (0.5, 442.0)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.wav");
        let mut writer = tributary_audio::WavWriter::create(&path, audio.shape()).unwrap();
        tributary_audio::frames::copy(&mut audio.into_frames(), &mut writer).unwrap();
        drop(writer);
        let mut bytes = std::fs::read(&path).unwrap();
        damages.iter().for_each(|&(at, value)| bytes[at] = value);
        std::fs::write(&path, bytes).unwrap();
        let _ = read_to_end(&path);
    }
}

//! Real songs through the real server: the figures of the model's card, as people get them. Needs
//! TRIBUTARY_TEST_DATA.

use std::path::{Path, PathBuf};
use tributary_audio::measure::{residual_db, sdr_db};
use tributary_audio::{Audio, AudioFrames};
use tributary_protocol::client::JobState;
use tributary_protocol::vocab::Credits;
use tributary_tests::stage::{Stage, Take};
use tributary_tests::{files, signal};

const STEMS: [&str; 4] = ["vocals", "drums", "bass", "other"];
/// What chunks may cost against the whole song as one, which the figures below are.
const CHUNKING_DB: f64 = 0.3;

/// A song, and the SDR in dB of each stem in the order of [`STEMS`], as one chunk, from the model's training.
const SONGS: [(&str, [f64; 4]); 2] =
    [("sodium", [1.28, 4.77, 0.91, -7.93]), ("lithium", [1.89, 5.57, 6.83, 0.94])];

#[expect(clippy::print_stdout, reason = "a test says what it left out")]
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("TRIBUTARY_TEST_DATA").map(PathBuf::from).filter(|path| path.is_dir());
    if data.is_none() {
        println!("left out: SDR of real songs through the server (TRIBUTARY_TEST_DATA names no folder)");
    }
    data
}

fn load(folder: &Path, name: &str) -> Audio {
    files::read(&folder.join(format!("{name}.flac"))).unwrap()
}

fn interleaved(audio: &Audio) -> Vec<f32> {
    (0..audio.frames()).flat_map(|frame| audio.channels.iter().map(move |channel| channel[frame])).collect()
}

fn frames(audio: &Audio) -> AudioFrames {
    audio.clone().into_frames()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_songs_come_back_as_well_separated_as_the_models_card_says() {
    let Some(data) = data() else { return };
    let stage = Stage::new().await.unwrap();
    println!("{:8} {:8} {:>8} {:>8} {:>8}", "song", "stem", "card dB", "SDR dB", "gain dB");
    for (song, card) in SONGS {
        let folder = data.join("audio/separation").join(song);
        let mixture = load(&folder, "mixture");
        let (samples, shape) = (interleaved(&mixture), mixture.shape());
        let file = stage.folder.path().join(song);
        let header = signal::write_canonical(&file, &samples, shape.channels, shape.rate_hz).unwrap();
        let job = stage.separate(&Take { file, header, samples }).await.unwrap();
        assert_eq!((job.state, job.captured), (JobState::Done, Credits(1)), "{job:?}");
        assert!(job.chunks > 1, "30 s are more than one chunk");
        let mut stems = Vec::new();
        for (stem, card_db) in STEMS.iter().zip(card) {
            let channels = files::planar(&stage.stem(&job, stem).await.unwrap(), shape.channels);
            let estimate = Audio { channels, rate_hz: shape.rate_hz };
            let truth = load(&folder, stem);
            let db = sdr_db(&mut frames(&truth), &mut frames(&estimate)).unwrap();
            let base_db = sdr_db(&mut frames(&truth), &mut frames(&mixture)).unwrap();
            println!("{song:8} {stem:8} {card_db:8.2} {db:8.2} {:+8.2}", db - base_db);
            assert!(db >= card_db - CHUNKING_DB, "{song} {stem}: {db:.2} dB, the card says {card_db}");
            assert!(db > base_db, "{song} {stem}: the mixture itself is nearer to the stem");
            stems.push(frames(&estimate));
        }
        let mut parts: Vec<&mut dyn tributary_audio::Frames> =
            stems.iter_mut().map(|stem| stem as _).collect();
        let residual = residual_db(&mut frames(&mixture), &mut parts).unwrap();
        println!("{song:8} the stems sum to the mixture to {residual:.1} dB");
        assert!(residual < -90.0, "{song}: {residual}");
    }
    stage.audit().await.unwrap();
}

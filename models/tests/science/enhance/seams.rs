//! Segments against one piece.

use super::measures::agreement_db;
use super::{NETWORKS, WHOLE, enhance, recording, speech};
use tributary_audio::Audio;
use tributary_models::pipeline::enhance::Segments;

#[test]
#[ignore]
fn measure_warm_up() {
    let Some(noisy) = recording("dfn_noisy_snr0.wav") else { return };
    let more = recording("p232_003_noisy.wav").unwrap();
    let mut frames = noisy.channels[0].clone();
    let mut r = tributary_audio::Resampler::new(Box::new(more.into_frames()), 48_000).unwrap();
    frames.extend(Audio::read_all(&mut r, u64::MAX).unwrap().channels.remove(0));
    frames.extend_from_slice(&noisy.channels[0].clone());
    let audio = Audio { channels: vec![frames], rate_hz: 48_000 };
    println!("{} s", audio.shape().seconds());
    for name in NETWORKS {
        let whole = speech(&enhance(name).unwrap().with_segments(WHOLE), &audio).remove(0);
        for warm_hops in [25, 50, 100, 200, 300, 500, 800] {
            let pipeline = enhance(name).unwrap().with_segments(Segments { segment_hops: 160, warm_hops });
            let cut = speech(&pipeline, &audio).remove(0);
            let worst = (0..whole.len() / 76_800)
                .map(|k| (agreement_db(&whole[k * 76_800..][..76_800], &cut[k * 76_800..][..76_800])))
                .fold(f64::INFINITY, f64::min);
            println!("{name} {warm_hops}: {:.1} dB, worst segment {worst:.1}", agreement_db(&whole, &cut));
        }
    }
}

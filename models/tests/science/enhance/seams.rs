//! Segments against one piece: what goes on from segment to segment is all that the network remembers.

use super::measures::agreement_db;
use super::{NETWORKS, WHOLE, enhance, recording, speech};
use tributary_audio::{Audio, Resampler};
use tributary_models::{Ask, Pipeline};

/// 28 s at 48 kHz: two noisy recordings and a part of the first again.
fn long_and_noisy() -> Option<Audio> {
    let first = recording("dfn_noisy_snr0.wav")?;
    let mut source =
        Resampler::new(Box::new(recording("p232_003_noisy.wav")?.into_frames()), 48_000).unwrap();
    let second = Audio::read_all(&mut source, u64::MAX).unwrap();
    let frames = [&first.channels[0][..], &second.channels[0], &first.channels[0]].concat();
    Some(Audio { channels: vec![frames], rate_hz: 48_000 })
}

#[test]
fn segments_of_any_length_are_one_piece() {
    let Some(audio) = long_and_noisy() else { return };
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        let whole = speech(&pipeline.with_segment_hops(WHOLE), &audio).remove(0);
        for segment_hops in [3, 160, 333] {
            let pipeline = enhance(name).unwrap().with_segment_hops(segment_hops);
            let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
            assert!(plan.chunks >= 5, "{name}: {} chunks", plan.chunks);
            let cut = speech(&pipeline, &audio).remove(0);
            assert_eq!((cut.len(), whole.len()), (audio.frames(), audio.frames()));
            let db = agreement_db(&whole, &cut);
            println!("{name}, segments of {segment_hops} hops: {db:.1} dB from one piece");
            // Asked for are 60.
            assert!(db > 90.0, "{name} {segment_hops}: {db}");
        }
    }
}

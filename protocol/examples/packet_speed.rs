//! How fast samples are packed and unpacked: `cargo run --release -p tributary-protocol --example packet_speed`.
//! A chord with noise stands in for music; figures are canonical bytes a second on one core.

use std::hint::black_box;
use std::time::Instant;
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::packet::{Decoder, Encoder, Encoding};

const PACKETS: usize = 400;

fn main() {
    let canonical = chord(PACKET_CANONICAL_BYTES_MAX / 4);
    for wanted in [Encoding::F32Raw, Encoding::F32SplitZstd] {
        let (mut encoder, mut decoder, mut unpacked) = (Encoder::new(), Decoder::new(), Vec::new());
        let (encoding, payload) = encoder.encode(wanted, &canonical).expect("a full packet can be packed");
        let packing = rate(|| drop(black_box(encoder.encode(wanted, black_box(&canonical)))));
        let unpacking = rate(|| {
            decoder
                .decode(encoding, canonical.len(), black_box(&payload), &mut unpacked)
                .expect("what was packed can be unpacked");
        });
        let share = 100.0 * payload.len() as f64 / canonical.len() as f64;
        eprintln!("{encoding:?}: {share:.1} % of raw, pack {packing:.0} MB/s, unpack {unpacking:.0} MB/s");
    }
}

fn rate(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..PACKETS {
        work();
    }
    (PACKETS * PACKET_CANONICAL_BYTES_MAX) as f64 / began.elapsed().as_secs_f64() / 1e6
}

fn chord(samples: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..samples)
        .flat_map(|frame| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let tone = |hz: f32| (frame as f32 * hz * std::f32::consts::TAU / 44_100.0).sin();
            (0.2 * (tone(220.0) + tone(277.2) + tone(329.6)) + 0.01 * noise).to_le_bytes()
        })
        .collect()
}

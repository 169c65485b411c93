//! Packing is lossless for every bit pattern, and no payload, however hostile, takes memory or passes for another.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use proptest::prelude::*;
use tributary_protocol::limits::{PACKET_CANONICAL_BYTES_MAX, PACKET_PAYLOAD_BYTES_MAX};
use tributary_protocol::packet::{Decoder, Encoder, Encoding, PacketError};
use tributary_protocol::v1;

const BOTH: [Encoding; 2] = [Encoding::F32Raw, Encoding::F32SplitZstd];

fn check_round_trip(canonical: &[u8]) {
    for wanted in BOTH {
        let (encoding, payload) = Encoder::new().encode(wanted, canonical).unwrap();
        assert!(payload.len() <= canonical.len(), "{wanted:?} never grows");
        let mut unpacked = vec![7; 3];
        Decoder::new().decode(encoding, canonical.len(), &payload, &mut unpacked).unwrap();
        assert!(unpacked == canonical, "{wanted:?} of {} bytes", canonical.len());
    }
}

fn sine_bytes(frames: usize) -> Vec<u8> {
    (0..frames).flat_map(|frame| (0.3 * (frame as f32 * 0.05).sin()).to_le_bytes()).collect()
}

fn decode(encoding: Encoding, canonical_bytes: usize, payload: &[u8]) -> Result<Vec<u8>, PacketError> {
    let mut canonical = Vec::new();
    Decoder::new().decode(encoding, canonical_bytes, payload, &mut canonical)?;
    assert_eq!(canonical.len(), canonical_bytes);
    Ok(canonical)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_samples_come_back_bit_by_bit(bits in prop::collection::vec(any::<u32>(), 1..3000)) {
        let canonical: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        check_round_trip(&canonical);
    }

    #[test]
    fn any_payload_is_refused_or_exactly_as_long_as_it_says(
        payload in prop::collection::vec(any::<u8>(), 0..4000),
        samples in 1_usize..2000,
    ) {
        for encoding in BOTH {
            let _ = decode(encoding, samples * 4, &payload);
        }
    }

    #[test]
    fn a_changed_payload_is_refused_or_exactly_as_long_as_it_says(
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let canonical = sine_bytes(4096);
        let (encoding, mut payload) = Encoder::new().encode(Encoding::F32SplitZstd, &canonical).unwrap();
        let at = at.index(payload.len());
        payload[at] ^= flip;
        let _ = decode(encoding, canonical.len(), &payload);
    }
}

#[test]
fn one_sample_and_a_full_packet_come_back() {
    check_round_trip(&[1, 2, 3, 4]);
    check_round_trip(&sine_bytes(PACKET_CANONICAL_BYTES_MAX / 4));
    check_round_trip(&vec![0; PACKET_CANONICAL_BYTES_MAX]);
}

#[test]
fn nan_payloads_infinities_and_minus_zero_survive() {
    let bits = [0x7fc0_0001_u32, 0xffc1_2345, 0x7f80_0001, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 1];
    let canonical: Vec<u8> = bits.iter().cycle().take(7000).flat_map(|bits| bits.to_le_bytes()).collect();
    check_round_trip(&canonical);
}

#[test]
fn music_gets_shorter_and_noise_is_sent_as_it_is() {
    let sine = sine_bytes(65_536);
    let (encoding, payload) = Encoder::new().encode(Encoding::F32SplitZstd, &sine).unwrap();
    assert_eq!(encoding, Encoding::F32SplitZstd);
    assert!(payload.len() < sine.len() * 9 / 10, "{} of {}", payload.len(), sine.len());

    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(65_536)
    .collect();
    let (encoding, payload) = Encoder::new().encode(Encoding::F32SplitZstd, &noise).unwrap();
    assert_eq!((encoding, payload), (Encoding::F32Raw, noise));
}

#[test]
fn a_reused_packer_gives_what_a_fresh_one_gives() {
    let (mut encoder, mut decoder, mut unpacked) = (Encoder::new(), Decoder::new(), Vec::new());
    for frames in [65_536, 1, 300, 65_536] {
        let canonical = sine_bytes(frames);
        let (encoding, payload) = encoder.encode(Encoding::F32SplitZstd, &canonical).unwrap();
        assert_eq!(
            Encoder::new().encode(Encoding::F32SplitZstd, &canonical).unwrap(),
            (encoding, payload.clone())
        );
        let _ = decoder.decode(Encoding::F32SplitZstd, 400, b"nothing of ours", &mut unpacked);
        decoder.decode(encoding, canonical.len(), &payload, &mut unpacked).unwrap();
        assert!(unpacked == canonical);
    }
}

#[test]
fn sizes_beyond_the_limit_and_parts_of_samples_are_refused_by_both_sides() {
    for bytes in [0, 1, 3, 5, PACKET_CANONICAL_BYTES_MAX + 1, PACKET_CANONICAL_BYTES_MAX + 4] {
        for encoding in BOTH {
            let packed = Encoder::new().encode(encoding, &vec![0; bytes]);
            assert!(matches!(packed, Err(PacketError::CanonicalSize(found)) if found == bytes));
            let unpacked = decode(encoding, bytes, &[0; 16]);
            assert!(matches!(unpacked, Err(PacketError::CanonicalSize(found)) if found == bytes));
        }
    }
    assert!(matches!(decode(Encoding::F32Raw, usize::MAX - 3, &[]), Err(PacketError::CanonicalSize(_))));
    let long = vec![0; PACKET_PAYLOAD_BYTES_MAX + 1];
    for encoding in BOTH {
        assert!(matches!(decode(encoding, 4, &long), Err(PacketError::PayloadSize(_))));
    }
}

#[test]
fn a_payload_longer_or_shorter_than_it_says_is_refused() {
    let canonical = sine_bytes(1000);
    for wanted in BOTH {
        let (encoding, payload) = Encoder::new().encode(wanted, &canonical).unwrap();
        for says in [canonical.len() - 4, canonical.len() + 4, 4] {
            assert!(matches!(decode(encoding, says, &payload), Err(PacketError::Damaged { .. })), "{says}");
        }
        let short = &payload[..payload.len() - 1];
        assert!(matches!(decode(encoding, canonical.len(), short), Err(PacketError::Damaged { .. })));
    }
}

#[test]
fn a_bomb_is_refused() {
    // 256 MiB of zeros in some kilobytes: well within the payload's limit.
    let bomb = zstd::bulk::compress(&vec![0; 1 << 28], 3).unwrap();
    assert!(bomb.len() < PACKET_PAYLOAD_BYTES_MAX);
    for says in [4, PACKET_CANONICAL_BYTES_MAX] {
        assert!(matches!(decode(Encoding::F32SplitZstd, says, &bomb), Err(PacketError::Damaged { .. })));
    }
}

#[test]
fn many_small_frames_that_swell_together_are_refused() {
    let frame = zstd::bulk::compress(&[0; 4096], 1).unwrap();
    let frames: Vec<u8> = frame.iter().copied().cycle().take(frame.len() * 1000).collect();
    assert!(frames.len() < PACKET_PAYLOAD_BYTES_MAX);
    let says = PACKET_CANONICAL_BYTES_MAX;
    assert!(matches!(decode(Encoding::F32SplitZstd, says, &frames), Err(PacketError::Damaged { .. })));
}

#[test]
fn the_numbers_are_those_of_the_wire() {
    assert_eq!(Encoding::F32Raw.number(), v1::Encoding::F32Raw as i32);
    assert_eq!(Encoding::F32SplitZstd.number(), v1::Encoding::F32SplitZstd as i32);
    for number in [i32::MIN, -1, 0, 3, i32::MAX] {
        assert_eq!(Encoding::from_number(number), None);
    }
}

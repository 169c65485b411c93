//! How good it is, on recordings whose clean voice is known, and how it compares with other programs.

use super::measures::{agreement_db, cpu_seconds, si_sdr_db};
use super::{NETWORKS, WHOLE, enhance, recording, speech};
use nnnoiseless::DenoiseState;

const RATE: usize = 48_000;

#[test]
fn deepfilternet3_reaches_the_ratio_of_the_official_program_and_sounds_as_it_does() {
    let (Some(pipeline), Some(noisy)) = (enhance("deepfilternet3"), recording("dfn_noisy_snr0.wav")) else {
        return;
    };
    let clean = recording("dfn_clean.wav").unwrap();
    let official = recording("dfn_official_enhanced.wav").unwrap();
    for (what, pipeline) in [
        ("in segments", pipeline),
        ("in one piece", enhance("deepfilternet3").unwrap().with_segment_hops(WHOLE)),
    ] {
        let ours = speech(&pipeline, &noisy).remove(0);
        let before = si_sdr_db(&clean.channels[0], &noisy.channels[0]);
        let after = si_sdr_db(&clean.channels[0], &ours);
        let theirs = &official.channels[0];
        let agreement = agreement_db(&theirs[RATE..], &ours[RATE..theirs.len()]);
        println!(
            "deepfilternet3 {what}: SI-SDR {before:.2} dB in, {after:.2} dB out; agreement {agreement:.1} dB"
        );
        assert!(after >= 20.0 && agreement >= 45.0);
    }
}

#[test]
fn rnnoise_is_the_frame_loop_of_its_crate() {
    let noisy = crate::signals::noise(1, 3 * RATE + 77, RATE as u32);
    let ours = speech(&enhance("rnnoise").unwrap().with_segment_hops(WHOLE), &noisy).remove(0);
    let mut state = DenoiseState::new();
    let mut theirs = Vec::new();
    let mut padded: Vec<f32> = noisy.channels[0].iter().map(|x| x * 32_768.0).collect();
    padded.resize(noisy.frames().div_ceil(480) * 480 + 480, 0.0);
    for hop in padded.chunks_exact(480) {
        let mut out = [0.0; 480];
        state.process_frame(&mut out, hop);
        theirs.extend(out.map(|x| x / 32_768.0));
    }
    assert_eq!(ours, theirs[480..480 + noisy.frames()]);
}

#[test]
fn every_network_makes_real_recordings_better() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        for (noisy, clean) in [
            ("dfn_noisy_snr0.wav", "dfn_clean.wav"),
            ("p232_003_noisy.wav", "p232_003_clean.wav"),
            ("p232_005_noisy.wav", "p232_005_clean.wav"),
        ] {
            let (Some(audio), Some(clean)) = (recording(noisy), recording(clean)) else { return };
            let started = cpu_seconds();
            let ours = speech(&pipeline, &audio).remove(0);
            let speed = (cpu_seconds() - started) / audio.shape().seconds();
            let before = si_sdr_db(&clean.channels[0], &audio.channels[0]);
            let after = si_sdr_db(&clean.channels[0], &ours);
            println!(
                "{name} {noisy}: SI-SDR {before:.2} -> {after:.2} dB, {speed:.3} CPU s a second of sound"
            );
            assert!(after > before, "{name} {noisy}");
        }
    }
}

//! How good it is, on recordings whose clean voice is known, and how it compares with other programs.

use super::measures::{agreement_db, cpu_seconds, si_sdr_db};
use super::{NETWORKS, WHOLE, enhance, recording, speech};
use nnnoiseless::DenoiseState;
use tributary_audio::{Audio, Resampler};
use tributary_models::session::{Input, Session, SessionOptions};

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
    let scores = dnsmos();
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
            if let Some(scores) = &scores {
                let [before, after] =
                    [&audio.channels[0], &ours].map(|frames| scores.of(frames, audio.rate_hz));
                println!("{name} {noisy}: DNSMOS overall {before:.2} -> {after:.2}");
                assert!(after > before, "{name} {noisy}");
            }
        }
    }
}

/// DNSMOS (Reddy, Gopal & Cutler 2022, "DNSMOS P.835"): how people would rate the sound overall, 1 to 5.
struct Dnsmos(std::cell::RefCell<Session>);

fn dnsmos() -> Option<Dnsmos> {
    let path = crate::signals::test_data("DNSMOS")?.join("models/dnsmos/sig_bak_ovr.onnx");
    let onnx = std::fs::read(path).ok()?;
    let session = Session::load("dnsmos", &[("net", &onnx)], SessionOptions::default()).unwrap();
    Some(Dnsmos(session.into()))
}

impl Dnsmos {
    fn of(&self, frames: &[f32], rate_hz: u32) -> f64 {
        let audio = Audio { channels: vec![frames.to_vec()], rate_hz };
        let mut source = Resampler::new(Box::new(audio.into_frames()), 16_000).unwrap();
        let at_rate = Audio::read_all(&mut source, u64::MAX).unwrap().channels.remove(0);
        // The network hears 9.01 s; what is shorter is repeated, of what is longer this hears the start.
        let heard: Vec<f32> = at_rate.iter().cycle().take(144_160).copied().collect();
        let input = Input { name: "input_1", shape: &[1, 144_160], data: &heard };
        let raw = self.0.borrow_mut().run("net", &[input], &["Identity:0"]).unwrap().remove(0).data;
        // The publisher's fit of the overall score.
        let overall = f64::from(raw[2]);
        -0.067_662_83 * overall * overall + 1.115_464_68 * overall + 0.046_025_35
    }
}

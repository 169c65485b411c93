//! Signals whose every sample is known, and how far two signals are apart. Never reads a file.

use tributary_audio::{Audio, Frames};

/// One sine a channel, `(level, hertz)`.
pub(crate) fn tones(rate_hz: u32, frames: usize, sines: &[(f64, f64)]) -> Audio {
    let channels = sines
        .iter()
        .map(|&(level, hertz)| {
            let step = std::f64::consts::TAU * hertz / f64::from(rate_hz);
            (0..frames).map(|frame| (level * (step * frame as f64).sin()) as f32).collect()
        })
        .collect();
    Audio { channels, rate_hz }
}

/// White noise within ±`level`, the same for the same seed (xorshift64*, Vigna 2016).
pub(crate) fn noise(channels: usize, frames: usize, rate_hz: u32, level: f32, seed: u64) -> Audio {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        (bits as f32 / 8_388_608.0 - 1.0) * level
    };
    let channels = (0..channels).map(|_| (0..frames).map(|_| next()).collect()).collect();
    Audio { channels, rate_hz }
}

/// Everything a source gives, and that it gives as much as it says.
pub(crate) fn collect(source: &mut dyn Frames) -> Audio {
    let audio = Audio::read_all(source, 1 << 30).unwrap();
    assert_eq!(audio.shape(), source.shape());
    assert_eq!(
        source.read(&mut vec![Vec::new(); audio.channels.len()], 1).unwrap(),
        0,
        "the end stays the end"
    );
    audio
}

/// `10 log10(sum r^2 / sum (r-e)^2)`, computed independently of the crate.
pub(crate) fn ratio_db(reference: &[f32], estimate: &[f32]) -> f64 {
    assert_eq!(reference.len(), estimate.len());
    let energy: f64 = reference.iter().map(|&r| f64::from(r).powi(2)).sum();
    let error: f64 =
        reference.iter().zip(estimate).map(|(&r, &e)| (f64::from(r) - f64::from(e)).powi(2)).sum();
    10.0 * (energy / error).log10()
}

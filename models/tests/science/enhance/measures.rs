//! Measures of enhanced speech. All in dB, over one channel.

/// Scale-invariant signal-to-distortion ratio (Le Roux, Wisdom, Erdogan & Hershey 2019), means taken out first.
pub(super) fn si_sdr_db(clean: &[f32], estimate: &[f32]) -> f64 {
    let frames = clean.len().min(estimate.len());
    let mean = |x: &[f32]| x[..frames].iter().map(|x| f64::from(*x)).sum::<f64>() / frames as f64;
    let (clean_mean, estimate_mean) = (mean(clean), mean(estimate));
    let pairs = || {
        let both = clean.iter().zip(estimate).take(frames);
        both.map(|(c, e)| (f64::from(*c) - clean_mean, f64::from(*e) - estimate_mean))
    };
    let scale = pairs().map(|(c, e)| c * e).sum::<f64>() / pairs().map(|(c, _)| c * c).sum::<f64>();
    let target: f64 = pairs().map(|(c, _)| (scale * c).powi(2)).sum();
    let distortion: f64 = pairs().map(|(c, e)| (e - scale * c).powi(2)).sum();
    10.0 * (target / distortion).log10()
}

/// How far `got` is above its difference from `reference`.
pub(super) fn agreement_db(reference: &[f32], got: &[f32]) -> f64 {
    -crate::signals::error_db(reference.iter(), got.iter())
}

/// CPU time of this process so far, seconds, of all threads; 0 where the system does not say.
pub(super) fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of proc(5): ticks in user and kernel mode, of which every Linux has 100 a second. The name in
    // field 2 may hold blanks.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: f64 =
        after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

#[test]
fn the_ratio_does_not_see_level_but_sees_noise() {
    let clean: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.1).sin()).collect();
    let louder: Vec<f32> = clean.iter().map(|x| 3.0 * x).collect();
    assert!(si_sdr_db(&clean, &louder) > 100.0);
    let noisy: Vec<f32> =
        clean.iter().enumerate().map(|(i, x)| x + 0.1 * (1 - 2 * (i as i32 % 2)) as f32).collect();
    assert!((si_sdr_db(&clean, &noisy) - 17.0).abs() < 0.1, "{}", si_sdr_db(&clean, &noisy));
}

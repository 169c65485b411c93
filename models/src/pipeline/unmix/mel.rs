//! Which bins are in which band of the mel scale: M. Slaney, "Auditory toolbox", 1998, as librosa's filter bank has it,
//! taken as a set of bins. Pure.

use crate::recipe::Spectrum;

/// Hz of one mel below the break.
const LINEAR_HZ: f64 = 200.0 / 3.0;
/// Where the scale becomes logarithmic, Hz.
const BREAK_HZ: f64 = 1_000.0;
/// 27 mels are a factor of 6.4 above the break.
const LOG_STEP: (f64, f64) = (6.4, 27.0);

fn mel_of_hz(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz / LINEAR_HZ
    } else {
        BREAK_HZ / LINEAR_HZ + (hz / BREAK_HZ).ln() / (LOG_STEP.0.ln() / LOG_STEP.1)
    }
}

fn hz_of_mel(mel: f64) -> f64 {
    let at_break = BREAK_HZ / LINEAR_HZ;
    if mel < at_break {
        mel * LINEAR_HZ
    } else {
        BREAK_HZ * ((mel - at_break) * LOG_STEP.0.ln() / LOG_STEP.1).exp()
    }
}

/// The bins of each of `bands`. The first bin and the last belong to the first band and the last, where their weight is 0.
pub(crate) fn mel_bands(rate_hz: u32, spectrum: Spectrum, bands: usize) -> Vec<Vec<usize>> {
    let (top, bins) = (f64::from(rate_hz) / 2.0, spectrum.n_fft / 2 + 1);
    let most = mel_of_hz(top);
    let edge = |i: usize| hz_of_mel(most * i as f64 / (bands + 1) as f64);
    let hz = |bin: usize| bin as f64 * f64::from(rate_hz) / spectrum.n_fft as f64;
    (0..bands)
        .map(|band| {
            let (below, above) = (edge(band), edge(band + 2));
            let is_in = |&bin: &usize| {
                let inside = hz(bin) > below && hz(bin) < above;
                inside || (band == 0 && bin == 0) || (band + 1 == bands && bin + 1 == bins)
            };
            (0..bins).filter(is_in).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First bin and bins of each band: `librosa.filters.mel(sr=44100, n_fft=2048, n_mels=60) > 0` of librosa 0.11, with
    /// the first band's first bin and the last band's last.
    #[rustfmt::skip]
    const LIBROSA: [(usize, usize); 60] = [
        (0, 7), (4, 6), (7, 6), (10, 6), (13, 6), (16, 6), (19, 6), (22, 6), (25, 6), (28, 6),
        (31, 6), (34, 6), (37, 6), (40, 6), (43, 6), (46, 7), (49, 7), (53, 7), (56, 9), (60, 9),
        (65, 9), (69, 10), (74, 10), (79, 11), (84, 13), (90, 13), (97, 13), (103, 15), (110, 16), (118, 17),
        (126, 19), (135, 20), (145, 20), (155, 22), (165, 24), (177, 26), (189, 28), (203, 29), (217, 31), (232, 33),
        (248, 36), (265, 39), (284, 41), (304, 44), (325, 47), (348, 50), (372, 54), (398, 57), (426, 61), (455, 66),
        (487, 71), (521, 76), (558, 80), (597, 86), (638, 93), (683, 99), (731, 105), (782, 113), (836, 122), (895, 130),
    ];

    #[test]
    fn the_bands_are_librosas() {
        let spectrum = Spectrum { n_fft: 2048, hop_frames: 441, normalised: false, without_dc: false };
        let bands = mel_bands(44_100, spectrum, LIBROSA.len());
        // Gathered for two channels, real and imaginary: 7916.
        assert_eq!(bands.iter().map(Vec::len).sum::<usize>() * 4, 7_916);
        let found: Vec<(usize, usize)> = bands.iter().map(|band| (band[0], band.len())).collect();
        assert_eq!(found, LIBROSA);
        assert!(bands.iter().flat_map(|band| band.windows(2)).all(|two| two[1] == two[0] + 1));
        let covered = (0..1025).all(|bin| bands.iter().any(|band| band.contains(&bin)));
        assert!(covered);
    }
}

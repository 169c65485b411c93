//! Where something is, as sines and cosines (Vaswani et al. 2017), along one axis and two. Computed in 32 bits where the
//! publisher does: a place of a thousand hears the difference.

/// Sines of `places` places, `[places][dim]`: all cosines, then all sines.
pub(super) fn line(places: usize, dim: usize, period_max: f64) -> Vec<f32> {
    let half = dim / 2;
    let mut table = Vec::with_capacity(places * dim);
    for place in 0..places {
        let angle = |pair: usize| {
            let turn = pair as f32 / half.saturating_sub(1) as f32;
            f64::from(place as f32 / period_max.powf(f64::from(turn)) as f32)
        };
        table.extend((0..half).map(|pair| angle(pair).cos() as f32));
        table.extend((0..half).map(|pair| angle(pair).sin() as f32));
    }
    table
}

/// Those of a plane, `[columns][bins][dim]`: the first half of the numbers says the column, the second the bin, sine and
/// cosine in turn.
pub(super) fn plane(columns: usize, bins: usize, dim: usize, period_max: f64) -> Vec<f32> {
    let half = dim / 2;
    let slowing = -(period_max.ln() / half as f64) as f32;
    let axis = |place: usize| {
        (0..half).map(move |at| {
            let turn = f64::from((at / 2 * 2) as f32 * slowing).exp() as f32;
            let angle = f64::from(place as f32 * turn);
            if at % 2 == 0 { angle.sin() as f32 } else { angle.cos() as f32 }
        })
    };
    let mut table = Vec::with_capacity(columns * bins * dim);
    for column in 0..columns {
        for bin in 0..bins {
            table.extend(axis(column).chain(axis(bin)));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_sines_of_falling_frequency() {
        let line = line(3, 8, 10_000.0);
        assert_eq!(line[..8], [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((f64::from(line[2 * 8]) - 2f64.cos()).abs() < 1e-7);
        assert!((f64::from(line[2 * 8 + 7]) - 2e-4).abs() < 1e-9);
        let plane = plane(2, 3, 8, 10_000.0);
        let at = |column: usize, bin: usize| &plane[(column * 3 + bin) * 8..][..8];
        assert_eq!(at(0, 0), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert!((f64::from(at(1, 2)[0]) - 1f64.sin()).abs() < 1e-7);
        assert!((f64::from(at(1, 2)[5]) - 2f64.cos()).abs() < 1e-7);
        assert!((f64::from(at(1, 2)[6]) - 0.02f64.sin()).abs() < 1e-7);
    }
}

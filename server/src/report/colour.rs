//! Our colours for levels: night blue over teal and amber to warm white, ever brighter. Nothing but a table.

/// Red, green, blue at equal distances from quiet to loud. Brightness grows along it, so that a grey print and an eye
/// that sees no red still tell louder from softer.
const ANCHORS: [[f64; 3]; 7] = [
    [13.0, 16.0, 24.0],
    [20.0, 36.0, 66.0],
    [22.0, 78.0, 110.0],
    [42.0, 134.0, 134.0],
    [150.0, 170.0, 96.0],
    [242.0, 186.0, 94.0],
    [255.0, 240.0, 214.0],
];

/// 256 colours from quiet to loud, three bytes each: the palette of a PNG.
#[must_use]
pub fn palette() -> Vec<u8> {
    (0..=u8::MAX).flat_map(|level| colour(f64::from(level) / f64::from(u8::MAX))).collect()
}

/// The colour of a level between 0 and 1.
fn colour(level: f64) -> [u8; 3] {
    let place = level.clamp(0.0, 1.0) * (ANCHORS.len() - 1) as f64;
    let above = ANCHORS.iter().enumerate().rposition(|(index, _)| index as f64 <= place).unwrap_or(0);
    let next = (above + 1).min(ANCHORS.len() - 1);
    let part = place - above as f64;
    std::array::from_fn(|channel| {
        let (low, high) = (ANCHORS[above][channel], ANCHORS[next][channel]);
        super::picture::byte(low + part * (high - low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_is_always_brighter() {
        // Rec. 709 luma.
        let luma: Vec<f64> = palette()
            .chunks(3)
            .map(|rgb| 0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2]))
            .collect();
        assert_eq!(luma.len(), 256);
        // Bytes are rounded, so neighbours may be equal or one step off; eight steps apart it must show.
        assert!(luma.windows(8).all(|pair| pair[7] > pair[0]), "{luma:?}");
    }
}

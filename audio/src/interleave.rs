//! Between bytes with channels side by side and planar samples, one block at a time. Never looks at what the samples say.

/// Appends the samples of whole frames in `bytes` (each sample `WIDTH` bytes, channels side by side) to `block`.
pub(crate) fn extend_planar<const WIDTH: usize>(
    bytes: &[u8],
    block: &mut [Vec<f32>],
    sample: impl Fn([u8; WIDTH]) -> f32 + Copy,
) {
    let stride = WIDTH * block.len();
    for (channel, out) in block.iter_mut().enumerate() {
        let at = channel * WIDTH;
        out.extend(bytes.chunks_exact(stride).map(|frame| {
            let mut one = [0; WIDTH];
            one.copy_from_slice(&frame[at..at + WIDTH]);
            sample(one)
        }));
    }
}

/// Replaces `bytes` by the frames of `block`, each sample `WIDTH` bytes, channels side by side.
pub(crate) fn write_interleaved<const WIDTH: usize>(
    block: &[&[f32]],
    bytes: &mut Vec<u8>,
    mut sample: impl FnMut(f32) -> [u8; WIDTH],
) {
    let frames = block.first().map_or(0, |channel| channel.len());
    let stride = WIDTH * block.len();
    bytes.clear();
    bytes.resize(frames * stride, 0);
    for (channel, samples) in block.iter().enumerate() {
        let at = channel * WIDTH;
        for (frame, &value) in bytes.chunks_exact_mut(stride).zip(*samples) {
            frame[at..at + WIDTH].copy_from_slice(&sample(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{extend_planar, write_interleaved};

    #[test]
    fn what_was_interleaved_comes_apart_again() {
        let planar = [vec![1.0f32, 2.0, 3.0], vec![-1.0, -2.0, -3.0]];
        let mut bytes = Vec::new();
        write_interleaved(&[&planar[0], &planar[1]], &mut bytes, f32::to_le_bytes);
        let mut back = vec![Vec::new(), Vec::new()];
        extend_planar(&bytes, &mut back, f32::from_le_bytes);
        assert_eq!(back, planar);
        assert_eq!(bytes[..4], 1.0f32.to_le_bytes());
        assert_eq!(bytes[4..8], (-1.0f32).to_le_bytes());
    }
}

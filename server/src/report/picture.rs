//! Levels as a PNG inside an address, so that a page needs no second file. Knows nothing of sound.

use super::colour;
use super::spectrogram::Spectrogram;
use anyhow::Context;
use base64::Engine;

/// `data:image/png;base64,..` of the image, one palette index a pixel.
///
/// # Errors
/// An image without pixels.
pub fn data_address(image: &Spectrogram) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let size = |pixels: usize| u32::try_from(pixels).context("an image side beyond 32 bits");
    let mut encoder = png::Encoder::new(&mut bytes, size(image.width)?, size(image.height)?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colour::palette());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().context("encode a picture")?;
    writer.write_image_data(&image.pixels).context("encode a picture")?;
    writer.finish().context("encode a picture")?;
    let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
    Ok(format!("data:image/png;base64,{text}"))
}

/// The nearest whole number from 0 to 255.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 just before")]
pub(super) fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

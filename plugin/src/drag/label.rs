//! The picture that follows the pointer: the file's name on a dark plate. Pure; knows no window.

use egui::epaint::text::{Fonts, LayoutJob, TextFormat, TextOptions, TextWrapping};
use egui::{Color32, FontDefinitions, FontFamily, FontId};
use std::sync::Arc;

/// Points; the same as the smallest text of the window.
const TEXT_POINTS: f32 = 12.0;
/// Points around the text.
const MARGIN_POINTS: f32 = 6.0;
/// Points; a longer name ends in an ellipsis.
const WIDTH_POINTS: f32 = 360.0;
/// Beyond that a screen's resolution is a mistake.
const SCALE_MAX: f32 = 4.0;
const PLATE: Color32 = Color32::from_rgb(0x1E, 0x20, 0x24);
const TEXT: Color32 = Color32::from_rgb(0xEC, 0xEE, 0xF0);

/// A picture without transparency.
pub(super) struct Label {
    /// Pixels.
    pub(super) width: u16,
    /// Pixels.
    pub(super) height: u16,
    /// Row by row from the top: `0x00RRGGBB`.
    pub(super) pixels: Vec<u32>,
}

impl Label {
    /// Draws `text` in one line. `scale`: pixels a point.
    pub(super) fn draw(text: &str, scale: f32) -> Self {
        let scale = if scale.is_finite() { scale.clamp(1.0, SCALE_MAX) } else { 1.0 };
        let mut fonts = Fonts::new(TextOptions::default(), FontDefinitions::default());
        let font = FontId::new(TEXT_POINTS, FontFamily::Proportional);
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, TEXT));
        job.wrap = TextWrapping::truncate_at_width(WIDTH_POINTS);
        let galley = fonts.layout_uncached(scale, Arc::new(job));
        let pixels = |points: f32| (points * scale).round().clamp(0.0, f32::from(u16::MAX)) as u16;
        let (width, height) =
            (pixels(galley.size().x + 2.0 * MARGIN_POINTS), pixels(galley.size().y + 2.0 * MARGIN_POINTS));
        let mut label = Self { width, height, pixels: Vec::new() };
        label.pixels.resize(usize::from(width) * usize::from(height), packed(PLATE));
        let atlas = fonts.image();
        for row in &galley.rows {
            for glyph in &row.glyphs {
                let place = (row.pos + glyph.pos.to_vec2() + glyph.uv_rect.offset) * scale;
                let corner = [place.x, place.y].map(|at| (at + MARGIN_POINTS * scale).round() as i32);
                let [from, to] = [glyph.uv_rect.min, glyph.uv_rect.max].map(|at| at.map(usize::from));
                for (y, v) in (corner[1]..).zip(from[1]..to[1].min(atlas.height())) {
                    for (x, u) in (corner[0]..).zip(from[0]..to[0].min(atlas.width())) {
                        label.blend(x, y, f32::from(atlas[(u, v)].a()) / 255.0);
                    }
                }
            }
        }
        label
    }

    fn blend(&mut self, x: i32, y: i32, cover: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < usize::from(self.width) && y < usize::from(self.height) {
            self.pixels[y * usize::from(self.width) + x] = packed(PLATE.lerp_to_gamma(TEXT, cover));
        }
    }
}

fn packed(colour: Color32) -> u32 {
    u32::from_be_bytes([0, colour.r(), colour.g(), colour.b()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_drawn_within_its_plate_at_every_scale() {
        for (text, scale) in
            [("Verse 2 - vocals.wav", 1.0), ("Strophe - gesang ü.wav", 2.0), ("", 1.5), ("a", f32::NAN)]
        {
            let label = Label::draw(text, scale);
            assert_eq!(label.pixels.len(), usize::from(label.width) * usize::from(label.height), "{text}");
            let bright = label.pixels.iter().filter(|pixel| **pixel == packed(TEXT)).count();
            assert_eq!(bright > 0, !text.is_empty(), "{text}");
            let edge = &label.pixels[..usize::from(label.width)];
            assert!(edge.iter().all(|pixel| *pixel == packed(PLATE)), "{text} leaves its margin");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_a_larger_scale_is_larger() {
        let long = Label::draw(&"a very long name ".repeat(40), 1.0);
        assert!(f32::from(long.width) <= WIDTH_POINTS + 2.0 * MARGIN_POINTS + 1.0, "{}", long.width);
        let (small, large) = (Label::draw("stem", 1.0), Label::draw("stem", 2.0));
        assert!(large.width > small.width * 3 / 2 && large.height > small.height * 3 / 2);
    }
}

//! Waveforms as one mesh a row and spectrograms as one texture a row, made again only when what they show has changed.

use super::theme;
use crate::library::{Outline, Spectrogram};
use egui::epaint::{Mesh, Vertex};
use egui::{Color32, ColorImage, Context, Painter, Pos2, Rect, Shape, TextureHandle, TextureOptions, pos2};
use std::sync::Arc;

/// The part of a sound that a row shows: its first frame (or before it) and its end, of the sound's own frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) first: f64,
    pub(crate) end: f64,
}

/// How a waveform is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ink {
    pub(crate) colour: Color32,
    /// How much higher than true, so that quiet stems can be seen.
    pub(crate) gain: f32,
}

#[derive(Clone, Copy, PartialEq)]
struct Look {
    rect: Rect,
    part: Part,
    ink: Ink,
}

struct Wave {
    of: Arc<Outline>,
    look: Look,
    mesh: Arc<Mesh>,
}

struct Spectrum {
    of: Arc<Spectrogram>,
    colour: Color32,
    texture: TextureHandle,
}

/// Pictures by row: 0 is the take, then the stems.
#[derive(Default)]
pub(crate) struct Pictures {
    waves: Vec<Option<Wave>>,
    spectra: Vec<Option<Spectrum>>,
}

/// Rows that have pictures at most: the take, and more stems than any model makes.
const ROWS_MAX: usize = 65;

fn slot<T>(rows: &mut Vec<Option<T>>, row: usize) -> &mut Option<T> {
    if rows.len() <= row {
        rows.resize_with(row + 1, || None);
    }
    &mut rows[row]
}

impl Part {
    /// In shares of a sound of so many frames.
    pub(crate) fn of(self, frames: u64) -> Self {
        let frames = frames.max(1) as f64;
        Self { first: self.first / frames, end: self.end / frames }
    }
}

impl Pictures {
    /// Draws a waveform.
    pub(crate) fn wave(
        &mut self,
        painter: &Painter,
        row: usize,
        of: &Arc<Outline>,
        rect: Rect,
        part: Part,
        ink: Ink,
    ) {
        if row >= ROWS_MAX || !painter.is_visible() {
            return;
        }
        let look = Look { rect, part, ink };
        let kept = slot(&mut self.waves, row);
        let is_same = kept.as_ref().is_some_and(|wave| Arc::ptr_eq(&wave.of, of) && wave.look == look);
        if !is_same {
            *kept = Some(Wave { of: of.clone(), look, mesh: Arc::new(mesh(of, rect, part, ink)) });
        }
        if let Some(wave) = kept {
            painter.add(Shape::Mesh(wave.mesh.clone()));
        }
    }

    /// Draws a spectrogram; `part` in shares of its length.
    pub(crate) fn spectrum(
        &mut self,
        painter: &Painter,
        row: usize,
        of: &Arc<Spectrogram>,
        rect: Rect,
        part: Part,
        colour: Color32,
    ) {
        if row >= ROWS_MAX {
            return;
        }
        let kept = slot(&mut self.spectra, row);
        let is_same = kept.as_ref().is_some_and(|seen| Arc::ptr_eq(&seen.of, of) && seen.colour == colour);
        if !is_same {
            *kept = texture(painter.ctx(), of, colour).map(|texture| Spectrum {
                of: of.clone(),
                colour,
                texture,
            });
        }
        let Some(spectrum) = kept else { return };
        let (first, end) = (part.first.max(0.0), part.end.min(1.0));
        if end <= first || part.end <= part.first {
            return;
        }
        let x = |frame: f64| {
            rect.left() + ((frame - part.first) / (part.end - part.first) * f64::from(rect.width())) as f32
        };
        let uv = Rect::from_min_max(pos2(first as f32, 0.0), pos2(end as f32, 1.0));
        let seen = Rect::from_min_max(pos2(x(first), rect.top()), pos2(x(end), rect.bottom()));
        painter.image(spectrum.texture.id(), seen, uv, Color32::WHITE);
    }
}

/// The gain at which the loudest of these fills its row: the same for all, so that they can be compared.
pub(crate) fn gain<'a>(outlines: impl Iterator<Item = &'a Arc<Outline>>) -> f32 {
    let coarse = outlines.filter_map(|outline| outline.levels.last()).flatten();
    let highest = coarse.map(|(low, high)| low.abs().max(high.abs())).filter(|level| level.is_finite());
    1.0 / highest.fold(0.0, f32::max).clamp(0.05, 1.0)
}

/// Columns of a texture at most; every graphics card takes that.
const TEXTURE_MAX: usize = 2048;

fn texture(ctx: &Context, of: &Spectrogram, colour: Color32) -> Option<TextureHandle> {
    let (width, height) = (of.width.min(TEXTURE_MAX), of.height.min(TEXTURE_MAX));
    if width == 0 || height == 0 || of.levels.len() < of.width.checked_mul(of.height)? {
        return None;
    }
    let shades: Vec<Color32> = (0..=255u8).map(|level| shade(f32::from(level) / 255.0, colour)).collect();
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        let line = &of.levels[y * of.height / height * of.width..][..of.width];
        for x in 0..width {
            let columns = x * of.width / width..((x + 1) * of.width / width).max(x * of.width / width + 1);
            let level = line[columns].iter().copied().max().unwrap_or(0);
            pixels.push(shades[usize::from(level)]);
        }
    }
    Some(ctx.load_texture("spectrogram", ColorImage::new([width, height], pixels), TextureOptions::LINEAR))
}

/// From the dark of the well through the row's colour to white.
fn shade(level: f32, colour: Color32) -> Color32 {
    // The lowest quarter is noise that nobody wants to see.
    let level = ((level - 0.25) / 0.75).clamp(0.0, 1.0);
    if level < 0.7 {
        theme::mix(theme::WELL, colour, (level / 0.7).powf(1.3))
    } else {
        theme::mix(colour, Color32::WHITE, (level - 0.7) / 0.3 * 0.8)
    }
}

/// Lowest and highest of columns `from..to` (in columns of the finest level) at the resolution that fits.
fn extremes(of: &Outline, from: f64, to: f64) -> Option<(f32, f32)> {
    let finest = of.levels.first().filter(|columns| !columns.is_empty())?;
    if to - from <= 1.0 {
        // Closer than the finest column: a line between their middles.
        let middle = ((from + to) / 2.0 - 0.5).clamp(0.0, (finest.len() - 1) as f64);
        let (index, part) = (middle as usize, middle.fract() as f32);
        let (one, two) = (finest[index], finest[(index + 1).min(finest.len() - 1)]);
        return Some((one.0 + (two.0 - one.0) * part, one.1 + (two.1 - one.1) * part));
    }
    let frame = |column: f64| (column * of.column_frames as f64) as u64;
    let (first, end) = (frame(from.max(0.0)), frame(to).min(of.frames));
    Some(of.span(first, end.max(first.saturating_add(1))))
}

/// Half of a line's soft edge, in points.
const SOFT: f32 = 0.5;

/// A filled band between lowest and highest, softened at its edges, a column a point.
fn mesh(of: &Outline, rect: Rect, part: Part, ink: Ink) -> Mesh {
    let mut mesh = Mesh::default();
    let columns = rect.width().clamp(0.0, 8_192.0) as usize;
    let per_point = (part.end - part.first) / columns.max(1) as f64;
    if of.column_frames == 0 || !per_point.is_finite() || per_point <= 0.0 {
        return mesh;
    }
    let wide = of.column_frames as f64;
    let half = rect.height() / 2.0 - 1.0;
    let place = |level: f32| {
        let level = if level.is_finite() { (level * ink.gain).clamp(-1.0, 1.0) } else { 0.0 };
        rect.center().y - level * half
    };
    mesh.reserve_vertices(columns * 4);
    mesh.reserve_triangles(columns * 6);
    let mut before: Option<u32> = None;
    for column in 0..=columns {
        let at = part.first + column as f64 * per_point;
        let found = (at >= 0.0 && at < of.frames as f64)
            .then(|| extremes(of, at / wide, (at + per_point) / wide))
            .flatten();
        let Some((low, high)) = found else {
            before = None;
            continue;
        };
        let x = rect.left() + column as f32;
        let (top, bottom) = (place(high.max(low)), place(low.min(high)));
        let (top, bottom) = if bottom - top < 1.0 { (top - 0.5, bottom + 0.5) } else { (top, bottom) };
        let first = mesh.vertices.len() as u32;
        for (y, color) in [
            (top - SOFT, Color32::TRANSPARENT),
            (top + SOFT, ink.colour),
            (bottom - SOFT, ink.colour),
            (bottom + SOFT, Color32::TRANSPARENT),
        ] {
            mesh.vertices.push(Vertex { pos: Pos2::new(x, y), uv: egui::epaint::WHITE_UV, color });
        }
        if let Some(before) = before {
            for edge in 0..3 {
                let (a, b, c, d) = (before + edge, before + edge + 1, first + edge, first + edge + 1);
                mesh.add_triangle(a, b, c);
                mesh.add_triangle(b, c, d);
            }
        }
        before = Some(first);
    }
    mesh
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;

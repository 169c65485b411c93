//! Draws egui's meshes into an image on the processor, as its renderers do on a graphics card: textured triangles,
//! clipped, blended in gamma space with premultiplied alpha. For pictures of the window without a window.

use egui::epaint::{ClippedPrimitive, Mesh, Primitive, Vertex};
use egui::{Color32, ImageData, Rect, TextureId, TexturesDelta, Vec2};
use std::collections::HashMap;

/// An image that is drawn on; premultiplied.
pub(crate) struct Canvas {
    /// Pixels.
    pub(crate) width: usize,
    /// Pixels.
    pub(crate) height: usize,
    pixels: Vec<[f32; 4]>,
}

/// The textures of one context.
#[derive(Default)]
pub(crate) struct Textures(HashMap<TextureId, Texture>);

struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
}

impl Textures {
    /// Takes in what has changed.
    pub(crate) fn change(&mut self, mut delta: TexturesDelta) {
        for (id, deltas) in delta.set.drain() {
            for delta in deltas {
                let ImageData::Color(image) = &delta.image;
                match delta.pos {
                    None => {
                        self.0.insert(id, Texture { size: image.size, pixels: image.pixels.clone() });
                    }
                    Some([left, top]) => {
                        let Some(texture) = self.0.get_mut(&id) else { continue };
                        for (y, row) in image.pixels.chunks(image.size[0]).enumerate() {
                            let at = (top + y) * texture.size[0] + left;
                            texture.pixels[at..at + row.len()].copy_from_slice(row);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.0.remove(&id);
        }
    }
}

impl Texture {
    /// Bilinear, clamped at the edges.
    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let [width, height] = self.size;
        let x = (u * width as f32 - 0.5).clamp(0.0, (width - 1) as f32);
        let y = (v * height as f32 - 0.5).clamp(0.0, (height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
        let (part_x, part_y) = (x - left as f32, y - top as f32);
        let at = |x: usize, y: usize| self.pixels[y * width + x].to_array().map(f32::from);
        let upper = blend(at(left, top), at(right, top), part_x);
        let lower = blend(at(left, bottom), at(right, bottom), part_x);
        blend(upper, lower, part_y).map(|value| value / 255.0)
    }
}

fn blend(one: [f32; 4], two: [f32; 4], part: f32) -> [f32; 4] {
    std::array::from_fn(|index| one[index] + (two[index] - one[index]) * part)
}

/// One triangle on its way to the pixels: vertices, their texture, and the scale.
struct Triangle<'a> {
    corners: [Vertex; 3],
    texture: &'a Texture,
    clip: Rect,
    scale: f32,
    /// The one texel of a triangle without a picture.
    texel: Option<[f32; 4]>,
}

impl Canvas {
    /// Black.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0, 0.0, 0.0, 1.0]; width * height] }
    }

    /// Draws everything, `scale` pixels a point.
    pub(crate) fn draw(&mut self, primitives: &[ClippedPrimitive], textures: &Textures, scale: f32) {
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            self.mesh(mesh, *clip_rect, textures, scale);
        }
    }

    fn mesh(&mut self, mesh: &Mesh, clip: Rect, textures: &Textures, scale: f32) {
        let Some(texture) = textures.0.get(&mesh.texture_id) else { return };
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [triangle[0], triangle[1], triangle[2]].map(|index| mesh.vertices[index as usize]);
            let uv = corners[0].uv;
            let texel = corners.iter().all(|corner| corner.uv == uv).then(|| texture.sample(uv.x, uv.y));
            self.triangle(&Triangle { corners, texture, clip, scale, texel });
        }
    }

    fn triangle(&mut self, triangle: &Triangle<'_>) {
        let [a, b, c] = triangle.corners.map(|corner| corner.pos.to_vec2() * triangle.scale);
        let area = cross(b - a, c - a);
        if area.abs() < 1e-6 {
            return;
        }
        let clip = Rect::from_min_max(
            (triangle.clip.min * triangle.scale).round(),
            (triangle.clip.max * triangle.scale).round(),
        );
        let within = |low: f32, high: f32, least: f32, most: f32, size: usize| {
            let first = low.max(least).floor().max(0.0) as usize;
            (first, (high.min(most).ceil().max(0.0) as usize).min(size))
        };
        let (left, right) =
            within(a.x.min(b.x).min(c.x), a.x.max(b.x).max(c.x), clip.left(), clip.right(), self.width);
        let (top, bottom) =
            within(a.y.min(b.y).min(c.y), a.y.max(b.y).max(c.y), clip.top(), clip.bottom(), self.height);
        for y in top..bottom {
            for x in left..right {
                let at = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
                let weights = [cross(b - at, c - at), cross(c - at, a - at), cross(a - at, b - at)]
                    .map(|part| part / area);
                // A pixel on an edge between two triangles belongs to one of them.
                let corners = [(b, c), (c, a), (a, b)];
                let is_inside = weights.iter().zip(corners).all(|(weight, (from, to))| {
                    *weight > 0.0 || (*weight == 0.0 && owns_edge((to - from) * area.signum()))
                });
                if is_inside {
                    self.pixel(y * self.width + x, triangle, weights);
                }
            }
        }
    }

    fn pixel(&mut self, at: usize, triangle: &Triangle<'_>, weights: [f32; 3]) {
        let mix = |value: fn(&Vertex) -> f32| -> f32 {
            triangle.corners.iter().zip(weights).map(|(corner, weight)| value(corner) * weight).sum()
        };
        let texel = triangle
            .texel
            .unwrap_or_else(|| triangle.texture.sample(mix(|corner| corner.uv.x), mix(|corner| corner.uv.y)));
        let colour = [
            mix(|corner| f32::from(corner.color.r())),
            mix(|corner| f32::from(corner.color.g())),
            mix(|corner| f32::from(corner.color.b())),
            mix(|corner| f32::from(corner.color.a())),
        ];
        let source: [f32; 4] = std::array::from_fn(|index| colour[index] / 255.0 * texel[index]);
        let target = self.pixels[at];
        self.pixels[at] = std::array::from_fn(|index| source[index] + target[index] * (1.0 - source[3]));
    }

    /// Red, green, blue, eight bits each.
    pub(crate) fn rgb(&self) -> Vec<u8> {
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        self.pixels.iter().flat_map(|pixel| [byte(pixel[0]), byte(pixel[1]), byte(pixel[2])]).collect()
    }
}

fn owns_edge(edge: Vec2) -> bool {
    edge.y > 0.0 || (edge.y == 0.0 && edge.x < 0.0)
}

fn cross(a: Vec2, b: Vec2) -> f32 {
    a.x * b.y - a.y * b.x
}

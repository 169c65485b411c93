//! The window's signs, painted as shapes: no font has to have them, and they are sharp at every scale.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use std::f32::consts::TAU;

/// What a sign means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Record,
    Play,
    Stop,
    Loop,
    Grip,
    Gear,
    Plus,
    Cross,
    Down,
    Right,
    Folder,
    Bin,
    Pencil,
    Clock,
    Warning,
    Check,
    Side,
    File,
    Again,
    Fit,
}

/// Paints it, `side` points wide and high around `centre`.
pub(crate) fn paint(painter: &Painter, icon: Icon, centre: Pos2, side: f32, colour: Color32) {
    let half = side / 2.0;
    let at = |x: f32, y: f32| centre + vec2(x, y) * half;
    let pen = Stroke::new((side / 10.0).max(1.25), colour);
    let line = |points: &[(f32, f32)]| {
        painter.add(Shape::line(points.iter().map(|(x, y)| at(*x, *y)).collect(), pen));
    };
    let fill = |points: &[(f32, f32)]| {
        let points = points.iter().map(|(x, y)| at(*x, *y)).collect();
        painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
    };
    match icon {
        Icon::Record => {
            painter.circle_filled(centre, half * 0.75, colour);
        }
        Icon::Play => fill(&[(-0.6, -0.85), (0.85, 0.0), (-0.6, 0.85)]),
        Icon::Stop => fill(&[(-0.65, -0.65), (0.65, -0.65), (0.65, 0.65), (-0.65, 0.65)]),
        Icon::Loop => {
            arc(painter, centre, half * 0.8, (-0.1, 0.72), pen);
            let tip = centre + Vec2::angled(-0.1 * TAU) * half * 0.8;
            arrow_head(painter, tip, vec2(0.35, -0.9), half * 0.62, colour);
        }
        Icon::Again => {
            arc(painter, centre, half * 0.8, (-0.2, 0.62), pen);
            let tip = centre + Vec2::angled(-0.2 * TAU) * half * 0.8;
            arrow_head(painter, tip, vec2(-0.9, -0.35), half * 0.62, colour);
        }
        Icon::Grip => {
            for (x, y) in [(-0.4, -0.75), (0.4, -0.75), (-0.4, 0.0), (0.4, 0.0), (-0.4, 0.75), (0.4, 0.75)] {
                painter.circle_filled(at(x, y), (half * 0.2).max(1.2), colour);
            }
        }
        Icon::Gear => gear(painter, centre, half, pen),
        Icon::Plus => {
            line(&[(-0.7, 0.0), (0.7, 0.0)]);
            line(&[(0.0, -0.7), (0.0, 0.7)]);
        }
        Icon::Cross => {
            line(&[(-0.6, -0.6), (0.6, 0.6)]);
            line(&[(-0.6, 0.6), (0.6, -0.6)]);
        }
        Icon::Down => line(&[(-0.6, -0.3), (0.0, 0.35), (0.6, -0.3)]),
        Icon::Right => line(&[(-0.3, -0.6), (0.35, 0.0), (-0.3, 0.6)]),
        Icon::Check => line(&[(-0.65, 0.05), (-0.15, 0.55), (0.7, -0.5)]),
        Icon::Warning => {
            line(&[(0.0, -0.8), (0.9, 0.75), (-0.9, 0.75), (0.0, -0.8), (0.05, -0.7)]);
            line(&[(0.0, -0.25), (0.0, 0.25)]);
            painter.circle_filled(at(0.0, 0.5), pen.width * 0.6, colour);
        }
        Icon::Clock => {
            painter.circle_stroke(centre, half * 0.85, pen);
            line(&[(0.0, -0.5), (0.0, 0.05), (0.35, 0.3)]);
        }
        Icon::Fit => {
            line(&[(-0.5, -0.5), (-0.95, 0.0), (-0.5, 0.5)]);
            line(&[(0.5, -0.5), (0.95, 0.0), (0.5, 0.5)]);
            line(&[(-0.9, 0.0), (0.9, 0.0)]);
        }
        Icon::Side | Icon::Folder | Icon::File | Icon::Bin | Icon::Pencil => thing(icon, line),
    }
}

/// Signs that are lines only.
fn thing(icon: Icon, line: impl Fn(&[(f32, f32)])) {
    match icon {
        Icon::Side => {
            line(&[(-0.9, -0.7), (0.9, -0.7), (0.9, 0.7), (-0.9, 0.7), (-0.9, -0.7)]);
            line(&[(0.25, -0.7), (0.25, 0.7)]);
        }
        Icon::Folder => {
            let edge = [
                (-0.9, -0.65),
                (-0.25, -0.65),
                (0.0, -0.35),
                (0.9, -0.35),
                (0.9, 0.7),
                (-0.9, 0.7),
                (-0.9, -0.65),
            ];
            line(&edge);
        }
        Icon::File => {
            line(&[(-0.6, -0.9), (0.2, -0.9), (0.65, -0.45), (0.65, 0.9), (-0.6, 0.9), (-0.6, -0.9)]);
            line(&[(0.2, -0.9), (0.2, -0.45), (0.65, -0.45)]);
        }
        Icon::Bin => {
            line(&[(-0.8, -0.6), (0.8, -0.6)]);
            line(&[(-0.3, -0.6), (-0.3, -0.9), (0.3, -0.9), (0.3, -0.6)]);
            line(&[(-0.6, -0.6), (-0.5, 0.9), (0.5, 0.9), (0.6, -0.6)]);
        }
        _ => {
            line(&[(-0.8, 0.8), (-0.7, 0.3), (0.45, -0.85), (0.85, -0.45), (-0.3, 0.7), (-0.8, 0.8)]);
        }
    }
}

/// From and to in turns, clockwise from the right.
fn arc(painter: &Painter, centre: Pos2, radius: f32, (from, to): (f32, f32), pen: Stroke) {
    let points = (0..=20u8).map(|step| {
        let turn = from + (to - from) * f32::from(step) / 20.0;
        centre + Vec2::angled(turn * TAU) * radius
    });
    painter.add(Shape::line(points.collect(), pen));
}

fn arrow_head(painter: &Painter, tip: Pos2, way: Vec2, size: f32, colour: Color32) {
    let way = way.normalized() * size;
    let side = way.rot90() * 0.7;
    painter.add(Shape::convex_polygon(
        vec![tip + way * 0.6, tip - way * 0.4 + side, tip - way * 0.4 - side],
        colour,
        Stroke::NONE,
    ));
}

fn gear(painter: &Painter, centre: Pos2, half: f32, pen: Stroke) {
    painter.circle_stroke(centre, half * 0.6, pen);
    painter.circle_filled(centre, half * 0.2, pen.color);
    for tooth in 0..8u8 {
        let way = Vec2::angled(f32::from(tooth) / 8.0 * TAU);
        painter.line_segment(
            [centre + way * half * 0.6, centre + way * half * 0.95],
            Stroke { width: pen.width * 1.5, ..pen },
        );
    }
}

/// A dot, filled or as a ring.
pub(crate) fn dot(painter: &Painter, centre: Pos2, colour: Color32, is_filled: bool) {
    if is_filled {
        painter.circle_filled(centre, 4.0, colour);
    } else {
        painter.circle_stroke(centre, 3.5, Stroke::new(1.5, colour));
    }
}

/// A share of a whole, as a bar.
pub(crate) fn progress(painter: &Painter, rect: Rect, share: Option<f32>, colour: Color32) {
    painter.rect_filled(rect, rect.height() / 2.0, super::theme::HOVER);
    let share = share.filter(|share| share.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0);
    if share > 0.0 {
        let right = rect.left() + (rect.width() * share).max(rect.height());
        let done = Rect::from_min_max(rect.min, pos2(right, rect.bottom()));
        painter.rect_filled(done, rect.height() / 2.0, colour);
    }
}

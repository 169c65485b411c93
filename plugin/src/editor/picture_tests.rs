//! Waveforms are drawn where their samples are, at every zoom, and broken outlines draw nothing or something harmless.

use super::*;
use egui::vec2;

fn rect() -> Rect {
    Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 42.0))
}

fn look() -> Ink {
    Ink { colour: Color32::WHITE, gain: 1.0 }
}

/// 6 400 frames of silence with one peak at frame 3 200.
fn outline() -> Outline {
    let mut finest = vec![(0.0f32, 0.0f32); 100];
    finest[50] = (-0.5, 1.0);
    let mut levels = vec![finest];
    while let Some(last) = levels.last().filter(|last| last.len() > 1) {
        let next = last.chunks(2).map(|pair| {
            pair.iter().copied().reduce(|one, two| (one.0.min(two.0), one.1.max(two.1))).unwrap_or_default()
        });
        let next = next.collect();
        levels.push(next);
    }
    Outline { frames: 6_400, column_frames: 64, levels }
}

fn highest(mesh: &Mesh) -> Option<Pos2> {
    mesh.vertices
        .iter()
        .filter(|vertex| vertex.color.a() > 0)
        .map(|vertex| vertex.pos)
        .min_by(|a, b| a.y.total_cmp(&b.y))
}

#[test]
fn a_peak_is_drawn_where_it_is_at_every_zoom() {
    let cases =
        [(0.0, 6_400.0, 50.0), (0.0, 64_000.0, 5.0), (3_000.0, 3_400.0, 50.0), (-6_400.0, 6_400.0, 75.0)];
    for (first, end, x) in cases {
        let mesh = mesh(&outline(), rect(), Part { first, end }, look());
        let peak = highest(&mesh).unwrap();
        assert!(mesh.is_valid());
        let wide = (64.0 / (end - first) * 100.0) as f32;
        assert!((peak.x - x).abs() <= wide.max(1.5), "{first}..{end}: {peak:?}");
        assert!((peak.y - 1.5).abs() < 1.0, "{first}..{end}: {peak:?}");
    }
}

#[test]
fn a_row_is_a_few_thousand_triangles_at_most() {
    let wide = Rect::from_min_size(pos2(0.0, 0.0), vec2(1_000.0, 42.0));
    let mesh = mesh(&outline(), wide, Part { first: 0.0, end: 6_400.0 }, look());
    assert!(mesh.indices.len() / 3 <= 6_000);
}

#[test]
fn broken_outlines_and_parts_do_no_harm() {
    let broken = [
        Outline::default(),
        Outline { frames: u64::MAX, column_frames: 1, levels: vec![] },
        Outline { frames: u64::MAX, column_frames: 0, levels: vec![vec![(0.0, 0.0)]] },
        Outline { frames: u64::MAX, column_frames: 1, levels: vec![vec![(f32::NAN, f32::INFINITY)]; 70] },
        Outline { frames: 100, column_frames: u64::MAX, levels: vec![vec![]; 3] },
    ];
    let parts =
        [(0.0, 100.0), (0.0, 0.0), (5.0, -5.0), (f64::NAN, 1.0), (-1e300, 1e300), (0.0, u64::MAX as f64)];
    for outline in broken {
        for (first, end) in parts {
            let mesh = mesh(&outline, rect(), Part { first, end }, look());
            assert!(mesh.is_valid());
            assert!(mesh.vertices.iter().all(|vertex| vertex.pos.x.is_finite() && vertex.pos.y.is_finite()));
        }
    }
}

#[test]
fn a_spectrogram_of_wrong_size_is_not_drawn() {
    let ctx = Context::default();
    let cases = [
        (0, 0, 0, false),
        (10, 10, 99, false),
        (usize::MAX, 2, 10, false),
        (3, 2, 6, true),
        (5_000, 2, 10_000, true),
    ];
    for (width, height, count, is_drawn) in cases {
        let spectrogram = Spectrogram { width, height, levels: vec![200; count] };
        assert_eq!(texture(&ctx, &spectrogram, Color32::WHITE).is_some(), is_drawn, "{width} x {height}");
    }
}

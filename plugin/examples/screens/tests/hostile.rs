//! No view and no gauge brings the window down, at any size and zoom.

use super::*;
use crate::scenes::job;
use egui::{Modifiers, vec2};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tributary_plugin::library::{Outline, Place, Spectrogram, TakeId, TakeInfo};
use tributary_plugin::view::*;
use uuid::Uuid;

/// Looks at everything there is, and presses about.
fn use_all(view: View) {
    for size in [SIZE, SMALLEST, (40.0, 30.0), (4_000.0, 2_000.0)] {
        let mut window = Window::new(view.clone(), size, 1.0);
        let gauges = &window.gauges;
        gauges.playhead.store(i64::MAX, Relaxed);
        gauges.recorded_frames.store(u64::MAX, Relaxed);
        gauges.lost_frames.store(u64::MAX, Relaxed);
        gauges.rate_hz.store(1, Relaxed);
        gauges.tempo_bits.store(f64::MIN_POSITIVE.to_bits(), Relaxed);
        gauges.meter.store(u32::MAX, Relaxed);
        gauges.stems.iter().for_each(|peak| peak.raise(f32::NAN));
        window.rest();
        for name in ["Spectrogram", "Seconds", "Side panel", "History", "Takes", "Settings", "Settings"] {
            if window.find(name).is_some() {
                window.click(name);
            }
        }
        let middle = egui::pos2(size.0 / 3.0, size.1 / 3.0);
        window.holding(Modifiers::COMMAND, |window| window.wheel(middle, vec2(0.0, 900.0)));
        window.wheel(middle, vec2(700.0, 300.0));
        window.drag(middle, middle + vec2(60.0, 0.0));
        for key in
            [egui::Key::Space, egui::Key::ArrowRight, egui::Key::ArrowLeft, egui::Key::Home, egui::Key::L]
        {
            window.key(key);
        }
    }
}

fn with_take(info: TakeInfo, outline: Outline) -> View {
    let mut view = done();
    view.takes = vec![info.clone()].into();
    view.take = Some(Take {
        info: Arc::new(info),
        outline: Some(Arc::new(outline)),
        spectrogram: Some(Arc::new(Spectrogram { width: usize::MAX, height: 3, levels: vec![1; 5] })),
        is_present: false,
    });
    view
}

#[test]
fn takes_of_no_length_of_absurd_length_and_of_no_rate() {
    for (frames, rate_hz) in [(0, 0), (0, 48_000), (u64::MAX, 1), (1, u32::MAX)] {
        for trim in [None, Some((0, 0)), Some((u64::MAX, 0)), Some((5, u64::MAX))] {
            let place = Place {
                frames: Some(i64::MIN),
                beats: Some(f64::NEG_INFINITY),
                bar: Some(i32::MIN),
                tempo: Some(120.0),
                meter: Some((u16::MAX, u16::MAX)),
            };
            let info = TakeInfo { frames, rate_hz, trim, place, ..scenes::take(song()) };
            let outline = Outline { frames, column_frames: 0, levels: vec![vec![]] };
            let mut view = with_take(info, outline);
            view.player.looped = Some((u64::MAX, 0));
            if let Some(result) = &mut view.result {
                result.range = (u64::MAX, 0);
            }
            use_all(view);
        }
    }
}

#[test]
fn gains_and_differences_that_are_no_numbers() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut view = done();
        view.player.match_db = value;
        view.window = WindowSize { width: value, height: value, zoom: value };
        if let Some(result) = &mut view.result {
            result.difference_db = Some(value);
            result.stems.iter_mut().for_each(|stem| stem.gain_db = value);
        }
        view.jobs =
            vec![job(1, Stage::Uploading { share: value }), job(2, Stage::Fetching { share: value })].into();
        use_all(view);
    }
}

#[test]
fn no_stems_and_far_too_many() {
    let mut view = done();
    let stem = view.result.as_ref().map(|result| result.stems[0].clone()).expect("stems");
    for count in [0, 1, 7, 300] {
        if let Some(result) = &mut view.result {
            result.stems = vec![stem.clone(); count];
        }
        view.choice.stems = vec![("vocals".to_owned(), true); count];
        use_all(view.clone());
    }
}

#[test]
fn five_hundred_takes_and_jobs() {
    let mut view = done();
    let info = scenes::take(song());
    view.takes =
        (0..500u128).map(|number| TakeInfo { id: TakeId(Uuid::from_u128(number)), ..info.clone() }).collect();
    let stages = [
        Stage::Preparing,
        Stage::Queued { in_front: u32::MAX },
        Stage::Running { chunks_done: u32::MAX, chunks: 1, left: Some(Duration::MAX) },
        Stage::Failed { reason: String::new(), released: Some(u64::MAX) },
    ];
    view.jobs = (0..500u128).map(|number| job(number, stages[number as usize % 4].clone())).collect();
    use_all(view);
}

#[test]
fn long_names_in_every_script() {
    let long = "\u{202e}Stro\u{0301}phe \u{1f941}\u{1f3b8} \u{7b2c}\u{4e8c}\u{8282} \n\t\0".repeat(3_000);
    let mut view = with_take(TakeInfo { name: long.clone(), ..scenes::take(song()) }, Outline::default());
    view.recorder = Recorder::Importing { name: long.clone(), share: f32::NAN };
    use_all(view.clone());
    view.recorder = Recorder::Idle;
    view.notices =
        vec![
            Notice { number: 1, weight: Weight::Error, text: long.clone(), path: Some(PathBuf::new()) };
            900
        ];
    view.choice.task.clone_from(&long);
    view.choice.quote = Quote::Refused(long.clone());
    view.jobs = vec![Job {
        title: long.clone(),
        stems: vec![long.clone(); 3],
        ..job(1, Stage::Waiting { reason: long.clone() })
    }]
    .into();
    if let Some(result) = &mut view.result {
        result.model.clone_from(&long);
        result.stems[0].name.clone_from(&long);
    }
    let mut offer = view.offer.to_vec();
    offer[0].title.clone_from(&long);
    offer[0].task.clone_from(&long);
    offer[0].description.clone_from(&long);
    view.offer = offer.into();
    use_all(view.clone());
    view.connection =
        Connection::Unknown { address: long.clone(), fingerprint: long.clone(), accepted_before: Some(long) };
    use_all(view);
}

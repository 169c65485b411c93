//! Meters follow levels, mark the highest and come to rest; a sleeping window is woken by what it would draw.

use super::*;

fn gauges() -> Gauges {
    let gauges = Gauges::default();
    gauges.playhead.store(-1, Relaxed);
    gauges
}

#[test]
fn a_meter_rises_at_once_falls_slowly_and_marks_the_highest() {
    let (gauges, mut sound) = (gauges(), Sound::default());
    gauges.input[0].raise(0.5);
    sound.read(&gauges, 10.0);
    assert!((sound.input[0].level + 6.02).abs() < 0.01);
    sound.read(&gauges, 10.5);
    assert!((sound.input[0].level + 21.02).abs() < 0.01);
    assert!((sound.input[0].highest + 6.02).abs() < 0.01);
    assert!(sound.moves && !sound.input[0].is_over);
    for step in 0..200 {
        sound.read(&gauges, 11.0 + f64::from(step) / 30.0);
    }
    assert!(
        !sound.moves
            && sound.input[0] == Needle { held_until: sound.input[0].held_until, ..Needle::default() }
    );
}

#[test]
fn full_scale_is_marked_as_long_as_the_highest_level() {
    let (gauges, mut sound) = (gauges(), Sound::default());
    gauges.stems[2].raise(1.5);
    sound.read(&gauges, 1.0);
    sound.read(&gauges, 2.0);
    assert!(sound.stems[2].is_over);
    sound.read(&gauges, 3.0);
    assert!(!sound.stems[2].is_over);
}

#[test]
fn nonsense_from_the_audio_thread_is_silence() {
    let (gauges, mut sound) = (gauges(), Sound::default());
    for level in [f32::NAN, f32::INFINITY, -0.0] {
        gauges.output[1].raise(level);
        sound.read(&gauges, 1.0);
        assert!((sound.output[1].level - FLOOR).abs() < f32::EPSILON, "{level}");
    }
    gauges.tempo_bits.store(f64::INFINITY.to_bits(), Relaxed);
    gauges.meter.store(4 << 16, Relaxed);
    sound.read(&gauges, 1.0);
    assert_eq!((sound.tempo, sound.meter), (None, None));
}

#[test]
fn the_playhead_is_told_at_the_rate_of_the_take() {
    let (gauges, mut sound) = (gauges(), Sound::default());
    sound.read(&gauges, 1.0);
    assert_eq!(sound.playhead(48_000), None);
    gauges.playhead.store(96_000, Relaxed);
    gauges.rate_hz.store(96_000, Relaxed);
    sound.read(&gauges, 1.0);
    assert_eq!(sound.playhead(48_000), Some(48_000.0));
    assert_eq!(sound.playhead(96_000), Some(96_000.0));
}

#[test]
fn a_sleeping_window_is_woken_by_what_it_would_draw_and_loses_no_level() {
    let (gauges, mut watch) = (gauges(), Watch::default());
    watch.stirs(&gauges);
    assert!(!watch.stirs(&gauges));
    gauges.blocks.store(9, Relaxed);
    assert!(!watch.stirs(&gauges));
    gauges.is_host_playing.store(true, Relaxed);
    assert!(watch.stirs(&gauges) && !watch.stirs(&gauges));
    gauges.input[1].raise(0.5);
    assert!(watch.stirs(&gauges));
    assert!((gauges.input[1].take() - 0.5).abs() < f32::EPSILON);
}

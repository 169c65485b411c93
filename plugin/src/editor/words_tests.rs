//! Times, levels, credits and dates are said in one way each, and nonsense is said calmly.

use super::*;
use crate::library::{JobKey, TakeId};
use uuid::Uuid;

fn job(stage: Stage, quoted: u64) -> Job {
    Job {
        key: JobKey(Uuid::nil()),
        take: TakeId(Uuid::nil()),
        title: "Verse 2".to_owned(),
        task: "separate".to_owned(),
        model: "mini".to_owned(),
        version: "1".to_owned(),
        stems: vec!["vocals".to_owned(), "drums".to_owned()],
        settings: Default::default(),
        references: Vec::new(),
        stage,
        begun_at_us: 0,
        quoted,
    }
}

#[test]
fn times_are_said_to_the_tenth() {
    let cases = [
        (0.0, "0:00.0"),
        (12.44, "0:12.4"),
        (59.99, "0:59.9"),
        (3_725.05, "1:02:05.0"),
        (-1.0, "0:00.0"),
        (f64::NAN, "0:00.0"),
        (f64::INFINITY, "0:00.0"),
        (1e300, "2777:46:40.0"),
    ];
    for (seconds, words) in cases {
        assert_eq!(clock(seconds), words, "{seconds}");
    }
    assert_eq!(frames(48_000, 48_000), "0:01.0");
    assert_eq!(frames(7, 0), "0:07.0");
}

#[test]
fn levels_are_said_with_their_sign() {
    let cases =
        [(0.0, "0.0 dB"), (-0.01, "0.0 dB"), (0.01, "0.0 dB"), (3.25, "+3.2 dB"), (-12.0, "-12.0 dB")];
    let odd = [
        (-60.0, "-inf dB"),
        (f32::NAN, "-inf dB"),
        (f32::INFINITY, "+99.9 dB"),
        (f32::NEG_INFINITY, "-inf dB"),
    ];
    for (level, words) in cases.into_iter().chain(odd) {
        assert_eq!(db(level), words, "{level}");
    }
}

#[test]
fn credits_are_counted_as_people_do() {
    let cases = [(0, "0 credits"), (1, "1 credit"), (412, "412 credits"), (1_234_567, "1 234 567 credits")];
    for (count, words) in cases {
        assert_eq!(credits(count), words);
    }
}

#[test]
fn dates_outside_the_calendar_are_none() {
    assert_eq!(date(1_785_707_940_000_000), "2 Aug 2026, 21:59 UTC");
    assert_eq!(date(0), "1 Jan 1970, 00:00 UTC");
    assert_eq!(date(i64::MIN), "no date");
    assert_eq!(date(i64::MAX), "no date");
}

#[test]
fn what_cancelling_gives_back_is_never_promised_too_high() {
    let running = |chunks_done, chunks| Stage::Running { chunks_done, chunks, left: None };
    let cases = [
        (Stage::Queued { in_front: 2 }, 4, "4 credits back"),
        (running(0, 4), 4, "about 3 credits back"),
        (running(3, 4), 4, "nothing back"),
        (running(u32::MAX, 4), u64::MAX, "nothing back"),
        (running(0, 0), 2, "2 credits back"),
        (Stage::Fetching { share: 0.5 }, 2, "nothing back"),
    ];
    for (stage, quoted, words) in cases {
        assert_eq!(comes_back(&job(stage.clone(), quoted)), words, "{stage:?}");
    }
}

#[test]
fn every_stage_has_its_words() {
    let failed = |released| Stage::Failed { reason: "No room on the disk.".to_owned(), released };
    let cases = [
        (Stage::Uploading { share: 0.5 }, "Uploading  50 %"),
        (Stage::Uploading { share: f32::NAN }, "Uploading   0 %"),
        (Stage::Queued { in_front: 0 }, "Next in the queue"),
        (Stage::Running { chunks_done: 13, chunks: 31, left: None }, "Separating, chunk 14 of 31"),
        (Stage::Cancelled { released: 1, cost: 0 }, "Cancelled, 1 credit back"),
        (failed(None), "Failed: No room on the disk. (nothing was charged)"),
        (failed(Some(2)), "Failed: No room on the disk. (2 credits back)"),
    ];
    for (stage, words) in cases {
        assert_eq!(super::stage(&job(stage.clone(), 1)), words, "{stage:?}");
    }
}

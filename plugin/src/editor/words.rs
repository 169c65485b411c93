//! How times, levels, credits and dates are said. Pure; numbers of one kind always have one shape, so that columns of
//! them stand still.

use crate::library::SettingRecord;
use crate::view::{Job, Outcome, Stage};
use std::time::Duration;
use tributary_protocol::client::ModelView;
use tributary_protocol::settings::ControlKind;

/// `0:12.4`; hours only when there are any.
pub(crate) fn clock(seconds: f64) -> String {
    let tenths = if seconds.is_finite() { (seconds.clamp(0.0, 1e7) * 10.0 + 1e-6) as u64 } else { 0 };
    let (whole, tenth) = (tenths / 10, tenths % 10);
    match whole / 3600 {
        0 => format!("{}:{:02}.{tenth}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}.{tenth}", whole / 60 % 60, whole % 60),
    }
}

/// A clock of so many frames.
pub(crate) fn frames(frames: u64, rate_hz: u32) -> String {
    clock(frames as f64 / f64::from(rate_hz.max(1)))
}

/// `18 s`, `3 min 20 s`, `3 h 12 min`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..360_000 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => "more than 100 h".to_owned(),
    }
}

/// `-3.2 dB`; silence and nonsense are `-inf dB`.
pub(crate) fn db(level: f32) -> String {
    if level.is_nan() || level <= GAIN_MIN {
        "-inf dB".to_owned()
    } else {
        let level = level.clamp(-99.9, 99.9);
        // Without a minus before nothing.
        let level = if level.abs() < 0.05 { 0.0 } else { level };
        format!("{level:+.1} dB").replace("+0.0", "0.0")
    }
}

/// Lowest gain of a fader: silence.
pub(crate) const GAIN_MIN: f32 = -60.0;
/// Highest gain of a fader.
pub(crate) const GAIN_MAX: f32 = 12.0;

/// `1 credit`, `412 credits`.
pub(crate) fn credits(count: u64) -> String {
    if count == 1 { "1 credit".to_owned() } else { format!("{} credits", grouped(count)) }
}

/// Thousands apart by a blank.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// `2 Aug, 21:59 UTC`, from microseconds since 1970.
pub(crate) fn date(at_us: i64) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000)) else {
        return "no date".to_owned();
    };
    let month = at.month().to_string();
    format!("{} {} {}, {:02}:{:02} UTC", at.day(), &month[..3], at.year(), at.hour(), at.minute())
}

/// `3 Dec`, from microseconds since 1970, UTC.
pub(crate) fn day(at_us: i64) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000)) else {
        return "no date".to_owned();
    };
    format!("{} {}", at.day(), &at.month().to_string()[..3])
}

/// With a capital first letter.
pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `-14.0 LUFS`, `60 %`: as many digits as the control has notches.
pub(crate) fn number(value: f64, step: f64, unit: &str) -> String {
    let digits = match step {
        step if !step.is_finite() || step <= 0.0 => 2,
        step if (step.fract()).abs() < 1e-9 => 0,
        step if (step * 10.0).fract().abs() < 1e-9 => 1,
        step if (step * 100.0).fract().abs() < 1e-9 => 2,
        _ => 3,
    };
    let value = if value.abs() < 0.5 * 10f64.powi(-digits) { 0.0 } else { value };
    let digits = usize::try_from(digits).unwrap_or(0);
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

/// Tasks in the order in which people meet them; those nobody here knows come last.
pub(crate) const TASKS: [&str; 5] = ["separate", "enhance", "transcribe", "master", "generate"];

/// What the result of a task is called where its stems are heard.
pub(crate) fn made(task: &str) -> &'static str {
    match task {
        "enhance" => "Enhanced",
        "transcribe" => "Notes",
        "master" => "Master",
        _ => "Stems",
    }
}

/// The same of a result: a transcription may have heard words, or beats and no notes.
pub(crate) fn result(result: &Outcome) -> &'static str {
    let has = |name: &str| result.sheets.iter().any(|sheet| sheet.name == name);
    match result.task.as_str() {
        "transcribe" if result.transcript.is_some() && result.music.is_none() => "Transcript",
        "transcribe" if has("beats.mid") && !has("notes.mid") => "Beats",
        task => made(task),
    }
}

/// Before there is a result.
pub(crate) fn not_yet(task: &str) -> &'static str {
    match task {
        "enhance" => "Nothing enhanced yet",
        "transcribe" => "No notes yet",
        "master" => "No master yet",
        _ => "No stems yet",
    }
}

/// What a task does, while it does it.
pub(crate) fn doing(task: &str) -> String {
    match task {
        "separate" => "Separating".to_owned(),
        "enhance" => "Enhancing".to_owned(),
        "master" => "Mastering".to_owned(),
        "transcribe" => "Transcribing".to_owned(),
        "generate" => "Generating".to_owned(),
        other => capital(other),
    }
}

/// Where a job stands, in a few words.
pub(crate) fn stage(job: &Job) -> String {
    match &job.stage {
        Stage::Preparing => "Making the clip ready".to_owned(),
        Stage::Uploading { share } => format!("Uploading {:3.0} %", percent(*share)),
        Stage::Queued { in_front: 0 } => "Next in the queue".to_owned(),
        Stage::Queued { in_front: 1 } => "Queued, 1 job in front".to_owned(),
        Stage::Queued { in_front } => format!("Queued, {in_front} jobs in front"),
        Stage::Running { chunks: 0, .. } => doing(&job.task),
        Stage::Running { chunks_done, chunks, .. } => {
            format!(
                "{}, chunk {} of {chunks}",
                doing(&job.task),
                (*chunks).min(chunks_done.saturating_add(1))
            )
        }
        Stage::Fetching { share } => format!("Fetching {:3.0} %", percent(*share)),
        Stage::Waiting { reason } => format!("Waiting: {reason}"),
        Stage::Ready { cost } => format!("Ready, {}", credits(*cost)),
        Stage::Missing { .. } => "Files are not on this disk any more".to_owned(),
        Stage::Cancelled { released, cost: 0 } => format!("Cancelled, {} back", credits(*released)),
        Stage::Cancelled { released, cost } => {
            format!("Cancelled, {} back, {} spent", credits(*released), grouped(*cost))
        }
        Stage::Failed { reason, released } => {
            let back = released
                .map_or_else(|| "nothing was charged".to_owned(), |back| format!("{} back", credits(back)));
            format!("Failed: {reason} ({back})")
        }
    }
}

fn percent(share: f32) -> f32 {
    if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 }
}

/// How much of a job is done, where that can be told.
pub(crate) fn share(stage: &Stage) -> Option<f32> {
    match stage {
        Stage::Uploading { share } | Stage::Fetching { share } => Some(*share),
        Stage::Running { chunks_done, chunks, .. } if *chunks > 0 => {
            Some(*chunks_done as f32 / *chunks as f32)
        }
        _ => None,
    }
}

/// What cancelling gives back: all before it runs, later at least what the chunks that have not begun would cost.
pub(crate) fn comes_back(job: &Job) -> String {
    match job.stage {
        Stage::Running { chunks_done, chunks, .. } if chunks > 0 => {
            let begun = u128::from(chunks_done.saturating_add(1).min(chunks));
            let spent = (u128::from(job.quoted) * begun).div_ceil(u128::from(chunks));
            match job.quoted.saturating_sub(u64::try_from(spent).unwrap_or(u64::MAX)) {
                0 => "nothing back".to_owned(),
                back => format!("about {} back", credits(back)),
            }
        }
        Stage::Fetching { .. } => "nothing back".to_owned(),
        _ => format!("{} back", credits(job.quoted)),
    }
}

/// What was said to a job beside its clip: `Strength 60 %, like Song.wav`. The server's titles where it is known.
pub(crate) fn said(job: &Job, offer: &[ModelView]) -> String {
    let model = offer.iter().find(|model| model.name == job.model);
    let setting = |(name, value): (&String, &SettingRecord)| {
        let control = model.and_then(|model| model.controls.iter().find(|control| control.name == *name));
        let title = control.map_or_else(|| capital(&name.replace('_', " ")), |control| control.title.clone());
        let value = match (value, control.map(|control| &control.kind)) {
            (SettingRecord::Number(value), Some(ControlKind::Number { step, unit, .. })) => {
                number(*value, *step, unit)
            }
            (SettingRecord::Number(value), _) => number(*value, 0.0, ""),
            (SettingRecord::Switch(is_on), _) => if *is_on { "on" } else { "off" }.to_owned(),
            (SettingRecord::Choice(word), Some(ControlKind::Choice { options, .. })) => {
                options.iter().find(|(known, _)| known == word).map_or(word, |(_, title)| title).clone()
            }
            (SettingRecord::Choice(word), _) => word.clone(),
        };
        format!("{title} {value}")
    };
    let like = job.references.iter().map(|name| format!("like {name}"));
    job.settings.iter().map(setting).chain(like).collect::<Vec<_>>().join(", ")
}

/// `Vocals, drums, bass`.
pub(crate) fn list(names: &[String]) -> String {
    capital(&names.join(", "))
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;

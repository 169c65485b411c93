//! A real model on a real voice, where both are there.

use super::*;

const SIZES: [&str; 4] = ["tiny", "base", "small", "large-v3-turbo"];
const JFK: &str = "and so my fellow americans ask not what your country can do for you ask what you can do for your country";

#[test]
fn a_real_model_hears_what_was_said_and_when() {
    let Some(data) = test_data("speech by a real model") else { return };
    let clip = data.join("audio/speech/jfk.wav");
    let mut found = 0;
    for size in SIZES {
        let file = data.join(format!("models/whisper-{size}/ggml-{size}.bin"));
        let (Ok(weights), Ok(mut frames)) = (std::fs::read(&file), tributary_audio::open(&clip)) else {
            continue;
        };
        found += 1;
        let jfk = Audio::read_all(&mut *frames, 1 << 22).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sheets = write_down(&pipeline(folder.path(), &weights), &jfk, Settings::default()).unwrap();
        let json = sheets.json();
        println!("whisper-{size}: {} {:?}", json["language"], sheets.words());
        assert_eq!(json["language"]["code"], "en");
        let letters = |c: char| c.is_alphabetic() || c == ' ';
        let said = sheets.text("transcript.txt").trim().to_lowercase().replace(|c| !letters(c), "");
        assert_eq!(said, JFK, "whisper-{size}");
        check_times(&jfk.channels[0], &sheets.words());
    }
    if found == 0 {
        println!("left out: speech by a real model (there is none in models/whisper-*)");
    }
}

/// What is loud lies within words, and what is silent lies between them; 90 %, since stops and breath are both.
fn check_times(frames: &[f32], words: &[(String, f64, f64)]) {
    const HOP: usize = 160;
    let power = |hop: &[f32]| hop.iter().map(|x| x * x).sum::<f32>() / hop.len() as f32;
    let powers: Vec<f32> = frames.chunks(HOP).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f32::max);
    // Between -45 and -25 dB of the loudest it may be either.
    let clear =
        powers.iter().enumerate().filter(|(_, power)| !(loudest * 3e-5..loudest * 3e-3).contains(*power));
    let is_right = |(i, power): &(usize, &f32)| {
        let at = (i * HOP) as f64 / 16_000.0;
        let is_said = words.iter().any(|(_, start, end)| (*start..*end).contains(&at));
        is_said == (**power > loudest * 1e-3)
    };
    let judged: Vec<_> = clear.map(|piece| is_right(&piece)).collect();
    let right = judged.iter().filter(|right| **right).count();
    println!("{right} of {} pieces of 10 ms are right", judged.len());
    assert!(right * 100 >= judged.len() * 90, "{right} of {}", judged.len());
}

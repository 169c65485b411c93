//! Clips at the edge of what there is.

use super::*;

fn nothing_said(sheets: &Sheets) {
    assert_eq!(sheets.text("transcript.txt"), "\n");
    assert_eq!(sheets.text("transcript.srt"), "");
    assert_eq!(sheets.text("transcript.vtt"), "WEBVTT\n");
    assert_eq!(sheets.text("markers.txt"), "");
    assert_eq!(sheets.text("markers.csv"), "#,Name,Start,End,Length\n");
    let json = sheets.json();
    assert_eq!((&json["language"], json["lines"].as_array().unwrap().len()), (&Value::Null, 0));
}

#[test]
fn nobody_is_heard_in_silence() {
    for seconds in [0.01, 3.0, 70.0] {
        let audio = Audio { channels: vec![vec![0.0; (seconds * 16_000.0) as usize]; 2], rate_hz: RATE };
        nothing_said(&with_model(&audio, Settings::default()));
    }
}

#[test]
fn the_first_window_with_words_says_the_language() {
    let mut audio = sound(60.0, RATE, 1);
    audio.channels[0][..30 * 16_000].fill(0.0);
    let sheets = with_model(&audio, Settings::default());
    assert_eq!(sheets.json()["language"]["code"], "de");
    assert!(sheets.words().iter().all(|(_, start, _)| *start > 20.0));
}

#[test]
fn any_rate_channels_and_length_are_heard() {
    for (seconds, rate_hz, channels) in
        [(0.01, 48_000, 1), (0.3, 8_000, 2), (5.0, 8_000, 1), (5.0, 192_000, 1), (5.0, 44_100, 8)]
    {
        let audio = sound(seconds, rate_hz, channels);
        let sheets = with_model(&audio, Settings::default());
        let words = sheets.words();
        assert_eq!(words.len(), 5, "{seconds} s, {rate_hz} Hz, {channels} channels");
        let clip = audio.shape().seconds() + 1e-3;
        assert!(words.iter().all(|(_, start, end)| start <= end && *end <= clip), "{words:?}");
    }
}

#[test]
fn windows_never_hold_more_than_the_model_hears_and_all_of_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), asked());
    for frames in [1, 431_999, 432_000, 432_001, 816_000, 816_001, 3_000_000] {
        let audio = Audio { channels: vec![vec![0.1; frames]], rate_hz: RATE };
        let ask = Ask { settings: choice("language", "en"), ..Ask::default() };
        let plan = pipeline.plan(audio.shape(), &ask).unwrap();
        let clip = Arc::new(Held(Arc::new(audio)));
        let (mut cutter, _assembler) = pipeline.begin(&plan, clip.into(), 100).unwrap();
        let chunks: Vec<_> = std::iter::from_fn(|| cutter.next_chunk().unwrap()).collect();
        assert_eq!(chunks.len(), plan.chunks as usize);
        let lengths: Vec<_> = chunks.iter().map(|chunk| chunk.data[3] as usize).collect();
        assert_eq!(lengths.iter().sum::<usize>(), frames);
        assert!(lengths.iter().all(|length| (1..=480_000).contains(length)), "{lengths:?}");
        assert!(chunks.iter().all(|chunk| chunk.shape == [chunk.data.len()]));
    }
}

#[test]
fn what_is_no_voice_is_left_out_where_somebody_listens_for_it() {
    let Some(data) = test_data("speech with silero-vad") else { return };
    let folder = tempfile::tempdir().unwrap();
    let catalog = tributary_models::Catalog::new(Some(&data.join("models"))).unwrap();
    let voice = catalog.files("silero-vad").unwrap().clone();
    if !voice.are_there() {
        println!("left out: speech with silero-vad (it is not there)");
        return;
    }
    let pipeline = pipeline(folder.path(), asked()).with_voice(voice);
    let noise = sound(4.0, RATE, 1);
    nothing_said(&write_down(&pipeline, &noise, Settings::default()).unwrap());
    let all = Settings::default().with("voice_only", Setting::Switch(false));
    assert_eq!(write_down(&pipeline, &noise, all).unwrap().words().len(), 5);

    let path = data.join("audio/speech/jfk.wav");
    let Ok(mut jfk) = tributary_audio::open(&path) else { return };
    let mut jfk = Audio::read_all(&mut *jfk, 1 << 22).unwrap();
    jfk.channels[0].splice(0..0, vec![0.0; 5 * 16_000]);
    let words = write_down(&pipeline, &jfk, Settings::default()).unwrap().words();
    assert_eq!(words.len(), 5);
    assert!(words[0].1 > 4.5, "the window begins half a second before the voice: {words:?}");
}

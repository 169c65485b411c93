//! Where somebody speaks: Silero VAD (Silero team 2021 to 2024, the version with 512 frames a window), and the gate that
//! leaves the rest silent. The network runs on the device, window by window; the gate runs where the stems are mixed.

use crate::ModelError;
use crate::session::{Input, Lane};
use std::collections::VecDeque;

/// The network's card; its file; its name in the session.
pub(super) const CARD: &str = "silero-vad";
pub(in crate::pipeline) const FILE: &str = "silero_vad.onnx";
pub(in crate::pipeline) const GRAPH: &str = "voice";
/// The rate it hears, all channels as one.
pub(super) const RATE_HZ: u32 = 16_000;
/// What it answers for at once, 32 ms.
pub(in crate::pipeline) const WINDOW_FRAMES: usize = 512;
/// Frames before the window that it is shown again.
const CONTEXT_FRAMES: usize = 64;
/// What it remembers, `[2, 1, 128]`.
const RECURRENT: usize = 256;
/// Numbers that go on from segment to segment: the recurrent state, then the context.
pub(in crate::pipeline) const MEMORY: usize = RECURRENT + CONTEXT_FRAMES;

/// Speech begins at this probability, and ends below the lower one: the publisher's values.
pub(in crate::pipeline) const BEGINS: f32 = 0.5;
pub(in crate::pipeline) const ENDS: f32 = 0.35;
/// Windows below [`ENDS`] after which it is over, so that breath and short stops stay.
const HOLD_WINDOWS: u32 = 10;
/// Windows by which the gate opens before speech: its first consonant is often missed.
const EARLY_WINDOWS: usize = 3;

/// The windows of a chunk, in front of what the other network gets: their number, the memory, the frames.
pub(super) fn pack(memory: &[f32], windows: &[f32]) -> Vec<f32> {
    let mut data = vec![(windows.len() / WINDOW_FRAMES) as f32];
    if !windows.is_empty() {
        data.extend_from_slice(memory);
        data.resize(1 + MEMORY, 0.0);
        data.extend_from_slice(windows);
    }
    data
}

/// What was packed (memory, then windows; empty where there are none), and the rest of the chunk. None where the number
/// of windows is not that of the frames.
pub(super) fn unpack(data: &[f32]) -> Option<(&[f32], &[f32])> {
    let (count, rest) = data.split_first()?;
    match *count as usize {
        0 => Some((&[], rest)),
        windows => rest.split_at_checked(windows.checked_mul(WINDOW_FRAMES)?.checked_add(MEMORY)?),
    }
}

/// Thread: device. The probability of speech in every window of `heard` (memory, then windows), then the new memory.
/// Nothing for nothing.
pub(in crate::pipeline) fn listen(
    lane: &Lane<'_>,
    model: &str,
    heard: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let Some((memory, windows)) = heard.split_at_checked(MEMORY) else { return Ok(Vec::new()) };
    let mut state = memory[..RECURRENT].to_vec();
    let mut context = memory[RECURRENT..].to_vec();
    let mut answer = Vec::with_capacity(windows.len() / WINDOW_FRAMES + MEMORY);
    for window in windows.chunks_exact(WINDOW_FRAMES) {
        let shown = [&context, window].concat();
        let input = Input { name: "input", shape: &[1, shown.len()], data: &shown };
        let remembered = Input { name: "state", shape: &[2, 1, RECURRENT / 2], data: &state };
        let rate = Input { name: "sr", shape: &[], data: &[RATE_HZ as f32] };
        let came = lane.run(GRAPH, &[input, remembered, rate], &["output", "stateN"])?;
        let [probability, new] = &came[..] else { return Err(odd(model)) };
        let (&[probability], RECURRENT) = (&probability.data[..], new.data.len()) else {
            return Err(odd(model));
        };
        answer.push(probability);
        state.copy_from_slice(&new.data);
        context.copy_from_slice(&window[WINDOW_FRAMES - CONTEXT_FRAMES..]);
    }
    answer.extend(state);
    answer.extend(context);
    Ok(answer)
}

fn odd(model: &str) -> ModelError {
    ModelError::Engine {
        model: model.to_owned(),
        reason: format!("`{FILE}` gives other shapes than its card's"),
    }
}

/// Opens for speech. Fed with probabilities by window, asked for gains by frame, both in order.
pub(super) struct Gate {
    rate_hz: u32,
    /// For each window from `first` on, whether somebody speaks.
    speech: VecDeque<bool>,
    first: u64,
    speaking: bool,
    quiet_windows: u32,
    heard_windows: u64,
    speech_windows: u64,
    ended: bool,
}

impl Gate {
    /// For a clip of `rate_hz`.
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            speech: VecDeque::new(),
            first: 0,
            speaking: false,
            quiet_windows: 0,
            heard_windows: 0,
            speech_windows: 0,
            ended: false,
        }
    }

    /// The next window's probability of speech.
    pub(super) fn hear(&mut self, probability: f32) {
        if probability >= BEGINS {
            (self.speaking, self.quiet_windows) = (true, 0);
        } else if probability < ENDS {
            self.quiet_windows = self.quiet_windows.saturating_add(1);
            self.speaking &= self.quiet_windows < HOLD_WINDOWS;
        }
        self.speech.push_back(self.speaking);
        self.heard_windows += 1;
        self.speech_windows += u64::from(self.speaking);
    }

    /// Nobody will speak any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// How many frames of the clip have a gain already.
    pub(super) fn known_frames(&self) -> u64 {
        if self.ended {
            return u64::MAX;
        }
        // A window's gain leans on the next one's, and that on as many as it opens early.
        let windows = self.heard_windows.saturating_sub(1 + EARLY_WINDOWS as u64);
        windows * WINDOW_FRAMES as u64 * u64::from(self.rate_hz) / u64::from(RATE_HZ)
    }

    /// The gain, 0 to 1, of frame `frame`, at which or before which no frame is asked for again.
    pub(super) fn gain(&mut self, frame: u64) -> f32 {
        let at = frame as f64 * f64::from(RATE_HZ) / (f64::from(self.rate_hz) * WINDOW_FRAMES as f64);
        let window = at as u64;
        // One window before is kept: a closed window next to an open one is the ramp.
        while self.first + 1 < window && !self.speech.is_empty() {
            self.speech.pop_front();
            self.first += 1;
        }
        let open = |window: u64| {
            let from = window.saturating_sub(self.first) as usize;
            self.speech.iter().skip(from).take(1 + EARLY_WINDOWS).any(|speech| *speech)
        };
        let here = open(window);
        let start = here || (window > self.first && open(window - 1));
        let end = here || open(window + 1);
        let (start, end) = (f64::from(u8::from(start)), f64::from(u8::from(end)));
        (start + (end - start) * (at - window as f64)) as f32
    }

    /// The part of the windows heard in which somebody speaks; none before the first.
    pub(super) fn speech_share(&self) -> Option<f64> {
        (self.heard_windows > 0).then(|| self.speech_windows as f64 / self.heard_windows as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate_of(speech: std::ops::Range<usize>, windows: usize) -> Gate {
        let mut gate = Gate::new(RATE_HZ);
        (0..windows).for_each(|i| gate.hear(if speech.contains(&i) { 0.9 } else { 0.1 }));
        gate
    }

    #[test]
    fn the_gate_opens_before_speech_stays_for_a_breath_and_moves_without_a_step() {
        let mut gate = gate_of(20..40, 100);
        gate.end();
        let gains: Vec<f32> = (0..100 * 512).map(|frame| gate.gain(frame)).collect();
        assert!(gains[..16 * 512].iter().all(|gain| *gain == 0.0));
        assert!(gains[17 * 512..49 * 512].iter().all(|gain| *gain == 1.0), "three windows early, ten held");
        assert!(gains[51 * 512..].iter().all(|gain| *gain == 0.0));
        let step = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 1.1 / 512.0, "{step}");
        assert_eq!(gate.speech_share(), Some(0.29));
    }

    #[test]
    fn gains_do_not_depend_on_how_much_was_heard_beyond_the_known() {
        let mut later = gate_of(20..40, 100);
        let mut gate = Gate::new(RATE_HZ);
        let mut frame = 0;
        for i in 0..100 {
            gate.hear(if (20..40).contains(&i) { 0.9 } else { 0.1 });
            while frame < gate.known_frames() {
                assert_eq!(gate.gain(frame), later.gain(frame), "{frame}");
                frame += 1;
            }
        }
        assert_eq!(frame, 96 * 512);
    }

    #[test]
    fn windows_come_out_of_a_chunk_as_they_went_in() {
        assert_eq!(unpack(&pack(&[], &[])), Some((&[][..], &[][..])));
        let windows: Vec<f32> = (0..2 * WINDOW_FRAMES).map(|i| i as f32).collect();
        let mut data = pack(&[], &windows);
        data.push(7.0);
        let (heard, rest) = unpack(&data).unwrap();
        assert_eq!((heard.len(), rest), (MEMORY + windows.len(), &[7.0][..]));
        assert_eq!(heard[MEMORY..], windows);
        assert!(unpack(&data[..600]).is_none() && unpack(&[]).is_none() && unpack(&[f32::MAX]).is_none());
    }
}

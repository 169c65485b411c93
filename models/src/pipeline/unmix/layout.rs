//! Where chunks of sound lie on a clip, what lies beyond its ends, and how chunks fade into each other. Pure arithmetic.
//!
//! As the programs of the networks' publishers do it: the clip is mirrored beyond both ends by what a chunk and a step
//! differ in, chunks follow each other by a step, and where they overlap they are averaged, each faded in and out over a
//! tenth of its length. Two things are done otherwise. Their programs decide on the fades at the clip's ends once for a
//! batch, so that what comes out depends on how many chunks the device takes at once; here each chunk is asked. And a
//! chunk that lies beyond the end with all of its length is not computed. Demucs' program does otherwise ([`Ends::Centred`]).

use std::ops::Range;

/// A fade's part of a chunk.
const FADE_PART: u64 = 10;

/// How long chunks are and how far apart they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Frames of one chunk.
    pub(super) chunk: u64,
    /// From one to the next, frames; at most `chunk`.
    pub(super) step: u64,
    /// What becomes of the clip's ends.
    pub(super) ends: Ends,
}

/// Where chunks begin and end, and how they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The ends are covered as often as the middle, by what is mirrored beyond them; chunks share fades.
    Mirrored,
    /// Chunks begin with the clip and end with the first that reaches its end; chunks share fades.
    Once,
    /// As Demucs does it (`apply_model` of 4.0.1): a chunk begins with every step of the clip; what of one lies on the clip
    /// is the middle of what the network hears, with the sound before it and silence around. Every chunk counts most in
    /// its middle, and less to both ends.
    Centred,
}

impl Tiling {
    /// As many chunks over a frame as `overlap` says.
    pub(super) fn overlapping(chunk: u32, overlap: u32) -> Self {
        let chunk = u64::from(chunk);
        Self { chunk, step: (chunk / u64::from(overlap.max(1))).max(1), ends: Ends::Mirrored }
    }

    /// As Demucs' program lays them, `step` frames apart.
    pub(super) fn centred(chunk: u32, step: u32) -> Self {
        Self { chunk: chunk.into(), step: step.clamp(1, chunk.max(1)).into(), ends: Ends::Centred }
    }

    /// The same with about twice as many chunks.
    pub(super) fn denser(self) -> Self {
        Self { step: (self.step / 2).max(1), ..self }
    }

    /// As few chunks as can be: they share their fades and nothing else, and the clip's ends are seen once.
    pub(super) fn touching(chunk: u32) -> Self {
        let chunk = u64::from(chunk);
        Self { chunk, step: (chunk - chunk / FADE_PART).max(1), ends: Ends::Once }
    }

    /// Frames of a fade.
    pub(super) fn fade(self) -> u64 {
        self.chunk / FADE_PART
    }

    /// On a clip of so many frames, at least one.
    pub(super) fn lay(self, frames: u64) -> Layout {
        let border = self.chunk - self.step;
        let border = if self.ends == Ends::Mirrored && frames > 2 * border { border } else { 0 };
        Layout { tiling: self, frames, border }
    }
}

/// The chunks of one clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    tiling: Tiling,
    frames: u64,
    /// Frames mirrored beyond either end.
    border: u64,
}

impl Layout {
    /// How many, at least one.
    pub(super) fn chunks(self) -> u64 {
        let Tiling { chunk, step, ends } = self.tiling;
        match ends {
            Ends::Mirrored => (self.frames + self.border).div_ceil(step),
            Ends::Once => self.frames.saturating_sub(chunk).div_ceil(step) + 1,
            Ends::Centred => self.frames.div_ceil(step),
        }
    }

    /// Where chunk `k` begins, frames from the clip's first; below 0 where it begins in what lies before.
    pub(super) fn start(self, k: u64) -> i64 {
        (k * self.tiling.step).cast_signed() - (self.border + self.before(k)).cast_signed()
    }

    /// What the network hears of chunk `k` before what counts, frames: half of what of the chunk lies beyond the clip.
    fn before(self, k: u64) -> u64 {
        let Tiling { chunk, step, ends } = self.tiling;
        if ends == Ends::Centred { (k * step + chunk).saturating_sub(self.frames) / 2 } else { 0 }
    }

    /// The frames of the clip that must be held for chunk `k`: what it covers, and what is mirrored into it or will be into
    /// a later one. What lies before them can be forgotten.
    pub(super) fn needs(self, k: u64) -> Range<u64> {
        let (start, last) = (self.start(k), self.frames.cast_signed() - 1);
        let end = start + self.tiling.chunk.cast_signed() - 1;
        // Beyond the last frame comes the one before it, and so on, as far as the border; before the first, the second.
        let low = start.max(0).min(last - self.border.cast_signed());
        let high = end.max(-start).min(last);
        low.cast_unsigned()..(high + 1).cast_unsigned()
    }

    /// Fills `out` with chunk `k` of one channel. `held`: the clip's frames from `held_from` on, at least what it needs.
    ///
    /// # Panics
    /// Where that is not held.
    pub(super) fn fill(self, k: u64, held: &[f32], held_from: u64, out: &mut Vec<f32>) {
        let (start, frames) = (self.start(k), self.frames.cast_signed());
        let end = (start + self.tiling.chunk.cast_signed()).min(frames + self.border.cast_signed());
        let mirrored = |i: i64| {
            if i < 0 {
                -i
            } else if i >= frames {
                2 * (frames - 1) - i
            } else {
                i
            }
        };
        out.clear();
        if self.tiling.ends == Ends::Centred {
            let sound =
                |i| if (0..frames).contains(&i) { held[(i - held_from.cast_signed()) as usize] } else { 0.0 };
            out.extend((start..start + self.tiling.chunk.cast_signed()).map(sound));
            return;
        }
        out.extend((start..end).map(|i| held[(mirrored(i) - held_from.cast_signed()) as usize]));
        // The last chunk may be short: more than half of one is mirrored once more, less is followed by silence.
        let (have, chunk) = (out.len(), self.tiling.chunk as usize);
        if have > chunk / 2 + 1 {
            let mirrored = (0..chunk - have).map(|i| out[have - 2 - i]);
            let mirrored: Vec<f32> = mirrored.collect();
            out.extend(mirrored);
        } else {
            out.resize(chunk, 0.0);
        }
    }

    /// How much frame `i` of chunk `k` counts where chunks overlap, 0 to 1.
    pub(super) fn weight(self, k: u64, i: u64) -> f32 {
        let (chunk, fade) = (self.tiling.chunk, self.tiling.fade());
        let ramp = |i: u64| if fade > 1 { i as f32 / (fade - 1) as f32 } else { 0.0 };
        let last = match self.tiling.ends {
            // The publishers' last chunk, which may be one that is not computed here.
            Ends::Mirrored => (self.frames + 2 * self.border).div_ceil(self.tiling.step) - 1,
            Ends::Once => self.chunks() - 1,
            Ends::Centred => {
                let Some(i) = i.checked_sub(self.before(k)) else { return 0.0 };
                return (i + 1).min(chunk - i) as f32 / chunk.div_ceil(2) as f32;
            }
        };
        if k > 0 && i < fade {
            ramp(i)
        } else if k < last && i >= chunk - fade {
            ramp(chunk - 1 - i)
        } else {
            1.0
        }
    }

    /// The frames of the clip that are final when chunk `k` has come.
    pub(super) fn done(self, k: u64) -> u64 {
        if k + 1 >= self.chunks() {
            self.frames
        } else {
            ((k + 1) * self.tiling.step).saturating_sub(self.border).min(self.frames)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole of it at once, as plainly as can be.
    fn plain(tiling: Tiling, clip: &[f32]) -> (Vec<Vec<f32>>, Vec<f32>) {
        let (chunk, step) = (tiling.chunk as usize, tiling.step as usize);
        if tiling.ends == Ends::Centred {
            return plain_centred(chunk, step, clip);
        }
        let border = chunk - step;
        let border = if tiling.ends == Ends::Mirrored && clip.len() > 2 * border { border } else { 0 };
        let mut padded: Vec<f32> = (0..border).map(|i| clip[border - i]).collect();
        padded.extend_from_slice(clip);
        padded.extend((0..border).map(|i| clip[clip.len() - 2 - i]));
        let (mut chunks, mut sum, mut weights) =
            (Vec::new(), vec![0.0; padded.len()], vec![0.0; padded.len()]);
        let mut last = (padded.len() - 1) / step;
        if tiling.ends == Ends::Once {
            last = (0..).find(|k| k * step + chunk >= padded.len()).unwrap();
        }
        for k in 0..=last {
            let mut part = padded[k * step..padded.len().min(k * step + chunk)].to_vec();
            let have = part.len();
            for i in have..chunk {
                part.push(if have > chunk / 2 + 1 { part[2 * have - 2 - i] } else { 0.0 });
            }
            let fade = chunk / 10;
            for (i, x) in part.iter().enumerate().take(have) {
                let up = if k > 0 && i < fade { i as f32 / (fade - 1) as f32 } else { 1.0 };
                let down = if k < last && i >= chunk - fade {
                    (chunk - 1 - i) as f32 / (fade - 1) as f32
                } else {
                    1.0
                };
                sum[k * step + i] += x * up * down;
                weights[k * step + i] += up * down;
            }
            chunks.push(part);
        }
        let mean =
            sum.iter().zip(&weights).map(|(x, w)| if *w > 0.0 { x / w } else { 0.0 }).collect::<Vec<_>>();
        (chunks, mean[border..border + clip.len()].to_vec())
    }

    /// The same as Demucs does it.
    fn plain_centred(chunk: usize, step: usize, clip: &[f32]) -> (Vec<Vec<f32>>, Vec<f32>) {
        let (mut chunks, mut sum, mut weights) = (Vec::new(), vec![0.0; clip.len()], vec![0.0; clip.len()]);
        for offset in (0..clip.len()).step_by(step) {
            let have = chunk.min(clip.len() - offset);
            let before = (chunk - have) / 2;
            let heard = |i: usize| (offset + i).checked_sub(before).and_then(|at| clip.get(at));
            let part: Vec<f32> = (0..chunk).map(|i| heard(i).copied().unwrap_or(0.0)).collect();
            for i in 0..have {
                let weight = if i < chunk / 2 { i + 1 } else { chunk - i } as f32;
                sum[offset + i] += weight * part[before + i];
                weights[offset + i] += weight;
            }
            chunks.push(part);
        }
        (chunks, sum.iter().zip(&weights).map(|(x, weight)| x / weight).collect())
    }

    #[test]
    fn chunks_are_those_of_a_plain_program_and_add_up_to_the_clip() {
        for tiling in [
            Tiling::overlapping(100, 2),
            Tiling::overlapping(100, 4),
            Tiling::touching(100),
            Tiling::centred(100, 75),
            Tiling::centred(101, 75).denser(),
            Tiling::centred(100, 90),
            Tiling { chunk: 60, step: 60, ends: Ends::Centred },
            Tiling { chunk: 60, step: 60, ends: Ends::Mirrored },
            Tiling { chunk: 60, step: 60, ends: Ends::Once },
        ] {
            for frames in
                (1..12).chain([49, 50, 51, 99, 100, 101, 149, 150, 151, 152, 199, 200, 201, 250, 1000, 1013])
            {
                let clip: Vec<f32> = (0..frames).map(|i| (i * 7919 % 211) as f32).collect();
                let (chunks, mean) = plain(tiling, &clip);
                let layout = tiling.lay(frames as u64);
                let (mut sum, mut weights) = (vec![0.0_f32; frames], vec![0.0_f32; frames]);
                assert!(layout.chunks() <= chunks.len() as u64);
                let mut forgotten = 0;
                for k in 0..layout.chunks() {
                    let needs = layout.needs(k);
                    assert!(
                        needs.start >= forgotten,
                        "chunk {k} needs what an earlier one let go, {tiling:?}"
                    );
                    forgotten = needs.start;
                    let held = &clip[needs.start as usize..needs.end as usize];
                    let mut ours = Vec::new();
                    layout.fill(k, held, needs.start, &mut ours);
                    assert_eq!(ours, chunks[k as usize], "chunk {k} of {frames} frames, {tiling:?}");
                    for (i, x) in ours.iter().enumerate() {
                        let place =
                            usize::try_from(layout.start(k) + i as i64).ok().filter(|place| *place < frames);
                        if let Some(place) = place {
                            let weight = layout.weight(k, i as u64);
                            sum[place] += x * weight;
                            weights[place] += weight;
                        }
                    }
                }
                for (i, (sum, weight)) in sum.iter().zip(&weights).enumerate() {
                    let ours = if *weight > 0.0 { sum / weight } else { 0.0 };
                    assert!(
                        (ours - mean[i]).abs() < 1e-3 * mean[i].abs().max(1.0),
                        "frame {i} of {frames}, {tiling:?}: {ours}, not {}",
                        mean[i]
                    );
                }
                assert_eq!(layout.done(layout.chunks() - 1), frames as u64);
            }
        }
    }

    #[test]
    fn as_few_chunks_as_can_be_are_no_more_than_cover_the_clip() {
        let chunks = |tiling: Tiling, frames: u64| tiling.lay(frames).chunks();
        let few = [1, 99, 100, 101, 190, 191, 280].map(|frames| chunks(Tiling::touching(100), frames));
        assert_eq!(few, [1, 1, 1, 2, 2, 3, 3]);
        let usual = [1, 50, 51, 100, 101].map(|frames| chunks(Tiling::overlapping(100, 2), frames));
        assert_eq!(usual, [1, 1, 2, 2, 4]);
    }
}

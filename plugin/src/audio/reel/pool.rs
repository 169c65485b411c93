//! Slots of memory that hold pages. One thread at a time writes, any reads, nobody waits: each slot has a stamp that
//! is another one before and after every change, so a reader knows whether what it read was whole (a sequence lock,
//! Boehm, "Can seqlocks get along with programming language memory models?", 2012). Samples are atomics, which makes
//! the race between the two harmless and costs nothing on the machines we know.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Bits of a stamp that name the page; the others count changes.
const OWNER_BITS: u32 = 32;
/// The page's part of a stamp while the slot is being written, or was never.
const NOBODY: u64 = 0;

#[derive(Debug, Default)]
struct Slot {
    /// Changes so far, and whose page it holds, counted from 1.
    stamp: AtomicU64,
    /// Bits of the samples, interleaved. Taken when it is first filled, so that a short clip takes little.
    samples: OnceLock<Box<[AtomicU32]>>,
}

/// Slots of one size.
#[derive(Debug)]
pub(super) struct Pool {
    slots: Box<[Slot]>,
    slot_samples: usize,
    /// Slots `0..used` hold pages; none is ever emptied, only filled with another page.
    used: AtomicUsize,
}

impl Pool {
    /// Thread: session. So many empty slots.
    pub(super) fn new(slots: usize, slot_samples: usize) -> Self {
        #[expect(clippy::disallowed_methods, reason = "thread: session; made once, before it is loaded")]
        let slots = (0..slots).map(|_| Slot::default()).collect();
        Self { slots, slot_samples, used: AtomicUsize::new(0) }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn has_free(&self) -> bool {
        self.used() < self.slots.len()
    }

    /// Whose page is in this slot.
    pub(super) fn owner(&self, slot: usize) -> Option<usize> {
        (owner_of(self.slots[slot].stamp.load(Ordering::Acquire)) as usize).checked_sub(1)
    }

    /// Thread: disk, one at a time. Puts a page there; what is missing of it is silence. `slot` is used already, or
    /// the first free one.
    pub(super) fn put(&self, slot: usize, owner: usize, samples: &[f32]) {
        let Slot { stamp, samples: memory } = &self.slots[slot];
        #[expect(clippy::disallowed_methods, reason = "thread: disk; the audio thread only reads")]
        let memory = memory.get_or_init(|| (0..self.slot_samples).map(|_| AtomicU32::new(0)).collect());
        let changes = (stamp.load(Ordering::Relaxed) >> OWNER_BITS).wrapping_add(1);
        stamp.store((changes << OWNER_BITS) | NOBODY, Ordering::Relaxed);
        fence(Ordering::Release);
        let samples = samples.iter().copied().chain(std::iter::repeat(0.0));
        for (to, sample) in memory.iter().zip(samples) {
            to.store(sample.to_bits(), Ordering::Relaxed);
        }
        stamp.store((changes << OWNER_BITS) | (owner as u64 + 1), Ordering::Release);
        self.used.fetch_max(slot + 1, Ordering::Release);
    }

    /// Thread: audio. Frames from `offset` on, into both channels. False where the slot holds another page, or was
    /// changed meanwhile.
    pub(super) fn read_mono(&self, slot: usize, owner: usize, offset: usize, to: [&mut [f32]; 2]) -> bool {
        let [left, right] = to;
        self.whole(slot, owner, |samples| {
            let samples = &samples[offset..];
            for ((left, right), sample) in left.iter_mut().zip(right).zip(samples) {
                *left = f32::from_bits(sample.load(Ordering::Relaxed));
                *right = *left;
            }
        })
    }

    /// The same of stereo pages.
    pub(super) fn read_stereo(&self, slot: usize, owner: usize, offset: usize, to: [&mut [f32]; 2]) -> bool {
        let [left, right] = to;
        self.whole(slot, owner, |samples| {
            let frames = samples[2 * offset..].chunks_exact(2);
            for ((left, right), frame) in left.iter_mut().zip(right).zip(frames) {
                *left = f32::from_bits(frame[0].load(Ordering::Relaxed));
                *right = f32::from_bits(frame[1].load(Ordering::Relaxed));
            }
        })
    }

    fn whole(&self, slot: usize, owner: usize, copy: impl FnOnce(&[AtomicU32])) -> bool {
        let Slot { stamp, samples } = &self.slots[slot];
        let before = stamp.load(Ordering::Acquire);
        let Some(samples) = samples.get() else { return false };
        if owner_of(before) != owner as u64 + 1 {
            return false;
        }
        copy(samples);
        fence(Ordering::Acquire);
        stamp.load(Ordering::Relaxed) == before
    }
}

fn owner_of(stamp: u64) -> u64 {
    stamp & ((1 << OWNER_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    const SAMPLES: usize = 512;
    const OWNER: usize = 3;

    /// One thread exchanges a page for one of the same name and another level, without end; what the other reads
    /// must be of one level.
    #[test]
    fn a_page_that_changes_while_it_is_read_counts_as_absent() {
        let (pool, is_done) = (Pool::new(1, SAMPLES), AtomicBool::new(false));
        pool.put(0, OWNER, &[0.0; SAMPLES]);
        let (mut whole, mut is_torn) = (0, false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut level = 0.0;
                while !is_done.load(Ordering::Relaxed) {
                    level += 1.0;
                    pool.put(0, OWNER, &[level; SAMPLES]);
                    // About as long as a read takes, so that some are whole and some are not.
                    (0..300).for_each(|_| std::hint::spin_loop());
                }
            });
            let (mut left, mut right) = ([0.0; SAMPLES], [0.0; SAMPLES]);
            while whole < 20_000 && !is_torn {
                if pool.read_mono(0, OWNER, 0, [&mut left, &mut right]) {
                    whole += 1;
                    is_torn = (left, left) != ([left[0]; SAMPLES], right);
                }
            }
            is_done.store(true, Ordering::Relaxed);
        });
        assert!(!is_torn, "after {whole} whole reads");
    }

    #[test]
    fn only_the_page_asked_for_is_read() {
        let pool = Pool::new(2, 4);
        let mut heard = ([9.0; 2], [9.0; 2]);
        let read = |owner, heard: &mut ([f32; 2], [f32; 2])| {
            pool.read_stereo(0, owner, 0, [&mut heard.0, &mut heard.1])
        };
        assert!(!read(0, &mut heard), "nothing is there");
        pool.put(0, 7, &[1.0, 2.0, 3.0]);
        assert!(!read(6, &mut heard) && read(7, &mut heard));
        assert_eq!(heard, ([1.0, 3.0], [2.0, 0.0]), "what is missing is silence");
        pool.put(0, 8, &[]);
        assert!(!read(7, &mut heard) && pool.has_free() && pool.owner(0) == Some(8));
    }
}

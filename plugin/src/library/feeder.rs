//! THREAD: disk. One thread a process that keeps the pages of all reels filled from their files. It goes when the last
//! handle goes. Never touches what the audio thread waits for: it waits for nothing.

use super::{LibraryError, TrackFile};
use crate::audio::Reel;
use crate::audio::reel::PAGE_FRAMES;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long the thread rests when no page is wanted. The player keeps seconds ahead, so only a jump waits for this.
const REST: Duration = Duration::from_millis(15);
/// Pages filled for one reel before the next one's turn.
const PAGES_A_TURN: usize = 4;

/// The one of this process, as long as anyone holds it.
static SHARED: Mutex<Weak<Feeder>> = Mutex::new(Weak::new());

/// Fills reels from files.
#[derive(Debug)]
pub struct Feeder {
    work: Arc<Work>,
    thread: Option<JoinHandle<()>>,
}

/// What handles and thread share.
#[derive(Debug, Default)]
struct Work {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    feeds: Vec<Arc<Feed>>,
    is_over: bool,
}

/// A reel and its files.
#[derive(Debug)]
struct Feed {
    reel: Weak<Reel>,
    files: Mutex<Files>,
    /// Why no more pages come.
    trouble: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Files {
    tracks: Vec<(TrackFile, File)>,
    bytes: Vec<u8>,
    samples: Vec<f32>,
}

impl Feeder {
    /// The feeder of this process; the first call starts its thread, and dropping the last handle ends and joins it.
    ///
    /// # Errors
    /// [`LibraryError::Unsuitable`] where the system has no thread left.
    pub fn shared() -> Result<Arc<Self>, LibraryError> {
        let mut shared = lock(&SHARED);
        if let Some(feeder) = shared.upgrade() {
            return Ok(feeder);
        }
        let feeder = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&feeder);
        Ok(feeder)
    }

    fn start() -> Result<Self, LibraryError> {
        let work = Arc::new(Work::default());
        let shared = Arc::clone(&work);
        let thread = Builder::new()
            .name("tributary-disk".to_owned())
            .spawn(move || shared.run())
            .map_err(|cause| LibraryError::unsuitable(format!("no thread can be started: {cause}")))?;
        Ok(Self { work, thread: Some(thread) })
    }

    /// Fills `reel` from `tracks` (stems, then the original, as in its shape) from now on, until it is stopped or nobody
    /// else holds the reel. The files are opened before this returns. Files of one channel play on both.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Damaged`] and [`LibraryError::Disk`] where a file is not there as it
    /// was; [`LibraryError::Unsuitable`] where number, channels or rate of the tracks are not the reel's (see
    /// [`super::Library::at_rate`]).
    pub fn play(&self, reel: &Arc<Reel>, tracks: Vec<TrackFile>) -> Result<(), LibraryError> {
        let shape = reel.shape();
        if tracks.len() != shape.tracks {
            let (tracks, places) = (tracks.len(), shape.tracks);
            return Err(LibraryError::unsuitable(format!(
                "{tracks} tracks cannot be played in {places} places"
            )));
        }
        if let Some(track) = tracks.iter().find(|track| track.rate_hz != shape.rate_hz) {
            let (rate_hz, host_hz) = (track.rate_hz, shape.rate_hz);
            return Err(LibraryError::unsuitable(format!(
                "sound at {rate_hz} Hz cannot be played at {host_hz} Hz"
            )));
        }
        if tracks.iter().any(|track| track.channels != shape.channels && track.channels != 1) {
            return Err(LibraryError::unsuitable("stereo sound cannot be played on one channel"));
        }
        let open = |track: TrackFile| track.open().map(|file| (track, file));
        let tracks = tracks.into_iter().map(open).collect::<Result<_, _>>()?;
        let feed = Feed {
            reel: Arc::downgrade(reel),
            files: Mutex::new(Files { tracks, bytes: Vec::new(), samples: Vec::new() }),
            trouble: Mutex::new(None),
        };
        let mut state = lock(&self.work.state);
        state.feeds.retain(|feed| !feed.is_of(reel));
        state.feeds.push(Arc::new(feed));
        drop(state);
        self.work.changed.notify_all();
        Ok(())
    }

    /// Fills `reel` no more; its files are closed, at the latest when the page being read is done.
    pub fn stop(&self, reel: &Arc<Reel>) {
        lock(&self.work.state).feeds.retain(|feed| !feed.is_of(reel));
    }

    /// Why a reel gets no more pages, for people: a file vanished or became shorter while it was played. None while all
    /// is well.
    #[must_use]
    pub fn trouble(&self, reel: &Arc<Reel>) -> Option<String> {
        let state = lock(&self.work.state);
        let feed = state.feeds.iter().find(|feed| feed.is_of(reel))?;
        lock(&feed.trouble).clone()
    }
}

/// The thread ends and is joined: a host may unload the plugin right after.
impl Drop for Feeder {
    fn drop(&mut self) {
        lock(&self.work.state).is_over = true;
        self.work.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, there would be nothing left to save here.
            let _ = thread.join();
        }
    }
}

impl Work {
    /// The thread.
    fn run(&self) {
        loop {
            let feeds = {
                let mut state = lock(&self.state);
                while state.feeds.is_empty() && !state.is_over {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.is_over {
                    return;
                }
                state.feeds.retain(|feed| feed.reel.strong_count() > 0);
                state.feeds.clone()
            };
            let filled = feeds.iter().map(|feed| feed.turn()).sum::<usize>();
            drop(feeds);
            let state = lock(&self.state);
            if filled == 0 && !state.is_over {
                drop(self.changed.wait_timeout(state, REST).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}

impl Feed {
    fn is_of(&self, reel: &Arc<Reel>) -> bool {
        std::ptr::eq(self.reel.as_ptr(), Arc::as_ptr(reel))
    }

    /// Fills some pages; how many.
    fn turn(&self) -> usize {
        let Some(reel) = self.reel.upgrade() else { return 0 };
        if lock(&self.trouble).is_some() {
            return 0;
        }
        let mut files = lock(&self.files);
        for filled in 0..PAGES_A_TURN {
            let Some(wanted) = reel.wanted() else { return filled };
            let first = wanted.frames.start;
            let frames =
                usize::try_from(wanted.frames.end.saturating_sub(first)).unwrap_or(0).min(PAGE_FRAMES);
            match files.read(wanted.track, first, frames, reel.shape().channels) {
                Ok(samples) => {
                    if !reel.fill(wanted.track, wanted.page, samples) {
                        return filled;
                    }
                }
                Err(error) => {
                    *lock(&self.trouble) = Some(error.told());
                    return filled;
                }
            }
        }
        PAGES_A_TURN
    }
}

impl Files {
    /// Interleaved samples of a track; silence behind its end, and where a sample is no number.
    fn read(
        &mut self,
        track: usize,
        first: u64,
        frames: usize,
        channels: u16,
    ) -> Result<&[f32], LibraryError> {
        let Some((track, file)) = self.tracks.get_mut(track) else {
            return Err(LibraryError::missing("the track"));
        };
        let there = usize::try_from(track.frames.saturating_sub(first)).unwrap_or(usize::MAX).min(frames);
        self.bytes.clear();
        self.bytes.resize(there * usize::from(track.channels) * 4, 0);
        let at = track.byte_of(first).unwrap_or(u64::MAX);
        let path = &track.path;
        if there > 0 {
            file.seek(SeekFrom::Start(at)).map_err(LibraryError::disk("read", path))?;
            file.read_exact(&mut self.bytes).map_err(|cause| match cause.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    LibraryError::damaged(path, "it became shorter while it was played")
                }
                _ => LibraryError::disk("read", path)(cause),
            })?;
        }
        let (samples, _) = self.bytes.as_chunks::<4>();
        let samples = samples.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let samples = samples.map(|sample| if sample.is_finite() { sample } else { 0.0 });
        self.samples.clear();
        if track.channels == channels {
            self.samples.extend(samples);
        } else {
            samples
                .for_each(|sample| self.samples.extend(std::iter::repeat_n(sample, usize::from(channels))));
        }
        self.samples.resize(frames * usize::from(channels), 0.0);
        Ok(&self.samples)
    }
}

/// A thread that panicked left a list behind that is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::ReelShape;
    use crate::library::Library;
    use crate::library::tests::{job, library, recorded, samples};
    use std::time::Instant;

    const FRAMES: usize = 40_000;

    /// Waits for another thread; the limit only ends a test that would never end.
    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::yield_now();
        }
    }

    fn reel(tracks: usize, channels: u16) -> Arc<Reel> {
        Arc::new(Reel::new(ReelShape {
            tracks,
            channels,
            frames: FRAMES as u64,
            rate_hz: 48_000,
            start: None,
        }))
    }

    /// A take as canonical bytes and one stem of it as a WAV file.
    fn tracks(library: &Library, channels: u16) -> Vec<TrackFile> {
        let take = recorded(library, "take", FRAMES, channels);
        let record = job(library, &take, &["vocals"]);
        library.save_job(&record).unwrap();
        std::fs::copy(library.take_file(take.id), library.stem_part(&record, "vocals")).unwrap();
        let stem = library.keep_stem(&take, &record, "vocals").unwrap();
        vec![TrackFile::wav(&stem).unwrap(), library.track_of_take(&take, take.range())]
    }

    fn files(tracks: &[TrackFile]) -> Files {
        let tracks = tracks.iter().map(|track| (track.clone(), track.open().unwrap())).collect();
        Files { tracks, bytes: Vec::new(), samples: Vec::new() }
    }

    #[test]
    fn pages_hold_the_samples_of_wav_files_and_takes_alike() {
        let (_folder, library) = library();
        for channels in [1, 2] {
            let mut tracks = tracks(&library, channels);
            let part = TrackFile { first_frame: 777, frames: FRAMES as u64 - 1_000, ..tracks[1].clone() };
            tracks.push(part);
            let all = samples(FRAMES, channels);
            let width = usize::from(channels);
            let mut files = files(&tracks);
            for first in (0..FRAMES).step_by(PAGE_FRAMES).rev() {
                let frames = PAGE_FRAMES.min(FRAMES - first);
                for track in [0, 1] {
                    let read = files.read(track, first as u64, frames, channels).unwrap();
                    assert_eq!(read, &all[first * width..(first + frames) * width]);
                }
                let mut expected =
                    all[(first + 777).min(FRAMES - 223) * width..(FRAMES - 223) * width].to_vec();
                expected.resize(frames.max(expected.len() / width) * width, 0.0);
                expected.truncate(frames * width);
                assert_eq!(files.read(2, first as u64, frames, channels).unwrap(), expected);
            }
            assert!(files.read(3, 0, 10, channels).is_err());
        }
        let mono = recorded(&library, "mono", 100, 1);
        let mut files = files(&[library.track_of_take(&mono, mono.range())]);
        let both: Vec<f32> = samples(100, 1).into_iter().flat_map(|sample| [sample, sample]).collect();
        assert_eq!(files.read(0, 0, 100, 2).unwrap(), both);
    }

    #[test]
    fn a_reel_is_filled_to_its_end_and_reels_beside_it_too() {
        let (_folder, library) = library();
        let feeder = Feeder::shared().unwrap();
        let reels = [reel(2, 2), reel(2, 1), reel(2, 2)];
        for reel in &reels {
            feeder.play(reel, tracks(&library, reel.shape().channels)).unwrap();
        }
        for reel in &reels {
            wait_until("all pages", || reel.is_resident(0..FRAMES as u64));
            assert_eq!(feeder.trouble(reel), None);
        }
    }

    #[test]
    fn reels_that_nobody_holds_and_reels_that_were_stopped_are_forgotten() {
        let (_folder, library) = library();
        let feeder = Feeder::start().unwrap();
        let (one, two) = (reel(2, 2), reel(2, 2));
        feeder.play(&one, tracks(&library, 2)).unwrap();
        feeder.play(&two, tracks(&library, 2)).unwrap();
        feeder.play(&two, tracks(&library, 2)).unwrap();
        assert_eq!(lock(&feeder.work.state).feeds.len(), 2, "a reel has one set of files");
        feeder.stop(&one);
        wait_until("the thread let go", || Arc::strong_count(&one) == 1);
        assert_eq!(lock(&feeder.work.state).feeds.len(), 1);
        drop(two);
        wait_until("forgotten", || lock(&feeder.work.state).feeds.is_empty());
    }

    #[test]
    fn the_thread_is_over_when_the_last_handle_is_gone() {
        let (_folder, library) = library();
        let feeder = Feeder::start().unwrap();
        let reel = reel(2, 2);
        feeder.play(&reel, tracks(&library, 2)).unwrap();
        let work = Arc::clone(&feeder.work);
        drop(feeder);
        assert_eq!(Arc::strong_count(&work), 1, "the thread has let go of everything");
        assert_eq!(Arc::strong_count(&reel), 1);
        for _ in 0..200 {
            let handles = [Feeder::shared().unwrap(), Feeder::shared().unwrap()];
            assert!(Arc::ptr_eq(&handles[0], &handles[1]));
        }
    }

    #[test]
    fn a_file_that_is_gone_or_cut_is_told() {
        let (_folder, library) = library();
        let feeder = Feeder::shared().unwrap();
        let gone = tracks(&library, 2);
        std::fs::remove_file(&gone[0].path).unwrap();
        assert!(matches!(feeder.play(&reel(2, 2), gone), Err(LibraryError::Missing { .. })));
        let cut = tracks(&library, 2);
        let file = File::options().write(true).open(&cut[1].path).unwrap();
        file.set_len(1_000).unwrap();
        assert!(matches!(feeder.play(&reel(2, 2), cut), Err(LibraryError::Damaged { .. })));
        // Cut between its opening and its reading.
        let cut = tracks(&library, 2);
        let files = files(&cut);
        File::options().write(true).open(&cut[1].path).unwrap().set_len(1_000).unwrap();
        let reel = reel(2, 2);
        let feed = Feed { reel: Arc::downgrade(&reel), files: Mutex::new(files), trouble: Mutex::new(None) };
        lock(&feeder.work.state).feeds.push(Arc::new(feed));
        feeder.work.changed.notify_all();
        wait_until("trouble", || feeder.trouble(&reel).is_some());
        assert!(feeder.trouble(&reel).unwrap().contains("became shorter"));
        assert!(!reel.is_resident(0..FRAMES as u64));
    }

    #[test]
    fn tracks_that_do_not_fit_the_reel_are_refused() {
        let (_folder, library) = library();
        let feeder = Feeder::shared().unwrap();
        let stereo = tracks(&library, 2);
        let unsuitable = |reel: Arc<Reel>, tracks: Vec<TrackFile>| {
            assert!(matches!(feeder.play(&reel, tracks), Err(LibraryError::Unsuitable { .. })));
        };
        unsuitable(reel(3, 2), stereo.clone());
        unsuitable(reel(2, 1), stereo.clone());
        unsuitable(reel(1, 2), vec![TrackFile { rate_hz: 44_100, ..stereo[0].clone() }]);
    }
}

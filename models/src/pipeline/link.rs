//! What the two ends of one job share past the device: how many chunks are on their way, and whatever the task needs
//! at both ends. The cutter waits, for room or for what the assembler has to tell; the assembler never waits.

use crate::ModelError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Link<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    in_flight_max: usize,
}

struct State<T> {
    shared: T,
    in_flight: usize,
    /// The assembler is gone.
    closed: bool,
}

impl<T> Link<T> {
    pub(super) fn new(in_flight_max: usize, shared: T) -> Self {
        let state = State { shared, in_flight: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), in_flight_max: in_flight_max.max(1) }
    }

    /// Thread: cutter. Waits until another chunk may be on its way, and counts it.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn depart(&self) -> Result<(), ModelError> {
        self.depart_when(|_| true)
    }

    /// Thread: cutter. The same, and waits until what is shared is as the next chunk needs it.
    ///
    /// # Errors
    /// As [`Link::depart`].
    pub(super) fn depart_when(&self, is_ready: impl Fn(&T) -> bool) -> Result<(), ModelError> {
        let waits = |state: &mut State<T>| {
            (state.in_flight >= self.in_flight_max || !is_ready(&state.shared)) && !state.closed
        };
        let mut state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(ModelError::Stopped);
        }
        state.in_flight += 1;
        Ok(())
    }

    /// Waits until `look` finds what it looks for in what is shared, which it may change then.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn wait_for<R>(&self, mut look: impl FnMut(&mut T) -> Option<R>) -> Result<R, ModelError> {
        let mut state = self.state();
        while !state.closed {
            if let Some(found) = look(&mut state.shared) {
                self.changed.notify_all();
                return Ok(found);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Err(ModelError::Stopped)
    }

    /// Looks at what is shared, or changes it.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        let looked = look(&mut self.state().shared);
        self.changed.notify_all();
        looked
    }

    /// Thread: assembler. A chunk has arrived, and its memory is free.
    pub(super) fn arrived(&self) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        self.changed.notify_all();
    }

    /// The assembler is gone: nobody will make room.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Nothing is ever half-changed under this lock, so a panic elsewhere leaves nothing to repair.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread::{JoinHandle, spawn};

    type Shared = Arc<Link<Option<u32>>>;

    fn departs(link: &Shared, needs_word: bool) -> JoinHandle<Result<(), ModelError>> {
        let link = Arc::clone(link);
        spawn(move || link.depart_when(|word| !needs_word || word.is_some()))
    }

    #[test]
    fn a_waiting_cutter_goes_on_when_a_chunk_arrives_and_stops_when_the_assembler_is_gone() {
        let link = Arc::new(Link::new(1, None));
        link.depart().unwrap();
        let first = departs(&link, false);
        link.arrived();
        assert!(first.join().unwrap().is_ok());
        let second = departs(&link, false);
        link.close();
        assert!(matches!(second.join().unwrap(), Err(ModelError::Stopped)));
    }

    #[test]
    fn a_chunk_that_needs_word_from_the_assembler_waits_for_it() {
        let link = Arc::new(Link::new(8, None));
        let waiting = departs(&link, true);
        link.depart().unwrap();
        link.with(|word| *word = Some(7));
        assert!(waiting.join().unwrap().is_ok());
        assert_eq!(link.with(Option::take), Some(7));
        let waiting = departs(&link, true);
        link.close();
        assert!(matches!(waiting.join().unwrap(), Err(ModelError::Stopped)));
    }
}

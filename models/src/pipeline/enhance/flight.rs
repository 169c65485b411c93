//! How many chunks are on their way: the cutter waits, the assembler never does. Carries nothing else.

use crate::ModelError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Flight {
    state: Mutex<State>,
    changed: Condvar,
    chunks_max: usize,
}

struct State {
    chunks: usize,
    /// The assembler is gone.
    closed: bool,
}

impl Flight {
    pub(super) fn new(chunks_max: usize) -> Self {
        let state = State { chunks: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), chunks_max: chunks_max.max(1) }
    }

    /// Thread: cutter. Waits until another chunk may be on its way, and counts it.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn depart(&self) -> Result<(), ModelError> {
        let full = |state: &mut State| state.chunks >= self.chunks_max && !state.closed;
        let mut state = self.changed.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(ModelError::Stopped);
        }
        state.chunks += 1;
        Ok(())
    }

    /// Thread: assembler. A chunk has arrived.
    pub(super) fn arrive(&self) {
        let mut state = self.state();
        state.chunks = state.chunks.saturating_sub(1);
        self.changed.notify_all();
    }

    /// The assembler is gone: nobody will make room.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Nothing is ever half-changed under this lock, so a panic elsewhere leaves nothing to repair.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_waiting_cutter_goes_on_when_a_chunk_arrives_and_stops_when_the_assembler_is_gone() {
        let flight = Arc::new(Flight::new(1));
        flight.depart().unwrap();
        let waiting = || {
            let flight = Arc::clone(&flight);
            std::thread::spawn(move || flight.depart())
        };
        let first = waiting();
        flight.arrive();
        assert!(first.join().unwrap().is_ok());
        let second = waiting();
        flight.close();
        assert!(matches!(second.join().unwrap(), Err(ModelError::Stopped)));
    }
}

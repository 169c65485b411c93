//! What the cutter tells the assembler past the device: how many chunks are on their way and, at the end, what the ear
//! has heard. The cutter waits, the assembler never does.

use crate::ModelError;
use crate::music::ear::Listened;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Link {
    state: Mutex<State>,
    changed: Condvar,
    in_flight_max: usize,
}

#[derive(Default)]
struct State {
    in_flight: usize,
    heard: Option<Listened>,
    /// The assembler is gone.
    closed: bool,
}

impl Link {
    pub(super) fn new(in_flight_max: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), in_flight_max: in_flight_max.max(1) }
    }

    /// Thread: cutter. Waits until another chunk may be on its way, and counts it.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn depart(&self) -> Result<(), ModelError> {
        let full = |state: &mut State| state.in_flight >= self.in_flight_max && !state.closed;
        let mut state = self.changed.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        state.in_flight += 1;
        if state.closed { Err(ModelError::Stopped) } else { Ok(()) }
    }

    /// Thread: cutter. All was heard; before the last chunk departs.
    pub(super) fn tell(&self, heard: Listened) {
        self.state().heard = Some(heard);
    }

    /// Thread: assembler. What was heard; none before the last chunk.
    pub(super) fn heard(&self) -> Option<Listened> {
        self.state().heard.take()
    }

    /// Thread: assembler. A chunk has arrived.
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

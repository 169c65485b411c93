//! What the assembler tells the cutter: how many chunks are on their way, and what the network remembered after each.
//! The cutter waits, the assembler never does.

use crate::ModelError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Flight {
    state: Mutex<State>,
    changed: Condvar,
    chunks_max: usize,
}

struct State {
    chunks: usize,
    /// What the network remembered after the last answer of each channel, until the next chunk takes it.
    memories: Vec<Option<Vec<f32>>>,
    /// The assembler is gone.
    closed: bool,
}

impl Flight {
    pub(super) fn new(channels: usize, chunks_max: usize) -> Self {
        let state = State { chunks: 0, memories: vec![None; channels], closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), chunks_max: chunks_max.max(1) }
    }

    /// Thread: cutter. Waits until another chunk may be on its way, and counts it; with a channel in `goes_on`, waits
    /// for what the network remembered of it, too.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn depart(&self, goes_on: Option<usize>) -> Result<Vec<f32>, ModelError> {
        let waits = |state: &mut State| {
            let unknown = goes_on.is_some_and(|channel| state.memories[channel].is_none());
            (state.chunks >= self.chunks_max || unknown) && !state.closed
        };
        let mut state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(ModelError::Stopped);
        }
        state.chunks += 1;
        Ok(goes_on.and_then(|channel| state.memories[channel].take()).unwrap_or_default())
    }

    /// Thread: assembler. A chunk has arrived; `memory` where the channel goes on.
    pub(super) fn arrive(&self, channel: usize, memory: Option<Vec<f32>>) {
        let mut state = self.state();
        state.chunks = state.chunks.saturating_sub(1);
        state.memories[channel] = memory;
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

    fn departs(
        flight: &Arc<Flight>,
        goes_on: Option<usize>,
    ) -> std::thread::JoinHandle<Result<Vec<f32>, ModelError>> {
        let flight = Arc::clone(flight);
        std::thread::spawn(move || flight.depart(goes_on))
    }

    #[test]
    fn a_waiting_cutter_goes_on_when_a_chunk_arrives_and_stops_when_the_assembler_is_gone() {
        let flight = Arc::new(Flight::new(1, 1));
        flight.depart(None).unwrap();
        let first = departs(&flight, None);
        flight.arrive(0, None);
        assert!(first.join().unwrap().is_ok());
        let second = departs(&flight, None);
        flight.close();
        assert!(matches!(second.join().unwrap(), Err(ModelError::Stopped)));
    }

    #[test]
    fn a_channel_that_goes_on_waits_for_its_own_memory() {
        let flight = Arc::new(Flight::new(2, 8));
        flight.depart(None).unwrap();
        flight.depart(None).unwrap();
        let second = departs(&flight, Some(1));
        flight.arrive(0, Some(vec![1.0]));
        flight.arrive(1, Some(vec![2.0]));
        assert_eq!(second.join().unwrap().unwrap(), [2.0]);
        assert_eq!(flight.depart(Some(0)).unwrap(), [1.0]);
    }
}

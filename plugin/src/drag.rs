//! Files dragged between the window and the system: out of it into the DAW, and onto it.

use std::path::PathBuf;

/// Takes files out of the window while the mouse button is down.
pub trait DragOut {
    /// Whether this system can do it; otherwise the window offers to reveal the file instead.
    fn is_available(&self) -> bool;

    /// Begins a drag of these files; the button is down now. Returns at once; the drag ends with the button.
    ///
    /// # Errors
    /// For people: why it could not begin.
    fn begin(&mut self, files: &[PathBuf]) -> Result<(), String>;

    /// Files dropped onto the window since the last call.
    fn dropped(&mut self) -> Vec<PathBuf>;
}

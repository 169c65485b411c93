//! Files dragged between the window and the system: out of it into the DAW, and onto it. Never reads or writes a file.
//!
//! Works where the window is an X11 window (XDND, version 5). Elsewhere [`for_window`] answers one that says so, and the
//! window offers to reveal the file instead.

#[cfg(all(unix, not(target_os = "macos")))]
mod label;
#[cfg(all(unix, not(target_os = "macos")))]
mod uri_list;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

use raw_window_handle::RawWindowHandle;
use std::path::PathBuf;
use std::sync::Arc;

/// Files in one drag at most, out or in.
pub const FILES_MAX: usize = 64;

/// Wakes the window: whoever drags onto it holds the pointer, so it hears of nothing itself. Called on any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

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

/// Thread: main. Drag and drop for the window with this handle, until dropped; `wake` is called when files were dropped;
/// its thread is joined then, so drop it before the window goes. Never fails: where it cannot work it says so by [`DragOut::is_available`].
#[must_use]
pub fn for_window(handle: RawWindowHandle, wake: Wake) -> Box<dyn DragOut + Send> {
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        let window = match handle {
            RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
            RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
            _ => None,
        };
        if let Some(drag) = window.and_then(|window| x11::Drag::start(window, wake)) {
            return Box::new(drag);
        }
    }
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    let _ = (handle, wake);
    unavailable()
}

/// For a window that cannot be dragged from.
#[must_use]
pub fn unavailable() -> Box<dyn DragOut + Send> {
    Box::new(Unavailable)
}

/// Where files cannot be dragged.
struct Unavailable;

impl DragOut for Unavailable {
    fn is_available(&self) -> bool {
        false
    }

    fn begin(&mut self, _files: &[PathBuf]) -> Result<(), String> {
        Err("Files cannot be dragged out of this window on this system. Use \"Reveal in folder\".".to_owned())
    }

    fn dropped(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_another_system_says_that_files_cannot_be_dragged() {
        let surface = std::ptr::NonNull::<std::ffi::c_void>::dangling();
        let handle = raw_window_handle::WaylandWindowHandle::new(surface);
        let mut drag = for_window(RawWindowHandle::Wayland(handle), Arc::new(|| ()));
        assert!(!drag.is_available());
        assert!(drag.begin(&["a.wav".into()]).unwrap_err().contains("Reveal"));
        assert!(drag.dropped().is_empty());
    }
}

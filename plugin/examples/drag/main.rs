//! A window from which files are dragged: `drag X Y FILE..` shows it at that place of the screen, and whoever presses on
//! it holds those files. For `cargo xtask daw`, which drops them onto the plugin in a DAW. X11 only; elsewhere it says so.

use std::process::ExitCode;

#[cfg(all(unix, not(target_os = "macos")))]
fn main() -> ExitCode {
    match window::show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn main() -> ExitCode {
    eprintln!("error: files are dragged on X11 only");
    ExitCode::FAILURE
}

#[cfg(all(unix, not(target_os = "macos")))]
mod window {
    use raw_window_handle::{RawWindowHandle, XcbWindowHandle};
    use std::error::Error;
    use std::num::NonZeroU32;
    use std::path::PathBuf;
    use x11rb::connection::Connection;
    use x11rb::protocol::Event;
    use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, EventMask, WindowClass};
    use x11rb::wrapper::ConnectionExt as _;

    /// Points.
    const SIZE: u16 = 80;
    /// Seen on any ground.
    const COLOUR: u32 = 0x00d0_7fc8;

    pub(super) fn show() -> Result<(), Box<dyn Error>> {
        let mut arguments = std::env::args_os().skip(1);
        let mut number = || -> Result<i16, Box<dyn Error>> {
            let said = arguments.next().ok_or("usage: drag X Y FILE..")?;
            Ok(said.to_string_lossy().parse()?)
        };
        let (x, y) = (number()?, number()?);
        let files: Vec<PathBuf> = arguments.map(std::path::absolute).collect::<Result<_, _>>()?;
        let (conn, screen) = x11rb::connect(None)?;
        let screen = conn.setup().roots.get(screen).ok_or("no screen")?;
        let id = conn.generate_id()?;
        // Nobody decorates or moves it.
        let wanted = CreateWindowAux::new()
            .override_redirect(1)
            .background_pixel(COLOUR)
            .event_mask(EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE);
        let root = screen.root;
        conn.create_window(0, id, root, x, y, SIZE, SIZE, 0, WindowClass::INPUT_OUTPUT, 0, &wanted)?;
        conn.map_window(id)?;
        conn.sync()?;
        let handle = XcbWindowHandle::new(NonZeroU32::new(id).ok_or("a window has a number")?);
        let mut drag =
            tributary_plugin::drag::for_window(RawWindowHandle::Xcb(handle), std::sync::Arc::new(|| ()));
        loop {
            if let Event::ButtonPress(_) = conn.wait_for_event()? {
                drag.begin(&files)?;
            }
        }
    }
}

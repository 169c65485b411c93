//! Drag and drop by XDND version 5 (freedesktop.org), on a connection and a thread of its own: the toolkit neither
//! sends drags nor hands on the ones it gets.
//!
//! Out: the button is held by the toolkit's window, so the pointer is asked for instead of grabbed ([`source`]).
//! In: the window names ours as its `XdndProxy`, so whoever drags onto it speaks to us ([`target`]).

mod ghost;
mod pick;
mod source;
mod target;
#[cfg(test)]
mod x11_tests;

use super::{DragOut, FILES_MAX, Wake};
use source::Source;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use target::Target;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

/// How often the pointer is asked for during a drag.
const TICK: Duration = Duration::from_millis(10);
/// The version of XDND that is spoken.
const VERSION: u32 = 5;
/// Below that, messages are laid out differently; nobody has it since 1998.
const VERSION_MIN: u32 = 3;

x11rb::atom_manager! {
    /// Names that the server numbers.
    pub(super) Atoms: AtomsCookie {
        XdndAware, XdndProxy, XdndSelection, XdndTypeList,
        XdndEnter, XdndPosition, XdndStatus, XdndLeave, XdndDrop, XdndFinished,
        XdndActionCopy,
        TARGETS, TIMESTAMP, INCR,
        UriList: b"text/uri-list",
        NetWmWindowType: b"_NET_WM_WINDOW_TYPE",
        NetWmWindowTypeDnd: b"_NET_WM_WINDOW_TYPE_DND",
        Wake: b"_TRIBUTARY_WAKE",
    }
}

/// The connection and what everything here needs to know of it.
pub(super) struct Desktop {
    conn: RustConnection,
    atoms: Atoms,
    screen: usize,
    root: Window,
    /// Ours, never shown: source of drags, proxy for drops.
    own: Window,
}

impl Desktop {
    /// To the display of that name, else to the user's.
    fn connect(display: Option<&str>) -> Option<Self> {
        let (conn, screen) = x11rb::connect(display).ok()?;
        let atoms = Atoms::new(&conn).ok()?.reply().ok()?;
        let root = conn.setup().roots.get(screen)?.root;
        let own = conn.generate_id().ok()?;
        let wanted = CreateWindowAux::new().override_redirect(1).event_mask(EventMask::PROPERTY_CHANGE);
        conn.create_window(0, own, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &wanted).ok()?;
        Some(Self { conn, atoms, screen, root, own })
    }

    /// Sends a message of five numbers about `window` to `to`. A window that is gone is no error here.
    fn send(&self, to: Window, window: Window, kind: u32, data: [u32; 5]) -> Result<(), ConnectionError> {
        let message = ClientMessageEvent::new(32, window, kind, data);
        self.conn.send_event(false, to, EventMask::NO_EVENT, message)?;
        self.conn.flush()
    }
}

/// An answer, or nothing where the window it was about is gone.
fn heard<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, ConnectionError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::ConnectionError(error)) => Err(error),
        Err(ReplyError::X11Error(_)) => Ok(None),
    }
}

/// Thread: main. The window's end.
pub(super) struct Drag {
    desktop: Arc<Desktop>,
    /// Gone only while this is dropped.
    orders: Option<Sender<Vec<PathBuf>>>,
    dropped: Arc<Mutex<Vec<PathBuf>>>,
    thread: Option<JoinHandle<()>>,
}

impl Drag {
    /// For `window`; nothing where there is no X server to speak to.
    pub(super) fn start(window: Window, wake: Wake) -> Option<Self> {
        Self::start_on(None, window, wake)
    }

    fn start_on(display: Option<&str>, window: Window, wake: Wake) -> Option<Self> {
        let desktop = Arc::new(Desktop::connect(display)?);
        let dropped = Arc::new(Mutex::new(Vec::new()));
        let (orders, taken) = channel();
        let courier = Courier {
            source: Source::new(Arc::clone(&desktop), window),
            target: Target::watch(Arc::clone(&desktop), window, Arc::clone(&dropped), wake).ok()?,
            desktop: Arc::clone(&desktop),
            orders: taken,
        };
        let thread = std::thread::Builder::new().name("tributary drag".to_owned());
        let thread = thread.spawn(move || courier.run()).ok()?;
        Some(Self { desktop, orders: Some(orders), dropped, thread: Some(thread) })
    }

    /// Whether the thread could be told to look at its orders.
    fn wake(&self) -> bool {
        let Desktop { own, atoms, .. } = *self.desktop;
        self.desktop.send(own, own, atoms.Wake, [0; 5]).is_ok()
    }
}

impl DragOut for Drag {
    fn is_available(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn begin(&mut self, files: &[PathBuf]) -> Result<(), String> {
        if files.is_empty() || files.len() > FILES_MAX {
            return Err(format!("1 to {FILES_MAX} files can be dragged at once."));
        }
        if let Some(file) = files.iter().find(|file| !file.is_absolute()) {
            return Err(format!("{} is not a whole path.", file.display()));
        }
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(files.to_vec()).is_ok());
        if sent && self.wake() {
            Ok(())
        } else {
            Err("The desktop does not answer. Use \"Reveal in folder\".".to_owned())
        }
    }

    fn dropped(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.dropped.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Drag {
    fn drop(&mut self) {
        self.orders = None;
        // Without a connection the thread has ended by itself.
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Thread: drag. Waits for events while nothing is dragged, and looks at the pointer while something is.
struct Courier {
    desktop: Arc<Desktop>,
    source: Source,
    target: Target,
    orders: Receiver<Vec<PathBuf>>,
}

impl Courier {
    fn run(mut self) {
        // An error is the end of the connection: the desktop is gone, and the window with it.
        if self.serve().is_ok() {
            let _ = self.source.cancel();
            let _ = self.target.unwatch();
        }
    }

    /// Until the orders end.
    fn serve(&mut self) -> Result<(), ConnectionError> {
        loop {
            match self.orders.try_recv() {
                Ok(files) => self.source.begin(&files)?,
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) if self.source.is_idle() => {
                    let event = self.desktop.conn.wait_for_event()?;
                    self.handle(event)?;
                }
                Err(TryRecvError::Empty) => match self.orders.recv_timeout(TICK) {
                    Ok(files) => self.source.begin(&files)?,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    Err(RecvTimeoutError::Timeout) => self.tick()?,
                },
            }
        }
    }

    fn tick(&mut self) -> Result<(), ConnectionError> {
        while let Some(event) = self.desktop.conn.poll_for_event()? {
            self.handle(event)?;
        }
        self.source.tick(Instant::now())
    }

    fn handle(&mut self, event: Event) -> Result<(), ConnectionError> {
        match event {
            Event::PropertyNotify(event) => self.source.dated(&event),
            Event::SelectionRequest(event) => self.source.asked(&event),
            Event::SelectionClear(_) => self.source.cleared(),
            Event::SelectionNotify(event) => self.target.received(&event),
            Event::ClientMessage(event) if event.format == 32 => {
                let (atoms, data) = (self.desktop.atoms, event.data.as_data32());
                match event.type_ {
                    kind if kind == atoms.XdndStatus => self.source.answered(data),
                    kind if kind == atoms.XdndFinished => self.source.finished(data),
                    kind if kind == atoms.XdndEnter => self.target.entered(data),
                    kind if kind == atoms.XdndPosition => self.target.moved(event.window, data),
                    kind if kind == atoms.XdndLeave => self.target.left(data),
                    kind if kind == atoms.XdndDrop => self.target.dropped(event.window, data),
                    _ => Ok(()),
                }
            }
            // Errors are about windows of others that went away meanwhile.
            _ => Ok(()),
        }
    }
}

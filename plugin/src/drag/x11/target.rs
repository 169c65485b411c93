//! Drops onto the window: answers whoever drags over it, fetches the list of files, keeps their names for the session.

use super::{Desktop, VERSION, heard};
use crate::drag::{FILES_MAX, Wake, uri_list};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use x11rb::NONE;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, PropMode, SelectionNotifyEvent, Window};
use x11rb::wrapper::ConnectionExt as _;

/// Types that a source may offer; more are not looked at.
const TYPES_MAX: u32 = 256;
/// A list of files is shorter; a longer one is refused.
const LIST_BYTES_MAX: u32 = 1 << 20;
/// This machine's name, for URIs that say it.
const HOST: &str = "/proc/sys/kernel/hostname";

/// The watched window's ear.
pub(super) struct Target {
    desktop: Arc<Desktop>,
    watched: Window,
    guest: Option<Guest>,
    files: Arc<Mutex<Vec<PathBuf>>>,
    wake: Wake,
}

/// Who drags over the window.
#[derive(Clone, Copy)]
struct Guest {
    source: Window,
    version: u32,
    has_files: bool,
}

impl Target {
    /// Speaks for `watched` from now on.
    pub(super) fn watch(
        desktop: Arc<Desktop>,
        watched: Window,
        files: Arc<Mutex<Vec<PathBuf>>>,
        wake: Wake,
    ) -> Result<Self, ReplyError> {
        let (conn, atoms, own) = (&desktop.conn, desktop.atoms, desktop.own);
        let set = PropMode::REPLACE;
        conn.change_property32(set, own, atoms.XdndAware, AtomEnum::ATOM, &[VERSION])?;
        // A proxy is alive while it names itself.
        for window in [own, watched] {
            conn.change_property32(set, window, atoms.XdndProxy, AtomEnum::WINDOW, &[own])?;
        }
        conn.change_property32(set, watched, atoms.XdndAware, AtomEnum::ATOM, &[VERSION])?;
        conn.sync()?;
        Ok(Self { desktop, watched, guest: None, files, wake })
    }

    /// The window speaks for itself again. It may be gone already. Waits until the server has heard it: a connection that
    /// ends with events nobody has read is cut off, and what it said last may be lost.
    pub(super) fn unwatch(&self) -> Result<(), ReplyError> {
        self.desktop.conn.delete_property(self.watched, self.desktop.atoms.XdndProxy)?;
        self.desktop.conn.sync()
    }

    /// `XdndEnter`: somebody comes, and says what it carries.
    pub(super) fn entered(&mut self, data: [u32; 5]) -> Result<(), ConnectionError> {
        let (source, version) = (data[0], (data[1] >> 24).min(VERSION));
        let wanted = self.desktop.atoms.UriList;
        let mut has_files = data[2..].contains(&wanted);
        if data[1] & 1 == 1 {
            let list = self.desktop.atoms.XdndTypeList;
            let types = self.desktop.conn.get_property(false, source, list, AtomEnum::ATOM, 0, TYPES_MAX)?;
            let types = heard(types.reply())?;
            has_files |= types
                .and_then(|types| Some(types.value32()?.any(|offered| offered == wanted)))
                .unwrap_or_default();
        }
        self.guest = Some(Guest { source, version, has_files });
        Ok(())
    }

    /// `XdndPosition`: files are welcome everywhere.
    pub(super) fn moved(&self, window: Window, data: [u32; 5]) -> Result<(), ConnectionError> {
        let Some(guest) = self.guest.filter(|guest| guest.source == data[0]) else { return Ok(()) };
        let copy = if guest.has_files { self.desktop.atoms.XdndActionCopy } else { NONE };
        let answer = [window, u32::from(guest.has_files), 0, 0, copy];
        self.desktop.send(guest.source, guest.source, self.desktop.atoms.XdndStatus, answer)
    }

    /// `XdndLeave`.
    pub(super) fn left(&mut self, data: [u32; 5]) -> Result<(), ConnectionError> {
        self.guest = self.guest.filter(|guest| guest.source != data[0]);
        Ok(())
    }

    /// `XdndDrop`: asks for the list.
    pub(super) fn dropped(&mut self, window: Window, data: [u32; 5]) -> Result<(), ConnectionError> {
        let Some(guest) = self.guest.filter(|guest| guest.source == data[0]) else { return Ok(()) };
        if !guest.has_files {
            return self.finish(window, false);
        }
        let Desktop { conn, atoms, own, .. } = &*self.desktop;
        conn.convert_selection(*own, atoms.XdndSelection, atoms.UriList, atoms.XdndSelection, data[2])?;
        conn.flush()
    }

    /// The list came, or was refused.
    pub(super) fn received(&mut self, event: &SelectionNotifyEvent) -> Result<(), ConnectionError> {
        let Desktop { conn, atoms, own, .. } = &*self.desktop;
        if event.selection != atoms.XdndSelection || self.guest.is_none() {
            return Ok(());
        }
        let mut found = Vec::new();
        if event.property != NONE {
            let whole = LIST_BYTES_MAX / 4;
            let list = conn.get_property(true, *own, event.property, AtomEnum::ANY, 0, whole)?;
            // A list in parts (INCR) would be longer than any that is taken.
            let list = heard(list.reply())?.filter(|list| list.bytes_after == 0 && list.type_ != atoms.INCR);
            let host = std::fs::read_to_string(HOST).unwrap_or_default();
            found = list.map(|list| uri_list::decode(&list.value, host.trim())).unwrap_or_default();
        }
        let is_taken = !found.is_empty();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let room = FILES_MAX.saturating_sub(files.len());
        files.extend(found.into_iter().take(room));
        drop(files);
        if is_taken {
            (self.wake)();
        }
        self.finish(self.watched, is_taken)
    }

    fn finish(&mut self, window: Window, is_taken: bool) -> Result<(), ConnectionError> {
        let Some(guest) = self.guest.take() else { return Ok(()) };
        // Before version 5 the answer had no content.
        let (taken, action) = match is_taken && guest.version >= 5 {
            true => (1, self.desktop.atoms.XdndActionCopy),
            false => (0, NONE),
        };
        let answer = [window, taken, action, 0, 0];
        self.desktop.send(guest.source, guest.source, self.desktop.atoms.XdndFinished, answer)
    }
}

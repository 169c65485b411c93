//! Drags out: follows the pointer, tells the window under it, hands the list of files over when the button is let go.
//!
//! ```text
//! begin -> Asking (for the server's time) -> Held -> Released -> Dropped -> idle
//!                                             \ Escape, nothing under it, refused -> idle
//! ```

use super::ghost::Ghost;
use super::pick::{self, Spot};
use super::{Desktop, VERSION, heard};
use crate::drag::uri_list;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use x11rb::NONE;
use x11rb::connection::Connection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt, EventMask, KeyButMask, PropMode, PropertyNotifyEvent,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

/// A target that was told where the pointer is answers within this, or the drop is given up.
const STATUS_WAIT: Duration = Duration::from_secs(3);
/// A target may ask its user what to do with the files before it fetches them.
const FINISH_WAIT: Duration = Duration::from_secs(60);
/// The symbol of the key that ends a drag.
const ESCAPE: u32 = 0xFF1B;

/// What is being dragged out, if anything.
pub(super) struct Source {
    desktop: Arc<Desktop>,
    /// The window that drags come from; it never is their target.
    home: Window,
    stage: Stage,
}

enum Stage {
    Idle,
    /// The server was asked for its time: a selection must not be taken without.
    Asking(Parcel),
    Under(Box<Way>),
}

/// What travels.
struct Parcel {
    list: Vec<u8>,
    name: String,
}

/// A drag under way.
struct Way {
    list: Vec<u8>,
    time: Timestamp,
    escape: Option<u8>,
    ghost: Option<Ghost>,
    place: (i16, i16),
    over: Option<Over>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Held,
    Released { until: Instant },
    Dropped { until: Instant },
}

/// The window under the pointer, and how far the talk with it is.
struct Over {
    spot: Spot,
    /// The last place it was told.
    told: Option<(i16, i16)>,
    /// It has not answered that yet.
    is_waiting: bool,
    takes: bool,
    /// Inside of this (left, top, width, height) it wants to hear nothing more.
    quiet: Option<(i16, i16, u16, u16)>,
}

impl Over {
    /// Whether it has to be told that the pointer is at `place`.
    fn wants(&self, place: (i16, i16)) -> bool {
        let is_quiet = self.quiet.is_some_and(|(left, top, width, height)| {
            let within = |at: i16, from: i16, size: u16| {
                (0..i32::from(size)).contains(&(i32::from(at) - i32::from(from)))
            };
            within(place.0, left, width) && within(place.1, top, height)
        });
        self.told != Some(place) && !is_quiet
    }
}

impl Source {
    pub(super) fn new(desktop: Arc<Desktop>, home: Window) -> Self {
        Self { desktop, home, stage: Stage::Idle }
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Begins; whatever was under way before ends.
    pub(super) fn begin(&mut self, files: &[PathBuf]) -> Result<(), ConnectionError> {
        self.cancel()?;
        let name = files[0].file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = if files.len() > 1 { format!("{name}  + {}", files.len() - 1) } else { name };
        self.stage = Stage::Asking(Parcel { list: uri_list::encode(files), name });
        let Desktop { conn, own, atoms, .. } = &*self.desktop;
        conn.change_property8(PropMode::APPEND, *own, atoms.Wake, AtomEnum::STRING, &[])?;
        conn.flush()
    }

    /// The server told its time: the drag is ours from now on.
    pub(super) fn dated(&mut self, event: &PropertyNotifyEvent) -> Result<(), ConnectionError> {
        let Desktop { conn, own, atoms, .. } = &*self.desktop;
        if event.window != *own || event.atom != atoms.Wake {
            return Ok(());
        }
        let Stage::Asking(parcel) = std::mem::replace(&mut self.stage, Stage::Idle) else { return Ok(()) };
        conn.set_selection_owner(*own, atoms.XdndSelection, event.time)?;
        let owner = heard(conn.get_selection_owner(atoms.XdndSelection)?.reply())?;
        if owner.is_some_and(|answer| answer.owner == *own) {
            self.stage = Stage::Under(Box::new(Way {
                list: parcel.list,
                time: event.time,
                escape: escape(&self.desktop)?,
                ghost: Ghost::new(&self.desktop, &parcel.name),
                place: (i16::MIN, i16::MIN),
                over: None,
                phase: Phase::Held,
            }));
        }
        Ok(())
    }

    /// Ends without a drop.
    pub(super) fn cancel(&mut self) -> Result<(), ConnectionError> {
        if let Stage::Under(way) = &mut self.stage {
            if !matches!(way.phase, Phase::Dropped { .. }) {
                way.leave(&self.desktop)?;
            }
            self.end()?;
        }
        self.stage = Stage::Idle;
        Ok(())
    }

    /// The selection went to somebody else, or was ours and given back.
    pub(super) fn cleared(&mut self) -> Result<(), ConnectionError> {
        let Desktop { conn, own, atoms, .. } = &*self.desktop;
        let owner = heard(conn.get_selection_owner(atoms.XdndSelection)?.reply())?;
        let is_taken = owner.is_some_and(|answer| answer.owner != *own);
        if is_taken && matches!(self.stage, Stage::Under(_)) { self.cancel() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), ConnectionError> {
        if let Stage::Under(way) = &self.stage {
            // Heeded only while the selection is ours.
            self.desktop.conn.set_selection_owner(NONE, self.desktop.atoms.XdndSelection, way.time)?;
            self.desktop.conn.flush()?;
        }
        self.stage = Stage::Idle;
        Ok(())
    }

    /// Looks at the pointer and goes on.
    pub(super) fn tick(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let Stage::Under(way) = &mut self.stage else { return Ok(()) };
        let goes_on = match way.phase {
            Phase::Held => way.follow(&self.desktop, self.home, now)?,
            Phase::Released { until } => way.settle(&self.desktop, now, until)?,
            Phase::Dropped { until } => now < until,
        };
        if goes_on { Ok(()) } else { self.cancel() }
    }

    /// `XdndStatus`: what the target says to the place it was told.
    pub(super) fn answered(&mut self, data: [u32; 5]) -> Result<(), ConnectionError> {
        let Stage::Under(way) = &mut self.stage else { return Ok(()) };
        let Some(over) = way.over.as_mut().filter(|over| over.spot.window == data[0]) else { return Ok(()) };
        over.is_waiting = false;
        over.takes = data[1] & 1 == 1;
        let [left, top] = halves(data[2]);
        let [width, height] = halves(data[3]);
        let wants_all = data[1] & 2 == 2 || width == 0 || height == 0;
        over.quiet = (!wants_all).then_some((left.cast_signed(), top.cast_signed(), width, height));
        match &mut way.ghost {
            Some(ghost) => ghost.set_taken(over.takes),
            None => Ok(()),
        }
    }

    /// `XdndFinished`: the target has the files, or could not use them.
    pub(super) fn finished(&mut self, data: [u32; 5]) -> Result<(), ConnectionError> {
        let Stage::Under(way) = &self.stage else { return Ok(()) };
        let is_target = way.over.as_ref().is_some_and(|over| over.spot.window == data[0]);
        if is_target && matches!(way.phase, Phase::Dropped { .. }) { self.end() } else { Ok(()) }
    }

    /// The target (or anybody) asks for the list of files, or for what there is.
    pub(super) fn asked(&self, event: &SelectionRequestEvent) -> Result<(), ConnectionError> {
        let Desktop { conn, atoms, .. } = &*self.desktop;
        // Old programs name no place.
        let place = if event.property == NONE { event.target } else { event.property };
        let (to, set) = (event.requestor, PropMode::REPLACE);
        let is_answered = match &self.stage {
            Stage::Under(way) if event.selection == atoms.XdndSelection => {
                if event.target == atoms.UriList {
                    conn.change_property8(set, to, place, atoms.UriList, &way.list)?;
                } else if event.target == atoms.TARGETS {
                    let all: [Atom; 3] = [atoms.UriList, atoms.TARGETS, atoms.TIMESTAMP];
                    conn.change_property32(set, to, place, AtomEnum::ATOM, &all)?;
                } else if event.target == atoms.TIMESTAMP {
                    conn.change_property32(set, to, place, AtomEnum::INTEGER, &[way.time])?;
                }
                [atoms.UriList, atoms.TARGETS, atoms.TIMESTAMP].contains(&event.target)
            }
            _ => false,
        };
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: event.time,
            requestor: event.requestor,
            selection: event.selection,
            target: event.target,
            property: if is_answered { place } else { NONE },
        };
        conn.send_event(false, event.requestor, EventMask::NO_EVENT, answer)?;
        conn.flush()
    }
}

impl Way {
    /// The button is down. Answers whether the drag goes on.
    fn follow(&mut self, desktop: &Desktop, home: Window, now: Instant) -> Result<bool, ConnectionError> {
        let Some(pointer) = heard(desktop.conn.query_pointer(desktop.root)?.reply())? else {
            return Ok(false);
        };
        if self.is_escaped(desktop)? {
            return Ok(false);
        }
        let place = (pointer.root_x, pointer.root_y);
        if place != self.place {
            self.place = place;
            if let Some(ghost) = &mut self.ghost {
                ghost.follow(place)?;
            }
        }
        let spot = pick::under(desktop, place, home)?;
        if spot != self.over.as_ref().map(|over| over.spot) {
            self.leave(desktop)?;
            if let Some(spot) = spot {
                self.enter(desktop, spot)?;
            }
        }
        if !pointer.mask.contains(KeyButMask::BUTTON1) {
            self.phase = Phase::Released { until: now + STATUS_WAIT };
            return Ok(self.over.is_some());
        }
        self.tell(desktop)?;
        Ok(true)
    }

    /// The button was let go: the target must know the last place, and have agreed to it.
    fn settle(&mut self, desktop: &Desktop, now: Instant, until: Instant) -> Result<bool, ConnectionError> {
        self.tell(desktop)?;
        let Some(over) = &self.over else { return Ok(false) };
        if over.is_waiting {
            return Ok(now < until);
        }
        if !over.takes {
            return Ok(false);
        }
        let data = [desktop.own, 0, self.time, 0, 0];
        desktop.send(over.spot.to, over.spot.window, desktop.atoms.XdndDrop, data)?;
        self.ghost = None;
        self.phase = Phase::Dropped { until: now + FINISH_WAIT };
        Ok(true)
    }

    fn is_escaped(&self, desktop: &Desktop) -> Result<bool, ConnectionError> {
        let Some(key) = self.escape.map(usize::from) else { return Ok(false) };
        let pressed = heard(desktop.conn.query_keymap()?.reply())?;
        Ok(pressed.is_some_and(|pressed| pressed.keys[key / 8] >> (key % 8) & 1 == 1))
    }

    fn enter(&mut self, desktop: &Desktop, spot: Spot) -> Result<(), ConnectionError> {
        let data = [desktop.own, spot.version.min(VERSION) << 24, desktop.atoms.UriList, NONE, NONE];
        desktop.send(spot.to, spot.window, desktop.atoms.XdndEnter, data)?;
        self.over = Some(Over { spot, told: None, is_waiting: false, takes: false, quiet: None });
        Ok(())
    }

    fn leave(&mut self, desktop: &Desktop) -> Result<(), ConnectionError> {
        if let Some(over) = self.over.take() {
            desktop.send(
                over.spot.to,
                over.spot.window,
                desktop.atoms.XdndLeave,
                [desktop.own, 0, 0, 0, 0],
            )?;
        }
        match &mut self.ghost {
            Some(ghost) => ghost.set_taken(false),
            None => Ok(()),
        }
    }

    /// One place at a time: the next only after the answer.
    fn tell(&mut self, desktop: &Desktop) -> Result<(), ConnectionError> {
        let place = self.place;
        let Some(over) = self.over.as_mut().filter(|over| !over.is_waiting && over.wants(place)) else {
            return Ok(());
        };
        let [x, y] = [place.0, place.1].map(|at| u32::from(at.cast_unsigned()));
        let data = [desktop.own, 0, x << 16 | y, self.time, desktop.atoms.XdndActionCopy];
        desktop.send(over.spot.to, over.spot.window, desktop.atoms.XdndPosition, data)?;
        over.told = Some(place);
        over.is_waiting = true;
        Ok(())
    }
}

/// The code of the key Escape on this keyboard.
fn escape(desktop: &Desktop) -> Result<Option<u8>, ConnectionError> {
    let (first, last) = (desktop.conn.setup().min_keycode, desktop.conn.setup().max_keycode);
    let keys = desktop.conn.get_keyboard_mapping(first, last - first + 1)?.reply();
    let Some(keys) = heard(keys)? else { return Ok(None) };
    let width = usize::from(keys.keysyms_per_keycode).max(1);
    let key = keys.keysyms.chunks(width).position(|symbols| symbols.contains(&ESCAPE));
    Ok(key.and_then(|key| u8::try_from(key).ok()?.checked_add(first)))
}

fn halves(word: u32) -> [u16; 2] {
    [(word >> 16) as u16, (word & 0xFFFF) as u16]
}

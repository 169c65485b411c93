//! Which window under the pointer takes drops. Asks the server, changes nothing.

use super::{Desktop, VERSION, VERSION_MIN, heard};
use x11rb::NONE;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, Window};

/// Windows within windows; deeper is a mistake.
const DEPTH_MAX: usize = 64;

/// A window that takes drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// What messages are about.
    pub(super) window: Window,
    /// Where they go: the same, or its proxy.
    pub(super) to: Window,
    /// The version that both speak.
    pub(super) version: u32,
}

/// The outermost window at this place of the screen that takes drops; nothing over `home`, where the drag came from.
pub(super) fn under(
    desktop: &Desktop,
    place: (i16, i16),
    home: Window,
) -> Result<Option<Spot>, ConnectionError> {
    let mut way = vec![desktop.root];
    while way.len() < DEPTH_MAX {
        let at = way[way.len() - 1];
        let below = desktop.conn.translate_coordinates(desktop.root, at, place.0, place.1)?;
        match heard(below.reply())?.map_or(NONE, |below| below.child) {
            NONE => break,
            child if child == home => return Ok(None),
            child => way.push(child),
        }
    }
    // The bare desktop may have a proxy that takes drops; with a window in between it is not meant.
    let candidates = if way.len() > 1 { &way[1..] } else { &way[..] };
    for window in candidates {
        if let Some(spot) = aware(desktop, *window)? {
            return Ok(Some(spot));
        }
    }
    Ok(None)
}

fn aware(desktop: &Desktop, window: Window) -> Result<Option<Spot>, ConnectionError> {
    let (proxy_of, window_type) = (desktop.atoms.XdndProxy, AtomEnum::WINDOW.into());
    let to = match number(desktop, window, proxy_of, window_type)? {
        // A proxy that died leaves its number behind: only one that names itself is alive.
        Some(proxy) if number(desktop, proxy, proxy_of, window_type)? == Some(proxy) => proxy,
        _ => window,
    };
    let version = number(desktop, to, desktop.atoms.XdndAware, AtomEnum::ATOM.into())?;
    Ok(version.filter(|version| *version >= VERSION_MIN).map(|version| Spot {
        window,
        to,
        version: version.min(VERSION),
    }))
}

/// The first number of a window's property.
fn number(
    desktop: &Desktop,
    window: Window,
    property: u32,
    kind: u32,
) -> Result<Option<u32>, ConnectionError> {
    let answer = desktop.conn.get_property(false, window, property, kind, 0, 1)?;
    Ok(heard(answer.reply())?.and_then(|answer| answer.value32()?.next()))
}

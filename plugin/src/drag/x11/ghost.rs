//! The small window with the file's name that follows the pointer. Drops fall through it.

use super::Desktop;
use crate::drag::label::Label;
use std::sync::Arc;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::shape::{ConnectionExt as _, SK, SO};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClipOrdering, ConfigureWindowAux, ConnectionExt, CreateGCAux,
    CreateWindowAux, ImageFormat, ImageOrder, PropMode, VisualClass, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

/// Pixels from the pointer to the corner, at scale 1.
const OFFSET: f32 = 14.0;
/// `0x00RRGGBB`: over something that takes the files, and over anything else.
const BORDER_TAKEN: u32 = 0x005A_C8A0;
const BORDER_PLAIN: u32 = 0x0060_646C;
/// Characters of the resources that are read to find the resolution; four bytes each.
const RESOURCES_LENGTH: u32 = 16_384;
/// The resolution at scale 1.
const DPI: f32 = 96.0;

/// Shown until dropped.
pub(super) struct Ghost {
    desktop: Arc<Desktop>,
    window: Window,
    offset: i16,
    is_taken: bool,
    /// Shown only once it has a place.
    is_mapped: bool,
}

impl Ghost {
    /// With this text; nothing on a screen of too few colours, or where the server refuses.
    pub(super) fn new(desktop: &Arc<Desktop>, text: &str) -> Option<Self> {
        let screen = &desktop.conn.setup().roots[desktop.screen];
        let visual = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
        let visual = visual.into_iter().find(|visual| visual.visual_id == screen.root_visual)?;
        let masks = (visual.red_mask, visual.green_mask, visual.blue_mask);
        let formats = &desktop.conn.setup().pixmap_formats;
        let wide =
            formats.iter().any(|format| format.depth == screen.root_depth && format.bits_per_pixel == 32);
        if visual.class != VisualClass::TRUE_COLOR || masks != (0xFF_0000, 0xFF00, 0xFF) || !wide {
            return None;
        }
        let scale = scale(desktop);
        let offset = (OFFSET * scale) as i16;
        let window = show(desktop, &Label::draw(text, scale), screen.root_depth).ok()?;
        Some(Self { desktop: Arc::clone(desktop), window, offset, is_taken: false, is_mapped: false })
    }

    /// The pointer is here now.
    pub(super) fn follow(&mut self, (x, y): (i16, i16)) -> Result<(), ConnectionError> {
        let at = |place: i16| i32::from(place.saturating_add(self.offset));
        let place = ConfigureWindowAux::new().x(at(x)).y(at(y));
        self.desktop.conn.configure_window(self.window, &place)?;
        if !self.is_mapped {
            self.desktop.conn.map_window(self.window)?;
            self.is_mapped = true;
        }
        self.desktop.conn.flush()
    }

    /// Whether what is under the pointer would take the files.
    pub(super) fn set_taken(&mut self, is_taken: bool) -> Result<(), ConnectionError> {
        if is_taken == self.is_taken {
            return Ok(());
        }
        self.is_taken = is_taken;
        let colour = if is_taken { BORDER_TAKEN } else { BORDER_PLAIN };
        let wanted = ChangeWindowAttributesAux::new().border_pixel(colour);
        self.desktop.conn.change_window_attributes(self.window, &wanted)?;
        self.desktop.conn.flush()
    }
}

impl Drop for Ghost {
    fn drop(&mut self) {
        // The connection may be gone, and then so is the window.
        let _ = self.desktop.conn.destroy_window(self.window);
        let _ = self.desktop.conn.flush();
    }
}

/// Makes the window; the picture is its background, so nobody has to draw it again.
fn show(desktop: &Desktop, label: &Label, depth: u8) -> Result<Window, ReplyOrIdError> {
    let (conn, &Label { width, height, .. }) = (&desktop.conn, label);
    let (picture, pen, window) = (conn.generate_id()?, conn.generate_id()?, conn.generate_id()?);
    conn.create_pixmap(depth, picture, desktop.root, width, height)?;
    conn.create_gc(pen, picture, &CreateGCAux::new())?;
    let bytes: Vec<u8> = match conn.setup().image_byte_order {
        ImageOrder::LSB_FIRST => label.pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect(),
        _ => label.pixels.iter().flat_map(|pixel| pixel.to_be_bytes()).collect(),
    };
    // Requests are limited in length; a row of pixels is far below that.
    let row_bytes = usize::from(width) * 4;
    let rows = (conn.maximum_request_bytes() / 2 / row_bytes.max(1)).max(1);
    for (index, part) in bytes.chunks(rows * row_bytes.max(1)).enumerate() {
        let (top, height) = ((index * rows) as i16, (part.len() / row_bytes.max(1)) as u16);
        conn.put_image(ImageFormat::Z_PIXMAP, picture, pen, width, height, 0, top, 0, depth, part)?;
    }
    let wanted = CreateWindowAux::new()
        .background_pixmap(picture)
        .border_pixel(BORDER_PLAIN)
        .override_redirect(1)
        .save_under(1);
    conn.create_window(
        depth,
        window,
        desktop.root,
        0,
        0,
        width,
        height,
        1,
        WindowClass::INPUT_OUTPUT,
        0,
        &wanted,
    )?;
    conn.free_gc(pen)?;
    conn.free_pixmap(picture)?;
    let (kind, drag) = (desktop.atoms.NetWmWindowType, desktop.atoms.NetWmWindowTypeDnd);
    conn.change_property32(PropMode::REPLACE, window, kind, AtomEnum::ATOM, &[drag])?;
    // No part of it takes input: what lies under it is what the pointer is on.
    conn.shape_rectangles(SO::SET, SK::INPUT, ClipOrdering::UNSORTED, window, 0, 0, &[])?;
    Ok(window)
}

/// Pixels a point, as the user set it for the whole screen.
fn scale(desktop: &Desktop) -> f32 {
    let (root, all) = (desktop.root, RESOURCES_LENGTH);
    let asked = desktop.conn.get_property(false, root, AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING, 0, all);
    let Some(answer) = asked.ok().and_then(|asked| asked.reply().ok()) else { return 1.0 };
    dpi(&String::from_utf8_lossy(&answer.value)).map_or(1.0, |dpi| dpi / DPI)
}

fn dpi(resources: &str) -> Option<f32> {
    let line = resources.lines().find_map(|line| line.strip_prefix("Xft.dpi:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolution_is_found_among_other_resources() {
        assert_eq!(dpi("Xcursor.size:\t24\nXft.dpi:\t192\nXft.rgba:\tnone\n"), Some(192.0));
        assert_eq!(dpi("Xft.dpi: many"), None);
        assert_eq!(dpi(""), None);
    }
}

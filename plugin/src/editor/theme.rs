//! Colours, sizes and type of the window, and the style that egui's own widgets get from them. Draws nothing.

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, vec2};

/// Everything stands on a grid of this many points.
pub(crate) const GRID: f32 = 4.0;
/// Below this width the side panel folds away.
pub(crate) const FOLD_WIDTH: f32 = 860.0;
/// Height of the bar on top.
pub(crate) const BAR: f32 = 44.0;
/// Width of the side panel.
pub(crate) const SIDE: f32 = 256.0;
/// Height of buttons and fields.
pub(crate) const FIELD: f32 = 28.0;
/// Rounding of buttons and fields.
pub(crate) const ROUND: u8 = 4;

/// Behind everything.
pub(crate) const GROUND: Color32 = Color32::from_rgb(0x17, 0x19, 0x1d);
/// Bars and the side panel.
pub(crate) const PANEL: Color32 = Color32::from_rgb(0x1e, 0x21, 0x26);
/// Behind waveforms, text fields and meters.
pub(crate) const WELL: Color32 = Color32::from_rgb(0x10, 0x12, 0x15);
/// Buttons.
pub(crate) const RAISED: Color32 = Color32::from_rgb(0x2c, 0x30, 0x38);
/// Buttons under the pointer; what is chosen.
pub(crate) const HOVER: Color32 = Color32::from_rgb(0x39, 0x3e, 0x48);
/// Lines between things.
pub(crate) const LINE: Color32 = Color32::from_rgb(0x2c, 0x30, 0x38);
/// Outlines of fields.
pub(crate) const EDGE: Color32 = Color32::from_rgb(0x4a, 0x50, 0x5c);
/// Words and numbers.
pub(crate) const TEXT: Color32 = Color32::from_rgb(0xe9, 0xeb, 0xee);
/// Words of less weight.
pub(crate) const DIM: Color32 = Color32::from_rgb(0xab, 0xb2, 0xbd);
/// The one button that matters now.
pub(crate) const ACCENT: Color32 = Color32::from_rgb(0xa3, 0x94, 0xff);
/// The same under the pointer.
pub(crate) const ACCENT_HOVER: Color32 = Color32::from_rgb(0xb6, 0xaa, 0xff);
/// On the accent and on the colours of stems.
pub(crate) const ON_BRIGHT: Color32 = Color32::from_rgb(0x12, 0x11, 0x18);
/// Recording, and what went wrong.
pub(crate) const RECORD: Color32 = Color32::from_rgb(0xff, 0x78, 0x6e);
/// What is not as it should be.
pub(crate) const WARN: Color32 = Color32::from_rgb(0xf2, 0xbb, 0x55);
/// What is well.
pub(crate) const GOOD: Color32 = Color32::from_rgb(0x5f, 0xcc, 0x9f);
/// The take's waveform.
pub(crate) const WAVE: Color32 = Color32::from_rgb(0xb9, 0xc0, 0xcb);
/// The take's spectrogram.
pub(crate) const SPECTRUM: Color32 = Color32::from_rgb(0x94, 0xa6, 0xca);
/// Where the sound is.
pub(crate) const PLAYHEAD: Color32 = Color32::WHITE;

/// One colour a stem. Okabe and Ito's palette (2008), which is told apart with every kind of colour vision, made lighter
/// where it would be dark on our ground.
const STEMS: [(&str, Color32); 6] = [
    ("vocals", Color32::from_rgb(0x78, 0xc6, 0xf6)),
    ("drums", Color32::from_rgb(0xee, 0xa5, 0x1c)),
    ("bass", Color32::from_rgb(0xd0, 0x7f, 0xc8)),
    ("other", Color32::from_rgb(0x1f, 0xae, 0x7a)),
    ("guitar", Color32::from_rgb(0xf3, 0xe6, 0x58)),
    ("piano", Color32::from_rgb(0xec, 0x6f, 0x3c)),
];

/// The colour of a stem: its own, or for a name that we do not know the one of its row.
pub(crate) fn stem_colour(name: &str, row: usize) -> Color32 {
    let known = STEMS.iter().find(|(known, _)| *known == name);
    known.map_or(STEMS[row % STEMS.len()].1, |(_, colour)| *colour)
}

/// `part` of the way from `from` to `to`.
pub(crate) fn mix(from: Color32, to: Color32, part: f32) -> Color32 {
    from.lerp_to_gamma(to, part.clamp(0.0, 1.0))
}

/// Small type: units, hints, column heads.
pub(crate) fn small() -> FontId {
    FontId::new(11.5, FontFamily::Proportional)
}

/// Type of most things.
pub(crate) fn body() -> FontId {
    FontId::new(13.5, FontFamily::Proportional)
}

/// Large type: names and times that matter.
pub(crate) fn title() -> FontId {
    FontId::new(18.0, FontFamily::Proportional)
}

/// The style of egui's own widgets: text fields, menus, tooltips, scroll bars.
pub(crate) fn apply(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    // Zoom is a setting here, and ctrl with plus belongs to the host.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, small()),
            (TextStyle::Body, body()),
            (TextStyle::Button, body()),
            (TextStyle::Heading, title()),
            (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
        ]
        .into();
        style.spacing.item_spacing = vec2(2.0 * GRID, GRID);
        style.spacing.button_padding = vec2(2.0 * GRID, GRID);
        style.spacing.interact_size = vec2(FIELD, FIELD);
        style.spacing.menu_margin = Margin::same(4);
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.5;
        visuals(&mut style.visuals);
    });
}

fn visuals(visuals: &mut egui::Visuals) {
    visuals.dark_mode = true;
    visuals.panel_fill = GROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, EDGE);
    visuals.extreme_bg_color = WELL;
    visuals.text_edit_bg_color = Some(WELL);
    visuals.faint_bg_color = PANEL;
    visuals.popup_shadow =
        egui::Shadow { offset: [0, 4], blur: 12, spread: 0, color: Color32::from_black_alpha(96) };
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.window_corner_radius = CornerRadius::same(6);
    visuals.selection.bg_fill = Color32::from_rgb(0x4b, 0x43, 0x80);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.hyperlink_color = TEXT;
    visuals.warn_fg_color = WARN;
    visuals.error_fg_color = RECORD;
    visuals.weak_text_color = Some(DIM);
    visuals.override_text_color = None;
    let looks = [
        (&mut visuals.widgets.noninteractive, PANEL, LINE),
        (&mut visuals.widgets.inactive, RAISED, EDGE),
        (&mut visuals.widgets.hovered, HOVER, EDGE),
        (&mut visuals.widgets.active, HOVER, DIM),
        (&mut visuals.widgets.open, HOVER, EDGE),
    ];
    for (look, fill, line) in looks {
        look.bg_fill = fill;
        look.weak_bg_fill = fill;
        look.bg_stroke = Stroke::new(1.0, line);
        look.fg_stroke = Stroke::new(1.0, TEXT);
        look.corner_radius = CornerRadius::same(ROUND);
        look.expansion = 0.0;
    }
    visuals.widgets.noninteractive.fg_stroke = Stroke::new(1.0, TEXT);
}

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;

//! The part of the take that is in use: two handles on the waveform.

use super::axis::Axis;
use super::{Turn, theme, words};
use crate::command::Command;
use crate::library::TakeInfo;
use egui::{CursorIcon, Id, Rect, Sense, Stroke, Ui, pos2, vec2};

/// Half the width in which a handle can be grabbed.
const GRAB: f32 = 6.0;

/// Which handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// What is being dragged, or was let go and is not answered yet.
#[derive(Default)]
pub(crate) struct Trim {
    held: Option<(End, (u64, u64))>,
    wished: Option<Wish>,
}

/// A trim that was asked for.
struct Wish {
    range: (u64, u64),
    /// What the view said then; anything else is the answer.
    before: Option<(u64, u64)>,
}

/// A range that lies in the take, whatever its record says.
pub(crate) fn range(take: &TakeInfo) -> (u64, u64) {
    let (first, end) = take.range();
    let end = end.min(take.frames);
    (first.min(end), end)
}

impl Trim {
    /// The part to be drawn: as dragged, as wished, as it is.
    pub(crate) fn range(&mut self, take: &TakeInfo) -> (u64, u64) {
        if self.wished.as_ref().is_some_and(|wish| wish.before != take.trim) {
            self.wished = None;
        }
        let held = self.held.map(|(_, range)| range);
        held.or(self.wished.as_ref().map(|wish| wish.range)).unwrap_or_else(|| range(take))
    }

    /// Reads the handles and draws them over the waveform in `rect`.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        axis: &Axis,
        take: &TakeInfo,
        turn: &mut Turn<'_>,
    ) {
        for end in [End::First, End::Last] {
            self.handle(ui, rect, axis, take, end, turn);
        }
    }

    fn handle(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        axis: &Axis,
        take: &TakeInfo,
        end: End,
        turn: &mut Turn<'_>,
    ) {
        let (first, last) = self.range(take);
        let frame = if end == End::First { first } else { last };
        let x = axis.x(rect.x_range(), frame as f64);
        if x < rect.left() - 1.0 || x > rect.right() + 1.0 {
            return;
        }
        // Inside the waveform at its ends, so that a handle can always be reached.
        let middle = x.clamp(rect.left() + GRAB, rect.right() - GRAB);
        let grab = Rect::from_center_size(pos2(middle, rect.center().y), vec2(2.0 * GRAB, rect.height()));
        let name = if end == End::First { "Start of the part in use" } else { "End of the part in use" };
        let response = ui.interact(grab, Id::unique("trim").with(end == End::First), Sense::click_and_drag());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Slider, true, name));
        if response.dragged()
            && let Some(at) = response.interact_pointer_pos()
        {
            self.held = Some((end, moved((first, last), end, axis.frame(rect.x_range(), at.x), take)));
        }
        if response.drag_stopped() {
            self.let_go(take, turn);
        } else if response.double_clicked() && take.trim.is_some() {
            turn.ask(Command::Trim(None));
        }
        let is_held = response.dragged() || response.hovered();
        let ink = if is_held { theme::TEXT } else { theme::DIM };
        paint(ui, rect, x, end, ink);
        let tip =
            format!("{name}, {}. Drag to trim; double-click for all", words::frames(frame, take.rate_hz));
        response.on_hover_cursor(CursorIcon::ResizeHorizontal).on_hover_text(tip);
    }

    fn let_go(&mut self, take: &TakeInfo, turn: &mut Turn<'_>) {
        let Some((_, range)) = self.held.take() else { return };
        let trim = (range != (0, take.frames)).then_some(range);
        if trim != take.trim {
            self.wished = Some(Wish { range, before: take.trim });
            turn.ask(Command::Trim(trim));
        }
    }
}

/// The range with one end elsewhere, a tenth of a second long at least.
fn moved((first, last): (u64, u64), end: End, to: u64, take: &TakeInfo) -> (u64, u64) {
    let least = (u64::from(take.rate_hz) / 10).clamp(1, take.frames.max(1));
    match end {
        End::First => (to.min(last.saturating_sub(least)), last),
        End::Last => (first, to.clamp(first.saturating_add(least).min(take.frames), take.frames)),
    }
}

fn paint(ui: &Ui, rect: Rect, x: f32, end: End, ink: egui::Color32) {
    let painter = ui.painter();
    let x = x.clamp(rect.left() + 0.5, rect.right() - 0.5);
    painter.vline(x, rect.y_range(), Stroke::new(1.0, ink));
    let way = if end == End::First { 1.0 } else { -1.0 };
    for (y, turn) in [(rect.top(), 1.0), (rect.bottom(), -1.0)] {
        let corner = vec![pos2(x, y), pos2(x + 9.0 * way, y), pos2(x, y + 9.0 * turn)];
        painter.add(egui::Shape::convex_polygon(corner, ink, Stroke::NONE));
    }
}

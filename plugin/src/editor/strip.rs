//! Cuts a rectangle into cells from its ends, so that what stands in a row stays where it is whatever its text says.

use egui::{Rect, pos2};

/// What is left of a row or column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip(pub(crate) Rect);

impl Strip {
    /// Cells of nothing when there is no room left.
    pub(crate) fn left(&mut self, width: f32) -> Rect {
        let cut = (self.0.left() + width).min(self.0.right());
        let cell = Rect::from_min_max(self.0.min, pos2(cut, self.0.bottom()));
        self.0.min.x = cut;
        cell
    }

    /// As [`Self::left`].
    pub(crate) fn right(&mut self, width: f32) -> Rect {
        let cut = (self.0.right() - width).max(self.0.left());
        let cell = Rect::from_min_max(pos2(cut, self.0.top()), self.0.max);
        self.0.max.x = cut;
        cell
    }

    /// As [`Self::left`].
    pub(crate) fn top(&mut self, height: f32) -> Rect {
        let cut = (self.0.top() + height).min(self.0.bottom());
        let cell = Rect::from_min_max(self.0.min, pos2(self.0.right(), cut));
        self.0.min.y = cut;
        cell
    }

    /// As [`Self::left`].
    pub(crate) fn bottom(&mut self, height: f32) -> Rect {
        let cut = (self.0.bottom() - height).max(self.0.top());
        let cell = Rect::from_min_max(pos2(self.0.left(), cut), self.0.max);
        self.0.max.y = cut;
        cell
    }

    /// What is left.
    pub(crate) fn rest(self) -> Rect {
        self.0
    }
}

/// A part of `cell` of this height, in its middle.
pub(crate) fn middle(cell: Rect, height: f32) -> Rect {
    let height = height.min(cell.height());
    Rect::from_center_size(cell.center(), egui::vec2(cell.width(), height))
}

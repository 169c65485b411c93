//! MAIN THREAD. The window as the host sees it: opened and closed, resized, parented. What is drawn is the
//! [`super::Face`]'s.

use super::Face;
use crate::drag::{self, DragOut};
use crate::session::Session;
use crate::view::WindowSize;
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{Editor, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor};
use nice_plug::plugin::TrackInfo;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};
use raw_window_handle::HasWindowHandle;
use std::error::Error;
use std::sync::Arc;

/// Below this the rows would not fit.
const SMALLEST: LogicalSize<f32> = LogicalSize { width: 760.0, height: 460.0 };

/// Opens the window at the size it had last, as often as the host asks.
pub struct WindowEditor {
    session: Arc<Session>,
    repaint: RepaintNotifier,
}

impl WindowEditor {
    /// `repaint` wakes the window when the session has news.
    #[must_use]
    pub fn new(session: Arc<Session>, repaint: RepaintNotifier) -> Self {
        Self { session, repaint }
    }

    fn size_points(&self) -> (LogicalSize<f32>, f32) {
        let WindowSize { width, height, zoom } = self.session.view().window;
        let size = LogicalSize::new(width.max(SMALLEST.width), height.max(SMALLEST.height));
        (size, zoom.clamp(1.0, 3.0))
    }
}

impl Editor for WindowEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<EguiEditorHandle>, Box<dyn Error>> {
        let (size, zoom) = self.size_points();
        let settings = EguiNiceSettings::new().with_tile("Tributary").with_resize_hint(self.resize_hint());
        let app = Window {
            session: Arc::clone(&self.session),
            face: Face::new(),
            drag: drag::unavailable(),
            repaint: self.repaint.clone(),
        };
        let editor: EguiEditor<Window> =
            create_egui_editor(EguiEditorState::from_size(size, zoom), self.repaint.clone(), settings, app)
                .ok_or("the window could not be made")?;
        editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let (size, _) = self.size_points();
        NativeSize::from_size(size.into(), 1.0)
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::RESIZABLE.with_min_logical_size(SMALLEST)
    }

    fn track_info_updated(&self, info: TrackInfo) {
        self.session.set_track_name(info.name());
    }
}

/// One open window.
struct Window {
    session: Arc<Session>,
    face: Face,
    drag: Box<dyn DragOut + Send>,
    repaint: RepaintNotifier,
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        context: egui::Context,
        _: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        if let Ok(handle) = frame.baseview_window().window_handle() {
            let repaint = self.repaint.clone();
            self.drag = drag::for_window(handle.as_raw(), Arc::new(move || repaint.request_repaint()));
        }
        self.session.set_window_open(true);
        self.face.build(&context);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        let (view, gauges) = (self.session.view(), self.session.gauges());
        for command in self.face.show(ui, &view, &gauges, self.drag.as_mut()) {
            if let Err(busy) = self.session.send(command) {
                self.face.complain(busy.to_string());
            }
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.session.set_window_open(false);
    }
}

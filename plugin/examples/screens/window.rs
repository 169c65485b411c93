//! A window without a window: frames of egui with scripted input, and what came out of them.

use egui::accesskit::{Node, NodeId};
use egui::epaint::ClippedPrimitive;
use egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, TexturesDelta, pos2, vec2};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::audio::Gauges;
use tributary_plugin::command::Command;
use tributary_plugin::drag::DragOut;
use tributary_plugin::editor::Face;
use tributary_plugin::view::View;

/// What is dragged out of the window goes here.
#[derive(Default)]
pub(crate) struct Hands {
    /// The system can drag.
    pub(crate) can: bool,
    /// Every drag that was begun.
    pub(crate) begun: Vec<Vec<PathBuf>>,
    /// Files to be dropped onto the window with the next frame.
    pub(crate) dropped: Vec<PathBuf>,
    /// Why no drag can begin.
    pub(crate) refusal: Option<String>,
}

impl DragOut for Hands {
    fn is_available(&self) -> bool {
        self.can
    }

    fn begin(&mut self, files: &[PathBuf]) -> Result<(), String> {
        self.begun.push(files.to_vec());
        self.refusal.clone().map_or(Ok(()), Err)
    }

    fn dropped(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.dropped)
    }
}

/// The window.
pub(crate) struct Window {
    /// Its context.
    pub(crate) ctx: Context,
    /// What it shows.
    pub(crate) view: View,
    /// What moves in it.
    pub(crate) gauges: Gauges,
    /// What is dragged.
    pub(crate) hands: Hands,
    /// Every command so far.
    pub(crate) commands: Vec<Command>,
    /// Points.
    pub(crate) size: (f32, f32),
    face: Face,
    scale: f32,
    time: f64,
    modifiers: Modifiers,
    textures: Vec<TexturesDelta>,
    shapes: Vec<egui::epaint::ClippedShape>,
    nodes: Vec<(NodeId, Node)>,
    /// Pages that were opened in the browser.
    pub(crate) opened: Vec<String>,
    /// Texts that were copied.
    pub(crate) copied: Vec<String>,
    /// Seconds until the window draws itself again.
    pub(crate) sleeps: f64,
}

impl Window {
    /// A window that has drawn its first frames.
    pub(crate) fn new(view: View, size: (f32, f32), scale: f32) -> Self {
        let (ctx, mut face) = (Context::default(), Face::new());
        ctx.enable_accesskit();
        face.build(&ctx);
        let gauges = Gauges::default();
        gauges.playhead.store(-1, Relaxed);
        gauges.rate_hz.store(44_100, Relaxed);
        let mut window = Self {
            ctx,
            view,
            gauges,
            hands: Hands { can: true, ..Hands::default() },
            commands: Vec::new(),
            size,
            face,
            scale,
            time: 0.0,
            modifiers: Modifiers::NONE,
            textures: Vec::new(),
            shapes: Vec::new(),
            nodes: Vec::new(),
            opened: Vec::new(),
            copied: Vec::new(),
            sleeps: 0.0,
        };
        window.rest();
        window
    }

    /// One frame with these events.
    pub(crate) fn frame(&mut self, events: Vec<Event>) {
        self.time += 1.0 / 30.0;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(self.size.0, self.size.1))),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            viewport.native_pixels_per_point = Some(self.scale);
        }
        let (face, view, gauges, hands) = (&mut self.face, &self.view, &self.gauges, &mut self.hands);
        let mut commands = Vec::new();
        let output = self.ctx.run_ui(input, |ui| commands.extend(face.show(ui, view, gauges, hands)));
        self.commands.extend(commands);
        self.textures.push(output.textures_delta);
        self.shapes = output.shapes;
        for command in output.platform_output.commands {
            match command {
                egui::OutputCommand::OpenUrl(page) => self.opened.push(page.url),
                egui::OutputCommand::CopyText(text) => self.copied.push(text),
                _ => {}
            }
        }
        if let Some(update) = output.platform_output.accesskit_update {
            self.nodes = update.nodes;
        }
        let root = output.viewport_output.get(&egui::ViewportId::ROOT);
        self.sleeps = root.map_or(f64::INFINITY, |root| root.repaint_delay.as_secs_f64());
    }

    /// Some frames in which nothing is done, until popups and scroll bars have found their place.
    pub(crate) fn rest(&mut self) {
        for _ in 0..4 {
            self.frame(Vec::new());
        }
    }

    /// Where the thing with this name is.
    pub(crate) fn find(&self, name: &str) -> Option<Rect> {
        let named =
            self.nodes.iter().find(|(_, node)| node.label() == Some(name) || node.value() == Some(name));
        let bounds = named?.1.bounds()?;
        let corner = |x: f64, y: f64| pos2(x as f32, y as f32);
        Some(Rect::from_min_max(corner(bounds.x0, bounds.y0), corner(bounds.x1, bounds.y1)))
    }

    /// The middle of the thing with this name.
    pub(crate) fn middle(&self, name: &str) -> Pos2 {
        self.find(name).unwrap_or_else(|| panic!("there is no \u{201c}{name}\u{201d}")).center()
    }

    /// The pointer goes there.
    pub(crate) fn point(&mut self, at: Pos2) {
        self.frame(vec![Event::PointerMoved(at)]);
    }

    fn button(&mut self, at: Pos2, button: PointerButton, pressed: bool) {
        let modifiers = self.modifiers;
        self.frame(vec![
            Event::PointerMoved(at),
            Event::PointerButton { pos: at, button, pressed, modifiers },
        ]);
    }

    /// Presses and lets go.
    pub(crate) fn click_at(&mut self, at: Pos2) {
        self.point(at);
        self.button(at, PointerButton::Primary, true);
        self.button(at, PointerButton::Primary, false);
        // Two clicks are not a double-click unless they are meant as one.
        self.time += 1.0;
        self.rest();
    }

    /// Clicks the thing with this name.
    pub(crate) fn click(&mut self, name: &str) {
        self.click_at(self.middle(name));
    }

    /// A drawing after the pointer rested on a thing until its hint came.
    pub(crate) fn hover(&mut self, name: &str) {
        self.point(self.middle(name));
        self.time += 2.0;
        self.rest();
    }

    /// With these keys held.
    pub(crate) fn holding(&mut self, modifiers: Modifiers, acts: impl FnOnce(&mut Self)) {
        self.modifiers = modifiers;
        self.frame(vec![Event::ModifiersChanged(modifiers)]);
        acts(self);
        self.modifiers = Modifiers::NONE;
        self.frame(vec![Event::ModifiersChanged(Modifiers::NONE)]);
    }

    /// Clicks with these keys held, which are let go before anything is drawn again.
    #[cfg(test)]
    pub(crate) fn click_letting_go(&mut self, name: &str, modifiers: Modifiers) {
        let (pos, button) = (self.middle(name), PointerButton::Primary);
        self.point(pos);
        self.modifiers = modifiers;
        self.frame(vec![Event::ModifiersChanged(modifiers)]);
        self.button(pos, button, true);
        self.modifiers = Modifiers::NONE;
        self.frame(vec![
            Event::PointerButton { pos, button, pressed: false, modifiers },
            Event::ModifiersChanged(Modifiers::NONE),
        ]);
        self.time += 1.0;
        self.rest();
    }

    /// Presses, goes there in steps, lets go.
    pub(crate) fn drag(&mut self, from: Pos2, to: Pos2) {
        self.point(from);
        self.button(from, PointerButton::Primary, true);
        for step in 1..=4u8 {
            self.point(from + (to - from) * (f32::from(step) / 4.0));
        }
        self.button(to, PointerButton::Primary, false);
        self.time += 1.0;
        self.rest();
    }

    /// Turns the wheel.
    pub(crate) fn wheel(&mut self, at: Pos2, delta: egui::Vec2) {
        self.point(at);
        let modifiers = self.modifiers;
        self.frame(vec![Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta,
            source: egui::MouseWheelSource::Unknown,
            phase: egui::TouchPhase::Move,
            modifiers,
        }]);
        for _ in 0..30 {
            self.frame(Vec::new());
        }
    }

    /// Presses a key and lets it go.
    #[cfg(test)]
    pub(crate) fn key(&mut self, key: egui::Key) {
        let modifiers = self.modifiers;
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.frame(vec![event(true)]);
        self.frame(vec![event(false)]);
    }
}

/// What comes out.
impl Window {
    /// All textures so far, in order; each is given once.
    pub(crate) fn textures(&mut self) -> Vec<TexturesDelta> {
        std::mem::take(&mut self.textures)
    }

    /// The last frame as meshes.
    pub(crate) fn primitives(&self) -> Vec<ClippedPrimitive> {
        self.ctx.tessellate(self.shapes.clone(), self.scale * self.ctx.zoom_factor())
    }
}

#[cfg(test)]
impl Window {
    /// Clicks twice.
    pub(crate) fn double_click_at(&mut self, at: Pos2) {
        self.point(at);
        for _ in 0..2 {
            self.button(at, PointerButton::Primary, true);
            self.button(at, PointerButton::Primary, false);
        }
        self.time += 1.0;
        self.rest();
    }

    /// With the right button.
    pub(crate) fn right_click(&mut self, name: &str) {
        let at = self.middle(name);
        self.point(at);
        self.button(at, PointerButton::Secondary, true);
        self.button(at, PointerButton::Secondary, false);
        self.rest();
    }

    /// Types text into what has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.frame(vec![Event::Text(text.to_owned())]);
    }

    /// All commands since this was asked the last time.
    pub(crate) fn took(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// All text of the last frame, line by line.
    pub(crate) fn text(&self) -> String {
        fn collect(shape: &egui::Shape, text: &mut String) {
            match shape {
                egui::Shape::Text(shape) => {
                    text.push_str(&shape.galley.job.text);
                    text.push('\n');
                }
                egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, text)),
                _ => {}
            }
        }
        let mut text = String::new();
        self.shapes.iter().for_each(|shape| collect(&shape.shape, &mut text));
        text
    }

    /// Text of the last frame that was cut off, or that lies outside of what can be seen.
    pub(crate) fn cut_off(&self) -> Vec<String> {
        let mut cut = Vec::new();
        for clipped in &self.shapes {
            if let egui::Shape::Text(text) = &clipped.shape {
                let seen = clipped.clip_rect.expand(1.0);
                let place = text.visual_bounding_rect();
                if text.galley.elided || (place.is_positive() && !seen.contains_rect(place)) {
                    cut.push(text.galley.job.text.clone());
                }
            }
        }
        cut
    }
}

impl Drop for Window {
    /// Textures that nobody draws with are let go on purpose.
    fn drop(&mut self) {
        self.textures.iter_mut().for_each(TexturesDelta::clear);
    }
}

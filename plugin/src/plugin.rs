//! What the host sees: ports, state, window. Wires the audio thread, the session and the editor together; decides
//! nothing itself.
//!
//! A life: the host creates us (the session opens, nothing is waited for), loads the project's state, prepares and
//! runs the audio, opens and closes the window as often as it likes, and drops us (the session's actor ends; jobs go
//! on at the server and are taken up again by the next instance of the same project).
//!
//! There are no host parameters and no background tasks of the framework on purpose: its worker thread is shared by
//! all instances and ends the process when one of them is gone while a task of it waits.

use crate::audio::gauges::STEMS_MAX;
use crate::audio::{self, AuxOutputs, Engine, Gauges};
use crate::editor::Watch;
use crate::editor::window::WindowEditor;
use crate::project::Project;
use crate::session::{Places, Session};
use nice_plug::prelude::*;
use nice_plug_egui::RepaintNotifier;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Stereo stems beside the main output.
const AUX_PORTS: &[NonZeroU32] = &[new_nonzero_u32(2); STEMS_MAX];
const AUX_NAMES: &[&str] = &["Stem 1", "Stem 2", "Stem 3", "Stem 4", "Stem 5", "Stem 6"];
/// The window is drawn anew this often while something moves.
const FRAMES_A_SECOND: f32 = 30.0;

const fn layout(
    channels: u32,
    aux: &'static [NonZeroU32],
    aux_names: &'static [&'static str],
    name: &'static str,
) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        aux_output_ports: aux,
        names: PortNames {
            layout: Some(name),
            main_input: Some("Track"),
            main_output: Some("Track"),
            aux_outputs: aux_names,
            ..PortNames::const_default()
        },
        ..AudioIOLayout::const_default()
    }
}

/// What the project remembers beside host parameters, of which there are none.
#[derive(Params)]
struct Memory {
    #[persist = "project"]
    project: Arc<Project>,
}

/// The plugin.
pub struct Tributary {
    memory: Arc<Memory>,
    engine: Engine,
    gauges: Arc<Gauges>,
    session: Arc<Session>,
    repaint: RepaintNotifier,
    pulse: Pulse,
    watch: Watch,
    is_offline: bool,
    #[cfg(feature = "door")]
    _door: Option<crate::door::Door>,
}

impl Default for Tributary {
    fn default() -> Self {
        let (engine, desk) = audio::pair();
        let gauges = Arc::clone(&desk.gauges);
        let project = Arc::new(Project::default());
        let repaint = RepaintNotifier::new();
        let changed = repaint.clone();
        let on_change = Arc::new(move || changed.request_repaint());
        let session = Arc::new(Session::open(desk, Arc::clone(&project), Places::of_user(), on_change));
        Self {
            memory: Arc::new(Memory { project }),
            engine,
            gauges,
            #[cfg(feature = "door")]
            _door: crate::door::Door::open(&session),
            session,
            repaint,
            pulse: Pulse::default(),
            watch: Watch::default(),
            is_offline: false,
        }
    }
}

impl Plugin for Tributary {
    const NAME: &'static str = "Tributary";
    const VENDOR: &'static str = "Tributary";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        layout(2, AUX_PORTS, AUX_NAMES, "Stereo, stems on 6 outputs"),
        layout(1, AUX_PORTS, AUX_NAMES, "Mono, stems on 6 outputs"),
        layout(2, &[], &[], "Stereo"),
        layout(1, &[], &[], "Mono"),
    ];

    type Editor = WindowEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.memory) as Arc<dyn Params>
    }

    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<WindowEditor> {
        Some(WindowEditor::new(Arc::clone(&self.session), self.repaint.clone()))
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let channels = layout.main_input_channels.map_or(2, NonZeroU32::get);
        // Hosts give whole rates as floats.
        let rate_hz = config.sample_rate.round() as u32;
        self.pulse = Pulse::at(config.sample_rate);
        self.engine.activate(rate_hz, if channels == 1 { 1 } else { 2 });
        // nice-plug 0.4 tells VST3 hosts' mode one call late, so only CLAP is believed; the clock tells the rest.
        self.is_offline =
            config.process_mode == ProcessMode::Offline && context.plugin_api() == PluginApi::Clap;
        true
    }

    fn deactivate(&mut self) {
        self.engine.deactivate();
    }

    fn reset(&mut self) {
        self.engine.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let frames = buffer.samples();
        let transport = transport(context.transport());
        self.engine.process(buffer.as_slice(), &mut Ports(aux.outputs), &transport, self.is_offline);
        if self.pulse.is_due(frames) && self.watch.stirs(&self.gauges) {
            self.repaint.request_repaint();
        }
        // Free play sounds without any input.
        ProcessStatus::KeepAlive
    }
}

/// The host's buffers of the stems' outputs.
struct Ports<'a, 'b>(&'a mut [Buffer<'b>]);

impl AuxOutputs for Ports<'_, '_> {
    fn channel(&mut self, port: usize, channel: usize) -> Option<&mut [f32]> {
        let channel = self.0.get_mut(port)?.as_slice().get_mut(channel)?;
        Some(channel)
    }
}

/// Counts frames so that the window is woken at its own pace and not once a block.
#[derive(Default)]
struct Pulse {
    period_frames: usize,
    elapsed_frames: usize,
}

impl Pulse {
    fn at(rate_hz: f32) -> Self {
        Self { period_frames: (rate_hz / FRAMES_A_SECOND) as usize, elapsed_frames: 0 }
    }

    fn is_due(&mut self, frames: usize) -> bool {
        self.elapsed_frames += frames;
        let due = self.elapsed_frames >= self.period_frames;
        if due {
            self.elapsed_frames = 0;
        }
        due
    }
}

/// What the host says of its transport, in our words.
fn transport(host: &Transport) -> audio::Transport {
    audio::Transport {
        is_playing: host.playing,
        is_preroll: host.preroll_active.unwrap_or(false),
        position_frames: host.pos_samples(),
        is_position_derived: host.pos_samples.is_none(),
        position_beats: host.pos_beats(),
        bar_number: host.bar_number(),
        tempo: host.tempo,
        meter: meter(host.time_sig_numerator, host.time_sig_denominator),
        loop_frames: host.loop_range_samples(),
    }
}

fn meter(numerator: Option<i32>, denominator: Option<i32>) -> Option<(u16, u16)> {
    Some((u16::try_from(numerator?).ok()?, u16::try_from(denominator?).ok()?))
}

impl ClapPlugin for Tributary {
    const CLAP_ID: &'static str = "org.tributary.tributary";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Records a take from the track, separates it on a server, plays the stems back in time");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Utility, ClapFeature::Stereo, ClapFeature::Mono];
}

impl Vst3Plugin for Tributary {
    const VST3_CLASS_ID: [u8; 16] = *b"TributaryPlugin1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Tools, Vst3SubCategory::Stereo, Vst3SubCategory::Mono];
}

nice_export_clap!(Tributary);
nice_export_vst3!(Tributary);

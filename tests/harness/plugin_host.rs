//! A plugin host: loads the built `.clap` and does with it what DAWs do. Judges nothing.
//!
//! Sound goes through [`Plugin::play`], block by block, with a transport that the test moves. What a user presses in the
//! window goes through [`crate::door`].

use crate::door::Door;
use anyhow::Context;
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::latency::PluginLatency;
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::events::EventFlags;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clack_host::utils::FixedPoint;
use serde_json::Value;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The plugin's id.
const ID: &std::ffi::CStr = c"org.tributary.tributary";
/// Stereo outputs beside the main one.
pub const AUX_PORTS: usize = 6;
/// The time between two blocks while the host waits for something in the view.
const BREATH: Duration = Duration::from_millis(5);

/// The built bundle, from `TRIBUTARY_PLUGIN`.
///
/// # Errors
/// Where there is none: `cargo xtask test` builds it.
pub fn bundle() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("TRIBUTARY_PLUGIN").map(PathBuf::from);
    path.filter(|path| path.exists())
        .context("no built plugin: run the tests with `cargo xtask test`, which builds it")
}

/// What plugins may ask of this host.
struct Handlers;
struct Shared {
    wants_main_thread: AtomicBool,
}
struct MainThread {
    changes: Cell<usize>,
}

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        builder.register::<HostState>();
    }
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.wants_main_thread.store(true, Ordering::SeqCst);
    }
}

impl MainThreadHandler<'_> for MainThread {}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.changes.set(self.changes.get() + 1);
    }
}

/// How a plugin is activated.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Hz.
    pub rate_hz: u32,
    /// Frames of the largest block, and of every block that is not cut by a loop or an end.
    pub block_frames: usize,
    /// Of the main input and output: 1 or 2.
    pub channels: usize,
    /// Rendering faster than real time.
    pub is_offline: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { rate_hz: 48_000, block_frames: 512, channels: 2, is_offline: false }
    }
}

/// Where the song is.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    /// It runs.
    pub is_playing: bool,
    /// It runs up to the start of a recording.
    pub is_preroll: bool,
    /// The next frame.
    pub position: i64,
    /// Beats a minute, four a bar.
    pub tempo: f64,
    /// It goes back to the first when it comes to the second.
    pub repeat: Option<(i64, i64)>,
}

impl Default for Transport {
    fn default() -> Self {
        Self { is_playing: false, is_preroll: false, position: 0, tempo: 124.0, repeat: None }
    }
}

impl Transport {
    /// Runs from this frame on.
    #[must_use]
    pub fn playing_from(position: i64) -> Self {
        Self { is_playing: true, position, ..Self::default() }
    }

    fn event(&self, rate_hz: u32) -> TransportEvent {
        let seconds = self.position as f64 / f64::from(rate_hz);
        let beats = |seconds: f64| seconds * self.tempo / 60.0;
        let at = |frame: i64| frame as f64 / f64::from(rate_hz);
        let mut flags = TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE;
        flags.set(TransportFlags::IS_PLAYING, self.is_playing);
        flags.set(TransportFlags::IS_WITHIN_PRE_ROLL, self.is_preroll);
        flags.set(TransportFlags::IS_LOOP_ACTIVE, self.repeat.is_some());
        let (from, to) = self.repeat.map_or((0.0, 0.0), |(from, to)| (at(from), at(to)));
        let bar = (beats(seconds) / 4.0).floor();
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags,
            song_pos_beats: FixedPoint::from_float(beats(seconds)),
            song_pos_seconds: FixedPoint::from_float(seconds),
            tempo: self.tempo,
            tempo_inc: 0.0,
            loop_start_beats: FixedPoint::from_float(beats(from)),
            loop_end_beats: FixedPoint::from_float(beats(to)),
            loop_start_seconds: FixedPoint::from_float(from),
            loop_end_seconds: FixedPoint::from_float(to),
            bar_start: FixedPoint::from_float(bar * 4.0),
            bar_number: bar as i32,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
        }
    }
}

/// What came out: `[channels][frames]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The main output.
    pub main: Vec<Vec<f32>>,
    /// The six outputs beside it.
    pub aux: Vec<Vec<Vec<f32>>>,
}

/// The loaded library.
pub struct Host {
    entry: PluginEntry,
    info: HostInfo,
    doors: PathBuf,
    made: Cell<usize>,
}

impl Host {
    /// Loads the bundle; `doors` is where the plugin was told to open its door.
    ///
    /// # Errors
    /// Where there is no bundle, or it cannot be loaded.
    pub fn open(doors: &Path) -> anyhow::Result<Self> {
        let entry = tributary_host::load(&bundle()?).context("load the plugin")?;
        let info = HostInfo::new("Tributary's tests", "Tributary", "", "1")?;
        Ok(Self { entry, info, doors: doors.to_owned(), made: Cell::new(0) })
    }

    /// A new instance, not yet active.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn plugin(&self) -> anyhow::Result<Plugin> {
        let instance = PluginInstance::<Handlers>::new(
            |()| Shared { wants_main_thread: AtomicBool::new(false) },
            |_| MainThread { changes: Cell::new(0) },
            &self.entry,
            ID,
            &self.info,
        )
        .context("make an instance")?;
        let number = self.made.replace(self.made.get() + 1);
        let door = self.doors.join(format!("{number}.sock"));
        let setup = Setup::default();
        Ok(Plugin { instance, processor: None, setup, transport: Transport::default(), door: Door::at(door) })
    }
}

/// One instance.
pub struct Plugin {
    instance: PluginInstance<Handlers>,
    processor: Option<StartedPluginAudioProcessor<Handlers>>,
    setup: Setup,
    /// The song; moves with [`Plugin::play`].
    pub transport: Transport,
    /// What a user does in the window, and sees there.
    pub door: Door,
}

impl Plugin {
    /// Prepares and starts it, anew where it was active.
    ///
    /// # Errors
    /// Where it refuses.
    pub fn activate(&mut self, setup: Setup) -> anyhow::Result<()> {
        self.deactivate();
        self.choose_layout(setup.channels)?;
        let handle = self.instance.plugin_handle();
        let render: PluginRender = handle.get_extension().context("the plugin renders offline")?;
        let mode = if setup.is_offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&handle, mode).context("set the render mode")?;
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(setup.rate_hz),
            min_frames_count: 1,
            max_frames_count: setup.block_frames.try_into()?,
        };
        let stopped = self.instance.activate(|_, _| (), configuration).context("activate")?;
        let started = stopped.start_processing().map_err(|error| anyhow::anyhow!("start: {error:?}"))?;
        self.processor = Some(started);
        self.setup = setup;
        Ok(())
    }

    /// Takes the layout with that many channels on the track and all stems beside it.
    fn choose_layout(&mut self, channels: usize) -> anyhow::Result<()> {
        let handle = self.instance.plugin_handle();
        let layouts: PluginAudioPortsConfig = handle.get_extension().context("the plugin has layouts")?;
        for index in 0..layouts.count(&handle) {
            let mut buffer = AudioPortsConfigBuffer::new();
            let Some(layout) = layouts.get(&handle, index, &mut buffer) else { continue };
            let main = layout.main_output.map(|port| port.channel_count as usize);
            if main == Some(channels) && layout.output_port_count as usize == 1 + AUX_PORTS {
                return layouts.select(&handle, layout.id).context("select the layout");
            }
        }
        anyhow::bail!("no layout with {channels} channels and {AUX_PORTS} outputs beside")
    }

    /// Stops it, as a DAW does before it changes anything.
    pub fn deactivate(&mut self) {
        if let Some(started) = self.processor.take() {
            self.instance.deactivate(started.stop_processing());
        }
    }

    /// The state that a project would keep.
    ///
    /// # Errors
    /// Where it cannot be saved.
    pub fn save(&mut self) -> anyhow::Result<Vec<u8>> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().context("the plugin keeps a state")?;
        let mut bytes = Vec::new();
        state.save(&handle, &mut bytes).context("save")?;
        Ok(bytes)
    }

    /// Gives it a state that a project kept; whether it took it.
    ///
    /// # Errors
    /// Where it has no such extension.
    pub fn load(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().context("the plugin keeps a state")?;
        Ok(state.load(&handle, &mut &*bytes).is_ok())
    }

    /// Frames by which its output is late.
    ///
    /// # Errors
    /// Where it does not say.
    pub fn latency(&mut self) -> anyhow::Result<u32> {
        let handle = self.instance.plugin_handle();
        let latency: PluginLatency = handle.get_extension().context("the plugin tells its latency")?;
        Ok(latency.get(&handle))
    }

    /// Plays all of `input` (`[channels][frames]`) in blocks; the transport moves with it.
    ///
    /// # Errors
    /// Where it is not active or fails.
    ///
    /// # Panics
    /// Where an output was not written.
    pub fn play(&mut self, input: &[Vec<f32>]) -> anyhow::Result<Heard> {
        let frames = input.first().map_or(0, Vec::len);
        let port = |channels: usize| vec![Vec::with_capacity(frames); channels];
        let mut heard = Heard { main: port(self.setup.channels), aux: vec![port(2); AUX_PORTS] };
        let mut at = 0;
        while at < frames {
            let mut block = self.setup.block_frames.min(frames - at);
            if let (true, Some((_, to))) = (self.transport.is_playing, self.transport.repeat) {
                block = block.min(usize::try_from(to - self.transport.position).unwrap_or(block).max(1));
            }
            let slice: Vec<&[f32]> = input.iter().map(|channel| &channel[at..at + block]).collect();
            self.process(&slice, block, &mut heard)?;
            at += block;
        }
        Ok(heard)
    }

    /// Plays `input` in the time it takes to hear it.
    ///
    /// # Errors
    /// As [`Plugin::play`].
    pub fn play_in_time(&mut self, input: &[Vec<f32>]) -> anyhow::Result<Heard> {
        let frames = input.first().map_or(0, Vec::len);
        let due = Instant::now() + Duration::from_secs_f64(frames as f64 / f64::from(self.setup.rate_hz));
        let heard = self.play(input)?;
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        Ok(heard)
    }

    /// Plays `input` again and again from where the transport is, until what is heard is right.
    ///
    /// # Panics
    /// At the deadline, with `what` was waited for.
    pub fn until_heard(
        &mut self,
        what: &str,
        input: &[Vec<f32>],
        mut is_right: impl FnMut(&[Vec<f32>], &Heard) -> bool,
    ) {
        let (transport, deadline) = (self.transport, Instant::now() + crate::wait::DEADLINE);
        loop {
            self.transport = transport;
            let heard = self.play(input).expect("the plugin plays");
            if is_right(input, &heard) {
                return;
            }
            assert!(Instant::now() < deadline, "waited to hear {what}");
            self.door.look(BREATH);
        }
    }

    /// Uses the server at this address, with a key of the right form.
    pub fn connect(&mut self, address: &str) {
        let key = tributary_server::auth::api_key::ApiKey::generate();
        self.door.connect(address, &key.reveal());
    }

    fn process(&mut self, input: &[&[f32]], frames: usize, heard: &mut Heard) -> anyhow::Result<()> {
        // What a block leaves here was never written.
        const UNWRITTEN: f32 = 1e30;
        let mut from: Vec<Vec<f32>> = input.iter().map(|channel| channel.to_vec()).collect();
        let mut to: Vec<Vec<Vec<f32>>> = vec![vec![vec![UNWRITTEN; frames]; self.setup.channels]];
        to.resize(1 + AUX_PORTS, vec![vec![UNWRITTEN; frames]; 2]);
        let mut inputs = AudioPorts::with_capacity(2, 1);
        let mut outputs = AudioPorts::with_capacity(2 * (1 + AUX_PORTS), 1 + AUX_PORTS);
        let inputs = inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(from.iter_mut().map(InputChannel::variable)),
        }]);
        let mut outputs = outputs.with_output_buffers(to.iter_mut().map(|port| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(port.iter_mut().map(Vec::as_mut_slice)),
        }));
        let event = self.transport.event(self.setup.rate_hz);
        let processor = self.processor.as_mut().context("the plugin is not active")?;
        processor
            .process(
                &inputs,
                &mut outputs,
                &InputEvents::empty(),
                &mut OutputEvents::void(),
                None,
                Some(&event),
            )
            .context("process")?;
        for (port, channels) in to.into_iter().enumerate() {
            for (channel, samples) in channels.into_iter().enumerate() {
                assert!(samples.iter().all(|sample| *sample != UNWRITTEN), "output {port} was not written");
                let kept = if port == 0 { &mut heard.main } else { &mut heard.aux[port - 1] };
                kept[channel].extend(samples);
            }
        }
        if self.transport.is_playing {
            self.transport.position += frames as i64;
            if let Some((first, end)) =
                self.transport.repeat.filter(|(_, end)| self.transport.position >= *end)
            {
                self.transport.position = first + (self.transport.position - end);
            }
        }
        self.idle();
        Ok(())
    }

    /// What a DAW's main thread does now and then.
    pub fn idle(&mut self) {
        if self
            .instance
            .access_shared_handler(|shared| shared.wants_main_thread.swap(false, Ordering::SeqCst))
        {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Plays silence, in the pace of a DAW whose transport stands, until the view answers something.
    ///
    /// # Panics
    /// At the deadline, with `what` was waited for and the last view.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        let silence = vec![vec![0.0; self.setup.block_frames]; self.setup.channels];
        let deadline = Instant::now() + crate::wait::DEADLINE;
        loop {
            if self.processor.is_some() {
                self.play(&silence).expect("the plugin plays");
            } else {
                self.idle();
            }
            if let Some(found) = look(self.door.look(BREATH)) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited for {what}; the view is {:#}", self.door.view());
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.deactivate();
    }
}

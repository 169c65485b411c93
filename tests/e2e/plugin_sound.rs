//! What a host hears: the track untouched, and the stems of a take at its place, to the sample.

use serde_json::json;
use tributary_tests::plugin_host::{AUX_PORTS, Heard, Host, Plugin, Setup, Transport};
use tributary_tests::{World, alone, measured, producer, signal, stage};

const RATE_HZ: u32 = 44_100;
/// The take's place in the song.
const START: i64 = 100_000;
/// Its length.
const TAKE_FRAMES: usize = 5 * 44_100;

fn host(world: &World) -> Host {
    Host::open(&world.folder.join("door")).unwrap()
}

fn noise(seed: u32, frames: usize, channels: usize) -> Vec<Vec<f32>> {
    let samples = signal::song(seed, frames as u64, channels as u16, RATE_HZ);
    tributary_tests::files::planar(&samples, channels as u16)
}

/// The output is the input to the last bit, denormals, infinities and all; the stems' outputs are silent.
fn check_untouched(input: &[Vec<f32>], heard: &Heard, what: &str) {
    let bits = |sound: &[Vec<f32>]| sound.iter().flatten().map(|sample| sample.to_bits()).collect::<Vec<_>>();
    assert!(bits(input) == bits(&heard.main), "{what}: the track came out changed");
    assert!(heard.aux.iter().flatten().flatten().all(|sample| *sample == 0.0), "{what}: a stem sounds");
}

#[test]
fn the_track_passes_bit_for_bit_at_every_rate_and_block_in_every_state_of_the_recorder() {
    alone(|world| {
        let mut plugin = host(world).plugin().unwrap();
        for rate_hz in [44_100, 48_000, 88_200, 96_000, 176_400, 192_000] {
            for block_frames in [1, 17, 64, 4096] {
                for channels in [1, 2] {
                    let what = format!("{rate_hz} Hz, blocks of {block_frames}, {channels} channels");
                    plugin.activate(Setup { rate_hz, block_frames, channels, is_offline: false }).unwrap();
                    assert_eq!(plugin.latency().unwrap(), 0, "{what}");
                    let mut input = noise(1, 3 * block_frames.max(300), channels);
                    input[0][7..11].copy_from_slice(&[f32::MIN_POSITIVE / 4.0, -0.0, 1e9, f32::INFINITY]);
                    for transport in [Transport::default(), Transport::playing_from(-50)] {
                        plugin.transport = transport;
                        check_untouched(&input, &plugin.play(&input).unwrap(), &what);
                    }
                    plugin.transport = Transport::default();
                    plugin.door.send(&json!({ "Record": "Transport" }));
                    plugin.until("armed", |view| (view["recorder"] == "armed").then_some(()));
                    check_untouched(&input, &plugin.play(&input).unwrap(), &what);
                    plugin.transport = Transport::playing_from(0);
                    check_untouched(&input, &plugin.play(&input).unwrap(), &what);
                    plugin.transport.is_playing = false;
                    check_untouched(&input, &plugin.play(&input).unwrap(), &what);
                    plugin.until("the end of the take", |view| (view["recorder"] == "idle").then_some(()));
                }
            }
        }
    });
}

/// A plugin with a separated take in its window, and the samples of its stems: `[stem][channel][frame]`.
fn separated(world: &World, host: &Host, setup: Setup) -> (Plugin, Vec<Vec<Vec<f32>>>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(world.stage(stage::config(), Default::default())).unwrap();
    let mut plugin = host.plugin().unwrap();
    plugin.activate(Setup { block_frames: 512, is_offline: false, ..setup }).unwrap();
    producer::connected(&mut plugin);
    let song = producer::song(TAKE_FRAMES).unwrap().channels;
    producer::record(&mut plugin, &song, START).unwrap();
    let key = producer::run(&mut plugin);
    let (files, _) = producer::finished(&mut plugin, &key);
    let stems = files.iter().map(|(_, path)| tributary_tests::files::read(path).unwrap().channels).collect();
    runtime.block_on(stage.stop());
    plugin.activate(setup).unwrap();
    (plugin, stems)
}

/// What must be heard while the host plays `input` from `position`: stems in the take, the track outside.
fn check_locked(input: &[Vec<f32>], heard: &Heard, position: i64, stems: &[Vec<Vec<f32>>], what: &str) {
    for channel in 0..2 {
        for (frame, given) in input[channel].iter().enumerate() {
            let at = usize::try_from(position + frame as i64 - START).ok().filter(|at| *at < TAKE_FRAMES);
            let stem = |port: usize| at.and_then(|at| stems.get(port).map(|stem| stem[channel][at]));
            let main = heard.main[channel][frame];
            if at.is_some() {
                let sum: f32 = (0..stems.len()).filter_map(stem).sum();
                assert!((main - sum).abs() < 1e-6, "{what}: frame {frame} is {main}, the stems {sum}");
            } else {
                assert_eq!(main.to_bits(), given.to_bits(), "{what}: frame {frame}");
            }
            for port in 0..AUX_PORTS {
                let aux = heard.aux[port][channel][frame];
                assert_eq!(aux, stem(port).unwrap_or(0.0), "{what}: stem {port}, frame {frame}");
            }
        }
    }
}

#[test]
fn stems_sound_at_the_takes_place_to_the_sample_through_jumps_and_loops_in_any_block() {
    alone(|world| {
        let host = host(world);
        let offline = Setup { rate_hz: RATE_HZ, is_offline: true, ..Setup::default() };
        let (mut plugin, stems) = separated(world, &host, offline);
        plugin.door.send(&json!({ "SetMonitor": "Stems" }));
        plugin.door.send(&json!({ "SetOutputs": true }));
        let input = noise(2, 6_000, 2);
        // Until the first block comes from the stems, the order may still be on its way.
        plugin.until("a moment", |view| (view["result"].is_object()).then_some(()));
        for block_frames in [1, 17, 64, 512, 4096] {
            plugin.activate(Setup { block_frames, ..offline }).unwrap();
            let end = START + TAKE_FRAMES as i64;
            for position in [START - 3_000, START, START + 100_001, end - 1_234, end, 0, START + 16_384 - 10]
            {
                plugin.transport = Transport::playing_from(position);
                let heard = plugin.play(&input).unwrap();
                let what = format!("blocks of {block_frames} from {position}");
                check_locked(&input, &heard, position, &stems, &what);
            }
        }
        // A loop inside the take: every round is the same.
        let (from, to) = (START + 20_000, START + 21_000);
        plugin.activate(Setup { block_frames: 64, ..offline }).unwrap();
        plugin.transport = Transport { repeat: Some((from, to)), ..Transport::playing_from(from) };
        let heard = plugin.play(&input).unwrap();
        for round in 0..6 {
            let piece = |sound: &[Vec<f32>]| -> Vec<Vec<f32>> {
                sound.iter().map(|channel| channel[round * 1_000..(round + 1) * 1_000].to_vec()).collect()
            };
            let part =
                Heard { main: piece(&heard.main), aux: heard.aux.iter().map(|port| piece(port)).collect() };
            check_locked(&piece(&input), &part, from, &stems, &format!("round {round}"));
        }
        // Back to the track: untouched at once.
        plugin.door.send(&json!({ "SetMonitor": "Input" }));
        plugin.transport = Transport::default();
        plugin.until("the track", |_| Some(()));
        plugin.transport = Transport::playing_from(START);
        plugin.until_heard("the track inside the take", &input, |input, heard| heard.main == input);
    });
}

#[test]
fn in_real_time_stems_come_from_the_disk_before_the_song_reaches_them() {
    alone(|world| {
        let host = host(world);
        let setup = Setup { rate_hz: RATE_HZ, ..Setup::default() };
        let (mut plugin, stems) = separated(world, &host, setup);
        plugin.door.send(&json!({ "SetMonitor": "Stems" }));
        plugin.door.send(&json!({ "SetOutputs": true }));
        // The song begins before the take, as it does in a DAW; the disk has that long.
        let input = noise(3, 512, 2);
        plugin.transport = Transport::playing_from(START - 512 * 100);
        let mut blocks = 0;
        while plugin.transport.position < START + TAKE_FRAMES as i64 {
            let position = plugin.transport.position;
            let heard = plugin.play_in_time(&input).unwrap();
            check_locked(&input, &heard, position, &stems, &format!("block {blocks}"));
            blocks += 1;
        }
        measured(&format!("{blocks} blocks of 512 frames in real time, none late"));
    });
}

#[test]
fn a_render_much_faster_than_real_time_loses_no_frame() {
    alone(|world| {
        let mut plugin = host(world).plugin().unwrap();
        let rate_hz = 192_000;
        plugin.activate(Setup { rate_hz, block_frames: 4096, is_offline: true, ..Setup::default() }).unwrap();
        let once = noise(4, 192_000 * 20, 2);
        let sound: Vec<Vec<f32>> = once.iter().map(|channel| channel.repeat(6)).collect();
        let began = std::time::Instant::now();
        let take = producer::record(&mut plugin, &sound, 0).unwrap();
        let took = began.elapsed().as_secs_f64();
        measured(&format!("120 s at 192 kHz recorded offline in {took:.1} s"));
        assert_eq!((&take["lost_frames"], &take["frames"]), (&json!(0), &json!(sound[0].len())));
        let kept = producer::samples(&world.folder.join("library"), &take).unwrap();
        let is_whole =
            kept.chunks_exact(2).enumerate().all(|(at, pair)| pair == [sound[0][at], sound[1][at]]);
        assert!(is_whole && kept.len() == 2 * sound[0].len(), "every frame is on disk");
    });
}

//! The audio thread asks for no memory, whatever state the plugin and the server are in. The bundle under test ends its
//! process when it does, so each of these tests proves it by coming to its end.

use serde_json::json;
use std::net::TcpListener;
use tributary_tests::plugin_host::{Host, Plugin, Setup, Transport};
use tributary_tests::{World, alone, plugin_host, producer, stage};

const RATE_HZ: u32 = 44_100;

fn host(world: &World) -> Host {
    Host::open(&world.folder.join("door")).unwrap()
}

#[test]
fn the_bundle_under_test_has_the_trap() {
    let bytes = std::fs::read(plugin_host::bundle().unwrap()).unwrap();
    let trap = b"nice_assert_no_alloc";
    assert!(bytes.windows(trap.len()).any(|window| window == trap), "build it with `cargo xtask test`");
}

/// Goes through every state of recorder and player, in blocks of several sizes.
fn walk(plugin: &mut Plugin) {
    let sound = vec![vec![0.25; 3_000]; 2];
    let states = [
        json!({ "Record": "Transport" }),
        json!("StopRecording"),
        json!({ "Record": "Now" }),
        json!("StopRecording"),
        json!({ "Record": "Transport" }),
        json!({ "SetMonitor": "Stems" }),
        json!({ "SetMonitor": "Original" }),
        json!({ "Play": true }),
        json!({ "Locate": 1_000 }),
        json!({ "Loop": [500, 20_000] }),
        json!({ "SetGain": ["vocals", -6.0] }),
        json!({ "SetSolo": ["drums", true] }),
        json!({ "SetMute": ["bass", true] }),
        json!({ "Loop": null }),
        json!({ "Play": false }),
        json!({ "SetSolo": ["drums", false] }),
        json!({ "SetMonitor": "Input" }),
    ];
    for block_frames in [64, 1024] {
        for is_offline in [false, true] {
            plugin
                .activate(Setup { rate_hz: RATE_HZ, block_frames, is_offline, ..Setup::default() })
                .unwrap();
            for state in &states {
                plugin.door.send(state);
                let jump = Transport::playing_from(40_000);
                let looped = Transport { repeat: Some((30_000, 31_000)), ..Transport::playing_from(30_500) };
                for transport in [Transport::default(), Transport::playing_from(0), jump, looped] {
                    plugin.transport = transport;
                    plugin.play(&sound).unwrap();
                }
                plugin.transport = Transport::default();
                let mut blocks = 0;
                plugin.until("some blocks", |_| {
                    blocks += 1;
                    (blocks > 3).then_some(())
                });
            }
            plugin.door.send(&json!("StopRecording"));
            plugin.until("the recorder's end", |view| (view["recorder"] == "idle").then_some(()));
        }
    }
}

#[test]
fn no_state_asks_for_memory_with_a_server_and_stems() {
    alone(|world| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stage = runtime.block_on(world.stage(stage::config(), Default::default())).unwrap();
        let mut plugin = host(world).plugin().unwrap();
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        producer::connected(&mut plugin);
        let song = producer::song(3 * 44_100).unwrap().channels;
        producer::record(&mut plugin, &song, 0).unwrap();
        let key = producer::run(&mut plugin);
        // While the job is under way, when its result is there, and when the server goes away.
        walk(&mut plugin);
        plugin.door.send(&json!({ "ShowJob": key }));
        producer::finished(&mut plugin, &key);
        walk(&mut plugin);
        plugin.door.send(&json!({ "ShowJob": key }));
        runtime.block_on(stage.stop());
        walk(&mut plugin);
    });
}

#[test]
fn no_state_asks_for_memory_without_a_server() {
    alone(|world| walk(&mut host(world).plugin().unwrap()));
}

#[test]
fn no_state_asks_for_memory_while_the_server_never_answers() {
    alone(|world| {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut plugin = host(world).plugin().unwrap();
        plugin.connect(&format!("http://{}", silent.local_addr().unwrap()));
        walk(&mut plugin);
    });
}

//! The whole way in a host: a take from the track, a job at a real server, stems on this disk.

use serde_json::json;
use tributary_protocol::client::JobState;
use tributary_protocol::vocab::Credits;
use tributary_tests::plugin_host::{Host, Setup};
use tributary_tests::{World, alone, producer, signal, stage};

const RATE_HZ: u32 = 44_100;

fn host(world: &World) -> Host {
    Host::open(&world.folder.join("door")).unwrap()
}

/// Stems are the take's, name and place in the file, and sum to it.
fn check_stems(files: &[(String, std::path::PathBuf)], take: &[Vec<f32>], position: u64) {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["vocals", "drums", "bass", "other"]);
    let mut stems = Vec::new();
    for (name, path) in files {
        let file = path.file_name().unwrap().to_str().unwrap();
        assert!(file.contains(name) && file.contains("124bpm") && file.contains("bar "), "{file}");
        assert_eq!(producer::time_reference(path).unwrap(), position, "{file}");
        let stem = tributary_tests::files::read(path).unwrap();
        assert_eq!((stem.rate_hz, stem.channels.len()), (RATE_HZ, take.len()));
        assert_eq!(stem.channels[0].len(), take[0].len(), "{file}");
        assert!(stem.channels[0].iter().any(|sample| sample.abs() > 1e-4), "{file} is not silent");
        stems.push(stem.channels.concat());
    }
    let residual = signal::residual_db(&take.concat(), &stems);
    assert!(residual < -90.0, "the stems sum to the take: {residual:.1} dB");
}

#[test]
fn a_take_of_the_track_becomes_stems_that_sum_to_it_and_costs_its_quote() {
    alone(|world| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stage = runtime.block_on(world.stage(stage::config(), Default::default())).unwrap();
        let mut plugin = host(world).plugin().unwrap();
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        assert_eq!(plugin.latency().unwrap(), 0);
        assert_eq!(producer::connected(&mut plugin), 600);

        let song = producer::song(12 * 44_100).unwrap().channels;
        let position = 2 * i64::from(RATE_HZ);
        let take = producer::record(&mut plugin, &song, position).unwrap();
        assert_eq!((&take["place"]["frames"], &take["lost_frames"]), (&json!(position), &json!(0)));
        assert_eq!((&take["frames"], &take["channels"]), (&json!(song[0].len()), &json!(2)));
        let kept = producer::samples(&world.folder.join("library"), &take).unwrap();
        let played: Vec<f32> =
            (0..song[0].len()).flat_map(|frame| [song[0][frame], song[1][frame]]).collect();
        assert!(kept == played, "the take is the track, bit for bit");

        let price = producer::priced(&mut plugin);
        let key = producer::run(&mut plugin);
        let (files, cost) = producer::finished(&mut plugin, &key);
        assert_eq!(cost, price);
        check_stems(&files, &song, position.cast_unsigned());
        plugin
            .until("the balance", |view| (view["account"]["available"] == json!(600 - price)).then_some(()));
        let account = runtime.block_on(stage.client.account()).unwrap();
        assert_eq!((account.posted, account.held), (Credits(600 - price), Credits(0)));
        runtime.block_on(stage.audit()).unwrap();
    });
}

#[test]
fn a_job_outlives_its_plugin_and_its_result_comes_to_the_next_and_is_paid_once() {
    alone(|world| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stage = runtime.block_on(world.stage(stage::config(), Default::default())).unwrap();
        let host = host(world);
        let mut plugin = host.plugin().unwrap();
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        producer::connected(&mut plugin);
        let song = producer::song(usize::MAX).unwrap().channels;
        producer::record(&mut plugin, &song, 0).unwrap();
        let key = producer::run(&mut plugin);
        let project = plugin.save().unwrap();
        drop(plugin);

        let mut plugin = host.plugin().unwrap();
        assert!(plugin.load(&project).unwrap());
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        let (files, _) = producer::finished(&mut plugin, &key);
        check_stems(&files, &song, 0);
        drop(plugin);

        // Once more, now that everything is here: nothing is asked for again.
        let mut plugin = host.plugin().unwrap();
        assert!(plugin.load(&project).unwrap());
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        assert_eq!(producer::finished(&mut plugin, &key).0, files);
        let jobs = runtime.block_on(stage.client.jobs(Default::default())).unwrap();
        assert_eq!((jobs.len(), jobs[0].state, jobs[0].captured), (1, JobState::Done, Credits(1)));
        let account = runtime.block_on(stage.client.account()).unwrap();
        assert_eq!((account.posted, account.held), (Credits(599), Credits(0)));
        runtime.block_on(stage.audit()).unwrap();
    });
}

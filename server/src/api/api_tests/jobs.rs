//! Jobs from the clip to the stem, whatever breaks off, and never paid twice.

use super::world::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tributary_protocol::vocab::JobId;

fn canonical(frames: u32) -> (Vec<u8>, Value) {
    let bytes: Vec<u8> =
        (0..frames * 2).flat_map(|n| ((n as f32 * 0.01).sin() * 0.3).to_le_bytes()).collect();
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (bytes, json!({ "sha256": sha256, "frames": frames, "channels": 2, "rate_hz": 44_100 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_goes_on_where_it_broke_off_and_a_stem_is_fetched_in_ranges() {
    let world = World::new().await;
    let (bytes, clip) = canonical(44_100);
    let wish = json!({ "model": "mini", "clip": clip, "title": "Träume", "stems": ["vocals"] });
    let key = [("Idempotency-Key", "take one")];
    let create = async |wish: &Value| world.ask("POST", "/jobs", &key, wish.to_string().as_bytes()).await;
    let first = create(&wish).await.json();
    assert_eq!((&first["state"], &first["credits"]["held"]), (&json!("uploading"), &json!(1)));
    assert_eq!(create(&wish).await.json()["id"], first["id"], "the same request is the same job");
    let other = json!({ "model": "mini", "clip": clip, "title": "another" });
    assert_eq!(create(&other).await.problem(), (409, "conflict".to_owned()));

    let path = format!("/clips/{}", clip["sha256"].as_str().unwrap());
    let half = bytes.len() / 2;
    let put =
        async |range: &str, bytes: &[u8]| world.ask("PUT", &path, &[("Content-Range", range)], bytes).await;
    let all = bytes.len();
    let state = put(&format!("bytes 0-{}/{all}", half - 1), &bytes[..half]).await.json();
    assert_eq!(state, json!({ "committed_bytes": half, "complete": false }));
    let wrong = put(&format!("bytes 8-{}/{all}", all - 1), &bytes[8..]).await;
    assert_eq!(wrong.problem(), (409, "wrong-offset".to_owned()));
    assert_eq!(wrong.json()["committed_bytes"], half);
    assert_eq!(put("bytes 8", &[]).await.status, 400);
    assert_eq!(put(&format!("bytes 0-1/{}", all + 1), &[]).await.status, 400);
    assert_eq!(world.get(&path).await.json()["committed_bytes"], half);
    let state = put(&format!("bytes {half}-{}/{all}", all - 1), &bytes[half..]).await.json();
    assert_eq!(state, json!({ "committed_bytes": all, "complete": true }));
    assert_eq!(world.ask("PUT", &path, &[], &bytes).await.json()["complete"], true, "again costs nothing");

    let id = first["id"].as_str().unwrap();
    let events = world.get(&format!("/jobs/{id}/events")).await;
    assert_eq!(events.headers["content-type"], "text/event-stream");
    let job = world.get(&format!("/jobs/{id}")).await.json();
    assert_eq!((&job["state"], &job["title"]), (&json!("done"), &json!("Träume")), "{}", events.text());
    let stem = format!("/jobs/{id}/stems/vocals");
    let whole = world.get(&stem).await;
    assert_eq!((whole.status, &*whole.headers["content-type"]), (200, "audio/wav"));
    let raw = world.get(&format!("{stem}?format=f32")).await;
    let head = whole.body.len() - all;
    assert!(
        whole.body.starts_with(b"RIFF") && whole.body[head..] == raw.body[..],
        "a header, then canonical bytes"
    );
    let hash: String = Sha256::digest(&raw.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(job["stems"][0]["sha256"], hash);
    let from = head - 5;
    let range = format!("bytes={from}-{}", head + 400_000);
    for (headers, status, body) in [
        (vec![("Range", &*range)], 206, &whole.body[from..whole.body.len().min(head + 400_001)]),
        (vec![("Range", "bytes=-7")], 206, &whole.body[whole.body.len() - 7..]),
        (vec![("Range", "bytes=-7"), ("If-Range", "\"another\"")], 200, &whole.body[..]),
    ] {
        let part = world.ask("GET", &stem, &headers, &[]).await;
        assert_eq!((part.status, part.body.len()), (status, body.len()), "{headers:?}");
        assert!(part.body == body, "{headers:?}");
    }
    let beyond = world.ask("GET", &stem, &[("Range", "bytes=99999999-")], &[]).await;
    assert_eq!(beyond.problem().0, 416);
    assert_eq!(world.get(&format!("{stem}?format=mp3")).await.status, 400);
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_by_name_and_nothing_is_held() {
    let world = World::with(|config| config.limits.clip_seconds_max = 10).await;
    let (_, poor) = world.account("poor", 0, "read run").await;
    let (_, clip) = canonical(44_100);
    let id = || JobId::generate().to_string();
    let wish = json!({ "id": id(), "model": "mini", "clip": clip }).to_string();
    let refused = world.ask_as(&poor.reveal(), "POST", "/jobs", &[], wish.as_bytes()).await;
    assert_eq!(refused.problem(), (402, "not-enough-credits".to_owned()));
    let body = refused.json();
    assert_eq!(
        (&body["reason"], &body["needed"], &body["available"]),
        (&json!("NOT_ENOUGH_CREDITS"), &json!(1), &json!(0))
    );
    let mut long = clip.clone();
    long["frames"] = json!(441_001);
    for wish in [
        json!({ "model": "mini", "clip": clip }),
        json!({ "id": id(), "model": "nothing", "clip": clip }),
        json!({ "id": id(), "model": "mini", "clip": long }),
        json!({ "id": "x", "model": "mini", "clip": clip }),
        json!({ "id": id(), "model": "mini", "clip": clip, "settings": { "unknown": 1 } }),
        json!({ "id": id(), "model": "mini", "clip": clip, "surprise": true }),
        json!([]),
    ] {
        let refused = world.post("/jobs", &wish).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{wish}: {}", refused.text());
    }
    let large = vec![b' '; 65 * 1024];
    assert_eq!(world.ask("POST", "/jobs", &[], &large).await.problem(), (413, "too-large".to_owned()));
    for (what, file) in [
        ("noise", vec![7; 4096]),
        ("nothing", Vec::new()),
        ("too long", std::fs::read(world.song(11)).unwrap()),
    ] {
        let refused = world.ask("POST", "/clips", &[], &file).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{what}");
    }
    let length = super::super::clips::FILE_BYTES_MAX + 1;
    let declared = format!(
        "POST /api/v1/clips HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\r\n",
        world.server.key
    );
    let status = super::world::raw_status(world.api, declared).await;
    assert_eq!(status, 413, "before a byte of it came");
    assert_eq!(world.get("/account").await.json()["credits"]["held"], 0);
    let pages = ["/jobs?limit=0", "/jobs?limit=x", "/jobs?before=x", "/account/history?limit=501"];
    for path in pages {
        assert_eq!(world.get(path).await.status, 400, "{path}");
    }
}

/// A file where clips arrive, if there is one.
fn left_behind(world: &World) -> Option<std::path::PathBuf> {
    let mut folders = vec![world.folder.path().join("data/uploads")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                return Some(path);
            }
            folders.push(path);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_refused_takes_no_room_afterwards() {
    let world = World::with(|config| config.limits.clip_seconds_max = 10).await;
    let song = std::fs::read(world.song(2)).unwrap();
    let with = |at: usize, bytes: [u8; 4]| {
        let mut file = song.clone();
        file[at..at + 4].copy_from_slice(&bytes);
        file
    };
    assert_eq!(song[24..28], 44_100_u32.to_le_bytes(), "where a WAV file says its rate");
    for (what, file) in [
        ("noise", vec![7; 4096]),
        ("too long", std::fs::read(world.song(11)).unwrap()),
        ("a rate below all", with(24, 4_000_u32.to_le_bytes())),
        ("a rate above all", with(24, 1_000_000_u32.to_le_bytes())),
        // The last sample: all before it have come to the disk by then.
        ("no number", with(song.len() - 4, f32::NAN.to_le_bytes())),
        ("infinite", with(song.len() - 4, f32::INFINITY.to_le_bytes())),
    ] {
        let refused = world.ask("POST", "/clips", &[], &file).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{what}");
        assert_eq!(left_behind(&world), None, "{what}");
    }
    assert_eq!(world.ask("POST", "/clips", &[], &song).await.status, 200);
    assert!(left_behind(&world).is_some(), "what a job may name waits for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_a_waiting_job_is_cancelled_for_nothing() {
    let world = World::new().await;
    let (_, clip) = canonical(44_100);
    let mut made = Vec::new();
    for _ in 0..3 {
        let id = JobId::generate().to_string();
        let job = world.post("/jobs", &json!({ "id": id, "model": "mini", "clip": clip })).await;
        assert_eq!(job.status, 200, "{}", job.text());
        made.insert(0, id);
    }
    let first = world.get("/jobs?limit=2").await.json();
    let second =
        world.get(&format!("/jobs?limit=2&before={}", first["next_before"].as_str().unwrap())).await.json();
    let seen = [&first, &second].map(|page| page["jobs"].as_array().unwrap().clone()).concat();
    assert_eq!(seen.iter().map(|job| job["id"].as_str().unwrap()).collect::<Vec<_>>(), made);
    assert_eq!(second["next_before"], Value::Null);
    for id in &made {
        let ended = world.ask("POST", &format!("/jobs/{id}/cancel"), &[], &[]).await.json();
        assert_eq!((&ended["state"], &ended["credits"]["released"]), (&json!("cancelled"), &json!(1)));
    }
    assert_eq!(world.get("/account").await.json()["credits"]["available"], 600);
}

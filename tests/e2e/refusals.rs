//! Requests that must be refused, sent past the client's own checks: by name, at once, and without a trace in the
//! books. Beside each limit the request just within it, which is taken.

use std::io::Read;
use tonic::{Code, Status};
use tributary_protocol::client::JobState;
use tributary_protocol::limits::{
    NAME_CHARS_MAX, PACKET_CANONICAL_BYTES_MAX, PACKET_PAYLOAD_BYTES_MAX, STEMS_MAX, TITLE_CHARS_MAX,
};
use tributary_protocol::v1;
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, Sha256};
use tributary_tests::command::{self, Serve, local_key, peak_memory_bytes};
use tributary_tests::raw::{Raw, create, packet};
use tributary_tests::stage::{Stage, Take, connect, run, take, wish};

/// Longest clip of the default configuration.
const CLIP_SECONDS_MAX: u64 = 2 * 3600;

async fn stage() -> (Stage, Raw) {
    let stage = Stage::new().await.unwrap();
    let raw = Raw::connect(&stage.server.address, &stage.server.key).await.unwrap();
    (stage, raw)
}

fn header(frames: u64, channels: u16, rate_hz: u32) -> ClipHeader {
    ClipHeader { sha256: Sha256([7; 32]), frames, channels, rate_hz }
}

fn check_refused<T: std::fmt::Debug>(what: &str, answer: Result<T, Status>, code: Code, says: &[&str]) {
    let status = answer.expect_err(what);
    assert_eq!(status.code(), code, "{what}: {status}");
    for word in says {
        assert!(status.message().contains(word), "{what}: {:?} lacks {word:?}", status.message());
    }
}

/// What is held is what open jobs hold, nothing was spent, the books are right.
async fn check_books(stage: &Stage) {
    let account = stage.client.account().await.unwrap();
    let jobs = stage.client.jobs(Default::default()).await.unwrap();
    let open: u64 = jobs.iter().filter(|job| !job.state.is_terminal()).map(|job| job.held.0).sum();
    assert_eq!((account.posted, account.held), (Credits(600), Credits(open)));
    stage.audit().await.unwrap();
}

/// The server takes and ends a job as if nothing had been.
async fn check_serves(stage: &Stage) {
    let job = stage.separate(&stage.take(99, 20_000).unwrap()).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    stage.audit().await.unwrap();
}

/// A job that waits for its clip.
async fn uploading(stage: &Stage, seed: u32) -> (JobId, Take) {
    let take = stage.take(seed, 40_000).unwrap();
    let job = stage.client.create(&wish(JobId::generate(), take.header)).await.unwrap();
    assert_eq!((job.state, job.held), (JobState::Uploading, Credits(1)));
    (job.id, take)
}

async fn check_waits(stage: &Stage, id: JobId, uploaded_bytes: u64, what: &str) {
    let job = stage.client.job(id).await.unwrap();
    let seen = (job.state, job.held, job.captured, job.uploaded_bytes);
    assert_eq!(seen, (JobState::Uploading, Credits(1), Credits(0), uploaded_bytes), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_outside_the_limits_is_refused_by_name_and_at_the_limit_it_is_quoted() {
    let (stage, raw) = stage().await;
    let within = [
        (1, 2, 44_100),
        (CLIP_SECONDS_MAX * 44_100, 2, 44_100),
        (CLIP_SECONDS_MAX * 192_000, 8, 192_000),
        (50_000, 1, 44_100),
        (50_000, 8, 44_100),
        (50_000, 2, 8_000),
        (50_000, 2, 192_000),
    ];
    for (frames, channels, rate_hz) in within {
        let ask =
            v1::QuoteRequest { model: "mini".to_owned(), frames, channels, rate_hz, settings: Vec::new() };
        let quote = raw.jobs().quote(ask).await.unwrap().into_inner();
        assert_eq!(
            quote.credits,
            frames.div_ceil(60 * u64::from(rate_hz)),
            "{frames} frames at {rate_hz} Hz"
        );
    }
    let beyond: [(u64, u32, u32, &[&str]); 10] = [
        (0, 2, 44_100, &["length in frames is 0", "must be 1 to 317520000"]),
        (CLIP_SECONDS_MAX * 44_100 + 1, 2, 44_100, &["317520001", "the longest clip is 2 h"]),
        (3 * 3600 * 44_100, 2, 44_100, &["476280000", "the longest clip is 2 h"]),
        (u64::MAX, 2, 44_100, &["the longest clip is 2 h"]),
        (50_000, 0, 44_100, &["number of channels is 0", "1 to 8"]),
        (50_000, 9, 44_100, &["number of channels is 9", "1 to 8"]),
        (50_000, 65_536, 44_100, &["number of channels", "1 to 8"]),
        (50_000, 2, 0, &["rate in Hz is 0", "8000 to 192000"]),
        (50_000, 2, 7_999, &["rate in Hz is 7999", "8000 to 192000"]),
        (50_000, 2, 192_001, &["rate in Hz is 192001", "8000 to 192000"]),
    ];
    for (frames, channels, rate_hz, says) in beyond {
        let what = format!("{frames} frames, {channels} channels, {rate_hz} Hz");
        let ask =
            v1::QuoteRequest { model: "mini".to_owned(), frames, channels, rate_hz, settings: Vec::new() };
        check_refused(&what, raw.jobs().quote(ask).await, Code::InvalidArgument, says);
        let mut request = create(header(frames, 2, rate_hz));
        request.clip.as_mut().unwrap().channels = channels;
        check_refused(&what, raw.jobs().create(request).await, Code::InvalidArgument, says);
    }
    assert_eq!(stage.client.jobs(Default::default()).await.unwrap(), []);
    check_books(&stage).await;
    check_serves(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_clip_is_quoted_for_every_model_and_one_frame_more_is_refused() {
    let (stage, raw) = stage().await;
    let models = stage.client.models().await.unwrap().models;
    for name in ["beats", "drum-notes", "master", "mini", "rnnoise"] {
        assert!(models.iter().any(|model| model.name == name), "{name} is not offered");
    }
    for model in &models {
        let ask = |frames| v1::QuoteRequest {
            model: model.name.clone(),
            frames,
            channels: 8,
            rate_hz: 192_000,
            settings: Vec::new(),
        };
        let longest = CLIP_SECONDS_MAX * 192_000;
        let quote = raw.jobs().quote(ask(longest)).await.unwrap().into_inner();
        assert_eq!(quote.credits, CLIP_SECONDS_MAX / 60 * model.credits_per_minute.0, "{}", model.name);
        let longer = raw.jobs().quote(ask(longest + 1)).await;
        check_refused(&model.name, longer, Code::InvalidArgument, &["the longest clip is 2 h"]);
    }
    check_books(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_a_title_nobody_can_use_is_refused_and_the_longest_title_is_taken() {
    let (stage, raw) = stage().await;
    type Change = fn(&mut v1::CreateJobRequest);
    let refused: [(&str, Change, &[&str]); 11] = [
        ("unknown model", |job| job.model = "maxi".to_owned(), &["no model `maxi`", "models list"]),
        ("no model", |job| job.model.clear(), &["no model"]),
        ("long model", |job| job.model = "m".repeat(NAME_CHARS_MAX + 1), &["model's name", "64"]),
        (
            "unknown stem",
            |job| job.stems = vec!["guitar".to_owned()],
            &["guitar", "vocals, drums, bass, other"],
        ),
        ("empty stem", |job| job.stems = vec![String::new()], &["vocals, drums, bass, other"]),
        ("long stem", |job| job.stems = vec!["s".repeat(NAME_CHARS_MAX + 1)], &["stem's name", "64"]),
        ("stem with a bell", |job| job.stems = vec!["vocals\u{7}".to_owned()], &["stem's name"]),
        (
            "too many stems",
            |job| job.stems = vec!["bass".to_owned(); STEMS_MAX + 1],
            &["stems is 33", "0 to 32"],
        ),
        ("long title", |job| job.title = "ü".repeat(TITLE_CHARS_MAX + 1), &["title", "200"]),
        ("title of two lines", |job| job.title = "a\nb".to_owned(), &["title", "control characters"]),
        ("title with an escape", |job| job.title = "\u{1b}[2J".to_owned(), &["title", "control characters"]),
    ];
    for (what, change, says) in refused {
        let mut request = create(header(50_000, 2, 44_100));
        change(&mut request);
        check_refused(what, raw.jobs().create(request).await, Code::InvalidArgument, says);
    }
    check_books(&stage).await;
    let mut request = create(header(50_000, 2, 44_100));
    request.title = "ü".repeat(TITLE_CHARS_MAX);
    request.stems = vec!["bass".to_owned(); STEMS_MAX];
    let job = raw.jobs().create(request).await.unwrap().into_inner();
    assert_eq!((job.title.chars().count(), job.stem_names), (TITLE_CHARS_MAX, vec!["bass".to_owned()]));
    check_books(&stage).await;
    check_serves(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_id_and_no_hash_are_refused_in_every_call() {
    let (stage, raw) = stage().await;
    for bytes in [vec![], vec![1; 15], vec![1; 17], vec![0xff; 5_000]] {
        let what = format!("{} bytes", bytes.len());
        let (id, no) = (|| bytes.clone().into(), Code::InvalidArgument);
        let mut jobs = raw.jobs();
        check_refused(&what, jobs.get(v1::GetJobRequest { job_id: id() }).await, no, &["16 bytes"]);
        check_refused(&what, jobs.cancel(v1::CancelJobRequest { job_id: id() }).await, no, &["16 bytes"]);
        let watch = v1::WatchJobRequest { job_id: id(), after_seq: 0 };
        check_refused(&what, jobs.watch(watch).await.map(drop), no, &["16 bytes"]);
        let read = v1::ReadStemRequest { job_id: id(), stem: "bass".to_owned(), offset: 0 };
        check_refused(&what, raw.stems().read(read).await.map(drop), no, &["16 bytes"]);
        if !bytes.is_empty() {
            let list = v1::ListJobsRequest { limit: 0, before_job_id: id() };
            check_refused(&what, jobs.list(list).await, no, &["16 bytes"]);
        }
        let request = v1::CreateJobRequest { job_id: id(), ..create(header(50_000, 2, 44_100)) };
        check_refused(&what, jobs.create(request).await, no, &["16 bytes"]);
        let mut request = create(header(50_000, 2, 44_100));
        request.clip.as_mut().unwrap().sha256 = id();
        check_refused(&what, jobs.create(request).await, no, &["32 bytes"]);
        let mut first = packet(&header(50_000, 2, 44_100), 0, &[0; 8]);
        first.sha256 = id();
        check_refused(&what, raw.write(vec![first]).await, no, &["32 bytes"]);
    }
    let headless = v1::CreateJobRequest { clip: None, ..create(header(1, 1, 8_000)) };
    check_refused(
        "no header",
        raw.jobs().create(headless).await,
        Code::InvalidArgument,
        &["header is missing"],
    );
    let stranger = JobId::generate().as_bytes().to_vec();
    let unknown = raw.jobs().get(v1::GetJobRequest { job_id: stranger.into() }).await;
    check_refused("nobody's id", unknown, Code::NotFound, &["no such job"]);
    check_books(&stage).await;
    check_serves(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_that_do_not_fit_are_refused_and_the_clip_goes_on_where_it_was() {
    let (stage, raw) = stage().await;
    let (id, take) = uploading(&stage, 21).await;
    let bytes = std::fs::read(&take.file).unwrap();
    let (clip, half) = (take.header, bytes.len() / 2);
    raw.write(vec![packet(&clip, 0, &bytes[..half])]).await.unwrap();
    check_waits(&stage, id, half as u64, "half is here").await;

    let at = half as u64;
    let with = |change: fn(&mut v1::Packet)| {
        let mut request = packet(&clip, at, &bytes[half..half + 800]);
        change(request.packet.as_mut().unwrap());
        vec![request]
    };
    let not = Code::InvalidArgument;
    let cases: [(&str, Vec<v1::WriteClipRequest>, Code, &[&str]); 14] = [
        (
            "a gap",
            vec![packet(&clip, at + 8, &bytes[half + 8..half + 16])],
            Code::Aborted,
            &["expected byte 160000"],
        ),
        (
            "a step back",
            vec![packet(&clip, 0, &bytes[..8])],
            Code::Aborted,
            &["expected byte 160000", "not 0"],
        ),
        (
            "a gap in the stream",
            vec![packet(&clip, at, &[]), packet(&clip, at + 8, &bytes[half + 8..half + 16])],
            not,
            &["4 to 262144"],
        ),
        ("half a frame", vec![packet(&clip, at, &bytes[half..half + 4])], not, &["whole frames of 8 bytes"]),
        ("half a sample", with(|packet| packet.canonical_bytes = 3), not, &["multiple of 4"]),
        ("nothing", with(|packet| packet.canonical_bytes = 0), not, &["4 to 262144"]),
        ("more than it says", with(|packet| packet.canonical_bytes = 792), not, &["does not hold the 792"]),
        ("less than it says", with(|packet| packet.canonical_bytes = 808), not, &["does not hold the 808"]),
        (
            "a size beyond the limit",
            with(|packet| packet.canonical_bytes = 262_148),
            not,
            &["4 to 262144", "262148"],
        ),
        ("a size beyond reason", with(|packet| packet.canonical_bytes = u32::MAX), not, &["4 to 262144"]),
        ("no encoding", with(|packet| packet.encoding = 0), not, &["encoding is unknown"]),
        (
            "an encoding of the future",
            with(|packet| packet.encoding = 99),
            not,
            &["encoding is unknown", "F32_RAW"],
        ),
        ("no zstd at all", with(|packet| packet.encoding = 2), not, &["does not hold"]),
        (
            "more than the header says",
            vec![packet(&clip, at, &vec![0; half + 8])],
            not,
            &["longer than the 320000"],
        ),
    ];
    for (what, packets, code, says) in cases {
        check_refused(what, raw.write(packets).await, code, says);
        check_waits(&stage, id, at, what).await;
    }
    check_books(&stage).await;
    assert_eq!(run(&stage.client, &take, id).await.unwrap().state, JobState::Done);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_that_are_no_numbers_are_refused_by_frame_and_channel() {
    let (stage, raw) = stage().await;
    let (id, take) = uploading(&stage, 22).await;
    let bytes = std::fs::read(&take.file).unwrap();
    raw.write(vec![packet(&take.header, 0, &bytes[..8_000])]).await.unwrap();
    for (sample, frame, channel) in [(f32::NAN, 0, 0), (f32::INFINITY, 5, 1), (f32::NEG_INFINITY, 99, 0)] {
        let mut packed = bytes[8_000..8_800].to_vec();
        let at = (frame * 2 + channel) * 4;
        packed[at..at + 4].copy_from_slice(&sample.to_le_bytes());
        let answer = raw.write(vec![packet(&take.header, 8_000, &packed)]).await;
        let says = format!("frame {}, channel {channel} is not a finite number", 1_000 + frame);
        check_refused(&format!("{sample}"), answer, Code::InvalidArgument, &[&says]);
        check_waits(&stage, id, 8_000, "the packet was left out whole").await;
    }
    check_books(&stage).await;
    assert_eq!(run(&stage.client, &take, id).await.unwrap().state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_with_another_hash_is_forgotten_and_the_right_one_may_follow() {
    let (stage, raw) = stage().await;
    let (id, take) = uploading(&stage, 23).await;
    let bytes = std::fs::read(&take.file).unwrap();
    for round in 0..2 {
        let (mut packets, mut wrong) = (Vec::new(), bytes.clone());
        *wrong.last_mut().unwrap() ^= 1;
        let packet_bytes = PACKET_CANONICAL_BYTES_MAX / 8 * 8;
        for (index, part) in wrong.chunks(packet_bytes).enumerate() {
            packets.push(packet(&take.header, (index * packet_bytes) as u64, part));
        }
        let declared = take.header.sha256.to_string();
        check_refused("wrong hash", raw.write(packets).await, Code::InvalidArgument, &["SHA-256", &declared]);
        check_waits(&stage, id, 0, &format!("nothing of round {round} is left")).await;
    }
    let left = files_below(&stage.folder.path().join("data/uploads"));
    assert!(left.is_empty(), "{left:?}");
    check_books(&stage).await;
    assert_eq!(run(&stage.client, &take, id).await.unwrap().state, JobState::Done);
    stage.audit().await.unwrap();
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_messages_beyond_the_limits_are_refused_before_they_take_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serve::start(folder.path()).unwrap();
    let key = local_key(folder.path()).unwrap();
    let raw = Raw::connect(&server.grpc, &key).await.unwrap();
    let client = connect(&server.grpc, &key).await.unwrap();
    let take = take(folder.path(), 24, 40_000, 2, 44_100).unwrap();
    let job = client.create(&wish(JobId::generate(), take.header)).await.unwrap();
    let before = peak_memory_bytes(server.id()).unwrap();
    // 1 GiB of silence is 32 KiB of zstd.
    let bomb = zstd::stream::encode_all(std::io::repeat(0).take(1 << 30), 1).unwrap();
    assert!(bomb.len() < PACKET_PAYLOAD_BYTES_MAX, "{} bytes", bomb.len());
    let with = |canonical_bytes: usize, payload: Vec<u8>| {
        let mut request = packet(&take.header, 0, &[]);
        let packet = request.packet.as_mut().unwrap();
        packet.encoding = v1::Encoding::F32SplitZstd.into();
        packet.canonical_bytes = u32::try_from(canonical_bytes).unwrap();
        packet.payload = payload.into();
        vec![request]
    };
    for _ in 0..8 {
        let answer = raw.write(with(PACKET_CANONICAL_BYTES_MAX, bomb.clone())).await;
        check_refused("a bomb", answer, Code::InvalidArgument, &["does not hold the 262144"]);
    }
    for payload_bytes in [PACKET_PAYLOAD_BYTES_MAX + 1, 2_000_000] {
        let answer = raw.write(with(PACKET_CANONICAL_BYTES_MAX, vec![7; payload_bytes])).await;
        let says = ["at most 266240", &payload_bytes.to_string()];
        check_refused("a long payload", answer, Code::InvalidArgument, &says);
    }
    for megabytes in [2, 300] {
        let answer = raw.write(with(PACKET_CANONICAL_BYTES_MAX, vec![7; megabytes << 20])).await;
        check_refused("a message beyond the limit", answer, Code::OutOfRange, &["too large"]);
    }
    let mut long = create(header(50_000, 2, 44_100));
    long.title = "t".repeat(3 << 20);
    check_refused("a long request", raw.jobs().create(long).await, Code::OutOfRange, &["too large"]);
    for model in ["m".repeat(1 << 20), "m".repeat(NAME_CHARS_MAX + 1), "a\nb".to_owned()] {
        let ask = v1::QuoteRequest { model, frames: 1, channels: 1, rate_hz: 8_000, settings: Vec::new() };
        check_refused("a long name", raw.jobs().quote(ask).await, Code::InvalidArgument, &["model's name"]);
    }
    let grown = peak_memory_bytes(server.id()).unwrap() - before;
    assert!(grown < 48 << 20, "{} MiB were taken", grown >> 20);
    let job = client.job(job.id).await.unwrap();
    assert_eq!((job.state, job.held, job.uploaded_bytes), (JobState::Uploading, Credits(1), 0));
    assert_eq!(run(&client, &take, job.id).await.unwrap().state, JobState::Done);
    assert_eq!(client.account().await.unwrap().posted, Credits(599));
    assert_eq!(command::run(folder.path(), &["credits", "audit"]).unwrap().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_nobody_waits_for_is_not_taken() {
    let (stage, raw) = stage().await;
    let stranger = packet(&header(50_000, 2, 44_100), 0, &[0; 8]);
    check_refused("no job", raw.write(vec![stranger]).await, Code::NotFound, &["create the job first"]);
    // As it looks when a connection is cut: to be tried again, not refused for good.
    check_refused("an empty stream", raw.write(vec![]).await, Code::Unavailable, &["names the clip"]);
    let (id, take) = uploading(&stage, 25).await;
    let nameless = v1::WriteClipRequest { sha256: take.header.sha256.0.to_vec().into(), packet: None };
    let answer = raw.write(vec![nameless]).await.unwrap();
    assert_eq!(
        (answer.committed_bytes, answer.complete),
        (0, false),
        "a stream may end before its first packet"
    );
    stage.client.cancel(id).await.unwrap();
    let late = raw.write(vec![packet(&take.header, 0, &[0; 8])]).await;
    check_refused("a cancelled job's clip", late, Code::NotFound, &["no job waits"]);
    check_books(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stems_are_read_from_whole_frames_of_a_job_that_is_done_and_lists_have_limits() {
    let (stage, raw) = stage().await;
    let (id, take) = uploading(&stage, 26).await;
    let read = |stem: &str, offset| v1::ReadStemRequest {
        job_id: id.as_bytes().to_vec().into(),
        stem: stem.to_owned(),
        offset,
    };
    let early = raw.stems().read(read("bass", 0)).await.map(drop);
    check_refused("too early", early, Code::FailedPrecondition, &["uploading", "when it is done"]);
    assert_eq!(run(&stage.client, &take, id).await.unwrap().state, JobState::Done);
    let bytes = take.header.canonical_bytes().unwrap();
    for (stem, offset, code, says) in [
        ("guitar", 0, Code::NotFound, "no such stem"),
        ("bass", 4, Code::InvalidArgument, "multiple of 8"),
        ("bass", bytes + 8, Code::InvalidArgument, "at most 320000"),
        ("bass", u64::MAX, Code::InvalidArgument, "multiple of 8"),
    ] {
        check_refused(stem, raw.stems().read(read(stem, offset)).await.map(drop), code, &[says]);
    }
    let mut end = raw.stems().read(read("bass", bytes)).await.unwrap().into_inner();
    assert_eq!(end.message().await.unwrap(), None, "the end has no packets");
    for (limit, before_line) in [(0, 0), (1, u64::MAX), (u32::MAX, i64::MAX as u64 + 1), (501, 1)] {
        let history = raw.account().history(v1::HistoryRequest { limit, before_line }).await.unwrap();
        assert!(history.into_inner().lines.len() <= 2, "{limit} {before_line}");
    }
    let jobs =
        raw.jobs().list(v1::ListJobsRequest { limit: u32::MAX, before_job_id: vec![].into() }).await.unwrap();
    assert_eq!(jobs.into_inner().jobs.len(), 1);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_longer_than_any_header_may_be_is_refused_and_others_are_served() {
    let (stage, _) = stage().await;
    let long = Raw::connect(&stage.server.address, &"k".repeat(64 << 10)).await.unwrap();
    assert!(long.account().get(v1::GetAccountRequest {}).await.is_err());
    let wrong = Raw::connect(&stage.server.address, "trb_nobody").await.unwrap();
    let answer = wrong.account().get(v1::GetAccountRequest {}).await;
    check_refused("a wrong key", answer, Code::Unauthenticated, &[]);
    check_serves(&stage).await;
}

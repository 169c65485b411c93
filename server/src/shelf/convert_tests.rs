//! Checkpoints that become models: from a web server, a mirror and a disk; and all that must leave nothing behind that could
//! be loaded.

use super::http_double_tests::{HttpDouble, Resource};
use super::shelf_tests::{hash, pull, scratch};
use super::{ConvertOptions, FileState, Made, OwnCheckpoint, PullOptions, Pulled, Shelf, ShelfError, draft};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, Catalog, CommercialUse, OWN_CARD, Origin};
use tributary_models::checkpoint::Checkpoint;
use tributary_models::weights::{Pins, Promise, Stored};
use tributary_models::{Files, ModelError};

const CHECKPOINT: &[u8] = include_bytes!("../../../models/tests/fixtures/bs_roformer_tiny.ckpt");
const SETTINGS: &str = include_str!("../../../models/tests/fixtures/bs_roformer_tiny.yaml");

/// A small package of Demucs, which has its settings inside.
const PACKAGE: &[u8] = include_bytes!("../../../models/tests/fixtures/htdemucs_tiny.th");

/// A card of the small checkpoint; `more` stands in the entry of the checkpoint.
fn card_text(sources: [&str; 2], more: &str) -> String {
    let [weights, settings] = sources;
    format!(
        "name = \"tiny\"\ntitle = \"Tiny\"\ndescription = \"For tests.\"\ntask = \"separate\"\n\
         architecture = \"bs-roformer\"\ngrade = \"preview\"\nprice_class = \"heavy\"\npublisher = \"Nobody\"\n\
         licence = \"CC0-1.0\"\ncommercial_use = \"yes\"\nstems = [\"vocals\", \"other\"]\n\
         [checkpoint.weights]\nfile = \"tiny.ckpt\"\nsources = [\"{weights}\"]\n{more}\n\
         [checkpoint.settings]\nfile = \"tiny.yaml\"\nsources = [\"{settings}\"]\n"
    )
}

fn card(web: &HttpDouble) -> Card {
    Card::parse(&card_text([&web.url("/tiny.ckpt"), &web.url("/tiny.yaml")], "")).unwrap()
}

/// A web server with that checkpoint and those settings.
fn serving(checkpoint: &[u8], settings: &str) -> HttpDouble {
    let web = HttpDouble::start();
    let put = |path: &str, bytes: &[u8]| {
        web.put(path, Resource { bytes: bytes.to_vec(), ranges: true, ..Resource::default() });
    };
    put("/tiny.ckpt", checkpoint);
    put("/tiny.yaml", settings.as_bytes());
    web
}

/// Names of what lies in the model's folder.
fn left(shelf: &Shelf, model: &str) -> Vec<String> {
    let Ok(folder) = fs::read_dir(shelf.folder().join(model)) else { return Vec::new() };
    let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The words of an error and of all its causes.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What a pull of this checkpoint and these settings fails with; nothing is left that could be loaded.
fn refused(checkpoint: &[u8], settings: &str) -> (ShelfError, String) {
    let ((_folder, shelf), web) = (scratch(), serving(checkpoint, settings));
    let card = card(&web);
    let error = pull(&shelf, &card).unwrap_err();
    assert!(!Files::in_folder(&card, shelf.folder()).are_there());
    let made = ["model.onnx", "recipe.toml", draft::FOLDER];
    assert!(
        left(&shelf, "tiny").iter().all(|name| !made.contains(&name.as_str())),
        "{:?}",
        left(&shelf, "tiny")
    );
    let text = said(&error);
    (error, text)
}

/// The tensors of the small checkpoint as a safetensors file, after `change`.
fn safetensors(change: impl FnOnce(&mut BTreeMap<String, (Vec<usize>, Vec<f32>)>)) -> Vec<u8> {
    let mut checkpoint = Checkpoint::open(Cursor::new(CHECKPOINT)).unwrap();
    let names: Vec<_> =
        checkpoint.tensors().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
    let mut tensors = BTreeMap::new();
    for (name, shape) in names {
        let numbers = checkpoint.read_f32(&name).unwrap();
        tensors.insert(name, (shape, numbers));
    }
    change(&mut tensors);
    let (mut head, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, numbers)) in &tensors {
        let from = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [from, data.len()] });
        head.insert(name.clone(), entry);
    }
    let head = serde_json::to_vec(&head).unwrap();
    [&(head.len() as u64).to_le_bytes()[..], &head, &data].concat()
}

#[test]
fn a_checkpoint_is_fetched_made_into_a_graph_and_let_go() {
    let ((_folder, shelf), web) = (scratch(), serving(CHECKPOINT, SETTINGS));
    // The line breaks once: the download goes on.
    web.put(
        "/tiny.ckpt",
        Resource {
            bytes: CHECKPOINT.to_vec(),
            ranges: true,
            cut_bytes: 100_000,
            cuts: 1,
            tag: Some("\"1\"".to_owned()),
            ..Resource::default()
        },
    );
    let card = card(&web);
    let mut heard = Vec::new();
    let mut told = |progress: &super::Progress<'_>| {
        if progress.file == Origin::GRAPH {
            heard.push((progress.done_bytes, progress.total_bytes.unwrap()));
        }
    };
    let Pulled { files, pinned, made } = shelf.pull(&card, &PullOptions::default(), &mut told).unwrap();
    assert_eq!((files, pinned.len()), (2, 2));
    assert_eq!(pinned[0].sha256, hash(CHECKPOINT));
    assert!(heard.is_sorted() && heard.len() > 100);
    let (last, total) = *heard.last().unwrap();
    assert!(last <= total && last * 10 > total * 9, "{last} of {total}");
    let Made { files, engine, .. } = made.unwrap();
    assert_eq!(
        files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["model.onnx", "recipe.toml"]
    );
    assert!(engine.contains("on CPU"), "{engine}");
    assert_eq!(left(&shelf, "tiny"), [Pins::FILE, "model.onnx", "recipe.toml"]);

    let states = shelf.verify(&card).unwrap();
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|(_, state)| matches!(state, FileState::Whole(Promise::Pin(_)))), "{states:?}");
    assert_eq!(shelf.installed_bytes(&card), Some(files.iter().map(|(_, bytes)| bytes).sum()));
    let asked = web.asked().len();
    assert_eq!(pull(&shelf, &card).unwrap(), Pulled::default(), "there is nothing left to do");
    assert_eq!(web.asked().len(), asked);

    // The graph that goes wrong is made again, of the same checkpoint only.
    fs::write(shelf.folder().join("tiny/model.onnx"), b"another").unwrap();
    assert!(pull(&shelf, &card).unwrap().made.is_some());
    let mut other = CHECKPOINT.to_vec();
    other[1000] ^= 1;
    web.put("/tiny.ckpt", Resource { bytes: other, ..Resource::default() });
    fs::write(shelf.folder().join("tiny/model.onnx"), b"another").unwrap();
    let text = pull(&shelf, &card).unwrap_err().to_string();
    assert!(text.contains("was pinned on"), "{text}");
    assert_eq!(shelf.remove(&card).unwrap(), 2);
    assert!(left(&shelf, "tiny").is_empty() && !shelf.folder().join("tiny").exists());
}

#[test]
fn what_is_no_sound_checkpoint_leaves_nothing_that_could_be_loaded() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("archive/data.pkl", stored).unwrap();
    writer.write_all(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.").unwrap();
    let hostile = writer.finish().unwrap().into_inner();
    let nan = safetensors(|tensors| tensors.get_mut("final_norm.gamma").unwrap().1[2] = f32::NAN);
    let misshapen = safetensors(|tensors| {
        tensors.get_mut("layers.1.1.layers.0.1.net.4.weight").unwrap().0 = vec![32, 8];
        tensors.remove("layers.0.0.layers.0.0.to_gates.bias");
    });
    let stranger = safetensors(|tensors| {
        tensors.clear();
        tensors.insert("conv.weight".to_owned(), (vec![1], vec![1.0]));
    });
    for (checkpoint, words) in [
        (&hostile[..], &["os.system", "nothing is run"][..]),
        (&CHECKPOINT[..CHECKPOINT.len() / 2], &["damaged"]),
        (b"<html>", &["web page"]),
        (&nan, &["final_norm.gamma", "number 2 of 8 is NaN"]),
        (&misshapen, &["1 tensors missing", "to_gates.bias", "[32, 8], expected [8, 32]"]),
        (&stranger, &["conv.weight", "known are bs-roformer"]),
    ] {
        let (error, text) = refused(checkpoint, SETTINGS);
        assert!(matches!(error, ShelfError::Convert { .. }), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let (_, text) = refused(CHECKPOINT, &SETTINGS.replace("dim: 8\n", "dim: 384\n"));
    assert!(text.contains("`model.dim` is 384, and the weights have 8"), "{text}");
    let (error, text) = refused(CHECKPOINT, &SETTINGS.replace("  - vocals", "  - drums"));
    assert!(matches!(error, ShelfError::NotTheCards { .. }) && text.contains("drums, other"), "{text}");
    let (_, text) = refused(CHECKPOINT, "model: [");
    assert!(text.contains("tiny.yaml"), "{text}");
    // Finite weights of which nothing finite comes.
    let huge = safetensors(|tensors| {
        for (_, numbers) in tensors.values_mut() {
            numbers.iter_mut().for_each(|number| *number = 1e30);
        }
    });
    let (error, text) = refused(&huge, SETTINGS);
    assert!(matches!(error, ShelfError::Trial { .. }) && text.contains("mask.0"), "{text}");
}

#[test]
fn too_small_a_disk_is_told_before_anything_is_written() {
    let ((_folder, mut shelf), web) = (scratch(), serving(CHECKPOINT, SETTINGS));
    shelf.free_bytes = |_| Ok(Some(5_000_000));
    let card = card(&web);
    let error = pull(&shelf, &card).unwrap_err();
    let ShelfError::NoRoom { needed_bytes, free_bytes: 5_000_000, .. } = error else { panic!("{error:?}") };
    assert!((16 << 20..32 << 20).contains(&needed_bytes), "{needed_bytes}");
    assert!(error.to_string().contains("5 MB are free"), "{error}");
    assert_eq!(left(&shelf, "tiny"), [Pins::FILE, "tiny.ckpt", "tiny.yaml"]);
    // With room it goes on without another download.
    shelf.free_bytes = |_| Ok(None);
    let pulled = pull(&shelf, &card).unwrap();
    assert_eq!((pulled.files, pulled.made.is_some()), (0, true));
}

#[test]
fn a_conversion_that_ends_in_between_leaves_nothing_that_is_loaded() {
    let ((_folder, shelf), web) = (scratch(), serving(CHECKPOINT, SETTINGS));
    let card = card(&web);
    let ended = std::panic::catch_unwind(|| {
        let mut told = |progress: &super::Progress<'_>| {
            assert!(progress.file != Origin::GRAPH || progress.done_bytes < 20_000, "the plug is pulled");
        };
        shelf.pull(&card, &PullOptions::default(), &mut told)
    });
    assert!(ended.is_err());
    let files = Files::in_folder(&card, shelf.folder());
    assert!(!files.are_there());
    assert!(files.graph(Origin::GRAPH).is_err() && files.read(Origin::RECIPE).is_err());
    // What a dead process cannot take away.
    let draft = shelf.folder().join("tiny").join(draft::FOLDER);
    fs::create_dir_all(&draft).unwrap();
    fs::write(draft.join("model.onnx"), b"half a graph").unwrap();
    fs::write(shelf.folder().join("tiny/recipe.toml"), b"of another day").unwrap();
    assert!(!files.are_there());
    assert!(pull(&shelf, &card).unwrap().made.is_some());
    assert_eq!(left(&shelf, "tiny"), [Pins::FILE, "model.onnx", "recipe.toml"]);

    // Between the pins and the names: what lies there is of the conversion before.
    let pins = shelf.folder().join("tiny").join(Pins::FILE);
    let text = fs::read_to_string(&pins).unwrap();
    let graph = hash(&fs::read(shelf.folder().join("tiny/model.onnx")).unwrap());
    fs::write(&pins, text.replace(&graph, &hash(b"the next graph"))).unwrap();
    assert!(matches!(files.graph(Origin::GRAPH), Err(ModelError::Weights { .. })));
    assert!(pull(&shelf, &card).unwrap().made.is_some());
    assert!(files.graph(Origin::GRAPH).is_ok());
}

#[test]
fn a_graph_or_recipe_that_was_changed_is_refused_by_name() {
    let ((folder, shelf), _) = (scratch(), ());
    let own = imported(&folder, &shelf, "mine").0;
    for file in ["model.onnx", "recipe.toml"] {
        let place = shelf.folder().join("mine").join(file);
        let whole = fs::read(&place).unwrap();
        let mut changed = whole.clone();
        let at = changed.len() / 2;
        changed[at] ^= 1;
        fs::write(&place, &changed).unwrap();
        let state = shelf.verify(&own).unwrap().into_iter().find(|(name, _)| name == file).unwrap().1;
        assert_eq!(state, FileState::Wrong(hash(&changed)));
        let catalog = Catalog::new(Some(shelf.folder())).unwrap();
        let error = catalog.pipeline("mine").and_then(|pipeline| pipeline.load().map(drop)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ModelError::Weights { .. }), "{text}");
        assert!(text.contains(&format!("`{file}` of `mine`")), "{text}");
        fs::write(&place, whole).unwrap();
        assert!(catalog.pipeline("mine").unwrap().load().is_ok());
    }
}

fn options(half: bool) -> ConvertOptions {
    ConvertOptions { half, ..ConvertOptions::default() }
}

/// The checkpoint and its settings in a folder.
fn on_disk(folder: &Path) -> (PathBuf, PathBuf) {
    let (checkpoint, settings) = (folder.join("tiny.ckpt"), folder.join("tiny.yaml"));
    fs::write(&checkpoint, CHECKPOINT).unwrap();
    fs::write(&settings, SETTINGS).unwrap();
    (checkpoint, settings)
}

fn imported(folder: &tempfile::TempDir, shelf: &Shelf, name: &str) -> (Card, Made) {
    let (checkpoint, settings) = on_disk(folder.path());
    let own = OwnCheckpoint {
        name,
        checkpoint: &checkpoint,
        settings: Some(&settings),
        licence: None,
        commercial_use: CommercialUse::Unstated,
    };
    shelf.import_own(&own, (&options(false), "today"), &mut |_| ()).unwrap()
}

#[test]
fn a_checkpoint_of_ones_own_gets_a_card_and_the_catalogue_offers_it() {
    let (folder, shelf) = scratch();
    let (card, made) = imported(&folder, &shelf, "mine");
    assert_eq!((card.licence.as_str(), card.commercial_use), ("not stated", CommercialUse::Unstated));
    assert_eq!(card.stems, ["vocals", "other"]);
    assert!(made.files.iter().any(|(name, _)| name == OWN_CARD));
    let catalog = Catalog::new(Some(shelf.folder())).unwrap();
    assert_eq!(catalog.get("mine").unwrap(), &card);
    assert!(catalog.is_installed("mine") && catalog.refused().is_empty());
    assert_eq!(catalog.pipeline("mine").unwrap().controls()[0].name, "quality");
    // The same again is the same; another under that name is refused.
    imported(&folder, &shelf, "mine");
    let other = folder.path().join("other.safetensors");
    fs::write(&other, safetensors(|_| ())).unwrap();
    let (_, settings) = on_disk(folder.path());
    let own = OwnCheckpoint {
        name: "mine",
        checkpoint: &other,
        settings: Some(&settings),
        licence: Some("MIT"),
        commercial_use: CommercialUse::Yes,
    };
    let error = shelf.import_own(&own, (&options(false), ""), &mut |_| ()).unwrap_err();
    assert!(matches!(&error, ShelfError::NameTaken { name } if name == "mine"), "{error}");
    let error =
        shelf.import_own(&OwnCheckpoint { name: "../x", ..own.clone() }, (&options(false), ""), &mut |_| ());
    assert!(matches!(error, Err(ShelfError::Card(_))), "{error:?}");
    let (theirs, _) = shelf
        .import_own(&OwnCheckpoint { name: "theirs", ..own }, (&options(false), ""), &mut |_| ())
        .unwrap();
    assert_eq!((theirs.licence.as_str(), theirs.commercial_use), ("MIT", CommercialUse::Yes));

    assert_eq!(shelf.remove(&card).unwrap(), 3);
    assert!(!shelf.folder().join("mine").exists());
    // A card that is damaged, called otherwise or of a known name takes no other model away.
    let place = |name: &str| {
        fs::create_dir_all(shelf.folder().join(name)).unwrap();
        shelf.folder().join(name).join(OWN_CARD)
    };
    fs::write(place("broken"), "name = ").unwrap();
    fs::write(place("renamed"), card_text(["", ""], "")).unwrap();
    fs::write(place("mini"), card_text(["", ""], "").replace("tiny\"\ntitle", "mini\"\ntitle")).unwrap();
    let catalog = Catalog::new(Some(shelf.folder())).unwrap();
    assert_eq!(catalog.refused().len(), 3, "{:?}", catalog.refused());
    assert!(catalog.is_installed("theirs") && catalog.is_installed("mini"));
    assert_eq!(catalog.get("mini").unwrap().publisher, "Tributary");
}

#[test]
fn half_precision_is_made_beside_the_other_and_read_where_it_is_wanted() {
    let ((_folder, shelf), web) = (scratch(), serving(CHECKPOINT, SETTINGS));
    let card = card(&web);
    assert!(pull(&shelf, &card).unwrap().made.is_some());
    let with_half = PullOptions { convert: options(true), ..PullOptions::default() };
    let made = shelf.pull(&card, &with_half, &mut |_| ()).unwrap().made.unwrap();
    let size = |name: &str| made.files.iter().find(|(file, _)| file == name).unwrap().1;
    assert!(size(&Origin::half(0)) < size(Origin::GRAPH), "{made:?}");
    assert_eq!(shelf.pull(&card, &with_half, &mut |_| ()).unwrap(), Pulled::default());
    let files = Files::in_folder(&card, shelf.folder());
    let (half, full) = (files.clone().in_half(true).graph(Origin::GRAPH), files.graph(Origin::GRAPH));
    let bytes = |stored: Result<Stored, ModelError>| match stored.unwrap() {
        Stored::Bytes(bytes) => bytes.len() as u64,
        Stored::File(place) => panic!("{} is small", place.display()),
    };
    assert_eq!((bytes(half), bytes(full)), (size(&Origin::half(0)), size(Origin::GRAPH)));
    assert_eq!(shelf.verify(&card).unwrap().len(), 3);
}

#[test]
fn weights_beside_a_graph_are_pinned_loaded_from_their_place_and_missed() {
    let (folder, mut shelf) = scratch();
    shelf.one_file_bytes_max = 10_000;
    let (card, made) = imported(&folder, &shelf, "large");
    assert!(made.files.iter().any(|(name, bytes)| name == "model.onnx.data" && *bytes > 100_000), "{made:?}");
    let files = Files::in_folder(&card, shelf.folder());
    let place = shelf.folder().join("large/model.onnx");
    assert_eq!(files.graph(Origin::GRAPH).unwrap(), Stored::File(place.clone()));
    let catalog = Catalog::new(Some(shelf.folder())).unwrap();
    let session = catalog.pipeline("large").unwrap().load().unwrap();
    assert!(session.weights_bytes() > 300_000, "{}", session.weights_bytes());
    assert_eq!(
        shelf.installed_bytes(&card),
        Some(made.files.iter().filter(|(name, _)| name != OWN_CARD).map(|(_, bytes)| bytes).sum())
    );

    let weights = shelf.folder().join("large/model.onnx.data");
    let mut bytes = fs::read(&weights).unwrap();
    bytes[5000] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let error = files.graph(Origin::GRAPH).unwrap_err();
    assert!(error.to_string().contains("`model.onnx.data` of `large`"), "{error}");
    fs::remove_file(&weights).unwrap();
    assert!(matches!(files.graph(Origin::GRAPH), Err(ModelError::NoWeights { .. })));
}

#[test]
fn a_known_checkpoint_is_imported_by_its_name_or_its_hash_with_the_settings_beside_it() {
    let ((folder, shelf), web) = (scratch(), serving(CHECKPOINT, SETTINGS));
    let card = card(&web);
    let (checkpoint, settings) = on_disk(folder.path());
    let import = |path: &Path, settings: Option<&Path>| {
        shelf.import_checkpoint([&card], (path, settings), (&options(false), "today"), &mut |_| ())
    };
    fs::remove_file(&settings).unwrap();
    let error = import(&checkpoint, None).unwrap_err();
    assert!(matches!(&error, ShelfError::NoSettings { file, .. } if file == "tiny.yaml"), "{error}");
    on_disk(folder.path());
    assert_eq!(import(&checkpoint, None).unwrap().unwrap().0.name, "tiny");
    assert!(checkpoint.is_file(), "what is imported stays where it is");
    assert!(web.asked().is_empty());
    // By now its hash is pinned, whatever it is called.
    let renamed = folder.path().join("model(1).ckpt");
    fs::rename(&checkpoint, &renamed).unwrap();
    assert_eq!(import(&renamed, Some(&settings)).unwrap().unwrap().0.name, "tiny");
    fs::write(&checkpoint, safetensors(|_| ())).unwrap();
    assert!(matches!(import(&checkpoint, None), Err(ShelfError::NotAsPinned { .. })));
    fs::write(&settings, format!("{SETTINGS}\n# changed")).unwrap();
    assert!(matches!(import(&renamed, Some(&settings)), Err(ShelfError::NotAsPinned { .. })));
    fs::rename(&checkpoint, folder.path().join("stranger.ckpt")).unwrap();
    assert_eq!(import(&folder.path().join("stranger.ckpt"), None).unwrap(), None);
}

#[test]
fn a_bag_is_brought_whole_or_imported_by_one_of_its_files_and_makes_a_graph_of_each() {
    let (folder, shelf) = scratch();
    let web = HttpDouble::start();
    // The same network twice: a bag of it is the network.
    for path in ["/a.th", "/b.th"] {
        web.put(path, Resource { bytes: PACKAGE.to_vec(), ranges: true, ..Resource::default() });
    }
    let bag = |weights: &str| {
        format!(
            "name = \"bag\"\ntitle = \"Bag\"\ndescription = \"For tests.\"\ntask = \"separate\"\n\
             architecture = \"htdemucs\"\ngrade = \"preview\"\nprice_class = \"heavy\"\npublisher = \"Nobody\"\n\
             licence = \"CC0-1.0\"\ncommercial_use = \"yes\"\nstems = [\"drums\", \"vocals\", \"other\"]\n\
             [checkpoint]\nbag = {weights}\n\
             [checkpoint.weights]\nfile = \"a.th\"\nsources = [\"{}\"]\n\
             [[checkpoint.more]]\nfile = \"b.th\"\nsources = [\"{}\"]\n",
            web.url("/a.th"),
            web.url("/b.th")
        )
    };
    let card = Card::parse(&bag("[[1.0, 0.0], [0.0, 1.0]]")).unwrap();
    let Pulled { files, made, .. } = pull(&shelf, &card).unwrap();
    let made = made.unwrap();
    let names: Vec<_> = made.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((files, &names[..]), (2, &["model.onnx", "model.2.onnx", "recipe.toml"][..]));
    assert_eq!(left(&shelf, "bag"), [Pins::FILE, "model.2.onnx", "model.onnx", "recipe.toml"]);
    assert_eq!(pull(&shelf, &card).unwrap(), Pulled::default());
    fs::write(shelf.folder().join("bag").join(OWN_CARD), bag("[[1.0, 0.0], [0.0, 1.0]]")).unwrap();
    Catalog::new(Some(shelf.folder())).unwrap().pipeline("bag").unwrap().load().unwrap();
    fs::remove_file(shelf.folder().join("bag").join("model.2.onnx")).unwrap();
    assert!(!Files::in_folder(&card, shelf.folder()).are_there());

    let (first, second) = (folder.path().join("a.th"), folder.path().join("b.th"));
    fs::write(&first, PACKAGE).unwrap();
    let import =
        |path: &Path| shelf.import_checkpoint([&card], (path, None), (&options(true), "today"), &mut |_| ());
    let error = import(&first).unwrap_err();
    assert!(matches!(&error, ShelfError::NotWhole { file, .. } if file == "b.th"), "{error}");
    fs::write(&second, &PACKAGE[1..]).unwrap();
    assert!(matches!(import(&first), Err(ShelfError::NotAsPinned { .. })));
    fs::write(&second, PACKAGE).unwrap();
    let (_, made) = import(&first).unwrap().unwrap();
    assert_eq!(made.files.len(), 5, "{made:?}");

    for (weights, words) in [
        ("[[1.0, 0.0]]", "is for 1 of 2 networks"),
        ("[[1.0], [1.0]]", "each with 2 weights"),
        ("[[1.0, 0.0], [1.0, 0.0]]", "no weights from 0 on for `vocals`"),
    ] {
        let said = match Card::parse(&bag(weights)) {
            Ok(card) => {
                shelf.remove(&card).unwrap();
                said(&pull(&shelf, &card).unwrap_err())
            }
            Err(error) => error.to_string(),
        };
        assert!(said.contains(words), "{weights}: {said}");
    }
}

#[test]
fn the_beginning_of_a_hash_is_held_to_and_a_mirror_is_asked_instead_of_the_network() {
    let (folder, shelf) = scratch();
    let begins =
        |start: &str| Card::parse(&card_text(["", ""], &format!("sha256_start = \"{start}\""))).unwrap();
    let mirror = folder.path().join("mirror");
    fs::create_dir_all(mirror.join("tiny")).unwrap();
    on_disk(&mirror.join("tiny"));
    let options = PullOptions { mirror: Some(mirror), ..PullOptions::default() };
    let error = shelf.pull(&begins("00000000"), &options, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("that it begins with 00000000"), "{error}");
    assert!(left(&shelf, "tiny").is_empty(), "{:?}", left(&shelf, "tiny"));
    let pulled = shelf.pull(&begins(&hash(CHECKPOINT)[..8]), &options, &mut |_| ()).unwrap();
    assert!(pulled.made.is_some());
    assert!(Card::parse(&card_text(["", ""], "sha256_start = \"XYZ\"")).is_err());
}

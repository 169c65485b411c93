//! Files made to do harm: each is refused by name, before it takes memory.

use super::super::CheckpointError;
use super::published::{KINDS, SAFETENSORS};
use super::writer::{MATRIX, Ops, View, archive, one_tensor, zip};
use super::{open, refusal};

fn check_refused(pickle: Ops, words: &str) {
    let file = archive(pickle.end());
    let error = open(&file).err().expect(words);
    assert!(matches!(error, CheckpointError::Refused { .. }), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn calls_of_anything_unknown_are_refused_by_name() {
    let ops = Ops::new;
    check_refused(ops().call("os", "system", "true"), "a call of `os.system` at byte 23 of its pickle");
    check_refused(ops().call("builtins", "eval", "1"), "a call of `builtins.eval`");
    check_refused(ops().call("torch", "load", "x"), "a call of `torch.load`");
    check_refused(ops().call("torch._utils", "_rebuild_qtensor", "x"), "_rebuild_qtensor");
    // A name with dots would be looked up attribute by attribute.
    check_refused(ops().call("collections", "OrderedDict.fromkeys", "x"), "OrderedDict.fromkeys");
    check_refused(
        ops().global("subprocess", "Popen").text("x").raw(b"\x85\x81"),
        "an object of `subprocess.Popen`",
    );
    check_refused(ops().global("os", "environ").raw(b"}b"), "the state of `os.environ` (BUILD)");
    let reconstructed = ops().global("copy_reg", "_reconstructor").raw(b"(").global("os", "system");
    check_refused(reconstructed.raw(b"NNtR"), "a call of `os.system`");
    // Nothing that comes out of a call can be called.
    let twice = ops().call("pathlib", "PosixPath", "x").raw(b")R");
    check_refused(twice, "a call of an object of `pathlib.PosixPath`");
    check_refused(ops().text("x").raw(b")R"), "a call of text");
    // The list would be copied, again and again.
    let filled = ops().global("collections", "OrderedDict").raw(b"]\x85R");
    check_refused(filled, "a call of `collections.OrderedDict`");
}

#[test]
fn opcodes_that_are_not_read_are_refused_by_name() {
    for (bytes, name) in [
        (&b"X\x02\0\0\0osX\x06\0\0\0system\x93"[..], "STACK_GLOBAL at byte 20"),
        (b"(ios\nsystem\n", "INST at byte 3"),
        (b"(cos\nsystem\no", "OBJ"),
        (b"cos\nsystem\n)}\x92", "NEWOBJ_EX"),
        (b"\x82\x01", "EXT1"),
        (b"\x83\x01\0", "EXT2"),
        (b"\x84\x01\0\0\0", "EXT4"),
        (b"Pstorage\n", "PERSID"),
        (b"I1\n", "INT"),
        (b"\xff", "an opcode 0xff that no protocol has"),
    ] {
        check_refused(Ops::new().raw(bytes), name);
    }
    let fourth = archive(b"\x80\x04.".to_vec());
    assert!(refusal(&fourth).contains("a pickle of protocol 4"), "{}", refusal(&fourth));
}

#[test]
fn names_of_unknown_things_are_kept_as_names() {
    let pickle =
        Ops::new().raw(b"}(").text("klass").global("os", "system").text("w").tensor(&MATRIX).raw(b"u");
    let file = archive(pickle.end());
    let mut checkpoint = open(&file).unwrap();
    assert_eq!(checkpoint.enclosed("klass").unwrap().unwrap().root().text().unwrap(), "os.system");
    assert_eq!(checkpoint.read_f32("w").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn bombs_are_refused_before_they_take_memory() {
    let check = |pickle: Vec<u8>, words: &str| {
        let error = refusal(&archive(pickle));
        assert!(error.contains(words), "{error}");
    };
    check(Ops::new().raw(&[b'('; 300]).end(), "open collections in its pickle, at most 256");
    check(Ops::new().raw(&vec![b'N'; 1_100_000]).end(), "values in its pickle, at most 1048576");
    check(Ops::new().raw(b"X\xff\xff\xff\xff").end(), "4294967295 bytes of text, at most 1048576");
    check(Ops::new().raw(b"\x8b\xff\xff\xff\x7f").end(), "bytes of one integer, at most");
    check(Ops::new().raw(b"Nq\0").raw(&b"h\0".repeat(1_100_000)).end(), "values on its pickle's stack");
    check(vec![b'N'; 40 << 20], "bytes of pickle, at most 33554432");
    // A tuple in a tuple, half a million deep: numbers that point to numbers, so nothing recurses.
    check(
        Ops::new().raw(b"N").raw(&vec![0x85; 500_000]).end(),
        "no tensors by name; at its top it has a tuple",
    );
    let names = Ops::new().raw(b"}(").text(&"n".repeat(2000));
    check(names.tensor(&MATRIX).raw(b"u").end(), "2000 bytes in a tensor's name, at most 1024");
}

#[test]
fn values_that_contain_themselves_or_each_other_end() {
    // {"model": <itself>, "w": tensor}
    let mut itself = Ops::new().raw(b"}q\0(");
    for key in ["ema", "model", "state", "state_dict"] {
        itself = itself.text(key).raw(b"h\0");
    }
    let error = refusal(&archive(itself.clone().raw(b"u").end()));
    assert!(error.contains("no tensors by name") || error.contains("entries in its dicts"), "{error}");
    // Thirty dicts or lists, each ten times in the next.
    let laughs = |empty: &[u8], pairs: bool| {
        let mut ops = Ops::new().raw(b"}(").text("w").tensor(&MATRIX).text("kwargs").text("lol").raw(b"q\0");
        for level in 1..=30u8 {
            ops = ops.raw(b"0").raw(empty).raw(&[b'q', level, b'(']);
            for number in 0..10 {
                ops = if pairs { ops.text(&format!("{number}")) } else { ops };
                ops = ops.raw(&[b'h', level - 1]);
            }
            ops = ops.raw(if pairs { b"u" } else { b"e" });
        }
        archive(ops.raw(b"u").end())
    };
    let file = laughs(b"]", false);
    let error = open(&file).unwrap().enclosed("kwargs").unwrap_err().to_string();
    assert!(error.contains("values in its settings, at most 65536"), "{error}");
    let file = laughs(b"}", true);
    let error = refusal(&file);
    assert!(error.contains("entries in its dicts"), "{error}");
}

#[test]
fn tensors_that_lie_about_their_storage_are_refused_by_name() {
    let check = |view: View<'_>, words: &str| {
        let error = refusal(&one_tensor(&view));
        assert!(error.contains(words), "{error}");
    };
    assert_eq!(open(&one_tensor(&MATRIX)).unwrap().get("w").unwrap().shape(), [2, 3]);
    let wrong = "tensor `w`: its storage should be";
    check(View { elements: 7, ..MATRIX }, wrong);
    check(View { elements: 5, ..MATRIX }, wrong);
    check(View { elements: i64::MAX, ..MATRIX }, wrong);
    check(View { class: "DoubleStorage", ..MATRIX }, wrong);
    check(View { class: "QInt8Storage", ..MATRIX }, "numbers in `torch.QInt8Storage`");
    check(View { key: "1", ..MATRIX }, "tensor `w`: its numbers are not in the file");
    check(View { key: "../data/0", ..MATRIX }, "tensor `w`: its numbers are not in the file");
    check(View { offset: 1, ..MATRIX }, "reaches beyond its storage of 6 numbers");
    check(View { offset: -1, ..MATRIX }, "a tensor without a storage");
    check(View { shape: &[1 << 40, 3], ..MATRIX }, "reaches beyond its storage");
    check(View { shape: &[1 << 40, 1 << 40], ..MATRIX }, "is too large");
    check(View { shape: &[1 << 40, 3], strides: &[0, 1], ..MATRIX }, "use a number twice");
    check(View { shape: &[-2, 3], ..MATRIX }, "a tensor whose shape is none");
    check(View { shape: &[6], ..MATRIX }, "a tensor whose shape is none");
    check(View { shape: &[1; 9], strides: &[1; 9], ..MATRIX }, "a tensor whose shape is none");
}

#[test]
fn archives_that_lie_are_refused() {
    let pickle = || Ops::new().raw(b"}").text("w").tensor(&MATRIX).raw(b"s").end();
    let check =
        |archive: &[u8], words: &str| assert!(refusal(archive).contains(words), "{}", refusal(archive));
    check(&zip(&[("a/data.pkl", pickle()), ("../evil", vec![])]), "leads out of the archive");
    check(&zip(&[("a/data.pkl", pickle()), ("/etc/x", vec![])]), "leads out of the archive");
    check(&zip(&[("a/data.pkl", pickle()), ("b/data.pkl", pickle())]), "more than once");
    check(&zip(&[("a/data.pkl", pickle()), ("a/data.pkl", pickle())]), "a name twice");
    check(&zip(&[("readme.txt", vec![])]), "a zip archive without data.pkl");
    check(&zip(&[("a/data.pkl", pickle()), ("a/byteorder", b"big".to_vec())]), "another byte order");
    // Fields of the first entry of the directory, and of the archive's end.
    let good = zip(&[("a/data.pkl", pickle())]);
    let first = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let end = good.len() - 22;
    for (at, bytes, words) in [
        (first + 8, &b"\x01"[..], "encrypted"),
        (first + 10, b"\x08", "compressed zip entries"),
        (first + 24, b"\xff\xff\xff\x7f", "two lengths"),
        (first + 20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f", "a zip entry is longer than the file"),
        (first + 42, b"\xff\xff", "it ends too soon"),
        (end + 10, b"\xff\xff", "its zip directory ends too soon"),
        (end + 12, b"\xff\xff\xff\x7f", "bytes of zip directory, at most 16777216"),
        (end + 16, b"\xff\xff\xff\x7f", "its zip directory lies outside the file"),
    ] {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        check(&bad, words);
    }
}

#[test]
fn a_file_cut_short_anywhere_is_never_opened() {
    for file in [KINDS, SAFETENSORS] {
        for length in 0..file.len() {
            assert!(open(&file[..length]).is_err(), "{length}");
        }
    }
    let error = refusal(&KINDS[..KINDS.len() / 2]);
    assert!(error.contains("the end of its zip archive is missing") && error.contains("SHA-256"), "{error}");
}

#[test]
fn safetensors_headers_that_lie_are_refused() {
    let check = |header: &str, data: usize, words: &str| {
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat();
        assert!(refusal(&file).contains(words), "{}", refusal(&file));
    };
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    check(&one("F32", "[2]", "[0,8]"), 4, "its header speaks of 8 bytes of numbers, it has 4");
    check(&one("F32", "[2]", "[4,12]"), 12, "do not lie one behind the other");
    check(&one("F32", "[3]", "[0,8]"), 8, "tensor `w`: its shape of float32 numbers does not take 8 bytes");
    check(&one("F32", "[4294967296,4294967296]", "[0,0]"), 0, "does not take 0 bytes");
    check(&one("F8_E4M3", "[8]", "[0,8]"), 8, "numbers of the kind F8_E4M3");
    check(&one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "has 9 dimensions");
    check("{}", 0, "no tensors by name");
    check(r#"{"w":1}"#, 0, "its header is not what it should be");
    check(&format!("{{{}", "[".repeat(100_000)), 0, "its header is not what it should be");
    let huge = [&u64::MAX.to_le_bytes()[..], b"{"].concat();
    assert!(refusal(&huge).contains("bytes of header, at most"), "{}", refusal(&huge));
    let long = [&1000u64.to_le_bytes()[..], b"{"].concat();
    assert!(refusal(&long).contains("its header is longer than the file"), "{}", refusal(&long));
}

/// Runs this file's bombs again where a process may have no more than half a gigabyte, its threads and code included.
#[cfg(target_os = "linux")]
#[test]
fn bombs_do_no_harm_where_there_is_little_memory() {
    let run = "ulimit -v 524288; exec \"$0\" --exact --test-threads 1 \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", run]).arg(std::env::current_exe().unwrap());
    for test in [
        "bombs_are_refused_before_they_take_memory",
        "values_that_contain_themselves_or_each_other_end",
        "tensors_that_lie_about_their_storage_are_refused_by_name",
        "archives_that_lie_are_refused",
        "safetensors_headers_that_lie_are_refused",
    ] {
        command.arg(format!("checkpoint::tests::hostile::{test}"));
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("5 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

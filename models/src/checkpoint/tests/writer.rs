//! Pickles and archives by hand, right and wrong ones, from the descriptions of both formats. Shares no code with the
//! reader.

/// A pickle that grows opcode by opcode.
#[derive(Clone, Default)]
pub(super) struct Ops(pub(super) Vec<u8>);

impl Ops {
    pub(super) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(super) fn int(self, integer: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&integer.to_le_bytes())
    }

    pub(super) fn ints(self, integers: &[i64]) -> Self {
        integers.iter().fold(self.raw(b"("), |ops, integer| ops.int(*integer)).raw(b"t")
    }

    pub(super) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// `module.name(text)`
    pub(super) fn call(self, module: &str, name: &str, argument: &str) -> Self {
        self.global(module, name).text(argument).raw(b"\x85R")
    }

    /// A storage of a class of `torch`.
    pub(super) fn storage(self, class: &str, key: &str, elements: i64) -> Self {
        self.raw(b"(").text("storage").global("torch", class).text(key).text("cpu").int(elements).raw(b"tQ")
    }

    /// A tensor as `torch.save` writes it.
    pub(super) fn tensor(self, view: &View<'_>) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"(")
            .storage(view.class, view.key, view.elements)
            .int(view.offset)
            .ints(view.shape)
            .ints(view.strides)
            .raw(b"\x89")
            .global("collections", "OrderedDict")
            .raw(b")RtR")
    }

    pub(super) fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A tensor in a storage.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) class: &'a str,
    pub(super) key: &'a str,
    pub(super) elements: i64,
    pub(super) offset: i64,
    pub(super) shape: &'a [i64],
    pub(super) strides: &'a [i64],
}

/// Two by three floats of storage 0, which has six.
pub(super) const MATRIX: View<'static> =
    View { class: "FloatStorage", key: "0", elements: 6, offset: 0, shape: &[2, 3], strides: &[3, 1] };

/// `{"w": tensor}` with a storage 0 of six floats.
pub(super) fn one_tensor(view: &View<'_>) -> Vec<u8> {
    archive(Ops::new().raw(b"}").text("w").tensor(view).raw(b"s").end())
}

/// An archive with a pickle and a storage 0 of six floats.
pub(super) fn archive(pickle: Vec<u8>) -> Vec<u8> {
    let floats = (0..6u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    zip(&[
        ("archive/data.pkl", pickle),
        ("archive/byteorder", b"little".to_vec()),
        ("archive/data/0", floats),
    ])
}

/// A zip archive of stored entries. The reader compares no checksums, so there are none.
pub(super) fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = archive.len() as u32;
        let sizes = [0, content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        let name_bytes = (name.len() as u16).to_le_bytes();
        archive.extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0");
        archive.extend([&sizes[..], &name_bytes, &[0, 0], name.as_bytes(), content].concat());
        directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0");
        directory.extend([&sizes[..], &name_bytes, &[0; 12], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let (count, at) = ((files.len() as u16).to_le_bytes(), (archive.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    [
        archive,
        directory,
        b"PK\x05\x06\0\0\0\0".to_vec(),
        [count, count].concat(),
        [size, at].concat(),
        vec![0, 0],
    ]
    .concat()
}

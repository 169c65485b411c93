//! `text/uri-list` (RFC 2483) of local files: what travels in a drag. Pure.

use super::FILES_MAX;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The list as bytes: one `file://` URI a line, every byte that is not plain percent-encoded (RFC 3986). Paths must be
/// absolute.
pub(super) fn encode<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut list = Vec::new();
    for file in files {
        list.extend_from_slice(b"file://");
        for byte in file.as_ref().as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
                list.push(*byte);
            } else {
                list.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        list.extend_from_slice(b"\r\n");
    }
    list
}

/// The local files of a list, [`FILES_MAX`] at most; comments, other schemes, other machines and malformed lines are
/// left out. `host`: this machine's name.
pub(super) fn decode(list: &[u8], host: &str) -> Vec<PathBuf> {
    list.split(|byte| matches!(byte, b'\r' | b'\n' | 0))
        .filter_map(|line| local_file(line, host))
        .take(FILES_MAX)
        .collect()
}

fn local_file(line: &[u8], host: &str) -> Option<PathBuf> {
    let (scheme, rest) = line.split_at_checked(b"file:".len())?;
    if !scheme.eq_ignore_ascii_case(b"file:") {
        return None;
    }
    let path = match rest.strip_prefix(b"//") {
        // Some programs leave the authority out altogether.
        None => rest,
        Some(rest) => {
            let at = rest.iter().position(|byte| *byte == b'/')?;
            let named = std::str::from_utf8(&rest[..at]).ok()?;
            let is_here = named.is_empty()
                || named.eq_ignore_ascii_case("localhost")
                || named.eq_ignore_ascii_case(host);
            is_here.then_some(&rest[at..])?
        }
    };
    let bytes = plain(path)?;
    (bytes.first() == Some(&b'/') && !bytes.contains(&0)).then(|| OsString::from_vec(bytes).into())
}

fn plain(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digit = |byte: u8| char::from(byte).to_digit(16);
            bytes.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_files_are_encoded_as_browsers_and_daws_read_them() {
        let list = encode(["/m/Verse 2 - vocals - 124bpm - bar 3.wav", "/m/a%20#?ü.wav"]);
        let expected = "file:///m/Verse%202%20-%20vocals%20-%20124bpm%20-%20bar%203.wav\r\nfile:///m/a%2520%23%3F%C3%BC.wav\r\n";
        assert_eq!(String::from_utf8(list).unwrap(), expected);
    }

    #[test]
    fn only_whole_local_files_are_read() {
        for (line, path) in [
            ("file:///a/b.wav", Some("/a/b.wav")),
            ("FILE://LocalHost/a%20b.wav", Some("/a b.wav")),
            ("file://studio/a.wav", Some("/a.wav")),
            ("file:/a.wav", Some("/a.wav")),
            ("file:///a;b&c.wav", Some("/a;b&c.wav")),
            ("file://elsewhere/a.wav", None),
            ("https://studio/a.wav", None),
            ("# file:///a.wav", None),
            ("file:a.wav", None),
            ("file://", None),
            ("file:///a%2", None),
            ("file:///a%zz", None),
            ("file:///a%00b", None),
            ("", None),
        ] {
            let expected: Vec<PathBuf> = path.into_iter().map(PathBuf::from).collect();
            assert_eq!(decode(line.as_bytes(), "studio"), expected, "{line}");
        }
        let lines = decode(b"file:///a\nfile:///b\r\n#c\r\n\r\nfile:///d", "");
        assert_eq!(lines, ["/a", "/b", "/d"].map(PathBuf::from));
    }

    proptest! {
        #[test]
        fn any_path_comes_back_as_it_was(bytes in prop::collection::vec(1_u8.., 0..60)) {
            let path = PathBuf::from(OsString::from_vec([b"/", &bytes[..]].concat()));
            prop_assert_eq!(decode(&encode([&path]), ""), [path]);
        }

        #[test]
        fn no_bytes_make_it_fail_or_answer_too_much(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&bytes, "").len() <= FILES_MAX);
        }
    }
}

//! Members of Python wheels: many publishers ship their weights in a package.

use super::web::Web;
use super::{BLOCK_BYTES, FILE_BYTES_MAX, ShelfError, download, sha256, unlink, with_part};
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Where packages are looked up unless another index is named.
pub const PUBLIC_INDEX: &str = "https://pypi.org/simple";
/// The pages of the largest packages have some 10 MB.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// PEP 691.
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// What we read of a package's page.
#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
struct PageFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    #[serde(default)]
    sha256: String,
}

/// Brings the package's wheel into `folder`, unless it is there; it is what the index promises.
pub(super) fn wheel(
    web: &Web,
    index: &str,
    (package, version): (&str, &str),
    folder: &Path,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<PathBuf, ShelfError> {
    let missing = |reason: &str| ShelfError::NoWheel {
        index: index.to_owned(),
        package: format!("{package}=={version}"),
        reason: reason.to_owned(),
    };
    let address = format!("{}/{}/", index.trim_end_matches('/'), normal(package).replace('_', "-"));
    let answer = web.get(&address, JSON)?;
    if answer.status != 200 {
        return Err(ShelfError::Refused { url: address, status: answer.status });
    }
    let mut page = Vec::new();
    let read = answer.body.take(PAGE_BYTES_MAX).read_to_end(&mut page);
    read.map_err(|cause| ShelfError::Unreachable { url: address.clone(), reason: cause.to_string() })?;
    let page: Page = serde_json::from_slice(&page).map_err(|_| missing("it does not answer in JSON"))?;
    let mut wheels: Vec<PageFile> =
        page.files.into_iter().filter(|file| is_wheel(&file.filename, package, version)).collect();
    // Weights are the same on every system: one for all of them first, then the first by name.
    wheels.sort_by_key(|file| (!file.filename.ends_with("-any.whl"), file.filename.clone()));
    let found = wheels.into_iter().next().ok_or_else(|| missing("no file of that version"))?;
    let place = folder.join(&found.filename);
    if place.is_file() {
        return Ok(place);
    }
    let (url, part) = (absolute(&address, &found.url), with_part(&place));
    download::fetch(web, &url, &part, told)?;
    let hash = sha256(&part)?;
    if !found.hashes.sha256.is_empty() && hash != found.hashes.sha256 {
        unlink(&part)?;
        return Err(ShelfError::WrongHash { from: url, expected: found.hashes.sha256, found: hash });
    }
    std::fs::rename(&part, &place).map_err(|cause| ShelfError::io("write", &place, cause))?;
    Ok(place)
}

/// Takes one member out of a wheel.
pub(super) fn take(wheel: &Path, member: &str, to: &Path) -> Result<(), ShelfError> {
    let bad =
        |reason: String| ShelfError::NoMember { wheel: wheel.to_owned(), member: member.to_owned(), reason };
    let file = File::open(wheel).map_err(|cause| ShelfError::io("read", wheel, cause))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let mut found = archive.by_name(member).map_err(|error| bad(error.to_string()))?;
    let mut out = File::create(to).map_err(|cause| ShelfError::io("write", to, cause))?;
    let (mut block, mut done) = (vec![0; BLOCK_BYTES], 0);
    loop {
        let read = found.read(&mut block).map_err(|cause| bad(cause.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        done += read as u64;
        if done > FILE_BYTES_MAX {
            return Err(ShelfError::TooLarge { from: format!("{} {member}", wheel.display()) });
        }
        out.write_all(&block[..read]).map_err(|cause| ShelfError::io("write", to, cause))?;
    }
}

/// Names of packages are compared like this (PEP 503), and stand in wheels' names like this (PEP 427).
fn normal(name: &str) -> String {
    let mut normal = String::new();
    for letter in name.to_ascii_lowercase().chars() {
        match letter {
            '-' | '_' | '.' if normal.ends_with('_') => {}
            '-' | '_' | '.' => normal.push('_'),
            letter => normal.push(letter),
        }
    }
    normal
}

/// Whether the name is that of a wheel of the version. It becomes the name of a file of ours.
fn is_wheel(filename: &str, package: &str, version: &str) -> bool {
    let plain = filename.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b));
    let mut parts = filename.split('-');
    let named = parts.next().is_some_and(|name| normal(name) == normal(package));
    plain && named && parts.next() == Some(version) && filename.ends_with(".whl")
}

/// A page may name its files relative to itself; what stands behind `#` is not for the server.
fn absolute(page: &str, url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    if url.contains("://") {
        return url.to_owned();
    }
    let scheme = page.find("://").map_or(0, |at| at + 3);
    let host = page[scheme..].find('/').map_or(page.len(), |at| scheme + at);
    if url.starts_with('/') {
        return format!("{}{url}", &page[..host]);
    }
    let mut folder = page[host..].rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut rest = url;
    while let Some(up) = rest.strip_prefix("../") {
        rest = up;
        folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
    format!("{}{folder}/{rest}", &page[..host])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_are_known_by_their_names() {
        let name = "basic_pitch-0.4.0-py2.py3-none-any.whl";
        assert!(is_wheel(name, "basic-pitch", "0.4.0") && is_wheel(name, "Basic.Pitch", "0.4.0"));
        for (package, version) in [("basic-pitch", "0.4"), ("basic", "0.4.0"), ("pitch", "0.4.0")] {
            assert!(!is_wheel(name, package, version), "{package} {version}");
        }
        assert!(!is_wheel("basic_pitch-0.4.0.tar.gz", "basic-pitch", "0.4.0"));
        assert!(!is_wheel("basic_pitch-0.4.0-/../x.whl", "basic-pitch", "0.4.0"));
    }

    #[test]
    fn addresses_of_files_may_be_relative() {
        let page = "https://example.org/simple/a/";
        for (url, expected) in [
            ("https://files.example.org/a.whl#sha256=1", "https://files.example.org/a.whl"),
            ("/files/a.whl", "https://example.org/files/a.whl"),
            ("../../files/a.whl#x", "https://example.org/files/a.whl"),
            ("../../../../a.whl", "https://example.org/a.whl"),
            ("a.whl", "https://example.org/simple/a/a.whl"),
        ] {
            assert_eq!(absolute(page, url), expected, "{url}");
        }
    }
}

//! One file from one address, going on where it broke off. Checks no hash: the shelf does.

use super::web::{Answer, Web};
use super::{BLOCK_BYTES, FILE_BYTES_MAX, ShelfError, unlink};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Attempts one after the other that bring no byte.
const IDLE_ATTEMPTS_MAX: u32 = 3;
/// Attempts in all; a line that breaks this often is left to its owner.
const ATTEMPTS_MAX: u32 = 200;

/// An address and a tag are no longer.
const ORIGIN_BYTES_MAX: u64 = 16 << 10;

/// Where the bytes of a draft are from: beside a draft that no hash will tell from others.
pub(super) fn origin(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".from");
    PathBuf::from(name)
}

/// As [`fetch`], for a file of which no hash is known: a draft goes on only where it came from the same address and the
/// server says, by its tag, that it has the same file still.
pub(super) fn fetch_unknown(
    web: &Web,
    url: &str,
    part: &Path,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), ShelfError> {
    let origin = origin(part);
    let mut known = String::new();
    if let Ok(file) = File::open(&origin) {
        // What cannot be read is as good as not there.
        let _ = file.take(ORIGIN_BYTES_MAX).read_to_string(&mut known);
    }
    let mut tag = known.split_once('\n').filter(|(from, _)| *from == url).map(|(_, tag)| tag.to_owned());
    if tag.is_none() {
        unlink(part)?;
    }
    let mut seen = |now: Option<&str>| {
        let failed = |cause| ShelfError::io("write", &origin, cause);
        match now {
            Some(tag) => fs::write(&origin, format!("{url}\n{tag}")).map_err(failed),
            None => unlink(&origin).map(drop),
        }
    };
    fetch_tagged(web, url, part, &mut tag, &mut seen, told)
}

/// Brings the rest of `url` into `part`. `told` hears bytes on disk and, where it is known, of how many.
pub(super) fn fetch(
    web: &Web,
    url: &str,
    part: &Path,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), ShelfError> {
    fetch_tagged(web, url, part, &mut None, &mut |_| Ok(()), told)
}

/// `tag`: of the file that the draft is of. `seen` hears the tag of what comes, before it is written.
fn fetch_tagged(
    web: &Web,
    url: &str,
    part: &Path,
    tag: &mut Option<String>,
    seen: &mut dyn FnMut(Option<&str>) -> Result<(), ShelfError>,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), ShelfError> {
    let failed = |cause| ShelfError::io("write", part, cause);
    let mut file =
        File::options().create(true).read(true).write(true).truncate(false).open(part).map_err(failed)?;
    let mut idle = 0;
    for _ in 0..ATTEMPTS_MAX {
        let before = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let error = match attempt(web, url, (&mut file, part), (before, tag), seen, told) {
            Ok(()) => return file.sync_all().map_err(failed),
            Err(error) if error.may_pass() => error,
            Err(error) => return Err(error),
        };
        let after = file.seek(SeekFrom::End(0)).map_err(failed)?;
        idle = if after > before { 0 } else { idle + 1 };
        if idle == IDLE_ATTEMPTS_MAX {
            return Err(error);
        }
    }
    let done_bytes = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let reason = format!("{ATTEMPTS_MAX} times");
    Err(ShelfError::BrokenOff { url: url.to_owned(), done_bytes, reason })
}

fn attempt(
    web: &Web,
    url: &str,
    (file, part): (&mut File, &Path),
    (have, tag): (u64, &mut Option<String>),
    seen: &mut dyn FnMut(Option<&str>) -> Result<(), ShelfError>,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), ShelfError> {
    let failed = |cause| ShelfError::io("write", part, cause);
    let broken =
        |done_bytes, reason: String| ShelfError::BrokenOff { url: url.to_owned(), done_bytes, reason };
    let answer = web.get_from(url, have, tag.as_deref(), "*/*")?;
    let Answer { status, length_bytes, range, tag: tag_now, mut body } = answer;
    let (mut done, total) = match (status, range) {
        (206, (Some(first), size)) if first == have => (have, size.or(length_bytes.map(|rest| have + rest))),
        // Everything, whatever was asked for.
        (200, _) => (0, length_bytes),
        // Nothing is left: it is whole, and the hash will tell whether of the right file.
        (416, (_, Some(size))) if size == have => return Ok(()),
        // Another part than the one asked for, or less than is here: from the beginning.
        (206 | 416, _) => {
            file.set_len(0).map_err(failed)?;
            return Err(broken(0, "it cannot go on where it broke off".to_owned()));
        }
        (status, _) => return Err(ShelfError::Refused { url: url.to_owned(), status }),
    };
    seen(tag_now.as_deref())?;
    *tag = tag_now;
    if done < have {
        file.set_len(done).map_err(failed)?;
    }
    file.seek(SeekFrom::Start(done)).map_err(failed)?;
    told(done, total);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = body.read(&mut block).map_err(|cause| broken(done, cause.to_string()))?;
        if read == 0 {
            break;
        }
        done += read as u64;
        if done > FILE_BYTES_MAX {
            return Err(ShelfError::TooLarge { from: url.to_owned() });
        }
        file.write_all(&block[..read]).map_err(failed)?;
        told(done, total);
    }
    match total {
        Some(total) if done < total => Err(broken(done, format!("of {total}"))),
        _ => Ok(()),
    }
}

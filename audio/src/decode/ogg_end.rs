//! Whether an Ogg file has its last page. Looks at its last pages only, never at the sound.
//!
//! Ogg declares no length: a file cut off between two pages looks whole but for the mark on its last page (RFC 3533,
//! section 6: bit 2 of the header type).

use std::io::{Read, Seek, SeekFrom};

use crate::AudioError;
use crate::pcm::read_full;

/// A page is at most 27 + 255 + 255 * 255 bytes; twice that surely holds a whole header.
const TAIL_BYTES: u64 = 2 * 65_307;
const PAGE_HEADER_BYTES: usize = 27;
const LAST_PAGE: u8 = 4;

/// Refuses an Ogg file that was cut off; any other file passes. Leaves `source` at its start.
///
/// # Errors
/// [`AudioError::Damaged`] where the last page is not whole or not marked as the last.
pub(super) fn check(source: &mut (impl Read + Seek)) -> Result<(), AudioError> {
    let mut magic = [0; 4];
    let io = |cause| AudioError::Io { action: "read audio file", cause };
    let found = read_full(source, &mut magic)?;
    if found == magic.len() && &magic == b"OggS" {
        let end = source.seek(SeekFrom::End(0)).map_err(io)?;
        source.seek(SeekFrom::Start(end.saturating_sub(TAIL_BYTES))).map_err(io)?;
        let mut tail = Vec::new();
        source.take(TAIL_BYTES).read_to_end(&mut tail).map_err(io)?;
        if !ends_with_last_page(&tail) {
            let reason = "the last page of the Ogg file is missing; it was cut off before its end".to_owned();
            return Err(AudioError::Damaged { reason });
        }
    }
    source.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(())
}

fn ends_with_last_page(tail: &[u8]) -> bool {
    let mut starts = tail.windows(5).enumerate().filter(|(_, five)| five == b"OggS\0").map(|(at, _)| at);
    let Some(page) = starts.next_back().map(|at| &tail[at..]) else { return false };
    let Some(&segments) = page.get(PAGE_HEADER_BYTES - 1) else { return false };
    let body = PAGE_HEADER_BYTES + usize::from(segments);
    let Some(lengths) = page.get(PAGE_HEADER_BYTES..body) else { return false };
    let bytes = body + lengths.iter().map(|&length| usize::from(length)).sum::<usize>();
    bytes <= page.len() && page[5] & LAST_PAGE != 0
}

//! The `bext` chunk of a Broadcast Wave file: who made it, when, and where in the project it belongs. Written, never read.
//!
//! Source: EBU Tech 3285 (version 2.0, May 2011), section 2.3. We write version 1 of the chunk: the loudness fields that
//! version 2 adds would have to say "not measured" in every file.

/// Bytes of the description.
pub const DESCRIPTION_BYTES: usize = 256;
/// Bytes of the originator and of its reference.
pub const ORIGINATOR_BYTES: usize = 32;
/// Bytes before the coding history, which we leave empty.
const CHUNK_BYTES: usize = 602;
/// Bytes of the UMID and of what is reserved after it; all zero.
const UNUSED_BYTES: usize = 64 + 190;

/// What a `bext` chunk says. The standard wants ASCII: other characters become `?`, what is too long is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bext {
    /// The sound in words.
    pub description: String,
    /// Who or what made the file.
    pub originator: String,
    /// Names this file among all of its originator.
    pub originator_reference: String,
    /// `yyyy-mm-dd`.
    pub date: String,
    /// `hh:mm:ss`.
    pub time: String,
    /// Where the first frame lies: frames from the project's start (in broadcast: from midnight), at the file's rate.
    pub time_reference: u64,
}

impl Bext {
    /// The whole chunk with its header, an even number of bytes.
    pub(super) fn chunk(&self) -> Vec<u8> {
        let mut chunk = Vec::with_capacity(8 + CHUNK_BYTES);
        chunk.extend(b"bext");
        chunk.extend((CHUNK_BYTES as u32).to_le_bytes());
        for (text, bytes) in [
            (&self.description, DESCRIPTION_BYTES),
            (&self.originator, ORIGINATOR_BYTES),
            (&self.originator_reference, ORIGINATOR_BYTES),
            (&self.date, 10),
            (&self.time, 8),
        ] {
            let end = chunk.len() + bytes;
            chunk.extend(text.chars().map(ascii).take(bytes));
            chunk.resize(end, 0);
        }
        chunk.extend(self.time_reference.to_le_bytes());
        chunk.extend(1u16.to_le_bytes());
        chunk.resize(chunk.len() + UNUSED_BYTES, 0);
        chunk
    }
}

/// A NUL would end the field, and other control characters would end up on someone's screen.
fn ascii(character: char) -> u8 {
    if character.is_ascii() && !character.is_ascii_control() { character as u8 } else { b'?' }
}

//! Letters that nobody takes away: a file each in a folder, for development and for a studio without mail. The newest stay.

use super::message::Carrier;
use super::{Letter, Mail, MailError, Sender};
use crate::clock::Clock;
use async_trait::async_trait;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Letters in the folder; the oldest make room.
const LETTERS_MAX: usize = 1_000;
/// What their files end with: mail programs open it.
const EML: &str = "eml";

/// A folder of letters.
pub struct Outbox {
    folder: PathBuf,
    sender: Sender,
    clock: Arc<dyn Clock>,
}

impl Outbox {
    /// Makes the folder with its first letter.
    #[must_use]
    pub fn new(folder: &Path, sender: Sender, clock: Arc<dyn Clock>) -> Self {
        Self { folder: folder.to_owned(), sender, clock }
    }
}

#[async_trait]
impl Mail for Outbox {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let (now, id) = (self.clock.now(), rand::random::<u128>());
        let message = self.sender.message(letter, Carrier::File, now, id)?.formatted();
        let (folder, name) = (self.folder.clone(), format!("{:020}-{id:032x}", now.0));
        let written = tokio::task::spawn_blocking(move || put(&folder, &name, &message)).await;
        let written = written.map_err(io::Error::other).and_then(|result| result);
        written.map_err(|error| MailError::Later(Box::new(error)))
    }
}

/// Whole or not at all, readable by its owner only: a letter may hold a link that lets somebody in.
fn put(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    make_room(folder)?;
    let draft = folder.join(format!("{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft)?.write_all(message)?;
    fs::rename(&draft, folder.join(format!("{name}.{EML}")))
}

fn make_room(folder: &Path) -> io::Result<()> {
    let is_letter = |path: &PathBuf| path.extension().is_some_and(|end| end == EML);
    let mut letters: Vec<_> =
        fs::read_dir(folder)?.flatten().map(|file| file.path()).filter(is_letter).collect();
    if letters.len() >= LETTERS_MAX {
        // Names begin with the time.
        letters.sort();
        for old in &letters[..=letters.len() - LETTERS_MAX] {
            fs::remove_file(old)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn outbox(folder: &Path) -> (Outbox, Arc<ManualClock>) {
        // 2001-09-09 01:46:40 UTC.
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000_000_000_000)));
        let sender = Sender::parse("The Studio <studio@example.org>").unwrap();
        (Outbox::new(folder, sender, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Headers of a message and its parts' bodies, by an independent reading of RFC 5322 and RFC 2046.
    fn parsed(message: &str) -> (Vec<(String, String)>, Vec<String>) {
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let headers: Vec<_> = unfolded.lines().map(header).collect();
        let kind = &headers.iter().find(|(name, _)| name == "Content-Type").unwrap().1;
        let boundary = kind.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let border = format!("--{boundary}");
        let parts = body.split(&border).filter_map(|part| part.split_once("\r\n\r\n"));
        (headers, parts.map(|(_, words)| words.trim_end().to_owned()).collect())
    }

    #[tokio::test]
    async fn a_letter_is_a_file_that_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("outbox");
        let letter = Letter::new("reader@example.net", "Sign in", "Hello\n\nhttps://h.example/x").unwrap();
        outbox(&place).0.send(&letter).await.unwrap();
        let [file] = &files(&place)[..] else { panic!("one file") };
        assert_eq!(file.extension().unwrap(), "eml");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let (headers, parts) = parsed(&fs::read_to_string(file).unwrap());
        let header = |name: &str| &*headers.iter().find(|header| header.0 == name).expect(name).1;
        assert_eq!(header("From"), "\"The Studio\" <studio@example.org>");
        assert_eq!(header("To"), "reader@example.net");
        assert_eq!(header("Subject"), "Sign in");
        assert_eq!(header("Date"), "Sun, 09 Sep 2001 01:46:40 +0000");
        assert!(header("Message-ID").ends_with("@example.org>"));
        assert_eq!(parts[0], "Hello\r\n\r\nhttps://h.example/x");
        assert!(parts[1].contains("<a href=\"https://h.example/x\">"), "{}", parts[1]);
        assert_eq!(parts.len(), 2);
    }

    #[tokio::test]
    async fn the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..LETTERS_MAX + 2 {
            fs::write(folder.path().join(format!("{number:020}-x.eml")), "old").unwrap();
        }
        outbox(folder.path()).0.send(&Letter::new("a@b.org", "s", "t").unwrap()).await.unwrap();
        let left = files(folder.path());
        assert_eq!(left.len(), LETTERS_MAX);
        assert!(left[0].to_str().unwrap().contains("00003-x"), "{:?}", left[0]);
        assert!(left[LETTERS_MAX - 1].to_str().unwrap().contains("1000000000000000-"));
    }
}

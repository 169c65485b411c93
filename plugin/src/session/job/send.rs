//! The way there: the clip and what the result shall be made like, from where the server has got to.

use super::{Attempt, Life, Told, Trouble, blocking, cancelled};
use crate::library::{ClipRecord, LibraryError, Outcome};
use crate::view::Stage;
use std::path::PathBuf;
use tributary_protocol::client::{Client, ClientError};
use tributary_protocol::vocab::ClipHeader;

/// A file on its way, and how far all of them are before it.
struct Parcel {
    header: ClipHeader,
    path: PathBuf,
    before: u64,
    total: u64,
}

impl Life {
    /// Sends clip and references; returns early when the user cancels, the watch then does the rest.
    pub(super) async fn upload(&mut self, client: &Client) -> Attempt<()> {
        self.tell(Stage::Uploading { share: 0.0 }).await;
        let clip = match self.clip.take() {
            Some(clip) => clip,
            None => match self.cut().await {
                Ok(clip) => clip,
                Err(error) => return Err(self.give_up(client, error.told()).await),
            },
        };
        if ClipRecord::from(clip.header) != self.record.clip {
            return Err(self.give_up(client, "The take on this disk is not the one that was sent.").await);
        }
        let mut files = vec![(clip.header, clip.path.clone())];
        match self.references().await {
            Ok(references) => files.extend(references),
            Err(error) => return Err(self.give_up(client, error.told()).await),
        }
        let bytes = |header: &ClipHeader| header.canonical_bytes().unwrap_or(u64::MAX);
        let total = files.iter().map(|(header, _)| bytes(header)).fold(0, u64::saturating_add).max(1);
        let mut before: u64 = 0;
        for (header, path) in files {
            let long = bytes(&header);
            match self.send(client, Parcel { header, path, before, total }).await {
                None => return Ok(()),
                // The job was cancelled elsewhere, or this came by another job: the watch knows.
                Some(Ok(()) | Err(ClientError::UnknownJob { .. })) => before = before.saturating_add(long),
                Some(Err(error)) => match Trouble::of(error) {
                    Trouble::Over { outcome: Outcome::Failed { reason, .. }, .. } => {
                        return Err(self.give_up(client, reason).await);
                    }
                    later => {
                        self.clip = Some(clip);
                        return Err(later);
                    }
                },
            }
        }
        Ok(())
    }

    /// None where the user cancelled meanwhile.
    async fn send(&mut self, client: &Client, parcel: Parcel) -> Option<Result<(), ClientError>> {
        let Parcel { header, path, before, total } = parcel;
        let mut told = Told::new(self.record.key, self.around.mailbox.clone());
        let sent = tokio::select! {
            sent = client.upload(&header, &path, |sent| {
                let share = before.saturating_add(sent) as f32 / total as f32;
                told.share(share, |share| Stage::Uploading { share });
            }) => Some(sent),
            () = cancelled(&mut self.cancel) => None,
        };
        self.told = None;
        sent
    }

    /// The references of this job and where their bytes are.
    async fn references(&self) -> Result<Vec<(ClipHeader, PathBuf)>, LibraryError> {
        let (library, references) = (self.around.library.clone(), self.record.references.clone());
        blocking(move || {
            let file = |reference| {
                if !library.has_reference(reference) {
                    return Err(LibraryError::missing(format!("the reference `{}`", reference.name)));
                }
                library.touch_reference(reference);
                Ok((reference.clip.into(), library.reference_file(reference)))
            };
            references.iter().map(file).collect()
        })
        .await
    }
}

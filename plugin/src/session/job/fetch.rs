//! The way back of a job that is done: its stems, then its sheets, what is not on this disk yet.

use super::{Attempt, Life, Told, Trouble, blocking, cancelled};
use crate::library::{LibraryError, Outcome, SHEETS_MAX, SheetRecord};
use crate::view::Stage;
use tributary_protocol::client::{Client, ClientError, JobView};
use tributary_protocol::limits::NAME_CHARS_MAX;

impl Life {
    /// Fetches what is not on this disk yet.
    pub(super) async fn fetch(&mut self, client: &Client, job: &JobView) -> Attempt<()> {
        let cost = job.captured.0;
        let total = job.stems.iter().map(|stem| stem.bytes).sum::<u64>().max(1);
        let mut before = 0;
        self.tell(Stage::Fetching { share: 0.0 }).await;
        let (library, record) = (self.around.library.clone(), self.record.clone());
        let there = blocking(move || Ok(library.stems(&record))).await.unwrap_or_default();
        // Whoever has all stems needs nothing more of the server.
        if job.erased && (there.is_empty() || there.iter().any(|(_, file)| file.is_none())) {
            return Err(Trouble::not_fetched(
                cost,
                "The results were deleted from the server: run it again.",
            ));
        }
        for stem in &job.stems {
            let is_there = there.iter().any(|(name, file)| *name == stem.name && file.is_some());
            if !is_there {
                self.fetch_stem(client, job, &stem.name, cost, (before, total)).await?;
            }
            before += stem.bytes;
        }
        self.fetch_sheets(client, job, cost).await?;
        self.record.outcome = Some(Outcome::Done { cost });
        Ok(())
    }

    async fn fetch_stem(
        &mut self,
        client: &Client,
        job: &JobView,
        stem: &str,
        cost: u64,
        (before, total): (u64, u64),
    ) -> Attempt<()> {
        let part = self.around.library.stem_part(&self.record, stem);
        let mut told = Told::new(self.record.key, self.around.mailbox.clone());
        let fetched = tokio::select! {
            fetched = client.download(job, stem, &part, |bytes| {
                told.share((before + bytes) as f32 / total as f32, |share| Stage::Fetching { share });
            }) => fetched,
            () = cancelled(&mut self.cancel) => return Err(Trouble::not_fetched(cost, "You stopped it.")),
        };
        self.told = None;
        fetched.map_err(|error| not_fetched(cost, error))?;
        let (library, record, name) = (self.around.library.clone(), self.record.clone(), stem.to_owned());
        let kept = blocking(move || library.keep_stem(&library.take(record.take)?, &record, &name).map(drop));
        kept.await.map_err(|error| not_kept(cost, &error))
    }

    /// What the job made beside its stems. Small, so without a share of its own.
    async fn fetch_sheets(&mut self, client: &Client, job: &JobView, cost: u64) -> Attempt<()> {
        let is_name = |name: &str| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        let sheets = job.sheets.iter().filter(|sheet| is_name(&sheet.name)).take(SHEETS_MAX);
        self.record.sheets = sheets.map(SheetRecord::from).collect();
        let (library, record) = (self.around.library.clone(), self.record.clone());
        let there = blocking(move || Ok(library.sheets(&record))).await.unwrap_or_default();
        for (sheet, file) in there {
            if file.is_some() {
                continue;
            }
            let part = self.around.library.sheet_part(&self.record, &sheet.name);
            let fetched = tokio::select! {
                fetched = client.download_sheet(job, &sheet.name, &part) => fetched,
                () = cancelled(&mut self.cancel) => return Err(Trouble::not_fetched(cost, "You stopped it.")),
            };
            fetched.map_err(|error| not_fetched(cost, error))?;
            let (library, record) = (self.around.library.clone(), self.record.clone());
            let kept =
                blocking(move || library.keep_sheet(&library.take(record.take)?, &record, &sheet).map(drop));
            kept.await.map_err(|error| not_kept(cost, &error))?;
        }
        Ok(())
    }
}

/// What the server will never give is not here; the rest is waited for.
fn not_fetched(cost: u64, error: ClientError) -> Trouble {
    match Trouble::of(error) {
        Trouble::Over { outcome: Outcome::Failed { reason, .. }, .. } => Trouble::not_fetched(cost, reason),
        other => other,
    }
}

fn not_kept(cost: u64, error: &LibraryError) -> Trouble {
    match error {
        LibraryError::Full { .. } | LibraryError::Disk { .. } => Trouble::Later(error.told()),
        other => Trouble::not_fetched(cost, other.told()),
    }
}

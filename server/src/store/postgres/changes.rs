//! Hears what any server does to any job: a trigger of the table tells it when it is committed. What is missed while
//! the connection is away is found by those who ask again now and then.

use super::Change;
use crate::job::{JobState, Topic};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tributary_protocol::vocab::Sha256;

/// What the trigger calls.
const CHANNEL: &str = "tributary_job";
/// Changes that wait for who listens; more are dropped.
const WAITING_MAX: usize = 256;
/// From one try to connect to the next.
const CONNECT_WAIT: Duration = Duration::from_secs(1);

/// Listens on a connection of its own, until nobody wants to hear any more.
pub(super) fn listen(options: PgConnectOptions) -> Receiver<Change> {
    let (sender, receiver) = channel(WAITING_MAX);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = sender.closed() => return,
                heard = hear(&options, &sender) => if let Err(error) = heard {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot hear other servers");
                }
            }
            tokio::time::sleep(CONNECT_WAIT).await;
        }
    });
    receiver
}

async fn hear(options: &PgConnectOptions, sender: &Sender<Change>) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        if let Some(change) = read(listener.recv().await?.payload()) {
            // Full: whoever listens asks the store anyway.
            let _ = sender.try_send(change);
        }
    }
}

/// `<topic in hex> <state> <t or f>`; a newer version may say more.
fn read(payload: &str) -> Option<Change> {
    let mut words = payload.split(' ');
    let topic = Topic(Sha256::from_hex(words.next()?)?);
    let state = JobState::from_word(words.next()?)?;
    Some(Change { topic, state, cancel_asked: words.next()? == "t" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::conformance::{Bed, asks, at};
    use crate::store::postgres::tests::{database, open};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_server_hears_of_every_change_and_not_of_whose_job_it_is() {
        let database = database();
        let bed = Bed { store: open(&database).await, _keep: Box::new(()) };
        let other = open(&database).await;
        let mut changes = other.changes().unwrap();
        let tenant = bed.account(10).await;
        // The listener connects in its own time: what it missed nobody repeats, so there are jobs until it hears one.
        let heard = loop {
            bed.admit(&tenant, &asks(0), 1).await;
            if let Ok(change) = changes.try_recv() {
                break change;
            }
        };
        assert_eq!(heard.state, JobState::Queued);
        while changes.try_recv().is_ok() {}
        let claim = loop {
            let claim = bed.claim(2).await.unwrap();
            if bed.job(&tenant, claim.job.id).await.attempt == 1 {
                break claim;
            }
        };
        bed.store.cancel(&tenant, claim.job.id, at(3)).await.unwrap();
        let topic = Topic::of(&tenant, claim.job.id);
        loop {
            let change = changes.recv().await.unwrap();
            if change.cancel_asked {
                assert_eq!(change, Change { topic, state: JobState::Running, cancel_asked: true });
                return;
            }
        }
    }

    #[test]
    fn what_is_no_change_is_passed_over() {
        let hash = Sha256([7; 32]);
        let change = Change { topic: Topic(hash), state: JobState::Done, cancel_asked: false };
        assert_eq!(read(&format!("{hash} done f")), Some(change));
        assert_eq!(read(&format!("{hash} done f and more")), Some(change));
        for text in ["", "x done f", &format!("{hash} lost f"), &format!("{hash} done")] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! Stops a job and waits until it has ended, so that what it cost can be said.

use tributary_protocol::client::{Client, ClientError, JobView};
use tributary_protocol::vocab::JobId;

/// A waiting job ends at once, a running one within a chunk; an ended one is returned as it is.
pub(super) async fn cancel(client: &Client, id: JobId) -> Result<JobView, ClientError> {
    let mut job = client.cancel(id).await?;
    let mut watch = client.watch(id);
    while !job.state.is_terminal() {
        match watch.next().await? {
            Some(next) => job = next,
            None => break,
        }
    }
    Ok(job)
}

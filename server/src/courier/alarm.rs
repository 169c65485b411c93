//! Tells people by a letter that an endpoint of theirs was switched off: whoever made it while they belong to the account,
//! else its owners. A letter that is lost is no more than that: the page says the same.

use crate::clock::Timestamp;
use crate::mail::Letter;
use crate::mail::post::Post;
use crate::people::Role;
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use crate::webhook::{Disabled, FAILING_DAYS_MAX, Webhook};

/// Where letters go, and what they say of this service.
#[derive(Clone)]
pub struct Alarm {
    /// Takes letters.
    pub post: Post,
    /// Where links lead.
    pub url: String,
    /// What the service is called.
    pub brand: String,
}

impl Alarm {
    /// Tells that `webhook` was switched off.
    ///
    /// # Errors
    /// The store's, where it does not know who to tell.
    pub(super) async fn switched_off(
        &self,
        store: &dyn Store,
        tenant: &Tenant,
        webhook: &Webhook,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(disabled) = &webhook.disabled else { return Ok(()) };
        let text = self.text(webhook, disabled);
        let subject = format!("{}: a webhook was switched off", self.brand);
        for email in recipients(store, tenant, webhook, now).await? {
            let letter = Letter::new(&email, &subject, &text);
            let sent = letter.is_ok_and(|letter| self.post.send(letter).is_ok());
            if !sent {
                tracing::warn!(webhook = %webhook.id, "nobody is told by letter that a webhook was switched off");
            }
        }
        Ok(())
    }

    fn text(&self, webhook: &Webhook, disabled: &Disabled) -> String {
        format!(
            "Nothing was taken at this address for {FAILING_DAYS_MAX} days, so it is not told of jobs any more:\n{}\n\n\
             The last try failed: {}.\n\nSee what went wrong, send a test, and switch it on again:\n{}/webhooks",
            webhook.url, disabled.reason, self.url
        )
    }
}

async fn recipients(
    store: &dyn Store,
    tenant: &Tenant,
    webhook: &Webhook,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let members = store.members(tenant, now.month()).await?;
    let maker = members.iter().find(|member| Some(member.person) == webhook.made_by);
    if let Some(maker) = maker {
        return Ok(vec![maker.email.clone()]);
    }
    let owners = members.into_iter().filter(|member| member.role == Role::Owner);
    Ok(owners.map(|owner| owner.email).collect())
}

//! Endpoints of customers, and what they are told.

use super::dialect::{self, Books, Connection, Row};
use super::read::{
    account, account_in, event, event_in, job_in, number, person_in, person_or_none, time, time_or_none,
    webhook, webhook_in,
};
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::job::Job;
use crate::store::StoreError;
use crate::store::webhooks::{AddedWebhook, Load, NewWebhook, Webhooks};
use crate::tenant::Tenant;
use crate::webhook::{
    Delivery, DeliveryState, Disabled, Event, FAILING_DAYS_MAX, Failed, Fate, PATIENCE, Parcel, Secret,
    WEBHOOKS_MAX, Webhook,
};
use async_trait::async_trait;
use sqlx::Row as _;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, EventId, WebhookId};

/// What is read of an endpoint: all but its secrets.
macro_rules! webhook_columns {
    () => {
        "SELECT id, url, events, old_until, created_at, person_id, disabled_at, disabled_reason FROM webhook "
    };
}
/// What is told of what waits for an endpoint that is switched off.
const SWITCHED_OFF: &str = "the webhook was switched off";

/// In the transaction that ended a job: whoever wants to hear of it will.
pub(super) async fn note_end(
    connection: &mut Connection,
    job: &Job,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(event) = Event::of_end(job.state) else { return Ok(()) };
    sqlx::query(
        "INSERT INTO webhook_delivery (account_id, webhook_id, event_id, event, next_try_at, give_up_at, created_at)
         SELECT account_id, id, $2, $3, $4, $5, $4 FROM webhook
         WHERE account_id = $1 AND disabled_at IS NULL AND ' ' || events || ' ' LIKE '% ' || $3 || ' %'
         ON CONFLICT DO NOTHING",
    )
    .bind(account_in(job.account))
    .bind(job_in(job.id))
    .bind(event.word())
    .bind(now.0)
    .bind(now.after(PATIENCE).0)
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl Webhooks for Books {
    async fn add_webhook(
        &self,
        tenant: &Tenant,
        new: &NewWebhook,
        now: Timestamp,
    ) -> Result<AddedWebhook, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::own(self, account).await?;
        dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        if let Some(known) = one(&mut tx, account, new.id).await? {
            let same = known.url == new.url && known.events == new.events;
            return Ok(if same { AddedWebhook::Known(known) } else { AddedWebhook::Conflict });
        }
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook WHERE account_id = $1")
            .bind(account_in(account))
            .fetch_one(&mut *tx)
            .await?;
        if there >= i64::from(WEBHOOKS_MAX) {
            return Ok(AddedWebhook::TooMany);
        }
        sqlx::query(
            "INSERT INTO webhook (account_id, id, url, events, secret, created_at, person_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(account_in(account))
        .bind(webhook_in(new.id))
        .bind(&new.url)
        .bind(events_in(&new.events))
        .bind(new.secret.reveal())
        .bind(now.0)
        .bind(new.made_by.map(person_in))
        .execute(&mut *tx)
        .await?;
        let added = one(&mut tx, account, new.id).await?.ok_or_else(|| unreadable("webhook"))?;
        tx.commit().await?;
        Ok(AddedWebhook::Yes(added))
    }

    async fn webhook_secret(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Secret>, StoreError> {
        // The account's own role reads none.
        let secret = sqlx::query_scalar("SELECT secret FROM webhook WHERE account_id = $1 AND id = $2")
            .bind(account_in(tenant.account()))
            .bind(webhook_in(id))
            .fetch_optional(&mut *dialect::look(self).await?)
            .await?;
        Ok(secret.map(Secret::kept))
    }

    async fn change_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        events: &[Event],
    ) -> Result<Option<Webhook>, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        sqlx::query("UPDATE webhook SET events = $1 WHERE account_id = $2 AND id = $3")
            .bind(events_in(events))
            .bind(account_in(tenant.account()))
            .bind(webhook_in(id))
            .execute(&mut *tx)
            .await?;
        let changed = one(&mut tx, tenant.account(), id).await?;
        tx.commit().await?;
        Ok(changed)
    }

    async fn enable_webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        sqlx::query(
            "UPDATE webhook SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL
             WHERE account_id = $1 AND id = $2 AND disabled_at IS NOT NULL",
        )
        .bind(account_in(tenant.account()))
        .bind(webhook_in(id))
        .execute(&mut *tx)
        .await?;
        let enabled = one(&mut tx, tenant.account(), id).await?;
        tx.commit().await?;
        Ok(enabled)
    }

    async fn webhooks(&self, tenant: &Tenant) -> Result<Vec<Webhook>, StoreError> {
        sqlx::query(concat!(webhook_columns!(), "WHERE account_id = $1 ORDER BY created_at, id"))
            .bind(account_in(tenant.account()))
            .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    async fn webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        one(&mut *dialect::look_own(self, tenant.account()).await?, tenant.account(), id).await
    }

    async fn remove_webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<bool, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        // In its account's turn: a job that ends meanwhile finds the endpoint or does not, and never half of it.
        dialect::turn(&mut tx, tenant.account()).await?.ok_or(StoreError::NoAccount)?;
        sqlx::query("DELETE FROM webhook_delivery WHERE account_id = $1 AND webhook_id = $2")
            .bind(account_in(tenant.account()))
            .bind(webhook_in(id))
            .execute(&mut *tx)
            .await?;
        let removed = sqlx::query("DELETE FROM webhook WHERE account_id = $1 AND id = $2")
            .bind(account_in(tenant.account()))
            .bind(webhook_in(id))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(removed.rows_affected() == 1)
    }

    async fn rotate_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        secret: &Secret,
        old_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let rotated = sqlx::query(
            "UPDATE webhook SET old_secret = secret, old_until = $1, secret = $2 WHERE account_id = $3 AND id = $4",
        )
        .bind(old_until.0)
        .bind(secret.reveal())
        .bind(account_in(tenant.account()))
        .bind(webhook_in(id))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rotated.rows_affected() == 1)
    }

    async fn deliveries(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        sqlx::query(
            "SELECT * FROM webhook_delivery WHERE account_id = $1 AND webhook_id = $2
             ORDER BY created_at DESC, event_id DESC LIMIT $3",
        )
        .bind(account_in(tenant.account()))
        .bind(webhook_in(id))
        .bind(i64::from(limit))
        .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?
        .iter()
        .map(read_delivery)
        .collect()
    }

    async fn test_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        let added = sqlx::query(
            "INSERT INTO webhook_delivery (account_id, webhook_id, event_id, event, next_try_at, give_up_at, created_at)
             SELECT account_id, id, $3, 'test', $4, $5, $4 FROM webhook WHERE account_id = $1 AND id = $2",
        )
        .bind(account_in(tenant.account()))
        .bind(webhook_in(id))
        .bind(event_in(event))
        .bind(now.0)
        .bind(now.after(PATIENCE).0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(added.rows_affected() == 1)
    }

    async fn deliver_again(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        let again = sqlx::query(
            "UPDATE webhook_delivery SET state = 'waiting', tries = 0, next_try_at = $1, give_up_at = $2, ended_at = NULL
             WHERE account_id = $3 AND webhook_id = $4 AND event_id = $5 RETURNING *",
        )
        .bind(now.0)
        .bind(now.after(PATIENCE).0)
        .bind(account_in(tenant.account()))
        .bind(webhook_in(id))
        .bind(event_in(event))
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        again.as_ref().map(read_delivery).transpose()
    }

    async fn take_deliveries(
        &self,
        load: Load,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Parcel>, StoreError> {
        // Mostly there is nothing, and no writer has to wait for that to be found out.
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM webhook_delivery WHERE state = 'waiting' AND next_try_at <= $1",
        )
        .bind(now.0)
        .fetch_one(&mut *dialect::look(self).await?)
        .await?;
        if waiting == 0 {
            return Ok(Vec::new());
        }
        let mut tx = dialect::every(self).await?;
        let parcels = sqlx::query(TAKEN)
            .bind(now.0)
            .bind(i64::from(load.of_one_endpoint))
            .bind(i64::from(load.deliveries))
            .fetch_all(&mut *tx)
            .await?
            .iter()
            .map(|row| read_parcel(row, now))
            .collect::<Result<Vec<_>, _>>()?;
        for parcel in &parcels {
            sqlx::query(
                "UPDATE webhook_delivery SET sending_until = $1 WHERE account_id = $2 AND webhook_id = $3 AND event_id = $4",
            )
            .bind(lease_until.0)
            .bind(account_in(parcel.account))
            .bind(webhook_in(parcel.webhook))
            .bind(event_in(parcel.event_id))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(parcels)
    }

    async fn end_delivery(
        &self,
        parcel: &Parcel,
        fate: &Fate,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        let (state, next_try_at, failed) = match fate {
            Fate::Delivered(_) => (DeliveryState::Delivered, now, None),
            Fate::Again(at, failed) => (DeliveryState::Waiting, *at, Some(failed)),
            Fate::Dead(failed) => (DeliveryState::Dead, now, Some(failed)),
        };
        let status = match (fate, failed) {
            (Fate::Delivered(status), _) => Some(*status),
            (_, failed) => failed.and_then(|failed: &Failed| failed.status),
        };
        let mut tx = dialect::every(self).await?;
        // In its account's turn: a job that ends meanwhile finds the endpoint on or off, and is never kept for one that is off;
        // and of two deliveries that end at once none waits for the other's rows.
        dialect::turn(&mut tx, parcel.account).await?;
        let noted = sqlx::query(
            "UPDATE webhook_delivery SET state = $1, tries = tries + 1, next_try_at = $2, sending_until = NULL,
             last_status = $3, last_error = $4, ended_at = $5
             WHERE account_id = $6 AND webhook_id = $7 AND event_id = $8 AND state = 'waiting'",
        )
        .bind(state.word())
        .bind(next_try_at.0)
        .bind(status.map(i64::from))
        .bind(failed.map(|failed| &failed.reason))
        .bind((state != DeliveryState::Waiting).then_some(now.0))
        .bind(account_in(parcel.account))
        .bind(webhook_in(parcel.webhook))
        .bind(event_in(parcel.event_id))
        .execute(&mut *tx)
        .await?;
        if noted.rows_affected() == 0 {
            return Ok(None);
        }
        note_health(&mut tx, parcel, failed.is_some(), now).await?;
        let switched_off = match fate {
            Fate::Dead(failed) => switch_off(&mut tx, parcel, failed, now).await?,
            Fate::Delivered(_) | Fate::Again(..) => None,
        };
        tx.commit().await?;
        Ok(switched_off)
    }

    async fn sweep_deliveries(&self, ended_before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = dialect::every(self).await?;
        let swept = sqlx::query("DELETE FROM webhook_delivery WHERE ended_at < $1")
            .bind(ended_before.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(swept.rows_affected())
    }
}

/// Since when nothing was taken there.
async fn note_health(
    connection: &mut Connection,
    parcel: &Parcel,
    failed: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook SET failing_since = $1 WHERE account_id = $2 AND id = $3
         AND (failing_since IS NULL) = ($1 IS NOT NULL)",
    )
    .bind(failed.then_some(now.0))
    .bind(account_in(parcel.account))
    .bind(webhook_in(parcel.webhook))
    .execute(connection)
    .await?;
    Ok(())
}

/// The endpoint, where it is switched off now: it has taken nothing for too long.
async fn switch_off(
    connection: &mut Connection,
    parcel: &Parcel,
    failed: &Failed,
    now: Timestamp,
) -> Result<Option<Webhook>, StoreError> {
    let failing = Duration::from_secs(u64::from(FAILING_DAYS_MAX) * 86_400);
    let switched = sqlx::query(
        "UPDATE webhook SET disabled_at = $1, disabled_reason = $2
         WHERE account_id = $3 AND id = $4 AND disabled_at IS NULL AND failing_since <= $5",
    )
    .bind(now.0)
    .bind(&failed.reason)
    .bind(account_in(parcel.account))
    .bind(webhook_in(parcel.webhook))
    .bind(now.before(failing).0)
    .execute(&mut *connection)
    .await?;
    if switched.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query(
        "UPDATE webhook_delivery SET state = 'dead', ended_at = $1, sending_until = NULL, last_error = $2
         WHERE account_id = $3 AND webhook_id = $4 AND state = 'waiting'",
    )
    .bind(now.0)
    .bind(SWITCHED_OFF)
    .bind(account_in(parcel.account))
    .bind(webhook_in(parcel.webhook))
    .execute(&mut *connection)
    .await?;
    one(connection, parcel.account, parcel.webhook).await
}

/// Of each endpoint as many as it may have in hand, less those that are in somebody's.
const TAKEN: &str = "
SELECT due.account_id, due.webhook_id, due.event_id, due.event, due.created_at, due.tries, due.give_up_at,
  webhook.url, webhook.secret, webhook.old_secret, webhook.old_until
FROM (
  SELECT waiting.*,
    row_number() OVER (PARTITION BY account_id, webhook_id ORDER BY next_try_at, event_id) AS place,
    (SELECT count(*) FROM webhook_delivery AS sent WHERE sent.account_id = waiting.account_id
       AND sent.webhook_id = waiting.webhook_id AND sent.state = 'waiting' AND sent.sending_until > $1) AS sending
  FROM webhook_delivery AS waiting
  WHERE state = 'waiting' AND next_try_at <= $1 AND coalesce(sending_until, $1) <= $1
) AS due
JOIN webhook ON webhook.account_id = due.account_id AND webhook.id = due.webhook_id
WHERE due.place + due.sending <= $2 ORDER BY due.next_try_at, due.event_id LIMIT $3";

async fn one(
    connection: &mut Connection,
    account: AccountId,
    id: WebhookId,
) -> Result<Option<Webhook>, StoreError> {
    sqlx::query(concat!(webhook_columns!(), "WHERE account_id = $1 AND id = $2"))
        .bind(account_in(account))
        .bind(webhook_in(id))
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

fn read(row: &Row) -> Result<Webhook, StoreError> {
    let events: String = row.try_get("events")?;
    let events = events.split(' ').map(|word| Event::parse(word).ok_or_else(|| unreadable("events")));
    Ok(Webhook {
        id: webhook(row, "id")?,
        url: row.try_get("url")?,
        events: events.collect::<Result<_, _>>()?,
        old_until: time_or_none(row, "old_until")?,
        created_at: time(row, "created_at")?,
        made_by: person_or_none(row)?,
        disabled: time_or_none(row, "disabled_at")?
            .map(|at| Ok::<_, StoreError>(Disabled { at, reason: row.try_get("disabled_reason")? }))
            .transpose()?,
    })
}

/// As [`read`] reads them.
fn events_in(events: &[Event]) -> String {
    events.iter().map(|event| event.word()).collect::<Vec<_>>().join(" ")
}

fn event_word(row: &Row) -> Result<Event, StoreError> {
    Event::parse(row.try_get("event")?).ok_or_else(|| unreadable("event"))
}

fn tries(row: &Row) -> Result<u32, StoreError> {
    u32::try_from(number(row, "tries")?).map_err(|_| unreadable("tries"))
}

fn read_delivery(row: &Row) -> Result<Delivery, StoreError> {
    let status: Option<i64> = row.try_get("last_status")?;
    let status = status.map(|status| u16::try_from(status).map_err(|_| unreadable("last_status")));
    Ok(Delivery {
        event_id: event(row, "event_id")?,
        event: event_word(row)?,
        state: DeliveryState::parse(row.try_get("state")?).ok_or_else(|| unreadable("state"))?,
        tries: tries(row)?,
        next_try_at: time(row, "next_try_at")?,
        last_status: status.transpose()?,
        last_error: row.try_get("last_error")?,
        created_at: time(row, "created_at")?,
        ended_at: time_or_none(row, "ended_at")?,
    })
}

fn read_parcel(row: &Row, now: Timestamp) -> Result<Parcel, StoreError> {
    let old: Option<String> = row.try_get("old_secret")?;
    let old =
        old.filter(|_| time_or_none(row, "old_until").is_ok_and(|until| until.is_some_and(|at| now < at)));
    let secrets = [Some(row.try_get::<String, _>("secret")?), old].into_iter().flatten().map(Secret::kept);
    Ok(Parcel {
        account: account(row, "account_id")?,
        webhook: webhook(row, "webhook_id")?,
        event_id: event(row, "event_id")?,
        event: event_word(row)?,
        created_at: time(row, "created_at")?,
        tries: tries(row)?,
        give_up_at: time(row, "give_up_at")?,
        url: row.try_get("url")?,
        secrets: secrets.collect(),
    })
}

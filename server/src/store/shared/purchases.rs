//! Purchases, and what the payment service tells.

use super::closing::refuse_closed;
use super::credits::add_grant;
use super::dialect::{self, Books, Connection, Row};
use super::read::{
    account, account_in, credits, credits_or_none, number, person_in, person_or_none, purchase_id,
    purchase_id_in, time,
};
use super::values::{count_in, credits_in, unreadable};
use crate::billing::{Bought, Dispute, NewPurchase, Payer, Purchase, PurchaseKind, PurchaseState, TopUp};
use crate::clock::Timestamp;
use crate::ledger::{Balance, Grant};
use crate::store::StoreError;
use crate::store::purchases::{
    Begun, DisputeStep, EventFate, OpenEvent, PaymentEvent, PurchaseStep, Purchases, TroubledEvent,
};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::Row as _;
use tributary_protocol::vocab::{AccountId, Credits, PurchaseId};

#[async_trait]
impl Purchases for Books {
    async fn begin_purchase(
        &self,
        tenant: &Tenant,
        new: &NewPurchase,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::own(self, account).await?;
        dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        refuse_closed(&mut tx, account).await?;
        let added = sqlx::query(
            "INSERT INTO purchase (account_id, id, person_id, kind, pack, credits, amount_minor, currency, live, state,
             created_at, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'created', $10, $10)
             ON CONFLICT DO NOTHING",
        )
        .bind(account_in(account))
        .bind(purchase_id_in(new.id))
        .bind(new.person.map(person_in))
        .bind(new.kind.word())
        .bind(&new.pack)
        .bind(credits_in(new.credits)?)
        .bind(count_in(new.amount_minor)?)
        .bind(&new.currency)
        .bind(i64::from(new.live))
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let Some(purchase) = one(&mut tx, account, new.id).await? else { return Ok(Begun::UnderWay) };
        if added.rows_affected() == 0 && purchase.agreed != *new {
            return Ok(Begun::Conflict);
        }
        tx.commit().await?;
        Ok(Begun::Yes(purchase))
    }

    async fn purchase(&self, tenant: &Tenant, id: PurchaseId) -> Result<Option<Purchase>, StoreError> {
        one(&mut *dialect::look_own(self, tenant.account()).await?, tenant.account(), id).await
    }

    async fn purchases(&self, tenant: &Tenant, limit: u32) -> Result<Vec<Purchase>, StoreError> {
        sqlx::query("SELECT * FROM purchase WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2")
            .bind(account_in(tenant.account()))
            .bind(i64::from(limit))
            .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    async fn purchase_of(&self, session_or_payment: &str) -> Result<Option<Purchase>, StoreError> {
        sqlx::query("SELECT * FROM purchase WHERE session_id = $1 OR payment_intent = $1")
            .bind(session_or_payment)
            .fetch_optional(&mut *dialect::look(self).await?)
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    async fn step_purchase(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        step: &PurchaseStep,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (state, session, url, payment, failure) = match step {
            PurchaseStep::Opened { session, url } => ("open", Some(session), Some(url), None, None),
            PurchaseStep::Processing(payment) => ("processing", None, None, payment.as_ref(), None),
            PurchaseStep::Failed(reason) => ("failed", None, None, None, Some(reason)),
            PurchaseStep::Expired => ("expired", None, None, None, None),
            PurchaseStep::Mismatch(reason) => ("mismatch", None, None, None, Some(reason)),
        };
        let ended_at =
            (!matches!(step, PurchaseStep::Opened { .. } | PurchaseStep::Processing(_))).then_some(now.0);
        let mut tx = dialect::every(self).await?;
        // What is processed does not open again: answers of the payment service may come in any order.
        let stepped = sqlx::query(
            "UPDATE purchase SET state = CASE WHEN $1 = 'open' AND state = 'processing' THEN state ELSE $1 END,
             session_id = coalesce(session_id, $2), url = coalesce($3, url),
             payment_intent = coalesce(payment_intent, $4), failure = $5, ended_at = $6
             WHERE account_id = $7 AND id = $8 AND ended_at IS NULL",
        )
        .bind(state)
        .bind(session)
        .bind(url)
        .bind(payment)
        .bind(failure)
        .bind(ended_at)
        .bind(account_in(tenant.account()))
        .bind(purchase_id_in(id))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(stepped.rows_affected() == 1)
    }

    async fn pay(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        bought: &Bought,
        now: Timestamp,
    ) -> Result<Balance, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::every(self).await?;
        let before = dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        let purchase = one(&mut tx, account, id).await?.ok_or_else(|| unreadable("purchase"))?;
        // Money that comes after a failure or a late event is money: the credits come all the same.
        if matches!(purchase.state, PurchaseState::Paid | PurchaseState::Mismatch) {
            return Ok(before);
        }
        sqlx::query(
            "UPDATE purchase SET state = 'paid', payment_intent = coalesce(payment_intent, $1), receipt_url = $2,
             failure = NULL, ended_at = $3 WHERE account_id = $4 AND id = $5",
        )
        .bind(&bought.payment)
        .bind(&bought.receipt_url)
        .bind(now.0)
        .bind(account_in(account))
        .bind(purchase_id_in(id))
        .execute(&mut *tx)
        .await?;
        let grant = Grant {
            amount: purchase.agreed.credits,
            payment_id: format!("purchase-{}", purchase.reference()),
            note: bought.note.clone(),
            expires_at: None,
        };
        let after = add_grant(&mut tx, account, &grant, before, now).await?;
        if let Some(customer) = &bought.customer {
            keep_payer(&mut tx, account, purchase.agreed.live, customer, bought.method.as_deref()).await?;
        }
        tx.commit().await?;
        Ok(after)
    }

    async fn return_money(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        returned_minor: u64,
        missing: Credits,
    ) -> Result<(), StoreError> {
        let mut tx = dialect::every(self).await?;
        sqlx::query(
            "UPDATE purchase SET returned_minor = $1, owed = owed + $2
             WHERE account_id = $3 AND id = $4 AND state = 'paid' AND returned_minor < $1",
        )
        .bind(count_in(returned_minor)?)
        .bind(credits_in(missing)?)
        .bind(account_in(tenant.account()))
        .bind(purchase_id_in(id))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn dispute_money(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        step: DisputeStep,
    ) -> Result<(), StoreError> {
        let (sql, to, taken, missing) = match step {
            DisputeStep::Opened(found) => (DISPUTE_OPENED, Dispute::Open, found.taken, found.missing),
            DisputeStep::Won { missing } => (DISPUTE_WON, Dispute::Won, Credits::ZERO, missing),
            DisputeStep::Lost => (DISPUTE_LOST, Dispute::Lost, Credits::ZERO, Credits::ZERO),
        };
        let mut tx = dialect::every(self).await?;
        sqlx::query(sql)
            .bind(account_in(tenant.account()))
            .bind(purchase_id_in(id))
            .bind(to.word())
            .bind(credits_in(missing)?)
            .bind(credits_in(taken)?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn is_in_debt(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM purchase WHERE account_id = $1 AND (owed > 0 OR dispute = 'open')",
        )
        .bind(account_in(tenant.account()))
        .fetch_one(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?;
        Ok(count > 0)
    }

    async fn unchecked_purchases(
        &self,
        live: bool,
        before: Timestamp,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Purchase>, StoreError> {
        let mut tx = dialect::every(self).await?;
        let found = sqlx::query(
            "SELECT * FROM purchase WHERE ended_at IS NULL AND live = $1 AND checked_at < $2 ORDER BY checked_at LIMIT $3",
        )
        .bind(i64::from(live))
        .bind(before.0)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, StoreError>>()?;
        for purchase in &found {
            sqlx::query("UPDATE purchase SET checked_at = $1 WHERE account_id = $2 AND id = $3")
                .bind(now.0)
                .bind(account_in(purchase.account))
                .bind(purchase_id_in(purchase.agreed.id))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(found)
    }

    async fn topped_up(&self, tenant: &Tenant, live: bool, since: Timestamp) -> Result<u64, StoreError> {
        let sum: i64 = sqlx::query_scalar(
            "SELECT CAST(coalesce(sum(amount_minor), 0) AS bigint) FROM purchase WHERE account_id = $1 AND live = $2
             AND kind = 'top_up' AND created_at >= $3 AND state IN ('created', 'open', 'processing', 'paid')",
        )
        .bind(account_in(tenant.account()))
        .bind(i64::from(live))
        .bind(since.0)
        .fetch_one(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?;
        u64::try_from(sum).map_err(|_| unreadable("amount_minor"))
    }

    async fn payer(&self, tenant: &Tenant, live: bool) -> Result<Option<Payer>, StoreError> {
        let row = sqlx::query("SELECT * FROM payer WHERE account_id = $1 AND live = $2")
            .bind(account_in(tenant.account()))
            .bind(i64::from(live))
            .fetch_optional(&mut *dialect::look_own(self, tenant.account()).await?)
            .await?;
        row.as_ref().map(read_payer).transpose()
    }

    async fn set_top_up(
        &self,
        tenant: &Tenant,
        live: bool,
        top_up: Option<&TopUp>,
        failure: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        let set = sqlx::query(
            "UPDATE payer SET top_up_pack = $1, top_up_below = $2, top_up_max_minor = $3, top_up_failure = $4
             WHERE account_id = $5 AND live = $6",
        )
        .bind(top_up.map(|top_up| top_up.pack.as_str()))
        .bind(top_up.map(|top_up| credits_in(top_up.below)).transpose()?)
        .bind(top_up.map(|top_up| count_in(top_up.month_max_minor)).transpose()?)
        .bind(failure)
        .bind(account_in(tenant.account()))
        .bind(i64::from(live))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(set.rows_affected() == 1)
    }

    async fn low_accounts(&self, live: bool, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        sqlx::query(
            "SELECT payer.account_id FROM payer JOIN wallet ON wallet.account_id = payer.account_id
             JOIN account ON account.id = payer.account_id
             WHERE live = $1 AND payment_method IS NOT NULL AND posted - held < top_up_below AND suspended_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM purchase WHERE purchase.account_id = payer.account_id
              AND purchase.kind = 'top_up' AND purchase.ended_at IS NULL)
             ORDER BY payer.account_id LIMIT $2",
        )
        .bind(i64::from(live))
        .bind(i64::from(limit))
        .fetch_all(&mut *dialect::look(self).await?)
        .await?
        .iter()
        .map(|row| account(row, "account_id"))
        .collect()
    }

    async fn keep_event(&self, event: &PaymentEvent, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let deliveries: i64 = sqlx::query_scalar(
            "INSERT INTO payment_event (id, kind, object, object_id, live, raw, next_try_at, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
             ON CONFLICT (id) DO UPDATE SET deliveries = payment_event.deliveries + 1 RETURNING deliveries",
        )
        .bind(&event.id)
        .bind(&event.kind)
        .bind(&event.object)
        .bind(&event.object_id)
        .bind(i64::from(event.live))
        .bind(&event.raw)
        .bind(now.0)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(deliveries == 1)
    }

    async fn open_events(&self, now: Timestamp, limit: u32) -> Result<Vec<OpenEvent>, StoreError> {
        sqlx::query(
            "SELECT id, kind, object, object_id, live, tries FROM payment_event
             WHERE state = 'new' AND next_try_at <= $1 ORDER BY next_try_at, id LIMIT $2",
        )
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(&mut *dialect::look(self).await?)
        .await?
        .iter()
        .map(read_event)
        .collect()
    }

    async fn troubled_events(&self, limit: u32) -> Result<Vec<TroubledEvent>, StoreError> {
        sqlx::query(
            "SELECT id, kind, object, object_id, live, tries, state, last_error, received_at, next_try_at
             FROM payment_event WHERE state = 'dead' OR (state = 'new' AND tries > 0)
             ORDER BY received_at DESC, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *dialect::look(self).await?)
        .await?
        .iter()
        .map(|row| {
            let (state, error): (String, Option<String>) =
                (row.try_get("state")?, row.try_get("last_error")?);
            Ok(TroubledEvent {
                event: read_event(row)?,
                is_dead: state == "dead",
                error: error.unwrap_or_default(),
                received_at: time(row, "received_at")?,
                next_try_at: time(row, "next_try_at")?,
            })
        })
        .collect()
    }

    async fn retry_event(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = dialect::every(self).await?;
        let set = sqlx::query(
            "UPDATE payment_event SET state = 'new', next_try_at = $1 WHERE id = $2 AND state IN ('new', 'dead')",
        )
        .bind(now.0)
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(set.rows_affected() == 1)
    }

    async fn end_event(&self, id: &str, fate: &EventFate) -> Result<(), StoreError> {
        let (state, next_try_at, error) = match fate {
            EventFate::Done => ("done", None, None),
            EventFate::Ignored(reason) => ("ignored", None, Some(reason)),
            EventFate::Again(at, reason) => ("new", Some(at.0), Some(reason)),
            EventFate::Dead(reason) => ("dead", None, Some(reason)),
        };
        let mut tx = dialect::every(self).await?;
        sqlx::query(
            "UPDATE payment_event SET state = $1, next_try_at = coalesce($2, next_try_at), last_error = $3,
             tries = tries + 1 WHERE id = $4 AND state = 'new'",
        )
        .bind(state)
        .bind(next_try_at)
        .bind(error)
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

fn read_event(row: &Row) -> Result<OpenEvent, StoreError> {
    Ok(OpenEvent {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        object: row.try_get("object")?,
        object_id: row.try_get("object_id")?,
        live: number(row, "live")? == 1,
        tries: u32::try_from(number(row, "tries")?).map_err(|_| unreadable("tries"))?,
    })
}

const DISPUTE_OPENED: &str = "
UPDATE purchase SET dispute = $3, owed = owed + $4, dispute_taken = $5
WHERE account_id = $1 AND id = $2 AND state = 'paid' AND dispute IS NULL
";
const DISPUTE_WON: &str = "
UPDATE purchase SET dispute = $3, owed = CASE WHEN owed > $4 THEN owed - $4 ELSE 0 END, dispute_taken = $5
WHERE account_id = $1 AND id = $2 AND dispute = 'open'
";
/// What it took stays taken.
const DISPUTE_LOST: &str = "
UPDATE purchase SET dispute = $3, owed = owed + $4, dispute_taken = dispute_taken + $5
WHERE account_id = $1 AND id = $2 AND dispute = 'open'
";

async fn one(
    connection: &mut Connection,
    account: AccountId,
    id: PurchaseId,
) -> Result<Option<Purchase>, StoreError> {
    sqlx::query("SELECT * FROM purchase WHERE account_id = $1 AND id = $2")
        .bind(account_in(account))
        .bind(purchase_id_in(id))
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

async fn keep_payer(
    connection: &mut Connection,
    account: AccountId,
    live: bool,
    customer: &str,
    method: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO payer (account_id, live, customer, payment_method) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, live) DO UPDATE SET customer = excluded.customer,
         payment_method = coalesce(excluded.payment_method, payer.payment_method)",
    )
    .bind(account_in(account))
    .bind(i64::from(live))
    .bind(customer)
    .bind(method)
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Purchase, StoreError> {
    let state: String = row.try_get("state")?;
    let state = PurchaseState::parse(&state);
    let dispute: Option<String> = row.try_get("dispute")?;
    let kind = match row.try_get("kind")? {
        "checkout" => PurchaseKind::Checkout,
        "top_up" => PurchaseKind::TopUp,
        _ => return Err(unreadable("kind")),
    };
    Ok(Purchase {
        account: account(row, "account_id")?,
        agreed: NewPurchase {
            id: purchase_id(row, "id")?,
            kind,
            person: person_or_none(row)?,
            pack: row.try_get("pack")?,
            credits: credits(row, "credits")?,
            amount_minor: number(row, "amount_minor")?,
            currency: row.try_get("currency")?,
            live: number(row, "live")? == 1,
        },
        state: state.ok_or_else(|| unreadable("state"))?,
        session: row.try_get("session_id")?,
        url: row.try_get("url")?,
        payment: row.try_get("payment_intent")?,
        receipt_url: row.try_get("receipt_url")?,
        failure: row.try_get("failure")?,
        returned_minor: number(row, "returned_minor")?,
        owed: credits(row, "owed")?,
        dispute: dispute
            .map(|word| Dispute::parse(&word).ok_or_else(|| unreadable("dispute")))
            .transpose()?,
        dispute_taken: credits(row, "dispute_taken")?,
        created_at: time(row, "created_at")?,
    })
}

fn read_payer(row: &Row) -> Result<Payer, StoreError> {
    let pack: Option<String> = row.try_get("top_up_pack")?;
    let top_up =
        match (pack, credits_or_none(row, "top_up_below")?, credits_or_none(row, "top_up_max_minor")?) {
            (Some(pack), Some(below), Some(most)) => Some(TopUp { pack, below, month_max_minor: most.0 }),
            _ => None,
        };
    Ok(Payer {
        customer: row.try_get("customer")?,
        method: row.try_get("payment_method")?,
        top_up,
        failure: row.try_get("top_up_failure")?,
    })
}

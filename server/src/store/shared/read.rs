//! Between rows and the domain's types, in the columns that both databases read alike. What cannot be read is an error,
//! never a guess.

use super::dialect::Row;
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::people::Role;
use crate::store::StoreError;
use sqlx::Row as _;
use sqlx::types::Uuid;
use tributary_protocol::vocab::{
    AccountId, Credits, EventId, InvitationId, JobId, PersonId, PurchaseId, Sha256, WebhookId, WidgetId,
};

macro_rules! id {
    ($read:ident, $bind:ident, $id:ident) => {
        pub(super) fn $read(row: &Row, column: &'static str) -> Result<$id, StoreError> {
            let id = row.try_get::<Uuid, _>(column)?;
            $id::from_slice(id.as_bytes()).ok_or_else(|| unreadable(column))
        }

        pub(super) fn $bind(id: $id) -> Uuid {
            Uuid::from_bytes(*id.as_bytes())
        }
    };
}
id!(account, account_in, AccountId);
id!(person, person_in, PersonId);
id!(invitation, invitation_in, InvitationId);
id!(job, job_in, JobId);
id!(purchase_id, purchase_id_in, PurchaseId);
id!(webhook, webhook_in, WebhookId);
id!(event, event_in, EventId);
id!(widget, widget_in, WidgetId);

/// Whose key or job it is; none for nobody's.
pub(super) fn person_or_none(row: &Row) -> Result<Option<PersonId>, StoreError> {
    let id = row.try_get::<Option<Uuid>, _>("person_id")?;
    id.map(|id| PersonId::from_slice(id.as_bytes()).ok_or_else(|| unreadable("person_id"))).transpose()
}

/// By which widget a job came; none for a member's or a key's.
pub(super) fn widget_or_none(row: &Row) -> Result<Option<WidgetId>, StoreError> {
    let id = row.try_get::<Option<Uuid>, _>("widget_id")?;
    id.map(|id| WidgetId::from_slice(id.as_bytes()).ok_or_else(|| unreadable("widget_id"))).transpose()
}

pub(super) fn time(row: &Row, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(row.try_get(column)?))
}

pub(super) fn time_or_none(row: &Row, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

pub(super) fn number(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| unreadable(column))
}

pub(super) fn credits(row: &Row, column: &'static str) -> Result<Credits, StoreError> {
    Ok(Credits(number(row, column)?))
}

pub(super) fn credits_or_none(row: &Row, column: &'static str) -> Result<Option<Credits>, StoreError> {
    let credits = row.try_get::<Option<i64>, _>(column)?;
    credits.map(|credits| u64::try_from(credits).map(Credits).map_err(|_| unreadable(column))).transpose()
}

pub(super) fn hash(row: &Row, column: &'static str) -> Result<Sha256, StoreError> {
    Sha256::from_slice(row.try_get(column)?).ok_or_else(|| unreadable(column))
}

pub(super) fn role(row: &Row) -> Result<Role, StoreError> {
    Role::parse(row.try_get("role")?).ok_or_else(|| unreadable("role"))
}

//! Widgets, and whose job a visitor's is.

use super::accounts::{Spender, spent};
use super::dialect::{self, Books, Connection, Row};
use super::read::{account, account_in, credits, job, person_in, time, time_or_none, widget, widget_in};
use super::values::{credits_in, fixed, fixed_in, unreadable};
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::widgets::{AddedWidget, NewWidget, Widgets};
use crate::tenant::Tenant;
use crate::widget::{Origin, Visitor, WIDGETS_MAX, Widget};
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::types::Uuid;
use tributary_protocol::vocab::{AccountId, Credits, JobId, PersonId, WidgetId};

#[async_trait]
impl Widgets for Books {
    async fn add_widget(
        &self,
        tenant: &Tenant,
        new: &NewWidget,
        now: Timestamp,
    ) -> Result<AddedWidget, StoreError> {
        let account = tenant.account();
        let mut tx = dialect::own(self, account).await?;
        dialect::turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
        if let Some(known) = one(&mut tx, account, new.id).await? {
            return Ok(if is_as_asked(&known, new) {
                AddedWidget::Known(known)
            } else {
                AddedWidget::Conflict
            });
        }
        let living: i64 =
            sqlx::query_scalar("SELECT count(*) FROM widget WHERE account_id = $1 AND revoked_at IS NULL")
                .bind(account_in(account))
                .fetch_one(&mut *tx)
                .await?;
        if living >= i64::from(WIDGETS_MAX) {
            return Ok(AddedWidget::TooMany);
        }
        let origins: Vec<String> = new.origins.iter().map(ToString::to_string).collect();
        sqlx::query(
            "INSERT INTO widget (account_id, id, name, token, model, origins, month_limit, created_at, created_by, fixed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(account_in(account))
        .bind(widget_in(new.id))
        .bind(&new.name)
        .bind(&new.token)
        .bind(&new.model)
        .bind(origins.join(" "))
        .bind(credits_in(new.month_limit)?)
        .bind(now.0)
        .bind(new.created_by.map(person_in))
        .bind(fixed_in(&new.fixed))
        .execute(&mut *tx)
        .await?;
        let added = one(&mut tx, account, new.id).await?.ok_or_else(|| unreadable("widget"))?;
        tx.commit().await?;
        Ok(AddedWidget::Yes(added))
    }

    async fn widget(&self, tenant: &Tenant, id: WidgetId) -> Result<Option<Widget>, StoreError> {
        one(&mut *dialect::look_own(self, tenant.account()).await?, tenant.account(), id).await
    }

    async fn widgets(&self, tenant: &Tenant) -> Result<Vec<Widget>, StoreError> {
        sqlx::query("SELECT * FROM widget WHERE account_id = $1 ORDER BY created_at DESC, id DESC")
            .bind(account_in(tenant.account()))
            .fetch_all(&mut *dialect::look_own(self, tenant.account()).await?)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    async fn revoke_widget(&self, tenant: &Tenant, id: WidgetId, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = dialect::own(self, tenant.account()).await?;
        let revoked = sqlx::query(
            "UPDATE widget SET revoked_at = $1 WHERE account_id = $2 AND id = $3 AND revoked_at IS NULL",
        )
        .bind(now.0)
        .bind(account_in(tenant.account()))
        .bind(widget_in(id))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(revoked.rows_affected() == 1)
    }

    async fn find_widget(&self, token: &str) -> Result<Option<Widget>, StoreError> {
        let row = sqlx::query("SELECT * FROM widget WHERE token = $1 AND revoked_at IS NULL")
            .bind(token)
            .fetch_optional(&mut *dialect::look(self).await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn widget_spent(
        &self,
        tenant: &Tenant,
        id: WidgetId,
        since: Timestamp,
    ) -> Result<Credits, StoreError> {
        let mut connection = dialect::look_own(self, tenant.account()).await?;
        spent(&mut connection, tenant.account(), Spender::Widget(id), since).await
    }

    async fn visited(&self, tenant: &Tenant, visitor: &Visitor) -> Result<Option<JobId>, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM job WHERE account_id = $1 AND widget_id = $2 AND visitor_sha256 = $3",
        )
        .bind(account_in(tenant.account()))
        .bind(widget_in(visitor.widget))
        .bind(&visitor.secret_sha256.0[..])
        .fetch_optional(&mut *dialect::look_own(self, tenant.account()).await?)
        .await?;
        row.as_ref().map(|row| job(row, "id")).transpose()
    }
}

/// Whether somebody who asks for `new` means this one; its token is its own.
fn is_as_asked(known: &Widget, new: &NewWidget) -> bool {
    known.name == new.name
        && known.model == new.model
        && known.fixed == new.fixed
        && known.origins == new.origins
        && known.month_limit == new.month_limit
}

async fn one(
    connection: &mut Connection,
    account: AccountId,
    id: WidgetId,
) -> Result<Option<Widget>, StoreError> {
    let row = sqlx::query("SELECT * FROM widget WHERE account_id = $1 AND id = $2")
        .bind(account_in(account))
        .bind(widget_in(id))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Widget, StoreError> {
    let origins: String = row.try_get("origins")?;
    let origins = origins.split(' ').map(Origin::parse).collect::<Result<Vec<_>, _>>();
    let by = row.try_get::<Option<Uuid>, _>("created_by")?;
    let by = by.map(|id| PersonId::from_slice(id.as_bytes()).ok_or_else(|| unreadable("created_by")));
    Ok(Widget {
        id: widget(row, "id")?,
        account: account(row, "account_id")?,
        name: row.try_get("name")?,
        token: row.try_get("token")?,
        model: row.try_get("model")?,
        fixed: fixed(row.try_get("fixed")?)?,
        origins: origins.map_err(|_| unreadable("origins"))?,
        month_limit: credits(row, "month_limit")?,
        created_at: time(row, "created_at")?,
        created_by: by.transpose()?,
        revoked_at: time_or_none(row, "revoked_at")?,
    })
}

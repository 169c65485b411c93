//! The record of widgets. Each method is one whole transaction. Jobs that came by one are in `Store`, as all jobs are.

use super::StoreError;
use crate::clock::Timestamp;
use crate::tenant::Tenant;
use crate::widget::{Origin, Visitor, Widget};
use async_trait::async_trait;
use tributary_protocol::vocab::{Credits, JobId, PersonId, WidgetId};

/// A widget that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWidget {
    /// Names it.
    pub id: WidgetId,
    /// As it was checked.
    pub name: String,
    /// A new one.
    pub token: String,
    /// A model that is offered.
    pub model: String,
    /// At least one.
    pub origins: Vec<Origin>,
    /// At least one credit.
    pub month_limit: Credits,
    /// Who makes it.
    pub created_by: Option<PersonId>,
}

/// Widgets of accounts.
#[async_trait]
pub trait Widgets: Send + Sync {
    /// Adds one; none where the account has as many as it may.
    async fn add_widget(
        &self,
        tenant: &Tenant,
        new: &NewWidget,
        now: Timestamp,
    ) -> Result<Option<Widget>, StoreError>;
    /// The account's, newest first, revoked ones included: jobs name them.
    async fn widgets(&self, tenant: &Tenant) -> Result<Vec<Widget>, StoreError>;
    /// Ends one for ever; false where the account has none of that id, or it had ended.
    async fn revoke_widget(&self, tenant: &Tenant, id: WidgetId, now: Timestamp) -> Result<bool, StoreError>;
    /// A living one of any account by its token. Before the tenant is known.
    async fn find_widget(&self, token: &str) -> Result<Option<Widget>, StoreError>;
    /// What its jobs hold or took since then.
    async fn widget_spent(
        &self,
        tenant: &Tenant,
        id: WidgetId,
        since: Timestamp,
    ) -> Result<Credits, StoreError>;
    /// The one job that this visitor started.
    async fn visited(&self, tenant: &Tenant, visitor: &Visitor) -> Result<Option<JobId>, StoreError>;
}

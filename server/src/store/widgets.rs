//! The record of widgets. Each method is one whole transaction. Jobs that came by one are in `Store`, as all jobs are.

use super::StoreError;
use crate::clock::Timestamp;
use crate::tenant::Tenant;
use crate::widget::{Fixed, Origin, Visitor, Widget};
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
    /// As that model takes it.
    pub fixed: Fixed,
    /// At least one.
    pub origins: Vec<Origin>,
    /// At least one credit.
    pub month_limit: Credits,
    /// Who makes it.
    pub created_by: Option<PersonId>,
}

/// What became of a widget that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddedWidget {
    /// It is there from now on.
    Yes(Widget),
    /// It was asked for before, in the same words: this is it, with the token that it has, revoked or not.
    Known(Widget),
    /// The name is taken by one that was asked for in other words.
    Conflict,
    /// The account has as many as it may.
    TooMany,
}

/// Widgets of accounts.
#[async_trait]
pub trait Widgets: Send + Sync {
    /// Adds one, once a name.
    async fn add_widget(
        &self,
        tenant: &Tenant,
        new: &NewWidget,
        now: Timestamp,
    ) -> Result<AddedWidget, StoreError>;
    /// One of the account's, revoked or not.
    async fn widget(&self, tenant: &Tenant, id: WidgetId) -> Result<Option<Widget>, StoreError>;
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

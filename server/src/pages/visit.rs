//! One request as pages see it: who asks, what they typed, and the word that proves the form was ours.

use super::fault::Fault;
use super::form::Fields;
use super::said::Said;
use crate::clock::Timestamp;
use crate::people::{Right, Session};
use crate::team;
use crate::tenant::{Principal, Tenant};
use crate::widget::{Origin, Widget};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;

/// Made by the gate, once a request.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// None where nobody is signed in.
    pub(super) session: Option<Session>,
    /// The widget whose page it is; such a visit has no session.
    pub(super) widget: Option<Widget>,
    /// Goes into every form.
    pub(super) csrf: String,
    /// What happened just before.
    pub(super) said: Option<Said>,
    /// Which page.
    pub(super) path: String,
    /// Behind the question mark.
    pub(super) query: Fields,
    /// What was typed.
    pub(super) form: Fields,
    /// When.
    pub(super) now: Timestamp,
    /// What the browser calls itself.
    pub(super) browser: String,
    /// From where.
    pub(super) peer: Option<IpAddr>,
}

impl Visit {
    /// Whoever is signed in.
    ///
    /// # Errors
    /// Leads to where one signs in.
    pub(super) fn session(&self) -> Result<&Session, Fault> {
        self.session.as_ref().ok_or(Fault::SignIn)
    }

    /// The widget whose page it is.
    ///
    /// # Errors
    /// As for what is not there.
    pub(super) fn widget(&self) -> Result<&Widget, Fault> {
        self.widget.as_ref().ok_or(Fault::Missing)
    }

    /// As what they act.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub(super) fn principal(&self) -> Result<Principal, Fault> {
        Ok(team::principal(self.session()?))
    }

    /// The account whose pages they see.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub(super) fn tenant(&self) -> Result<Tenant, Fault> {
        Ok(self.principal()?.tenant)
    }

    /// Where this page may be shown in a frame: nowhere but where its widget says.
    pub(super) fn origins(&self) -> &[Origin] {
        self.widget.as_ref().map_or(&[], |widget| &widget.origins)
    }

    /// Whether they may; pages leave out what would be refused.
    pub(super) fn may(&self, right: Right) -> bool {
        self.session.as_ref().is_some_and(|session| session.membership.role.rights().has(right))
    }

    /// Whether they are one of the operators.
    pub(super) fn operates(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.person.operates_since.is_some())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let visit = parts.extensions.get::<Arc<Self>>();
        visit.map(|visit| Self::clone(visit)).ok_or(Fault::Missing)
    }
}

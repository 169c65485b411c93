//! All routes, each with who may ask for it. A route cannot be written without that.

use super::{
    Edge, account, assets, buy, closing, compose, device, entry, events, fault, files, home, install, job,
    keys, live, members, operator, top_up, usage, webhooks, widget, widgets,
};
use crate::people::Right;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Everybody.
    Nobody,
    /// Whoever is signed in.
    Person,
    /// Whoever's role in the account has it.
    Right(Right),
    /// Operators.
    Operator,
    /// Whoever has a living widget's token: anybody who sees the page it is on. They have no session, and the page is the
    /// only one that may stand in a frame.
    Widget,
}

/// How the body of a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// None.
    None,
    /// A small form; the gate reads it.
    Form,
    /// A file; its handler reads it.
    Upload,
}

/// One route.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) need: Need,
    pub(super) body: Body,
    handler: fn() -> MethodRouter<Edge>,
}

const fn shows(path: &'static str, need: Need, handler: fn() -> MethodRouter<Edge>) -> Route {
    Route { path, need, body: Body::None, handler }
}

const fn takes(path: &'static str, need: Need, handler: fn() -> MethodRouter<Edge>) -> Route {
    Route { path, need, body: Body::Form, handler }
}

const READ: Need = Need::Right(Right::Read);
const RUN: Need = Need::Right(Right::Run);
const MANAGE: Need = Need::Right(Right::Manage);
const BUY: Need = Need::Right(Right::Buy);

/// All of them.
pub(super) const ROUTES: &[Route] = &[
    shows("/style.css", Need::Nobody, || get(assets::style)),
    shows("/brand.css", Need::Nobody, || get(assets::brand)),
    shows("/live.js", Need::Nobody, || get(assets::live)),
    shows("/player.js", Need::Nobody, || get(assets::player)),
    shows("/sw.js", Need::Nobody, || get(assets::worker)),
    shows("/start.js", Need::Nobody, || get(assets::start)),
    shows("/icon.svg", Need::Nobody, || get(assets::icon)),
    shows("/logo", Need::Nobody, || get(assets::logo)),
    shows("/icons/{name}", Need::Nobody, || get(assets::icon_of)),
    shows("/app.webmanifest", Need::Nobody, || get(assets::manifest)),
    shows("/install", Need::Nobody, || get(install::show)),
    shows("/sign-up", Need::Nobody, || get(entry::sign_up)),
    takes("/sign-up", Need::Nobody, || post(entry::signed_up)),
    shows("/confirm/{token}", Need::Nobody, || get(entry::confirm)),
    takes("/confirm/{token}", Need::Nobody, || post(entry::confirmed)),
    shows("/sign-in", Need::Nobody, || get(entry::sign_in)),
    takes("/sign-in", Need::Nobody, || post(entry::signed_in)),
    takes("/sign-out", Need::Person, || post(entry::sign_out)),
    shows("/forgot", Need::Nobody, || get(entry::forgot)),
    takes("/forgot", Need::Nobody, || post(entry::asked)),
    shows("/address/{token}", Need::Nobody, || get(account::new_address)),
    takes("/address/{token}", Need::Nobody, || post(account::change_address)),
    shows("/reset/{token}", Need::Nobody, || get(entry::reset)),
    takes("/reset/{token}", Need::Nobody, || post(entry::was_reset)),
    shows("/invitation/{token}", Need::Nobody, || get(members::invitation)),
    takes("/invitation/{token}", Need::Person, || post(members::accept)),
    shows("/account", Need::Person, || get(account::show)),
    takes("/account/name", Need::Person, || post(account::rename)),
    takes("/account/password", Need::Person, || post(account::password)),
    takes("/account/address", Need::Person, || post(account::ask_address)),
    takes("/account/sessions/end", Need::Person, || post(account::end_session)),
    takes("/account/sessions/end-others", Need::Person, || post(account::end_others)),
    takes("/account/switch", Need::Person, || post(account::switch)),
    shows("/account/close", Need::Person, || get(closing::show)),
    takes("/account/close", Need::Person, || post(closing::close)),
    takes("/teams", Need::Person, || post(account::create_team)),
    shows("/members", READ, || get(members::show)),
    takes("/members/invite", MANAGE, || post(members::invite)),
    takes("/members/withdraw", MANAGE, || post(members::withdraw)),
    takes("/members/change", MANAGE, || post(members::change)),
    takes("/members/remove", READ, || post(members::remove)),
    shows("/keys", READ, || get(keys::show)),
    takes("/keys", READ, || post(keys::add)),
    takes("/keys/revoke", READ, || post(keys::revoke)),
    shows("/webhooks", MANAGE, || get(webhooks::show)),
    takes("/webhooks", MANAGE, || post(webhooks::add)),
    takes("/webhooks/change", MANAGE, || post(webhooks::change)),
    takes("/webhooks/test", MANAGE, || post(webhooks::test)),
    takes("/webhooks/enable", MANAGE, || post(webhooks::enable)),
    takes("/webhooks/remove", MANAGE, || post(webhooks::remove)),
    shows("/widgets", MANAGE, || get(widgets::show)),
    takes("/widgets", MANAGE, || post(widgets::add)),
    takes("/widgets/revoke", MANAGE, || post(widgets::revoke)),
    shows("/device", Need::Person, || get(device::show)),
    takes("/device", Need::Person, || post(device::decide)),
    shows("/", READ, || get(home::show)),
    takes("/buy", BUY, || post(buy::buy)),
    takes("/top-up", BUY, || post(top_up::set)),
    shows("/purchases/{id}", READ, || get(buy::purchase)),
    shows("/statement", READ, || get(home::statement)),
    shows("/statement.csv", READ, || get(home::csv)),
    shows("/usage", READ, || get(usage::show)),
    shows("/jobs", READ, || get(job::list)),
    shows("/jobs/new", RUN, || get(compose::choose)),
    Route {
        path: "/jobs/new",
        need: RUN,
        body: Body::Upload,
        handler: || post(compose::take).layer(DefaultBodyLimit::disable()),
    },
    shows("/jobs/new/{draft}", RUN, || get(compose::shape)),
    takes("/jobs/new/{draft}", RUN, || post(compose::start)),
    shows("/jobs/{id}", READ, || get(job::show)),
    shows("/jobs/{id}/live", READ, || get(live::watch)),
    takes("/jobs/{id}/cancel", RUN, || post(job::cancel)),
    takes("/jobs/{id}/erase", RUN, || post(job::erase)),
    shows("/jobs/{id}/files/{name}", READ, || get(files::file)),
    shows("/jobs/{id}/peaks/{stem}", READ, || get(files::peaks)),
    shows("/widget/{token}", Need::Widget, || get(widget::show)),
    Route {
        path: "/widget/{token}",
        need: Need::Widget,
        body: Body::Upload,
        handler: || post(widget::take).layer(DefaultBodyLimit::disable()),
    },
    shows("/widget/{token}/jobs/{secret}", Need::Widget, || get(widget::visited::show)),
    shows("/widget/{token}/jobs/{secret}/live", Need::Widget, || get(widget::visited::live)),
    takes("/widget/{token}/jobs/{secret}/cancel", Need::Widget, || post(widget::visited::cancel)),
    takes("/widget/{token}/jobs/{secret}/erase", Need::Widget, || post(widget::visited::erase)),
    shows("/widget/{token}/jobs/{secret}/files/{name}", Need::Widget, || get(widget::visited::file)),
    shows("/widget/{token}/jobs/{secret}/peaks/{stem}", Need::Widget, || get(widget::visited::peaks)),
    shows("/operator", Need::Operator, || get(operator::show)),
    takes("/operator/events/retry", Need::Operator, || post(events::retry)),
    shows("/operator/accounts/{id}", Need::Operator, || get(operator::account)),
    takes("/operator/accounts/{id}/grant", Need::Operator, || post(operator::grant)),
    takes("/operator/accounts/{id}/refund", Need::Operator, || post(operator::refund)),
    takes("/operator/accounts/{id}/suspend", Need::Operator, || post(operator::suspend)),
];

/// The route of that path for requests that change something, or for those that do not.
pub(super) fn route_of(path: &str, changes: bool) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path && (route.body != Body::None) == changes)
}

/// The paths of everything that browsers may ask for without changing anything, as the router has them.
pub(super) fn shown() -> Vec<&'static str> {
    ROUTES.iter().filter(|route| route.body == Body::None).map(|route| route.path).collect()
}

/// A router of them all.
pub(super) fn router() -> Router<Edge> {
    let add = |router: Router<Edge>, route: &Route| router.route(route.path, (route.handler)());
    ROUTES.iter().fold(Router::new(), add).fallback(|| async { fault::Fault::Missing })
}

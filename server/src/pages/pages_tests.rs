//! What every page promises: who may see it, that only our own forms change something, and that an address tells nothing.

use super::routes::{Body, Need, ROUTES};
use super::{within, words};
use crate::people::{Right, Role};
use crate::tenant::{Principal, Tenant};
use std::collections::BTreeMap;
use tributary_protocol::vocab::{AccountId, PersonId};

/// Who may ask for what: everybody, the signed-in, or the least role, or operators. Written apart from the routes, so that a
/// route that is new, or that changed, is decided on twice.
const WHO: [(&str, &str, &str); 65] = [
    ("GET", "/style.css", "all"),
    ("GET", "/brand.css", "all"),
    ("GET", "/live.js", "all"),
    ("GET", "/player.js", "all"),
    ("GET", "/sw.js", "all"),
    ("GET", "/start.js", "all"),
    ("GET", "/icon.svg", "all"),
    ("GET", "/logo", "all"),
    ("GET", "/icons/{name}", "all"),
    ("GET", "/app.webmanifest", "all"),
    ("GET", "/install", "all"),
    ("GET", "/sign-up", "all"),
    ("POST", "/sign-up", "all"),
    ("GET", "/confirm/{token}", "all"),
    ("POST", "/confirm/{token}", "all"),
    ("GET", "/sign-in", "all"),
    ("POST", "/sign-in", "all"),
    ("POST", "/sign-out", "viewer"),
    ("GET", "/forgot", "all"),
    ("POST", "/forgot", "all"),
    ("GET", "/address/{token}", "all"),
    ("POST", "/address/{token}", "all"),
    ("GET", "/reset/{token}", "all"),
    ("POST", "/reset/{token}", "all"),
    ("GET", "/invitation/{token}", "all"),
    ("POST", "/invitation/{token}", "viewer"),
    ("GET", "/account", "viewer"),
    ("POST", "/account/name", "viewer"),
    ("POST", "/account/password", "viewer"),
    ("POST", "/account/address", "viewer"),
    ("POST", "/account/sessions/end", "viewer"),
    ("POST", "/account/sessions/end-others", "viewer"),
    ("POST", "/account/switch", "viewer"),
    ("POST", "/teams", "viewer"),
    ("GET", "/members", "viewer"),
    ("POST", "/members/invite", "admin"),
    ("POST", "/members/withdraw", "admin"),
    ("POST", "/members/change", "admin"),
    ("POST", "/members/remove", "viewer"),
    ("GET", "/keys", "viewer"),
    ("POST", "/keys", "viewer"),
    ("POST", "/keys/revoke", "viewer"),
    ("GET", "/device", "viewer"),
    ("POST", "/device", "viewer"),
    ("GET", "/", "viewer"),
    ("POST", "/buy", "admin"),
    ("GET", "/purchases/{id}", "viewer"),
    ("GET", "/statement", "viewer"),
    ("GET", "/statement.csv", "viewer"),
    ("GET", "/usage", "viewer"),
    ("GET", "/jobs", "viewer"),
    ("GET", "/jobs/new", "member"),
    ("POST", "/jobs/new", "member"),
    ("GET", "/jobs/new/{draft}", "member"),
    ("POST", "/jobs/new/{draft}", "member"),
    ("GET", "/jobs/{id}", "viewer"),
    ("GET", "/jobs/{id}/live", "viewer"),
    ("POST", "/jobs/{id}/cancel", "member"),
    ("POST", "/jobs/{id}/erase", "member"),
    ("GET", "/jobs/{id}/files/{name}", "viewer"),
    ("GET", "/jobs/{id}/peaks/{stem}", "viewer"),
    ("GET", "/operator", "operator"),
    ("GET", "/operator/accounts/{id}", "operator"),
    ("POST", "/operator/accounts/{id}/grant", "operator"),
    ("POST", "/operator/accounts/{id}/refund", "operator"),
];
/// The rest of them, so that the table above stays within a page.
const WHO_ELSE: [(&str, &str, &str); 22] = [
    ("POST", "/operator/accounts/{id}/suspend", "operator"),
    ("POST", "/operator/events/retry", "operator"),
    ("POST", "/top-up", "admin"),
    // The handlers ask for an owner: that is no right, and an admin hears that it is not allowed.
    ("GET", "/account/close", "viewer"),
    ("POST", "/account/close", "viewer"),
    ("GET", "/webhooks", "admin"),
    ("POST", "/webhooks", "admin"),
    ("POST", "/webhooks/change", "admin"),
    ("POST", "/webhooks/test", "admin"),
    ("POST", "/webhooks/enable", "admin"),
    ("POST", "/webhooks/remove", "admin"),
    ("GET", "/widgets", "admin"),
    ("POST", "/widgets", "admin"),
    ("POST", "/widgets/revoke", "admin"),
    ("GET", "/widget/{token}", "visitor"),
    ("POST", "/widget/{token}", "visitor"),
    ("GET", "/widget/{token}/jobs/{secret}", "visitor"),
    ("GET", "/widget/{token}/jobs/{secret}/live", "visitor"),
    ("POST", "/widget/{token}/jobs/{secret}/cancel", "visitor"),
    ("POST", "/widget/{token}/jobs/{secret}/erase", "visitor"),
    ("GET", "/widget/{token}/jobs/{secret}/files/{name}", "visitor"),
    ("GET", "/widget/{token}/jobs/{secret}/peaks/{stem}", "visitor"),
];

fn least(need: Need) -> String {
    let principal = |role: Role| Principal {
        tenant: Tenant::acting_for(AccountId::generate()),
        person: Some(PersonId::generate()),
        rights: role.rights(),
        month_limit: None,
        visitor: None,
    };
    match need {
        Need::Nobody => "all".to_owned(),
        Need::Person => "viewer".to_owned(),
        Need::Operator => "operator".to_owned(),
        Need::Widget => "visitor".to_owned(),
        Need::Right(right) => {
            let may = |role: &Role| principal(*role).may(right).is_ok();
            Role::ALL.into_iter().rev().find(may).map_or("nobody", Role::word).to_owned()
        }
    }
}

#[test]
fn every_route_is_decided_on_and_no_decision_is_without_a_route() {
    let table: BTreeMap<_, _> = WHO
        .iter()
        .chain(&WHO_ELSE)
        .map(|(method, path, who)| ((*method, *path), (*who).to_owned()))
        .collect();
    let method = |body| if body == Body::None { "GET" } else { "POST" };
    let routes: BTreeMap<_, _> =
        ROUTES.iter().map(|route| ((method(route.body), route.path), least(route.need))).collect();
    assert_eq!(routes, table);
    assert_eq!(ROUTES.len(), WHO.len() + WHO_ELSE.len(), "no route twice");
}

#[test]
fn the_router_takes_all_routes_together() {
    // A path that hides another panics here, not when the server starts.
    let _ = super::routes::router();
}

#[test]
fn a_viewer_changes_nothing_of_the_account() {
    let changes = ROUTES.iter().filter(|route| route.body != Body::None);
    let of_account = changes.filter(|route| {
        ["/jobs", "/buy", "/members"].iter().any(|begin| route.path.starts_with(begin))
            && route.path != "/members/remove"
    });
    for route in of_account {
        let Need::Right(right) = route.need else { panic!("{}", route.path) };
        assert!(right != Right::Read, "{}", route.path);
    }
}

/// What browsers let stand in a frame is what begins so, and those routes know no session.
#[test]
fn only_a_widgets_own_pages_are_for_its_visitors() {
    for route in ROUTES {
        assert_eq!(route.need == Need::Widget, route.path.starts_with("/widget/"), "{}", route.path);
    }
}

#[test]
fn nobody_is_led_to_another_site() {
    for next in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x", "x"]
    {
        assert_eq!(within(next), "/", "{next}");
    }
    assert_eq!(within("/device?code=BCDF"), "/device?code=BCDF");
    assert_eq!(words::grouped(1_000), "1,000");
}

//! Lets a plugin or a command line in: it shows a code, a person confirms it here.

use super::fault::{Answer, Fault};
use super::layout::{page, proof};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done};
use crate::auth::token::TypedCode;
use crate::people::{DeviceLogin, Membership};
use axum::extract::State;
use maud::{Markup, html};
use tributary_protocol::vocab::AccountId;

/// As the store has it: eight letters.
fn stored(code: &str) -> Option<String> {
    TypedCode::parse(code).ok().map(|code| code.reveal().replace('-', ""))
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let typed = visit.query.get("code");
    let login = match stored(typed) {
        Some(code) => edge.store.login_of(&code, visit.now).await?,
        None => None,
    };
    let accounts = edge.store.memberships(visit.session()?.person.id).await?;
    let body = html! {
        section .narrow .card {
            h1 { "Let a device in" }
            @if let Some(login) = &login { (decide_form(&visit, login, &accounts)) } @else {
                @if !typed.is_empty() { p .wrong role="alert" { "No device waits with this code. It may have ended: ask the device for a new one." } }
                form method="get" action="/device" {
                    label { span { "The code that the device shows" }
                        input .code type="text" name="code" value=(typed) autocomplete="off" autocapitalize="characters" required maxlength="20" placeholder="BCDF-GHJK"; }
                    button { "Go on" }
                }
            }
        }
    };
    Ok(page(&edge, &visit, "Let a device in", &body))
}

fn decide_form(visit: &Visit, login: &DeviceLogin, accounts: &[Membership]) -> Markup {
    let shown = visit.session.as_ref().map(|session| session.membership.account);
    let (first, second) = login.code.split_at(login.code.len() / 2);
    html! {
        p { strong { (login.device) } " asks to use your credits. Does it show this code?" }
        p .code { (first) "-" (second) }
        p .dim { "If you did not start this on a device of yours just now, deny it." }
        form method="post" action="/device" {
            (proof(visit)) input type="hidden" name="code" value=(login.code);
            label { span { "For the account" }
                select name="account" {
                    @for each in accounts { option value=(each.account) selected[shown == Some(each.account)] { (each.title) } }
                }
            }
            div .row { button name="answer" value="allow" { "Let it in" } button .quiet name="answer" value="deny" { "Deny" } }
        }
    }
}

pub(super) async fn decide(State(edge): State<Edge>, visit: Visit) -> Answer {
    let session = visit.session()?;
    let code = stored(visit.form.get("code")).ok_or(Fault::Missing)?;
    let allowed = visit.form.get("answer") == "allow";
    let account: AccountId = visit.form.get("account").parse().map_err(|_| Fault::Missing)?;
    if allowed && edge.store.membership(session.person.id, account).await?.is_none() {
        return Err(Fault::Missing);
    }
    let for_whom = allowed.then_some((session.person.id, account));
    if !edge.store.decide_login(&code, for_whom, visit.now).await? {
        return Err(Fault::Missing);
    }
    Ok(done(&edge, if allowed { Said::DeviceIn } else { Said::DeviceOut }, "/device"))
}

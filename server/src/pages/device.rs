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

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let typed = visit.query.get("code");
    let login = match TypedCode::parse(typed) {
        Ok(code) => edge.sign_in.device(&code).await?,
        Err(_) => None,
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
    let code = TypedCode::parse(visit.form.get("code")).map_err(|_| Fault::Missing)?;
    let allowed = visit.form.get("answer") == "allow";
    let account: AccountId = visit.form.get("account").parse().map_err(|_| Fault::Missing)?;
    if !edge.sign_in.decide(&code, session.person.id, allowed.then_some(account)).await? {
        return Err(Fault::Missing);
    }
    Ok(done(&edge, if allowed { Said::DeviceIn } else { Said::DeviceOut }, "/device"))
}

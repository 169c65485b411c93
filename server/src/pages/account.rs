//! A person's own things: name, password, browsers that are signed in, accounts.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, redirect, within, words};
use crate::people::{Membership, Role};
use crate::store::people::SessionRow;
use crate::welcome;
use axum::extract::State;
use maud::{Markup, html};
use tributary_protocol::vocab::Sha256;

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let session = visit.session()?;
    let accounts = edge.store.memberships(session.person.id).await?;
    let browsers = edge.store.sessions(session.person.id, visit.now).await?;
    let body = html! {
        h1 { "Your account" }
        div .columns {
            section .card {
                h2 { "You" }
                p .dim .long { (session.person.email) }
                form method="post" action="/account/name" {
                    (proof(&visit)) (line("name", "Name", "text", "name", &session.person.name))
                    button .quiet { "Save" }
                }
            }
            section .card {
                h2 { "Password" }
                form method="post" action="/account/password" {
                    (proof(&visit))
                    // Tells the browser's list of passwords whose it is.
                    input type="email" name="username" autocomplete="username" value=(session.person.email) readonly hidden aria-hidden="true";
                    (line("present", "Present password", "password", "current-password", ""))
                    (line("password", "New password", "password", "new-password", ""))
                    button .quiet { "Change the password" }
                }
            }
            (accounts_card(&visit, &accounts)) (browsers_card(&visit, &browsers))
        }
        form method="post" action="/sign-out" { (proof(&visit)) button .quiet { "Sign out" } }
    };
    Ok(page(&edge, &visit, "Your account", &body))
}

fn accounts_card(visit: &Visit, accounts: &[Membership]) -> Markup {
    let shown = visit.session.as_ref().map(|session| session.membership.account);
    html! {
        section .card {
            h2 { "Accounts" }
            ul .rows {
                @for each in accounts {
                    li {
                        span { (each.title) " " small .dim { (each.role.word()) } }
                        @if shown == Some(each.account) { small .badge { "shown now" } } @else {
                            (small_form(visit, "/account/switch", &[("account", &each.account.to_string())], "Switch"))
                        }
                    }
                }
            }
            @if visit.session.as_ref().is_some_and(|session| session.membership.role == Role::Owner) {
                p { a href="/account/close" { "Close the account that is shown" } }
            }
            form method="post" action="/teams" {
                (proof(visit)) (line("title", "A new team", "text", "off", ""))
                button .quiet { "Make the team" }
            }
        }
    }
}

fn browsers_card(visit: &Visit, browsers: &[SessionRow]) -> Markup {
    let own = visit.session.as_ref().map(|session| session.secret_sha256);
    html! {
        section .card {
            h2 { "Signed-in browsers" }
            ul .rows {
                @for each in browsers {
                    li {
                        span { (browser(&each.browser)) br; small .dim { "since " (words::moment(each.created_at)) } }
                        @if own == Some(each.secret_sha256) { small .badge { "this one" } } @else {
                            (small_form(visit, "/account/sessions/end", &[("session", &each.secret_sha256.to_string())], "Sign out"))
                        }
                    }
                }
            }
        }
    }
}

/// The part of a browser's name that people know.
fn browser(agent: &str) -> &str {
    let known = ["Firefox", "Edg", "Chrome", "Safari", "curl"];
    known.into_iter().find(|name| agent.contains(name)).unwrap_or(if agent.is_empty() {
        "unknown"
    } else {
        agent
    })
}

pub(super) async fn rename(State(edge): State<Edge>, visit: Visit) -> Answer {
    let name = welcome::name(visit.form.get("name"))?;
    edge.store.rename(visit.session()?.person.id, &name).await?;
    Ok(done(&edge, Said::Saved, "/account"))
}

pub(super) async fn password(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (present, new) = (visit.form.get("present").to_owned(), visit.form.get("password").to_owned());
    edge.welcome.change_password(visit.session()?, present, new).await?;
    Ok(done(&edge, Said::PasswordChanged, "/account"))
}

/// Sessions are named by their hash, which lets nobody in; only one's own can be ended.
pub(super) async fn end_session(State(edge): State<Edge>, visit: Visit) -> Answer {
    let named = Sha256::from_hex(visit.form.get("session")).ok_or(Fault::Missing)?;
    edge.store.end_session(visit.session()?.person.id, named, visit.now).await?;
    Ok(done(&edge, Said::SessionEnded, "/account"))
}

pub(super) async fn switch(State(edge): State<Edge>, visit: Visit) -> Answer {
    let account = visit.form.get("account").parse().map_err(|_| Fault::Missing)?;
    let shown = edge.store.show_account(visit.session()?.secret_sha256, account).await?;
    if shown { Ok(redirect(within(visit.form.get("next")))) } else { Err(Fault::Missing) }
}

pub(super) async fn create_team(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.team.create(visit.session()?, visit.form.get("title")).await?;
    Ok(done(&edge, Said::TeamMade, "/members"))
}

//! A person's own things: name, password, browsers that are signed in, accounts.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form, wrong};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, redirect, within, words};
use crate::address::{self, NotMoved};
use crate::people::{Membership, Role};
use crate::store::people::SessionRow;
use crate::welcome::{self, NotIn, NotSent};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tributary_protocol::vocab::Sha256;

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    shown(&edge, &visit, None).await
}

/// The page again where something typed into it was wrong; what is later or broken has a page of its own.
async fn done_or_again(edge: &Edge, visit: &Visit, said: Said, outcome: Result<(), Fault>) -> Answer {
    match outcome {
        Ok(()) => Ok(done(edge, said, "/account")),
        Err(Fault::Wrong(words)) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown(edge, visit, Some(&words)).await?).into_response())
        }
        Err(other) => Err(other),
    }
}

async fn shown(edge: &Edge, visit: &Visit, fault: Option<&str>) -> Answer {
    let session = visit.session()?;
    let accounts = edge.store.memberships(session.person.id).await?;
    let browsers = edge.store.sessions(session.person.id, visit.now).await?;
    let body = html! {
        h1 { "Your account" }
        (wrong(fault))
        div .columns {
            section .card {
                h2 { "You" }
                p .dim .long { (session.person.email) }
                form method="post" action="/account/name" {
                    (proof(visit)) (line("name", "Name", "text", "name", &session.person.name))
                    button .quiet { "Save" }
                }
            }
            section .card {
                h2 { "Password" }
                form method="post" action="/account/password" {
                    (proof(visit))
                    // Tells the browser's list of passwords whose it is.
                    input type="email" name="username" autocomplete="username" value=(session.person.email) readonly hidden aria-hidden="true";
                    (line("present", "Present password", "password", "current-password", ""))
                    (line("password", "New password", "password", "new-password", ""))
                    button .quiet { "Change the password" }
                }
            }
            section .card {
                h2 { "Another address" }
                p .dim { "We send a link to it; until you open that, you sign in as before." }
                form method="post" action="/account/address" {
                    (proof(visit))
                    (line("email", "New e-mail address", "email", "email", ""))
                    (line("password", "Present password", "password", "current-password", ""))
                    button .quiet { "Send the link" }
                }
            }
            (accounts_card(visit, &accounts)) (browsers_card(visit, &browsers))
        }
        form method="post" action="/sign-out" { (proof(visit)) button .quiet { "Sign out" } }
    };
    Ok(page(edge, visit, "Your account", &body))
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
            @if browsers.len() > 1 { (small_form(visit, "/account/sessions/end-others", &[], "Sign out of all others")) }
        }
    }
}

/// The part of a browser's name that people know.
fn browser(agent: &str) -> &str {
    // Each of these names those after it, too.
    let known = [
        ("Firefox", "Firefox"),
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
        ("curl", "curl"),
    ];
    let named = known.into_iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| name);
    named.unwrap_or(if agent.is_empty() { "unknown" } else { agent })
}

pub(super) async fn rename(State(edge): State<Edge>, visit: Visit) -> Answer {
    let person = visit.session()?.person.id;
    let saved = async {
        let name = welcome::name(visit.form.get("name"))?;
        Ok(edge.store.rename(person, &name).await?)
    };
    let saved = saved.await;
    done_or_again(&edge, &visit, Said::Saved, saved).await
}

pub(super) async fn password(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (present, new) = (visit.form.get("present").to_owned(), visit.form.get("password").to_owned());
    let changed = match edge.welcome.change_password(visit.session()?, present, new).await {
        Err(NotIn::Wrong) => {
            guessed(&edge, &visit);
            Err(Fault::Wrong("the present password is not right".to_owned()))
        }
        changed => changed.map_err(Fault::from),
    };
    done_or_again(&edge, &visit, Said::PasswordChanged, changed).await
}

/// Whoever found a browser that is signed in does not get to try passwords for long.
fn guessed(edge: &Edge, visit: &Visit) {
    if let Some(peer) = visit.peer {
        edge.door.throttle.failed(peer);
    }
}

impl From<NotMoved> for Fault {
    fn from(error: NotMoved) -> Self {
        match error {
            NotMoved::Store(error) => error.into(),
            NotMoved::Busy(_) | NotMoved::NotSent(NotSent::Post(_)) => Self::Later(error.to_string()),
            other => Self::Wrong(other.to_string()),
        }
    }
}

pub(super) async fn ask_address(State(edge): State<Edge>, visit: Visit) -> Answer {
    let password = visit.form.get("password").to_owned();
    let asked = address::ask(&edge.welcome, visit.session()?, visit.form.get("email"), password).await;
    if let Err(NotMoved::Password) = asked {
        guessed(&edge, &visit);
    }
    done_or_again(&edge, &visit, Said::LetterSent, asked.map_err(Fault::from)).await
}

pub(super) async fn new_address(State(edge): State<Edge>, visit: Visit) -> Answer {
    Ok(new_address_page(&edge, &visit, None))
}

/// A button, since programs that read mail follow links.
fn new_address_page(edge: &Edge, visit: &Visit, fault: Option<&str>) -> Response {
    let body = html! {
        section .narrow .card {
            h1 { "Your new address" }
            (wrong(fault))
            p { "From then on you sign in with it, and letters go there." }
            form method="post" { (proof(visit)) button { "This address is mine" } }
        }
    };
    page(edge, visit, "Your new address", &body)
}

pub(super) async fn change_address(
    State(edge): State<Edge>,
    visit: Visit,
    Path(token): Path<String>,
) -> Answer {
    match address::change(&edge.welcome, &token).await.map_err(Fault::from) {
        Ok(()) => {
            let next = if visit.session.is_some() { "/account" } else { "/sign-in" };
            Ok(done(&edge, Said::AddressChanged, next))
        }
        Err(Fault::Wrong(words)) => {
            let shown = new_address_page(&edge, &visit, Some(&words));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
        }
        Err(other) => Err(other),
    }
}

/// Sessions are named by their hash, which lets nobody in; only one's own can be ended.
pub(super) async fn end_session(State(edge): State<Edge>, visit: Visit) -> Answer {
    let named = Sha256::from_hex(visit.form.get("session")).ok_or(Fault::Missing)?;
    edge.store.end_session(visit.session()?.person.id, named, visit.now).await?;
    Ok(done(&edge, Said::SessionEnded, "/account"))
}

pub(super) async fn end_others(State(edge): State<Edge>, visit: Visit) -> Answer {
    let session = visit.session()?;
    edge.store.end_other_sessions(session.person.id, session.secret_sha256, visit.now).await?;
    Ok(done(&edge, Said::OthersOut, "/account"))
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

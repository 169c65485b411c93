//! Signing up, in and out; letters' links; a new password. Says the same of known and of unknown addresses.

use super::cookies::Name;
use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, wrong};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, redirect, within, words};
use crate::auth::token::Token;
use crate::config::SignUp;
use crate::welcome::{Newcomer, NotIn};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tributary_protocol::vocab::Credits;

/// The same page again, with what is wrong; later and broken things have pages of their own.
fn again(error: NotIn, page: impl FnOnce(&str) -> Response) -> Answer {
    match Fault::from(error) {
        Fault::Wrong(words) => Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&words)).into_response()),
        other => Err(other),
    }
}

fn begun(edge: &Edge, token: &Token, to: &str) -> Response {
    let mut response = redirect(to);
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, edge.cookies().session(token));
    headers.append(header::SET_COOKIE, edge.cookies().gone(Name::Form));
    response
}

fn card(title: &str, body: &Markup) -> Markup {
    html! { section .narrow .card { h1 { (title) } (body) } }
}

fn letter_page(edge: &Edge, visit: &Visit) -> Response {
    let body = html! {
        p { "If that address can be used here, a letter is on its way to it. Open the link in it to go on." }
        p .dim { "Nothing came? Look among unwanted mail, or ask again in a few minutes." }
    };
    page(edge, visit, "Look into your mail", &card("Look into your mail", &body))
}

pub(super) async fn sign_up(State(edge): State<Edge>, visit: Visit) -> Answer {
    let invitation = visit.query.get("invitation").to_owned();
    sign_up_page(&edge, &visit, &invitation, None).await
}

async fn sign_up_page(edge: &Edge, visit: &Visit, invitation: &str, fault: Option<&str>) -> Answer {
    let invited = edge.welcome.invitation(invitation).await?;
    if edge.config.sign_up != SignUp::Open && invited.is_none() {
        let body = html! { p { "This server takes new people by invitation. Ask an owner of an account, or the operator." } };
        return Ok(page(edge, visit, "Sign up", &card("By invitation", &body)));
    }
    let trial = edge.config.trial_credits;
    let email = invited.as_ref().map_or_else(|| visit.form.get("email"), |found| &found.email);
    let body = html! {
        (wrong(fault))
        form method="post" action="/sign-up" {
            (proof(visit))
            input type="hidden" name="invitation" value=(invitation);
            (line("email", "E-mail address", "email", "username", email))
            (line("name", "Name (may stay empty)", "text", "name", visit.form.get("name")))
            (line("password", "Password (8 characters or more)", "password", "new-password", ""))
            button { "Sign up" }
        }
        @if trial > 0 && invited.is_none() { p { (words::credits(Credits(trial))) " to try it out, once your address is confirmed." } }
        p .dim { "You have an account? " a href="/sign-in" { "Sign in" } "." }
    };
    Ok(page(edge, visit, "Sign up", &card("Sign up", &body)))
}

pub(super) async fn signed_up(State(edge): State<Edge>, visit: Visit) -> Answer {
    let text = |name| visit.form.get(name).to_owned();
    let invitation = text("invitation");
    let new = Newcomer {
        email: text("email"),
        name: text("name"),
        password: text("password"),
        invitation: invitation.clone(),
    };
    match edge.welcome.sign_up(new).await {
        Ok(true) => Ok(redirect(&format!("/sign-in?next=/invitation/{invitation}"))),
        Ok(false) => Ok(letter_page(&edge, &visit)),
        Err(error) => match Fault::from(error) {
            Fault::Wrong(words) => {
                let shown = sign_up_page(&edge, &visit, &invitation, Some(&words)).await?;
                Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
            }
            other => Err(other),
        },
    }
}

pub(super) async fn confirm(State(edge): State<Edge>, visit: Visit) -> Answer {
    Ok(confirm_page(&edge, &visit, None))
}

/// A button, since programs that read mail follow links.
fn confirm_page(edge: &Edge, visit: &Visit, fault: Option<&str>) -> Response {
    let body = html! {
        (wrong(fault))
        form method="post" { (proof(visit)) button { "This address is mine" } }
    };
    page(edge, visit, "Confirm your address", &card("Confirm your address", &body))
}

pub(super) async fn confirmed(State(edge): State<Edge>, visit: Visit, Path(token): Path<String>) -> Answer {
    match edge.welcome.confirm(&token, &visit.browser).await {
        Ok(session) => Ok(begun(&edge, &session, "/")),
        Err(error) => again(error, |words| confirm_page(&edge, &visit, Some(words))),
    }
}

pub(super) async fn sign_in(State(edge): State<Edge>, visit: Visit) -> Answer {
    let next = visit.query.get("next").to_owned();
    Ok(sign_in_page(&edge, &visit, &next, None))
}

fn sign_in_page(edge: &Edge, visit: &Visit, next: &str, fault: Option<&str>) -> Response {
    let body = html! {
        (wrong(fault))
        form method="post" action="/sign-in" {
            (proof(visit))
            input type="hidden" name="next" value=(within(next));
            (line("email", "E-mail address", "email", "username", visit.form.get("email")))
            (line("password", "Password", "password", "current-password", ""))
            button { "Sign in" }
        }
        p .dim { a href="/forgot" { "Forgot the password?" } }
        @if edge.config.sign_up == SignUp::Open { p .dim { "New here? " a href="/sign-up" { "Sign up" } "." } }
    };
    page(edge, visit, "Sign in", &card("Sign in", &body))
}

pub(super) async fn signed_in(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (email, password) = (visit.form.get("email"), visit.form.get("password").to_owned());
    match edge.welcome.sign_in(email, password, &visit.browser).await {
        Ok(session) => Ok(begun(&edge, &session, within(visit.form.get("next")))),
        Err(error) => {
            if let (NotIn::Wrong, Some(peer)) = (&error, visit.peer) {
                edge.door.throttle.failed(peer);
            }
            again(error, |words| sign_in_page(&edge, &visit, visit.form.get("next"), Some(words)))
        }
    }
}

pub(super) async fn sign_out(State(edge): State<Edge>, visit: Visit) -> Answer {
    let session = visit.session()?;
    edge.store.end_session(session.person.id, session.secret_sha256, visit.now).await?;
    let mut response = done(&edge, Said::SignedOut, "/sign-in");
    response.headers_mut().append(header::SET_COOKIE, edge.cookies().gone(Name::Session));
    Ok(response)
}

pub(super) async fn forgot(State(edge): State<Edge>, visit: Visit) -> Answer {
    let body = html! {
        p { "We send you a link by which you choose a new password." }
        form method="post" action="/forgot" {
            (proof(&visit))
            (line("email", "E-mail address", "email", "username", ""))
            button { "Send the letter" }
        }
    };
    Ok(page(&edge, &visit, "A new password", &card("A new password", &body)))
}

/// Answers before anybody is looked up: how long that takes would tell.
pub(super) async fn asked(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (welcome, email) = (edge.clone(), visit.form.get("email").to_owned());
    tokio::spawn(async move {
        if let Err(error) = welcome.welcome.forgot(&email).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a letter for a new password was not sent"
            );
        }
    });
    Ok(letter_page(&edge, &visit))
}

pub(super) async fn reset(State(edge): State<Edge>, visit: Visit) -> Answer {
    Ok(reset_page(&edge, &visit, None))
}

fn reset_page(edge: &Edge, visit: &Visit, fault: Option<&str>) -> Response {
    let body = html! {
        (wrong(fault))
        form method="post" {
            (proof(visit))
            (line("password", "New password (8 characters or more)", "password", "new-password", ""))
            button { "Change the password" }
        }
    };
    page(edge, visit, "Choose a new password", &card("Choose a new password", &body))
}

pub(super) async fn was_reset(State(edge): State<Edge>, visit: Visit, Path(token): Path<String>) -> Answer {
    match edge.welcome.reset(&token, visit.form.get("password").to_owned()).await {
        Ok(()) => Ok(done(&edge, Said::PasswordChanged, "/sign-in")),
        Err(error) => again(error, |words| reset_page(&edge, &visit, Some(words))),
    }
}

//! What every page has around it, and the small pieces they are made of.

use super::Edge;
use super::csrf::FIELD;
use super::fault::Fault;
use super::visit::Visit;
use crate::people::Right;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// HTML as an answer.
pub(super) struct Html(Markup);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], self.0.into_string()).into_response()
    }
}

/// A page for whoever is signed in, or not.
pub(super) fn page(edge: &Edge, visit: &Visit, title: &str, body: &Markup) -> Response {
    Html(around(edge, Some(visit), title, body)).into_response()
}

/// A page about what went wrong.
pub(super) fn fault(edge: &Edge, visit: Option<&Visit>, fault: &Fault) -> Html {
    let (title, words) = fault.words();
    let widget = visit.and_then(|visit| visit.widget.as_ref());
    let (first, words_of_first) = match widget {
        Some(widget) => (format!("/widget/{}", widget.token), "Back to the beginning"),
        None => ("/".to_owned(), "Go to the first page"),
    };
    let body = html! {
        section .narrow .card {
            h1 { (title) }
            p { (words) }
            p { a .button href=(first) { (words_of_first) } }
        }
    };
    if widget.is_some() {
        return Html(alone(edge, title, &body));
    }
    Html(around(edge, visit, title, &body))
}

/// A page of a widget: nothing around it that leads elsewhere in its frame.
pub(super) fn framed(edge: &Edge, title: &str, body: &Markup) -> Response {
    Html(alone(edge, title, body)).into_response()
}

fn alone(edge: &Edge, title: &str, body: &Markup) -> Markup {
    let brand = &edge.config.brand;
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(edge, title)) }
            body .framed {
                main { (body) }
                footer {
                    nav aria-label="More" {
                        span .brand { (logo(edge)) span { (brand.name) } }
                        @for link in &brand.links { a href=(link.url) target="_blank" rel="noopener" { (link.title) } }
                    }
                }
            }
        }
    }
}

/// What every page loads.
fn head(edge: &Edge, title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="theme-color" content="#17191d";
        title { (title) " · " (edge.config.brand.name) }
        link rel="stylesheet" href="/style.css";
        link rel="stylesheet" href="/brand.css";
        link rel="icon" href="/icon.svg" type="image/svg+xml";
    }
}

fn logo(edge: &Edge) -> Markup {
    let source = if edge.logo.is_some() { "/logo" } else { "/icon.svg" };
    html! { img src=(source) alt="" width="28" height="28"; }
}

fn around(edge: &Edge, visit: Option<&Visit>, title: &str, body: &Markup) -> Markup {
    let brand = &edge.config.brand;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (head(edge, title))
                link rel="manifest" href="/app.webmanifest";
                link rel="apple-touch-icon" href="/icons/180.png";
                script src="/start.js" defer {}
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header .bar {
                    a .brand href="/" {
                        (logo(edge))
                        span { (brand.name) }
                    }
                    @if let Some(visit) = visit { (navigation(edge, visit)) }
                }
                main #main {
                    @if let Some(said) = visit.and_then(|visit| visit.said) {
                        p .said role="status" { (said.sentence()) }
                    }
                    (body)
                }
                footer {
                    nav aria-label="More" {
                        a href="/install" { "Get the plugin" }
                        @for link in &brand.links { a href=(link.url) { (link.title) } }
                    }
                }
            }
        }
    }
}

fn navigation(edge: &Edge, visit: &Visit) -> Markup {
    let Some(session) = &visit.session else {
        return html! { nav aria-label="Pages" { (entry(visit, "/sign-in", "Sign in")) } };
    };
    html! {
        nav aria-label="Pages" {
            (entry(visit, "/", "Home"))
            (entry(visit, "/jobs", "Jobs"))
            @if visit.may(Right::Run) { (entry(visit, "/jobs/new", "New job")) }
            (entry(visit, "/usage", "Usage"))
            (entry(visit, "/members", "Members"))
            (entry(visit, "/keys", "Keys"))
            @if visit.may(Right::Manage) { (entry(visit, "/webhooks", "Webhooks")) }
            @if visit.may(Right::Manage) && edge.config.widgets { (entry(visit, "/widgets", "Widgets")) }
            @if visit.operates() { (entry(visit, "/operator", "Operator")) }
        }
        a .who href="/account" title="Your account" {
            span { (session.membership.title) }
            small { (session.membership.role.word()) }
        }
    }
}

fn entry(visit: &Visit, path: &str, title: &str) -> Markup {
    html! { a href=(path) aria-current=[(visit.path == path).then_some("page")] { (title) } }
}

/// The hidden field that proves a form to be ours.
pub(super) fn proof(visit: &Visit) -> Markup {
    // A widget's visitors have no cookie that a form could be proven by.
    html! { @if !visit.csrf.is_empty() { input type="hidden" name=(FIELD) value=(visit.csrf); } }
}

/// What is wrong with what was typed.
pub(super) fn wrong(words: Option<&str>) -> Markup {
    html! { @if let Some(words) = words { p .wrong role="alert" { (words) } } }
}

/// A labelled line of text. `kind` as HTML has it, `fill` what browsers may put in.
pub(super) fn line(name: &str, title: &str, kind: &str, fill: &str, value: &str) -> Markup {
    html! {
        label { span { (title) }
            input type=(kind) name=(name) value=(value) autocomplete=(fill) required[kind != "text"] maxlength="1024";
        }
    }
}

/// A button that posts nothing but names.
pub(super) fn small_form(visit: &Visit, action: &str, fields: &[(&str, &str)], title: &str) -> Markup {
    html! {
        form .inline method="post" action=(action) {
            (proof(visit))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button .quiet { (title) }
        }
    }
}

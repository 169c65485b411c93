//! API keys: made, shown once, revoked.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::people::{Right, Rights};
use crate::store::KeyRow;
use crate::team::KeyWish;
use axum::extract::State;
use maud::{Markup, html};

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let keys = edge.team.keys(visit.session()?).await?;
    let may = visit.principal()?.rights;
    let body = html! {
        h1 { "Keys" }
        p .dim { "For the command line, for plugins and for programs. A key acts for this account, and does no more than you may." }
        section .card {
            h2 { "A new key" }
            form method="post" action="/keys" {
                (proof(&visit))
                (line("label", "What is it for?", "text", "off", ""))
                fieldset {
                    legend { "It may" }
                    @for right in Right::ALL.into_iter().filter(|right| may.has(*right)) {
                        label .check { input type="checkbox" name="right" value=(right.word())
                            checked[matches!(right, Right::Read | Right::Run)]; (meaning(right)) }
                    }
                }
                label { span { "Days until it ends (empty: never)" } input type="number" name="days" min="1" max="3660"; }
                button { "Make the key" }
            }
        }
        section .card { div .scroll { (table(&visit, &keys)) } }
    };
    Ok(page(&edge, &visit, "Keys", &body))
}

fn meaning(right: Right) -> &'static str {
    match right {
        Right::Read => "see jobs, results and credits",
        Right::Run => "start and cancel jobs",
        Right::Manage => "manage keys and members",
        Right::Buy => "buy credits",
    }
}

fn table(visit: &Visit, keys: &[KeyRow]) -> Markup {
    html! {
        table .stack {
            thead { tr { th { "Key" } th { "May" } th { "Last seen" } th { "Ends" } th { span .hidden { "Revoke" } } } }
            tbody {
                @for key in keys {
                    tr {
                        td { (key.label) br; code { "trb_" (key.prefix) "_…" } }
                        td data-title="May" { (key.rights) }
                        td data-title="Last seen" { @if let Some(at) = key.used_at { (words::moment(at)) } @else { "never" } }
                        td data-title="Ends" {
                            @if let Some(at) = key.revoked_at { "revoked " (words::day(at)) }
                            @else if let Some(at) = key.expires_at { (words::day(at)) } @else { "never" }
                        }
                        td { @if key.revoked_at.is_none() {
                            (small_form(visit, "/keys/revoke", &[("prefix", &key.prefix)], "Revoke")) } }
                    }
                }
            }
        }
        @if keys.is_empty() { p .dim { "No keys yet." } }
    }
}

pub(super) async fn add(State(edge): State<Edge>, visit: Visit) -> Answer {
    let chosen: Vec<&str> = visit.form.all("right").collect();
    let rights = Rights::parse(&chosen.join(" ")).ok_or_else(|| Fault::Wrong("choose rights".into()))?;
    let days = visit.form.number("days").map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    let wish = KeyWish { label: visit.form.get("label").to_owned(), rights, days };
    let key = edge.team.add_key(visit.session()?, &wish).await?;
    let body = html! {
        section .narrow .card {
            h1 { "Your new key" }
            p { "It is shown this once and stored nowhere. Copy it now." }
            p { code .secret { (key) } }
            p { a .button href="/keys" { "I have copied it" } }
        }
    };
    Ok(page(&edge, &visit, "Your new key", &body))
}

pub(super) async fn revoke(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.team.revoke_key(visit.session()?, visit.form.get("prefix")).await?;
    Ok(done(&edge, Said::KeyRevoked, "/keys"))
}

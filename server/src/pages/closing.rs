//! Where an owner closes the account: what happens, what stands in the way, and the proof that it is meant.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::farewell::{self, NotClosed, Waits, Wish};
use crate::people::Role;
use crate::store::closing::InTheWay;
use axum::extract::State;
use maud::{Markup, html};
use tributary_protocol::vocab::Credits;

impl From<NotClosed> for Fault {
    fn from(error: NotClosed) -> Self {
        match error {
            NotClosed::NotOwner => Self::Forbidden,
            NotClosed::Busy(_) => Self::Later(error.to_string()),
            NotClosed::Store(error) => error.into(),
            other => Self::Wrong(other.to_string()),
        }
    }
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let membership = &visit.session()?.membership;
    if membership.role != Role::Owner {
        return Err(Fault::Forbidden);
    }
    let tenant = visit.tenant()?;
    let left = edge.store.account(&tenant).await?.balance.available();
    let waits = edge.store.in_the_way(&tenant).await?;
    let members = edge.store.members(&tenant, visit.now.month()).await?.len();
    let body = html! {
        section .narrow .card {
            h1 { "Close an account" }
            p .long { "This closes " strong { (membership.title) } " for ever." }
            ul {
                li { "Clips and results of all its jobs are deleted." }
                li { "Its keys, plugins that were let in, widgets, webhooks and invitations end at once." }
                @if members > 1 { li { (members - 1) " more " (if members == 2 { "member loses" } else { "members lose" }) " it, too; everybody is told by letter." } }
                li { "Whoever belongs to no other account here is forgotten: name, address and password are deleted." }
                li { "What jobs cost, with their titles, and payments stay on record." }
                @if left > Credits::ZERO { li { strong { (words::credits(left)) " left are lost." } " They are not paid out; ask the operator first if you want money back." } }
            }
            @if waits == InTheWay::default() { (form(&visit, left)) } @else {
                p { strong { "Not yet: " } (Waits(waits)) "." }
                p { a .button .quiet href="/jobs" { "See the jobs" } }
            }
            p { a href="/account" { "Keep it" } }
        }
    };
    Ok(page(&edge, &visit, "Close an account", &body))
}

fn form(visit: &Visit, left: Credits) -> Markup {
    let email = visit.session.as_ref().map_or("", |session| session.person.email.as_str());
    html! {
        form method="post" action="/account/close" {
            (proof(visit))
            // Tells the browser's list of passwords whose it is.
            input type="email" name="username" autocomplete="username" value=(email) readonly hidden aria-hidden="true";
            (line("name", "The account's name, as above", "text", "off", ""))
            (line("password", "Your password", "password", "current-password", ""))
            @if left > Credits::ZERO {
                label .check { input type="checkbox" name="lose" value="yes" required; "I know that " (words::credits(left)) " are lost" }
            }
            button { "Close it for ever" }
        }
    }
}

pub(super) async fn close(State(edge): State<Edge>, visit: Visit) -> Answer {
    let wish = Wish {
        password: visit.form.get("password").to_owned(),
        name: visit.form.get("name").to_owned(),
        loses_credits: visit.form.get("lose") == "yes",
    };
    farewell::close(&edge.welcome, visit.session()?, wish).await?;
    Ok(done(&edge, Said::AccountClosed, "/sign-in"))
}

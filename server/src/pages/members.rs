//! Members of an account and invitations to it.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::auth::token::Token;
use crate::people::{Invitation, Member, Right, Role};
use crate::store::people::{Accepted, MemberWish};
use crate::team::{Actor, Guest};
use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_protocol::vocab::{Credits, InvitationId};

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let tenant = visit.tenant()?;
    let members = edge.store.members(&tenant, visit.now.month()).await?;
    let invited = edge.store.invitations(&tenant, visit.now).await?;
    let manages = visit.may(Right::Manage);
    let body = html! {
        h1 { "Members" }
        p .dim { "Everybody here shares the credits of " (visit.session()?.membership.title) ". A limit is for one calendar month." }
        section .card { div .scroll { (members_table(&visit, &members)?) } }
        @if manages {
            div .columns { (invite_card(&visit)) (invited_card(&visit, &invited)) }
        }
    };
    Ok(page(&edge, &visit, "Members", &body))
}

fn members_table(visit: &Visit, members: &[Member]) -> Result<Markup, Fault> {
    let session = visit.session()?;
    let own = session.membership.role;
    Ok(html! {
        table .stack {
            thead { tr { th { "Member" } th { "Role and limit" } th .number { "This month" } th { span .hidden { "Remove" } } } }
            tbody {
                @for member in members {
                    @let id = member.person.to_string();
                    tr {
                        td { (member.email) @if !member.name.is_empty() { br; small .dim { (member.name) } } }
                        td data-title="Role" {
                            @if visit.may(Right::Manage) && own.may_change(member.role) {
                                form .inline method="post" action="/members/change" {
                                    (proof(visit)) input type="hidden" name="person" value=(id);
                                    (role_choice(own, member.role))
                                    (limit_line(member.month_limit))
                                    button .quiet { "Save" }
                                }
                            } @else {
                                (member.role.word())
                                @if let Some(limit) = member.month_limit { ", " (words::credits(limit)) " a month" }
                            }
                        }
                        td .number data-title="This month" { (words::grouped(member.month_spent.0)) }
                        td {
                            @if member.person == session.person.id {
                                (small_form(visit, "/members/remove", &[("person", &id)], "Leave"))
                            } @else if visit.may(Right::Manage) && own.may_change(member.role) {
                                (small_form(visit, "/members/remove", &[("person", &id)], "Remove"))
                            }
                        }
                    }
                }
            }
        }
    })
}

fn role_choice(own: Role, chosen: Role) -> Markup {
    html! {
        label .slim { span .hidden { "Role" }
            select name="role" {
                @for role in Role::ALL.into_iter().filter(|role| own.may_change(*role)) {
                    option value=(role.word()) selected[role == chosen] { (role.word()) }
                }
            }
        }
    }
}

fn limit_line(limit: Option<Credits>) -> Markup {
    let value = limit.map(|limit| limit.0.to_string()).unwrap_or_default();
    html! {
        label .slim { span .hidden { "Credits a month" }
            input type="number" name="limit" min="0" max="9007199254740992" value=(value) placeholder="no limit" title="Credits a month; empty for no limit";
        }
    }
}

fn invite_card(visit: &Visit) -> Markup {
    let own = visit.session.as_ref().map_or(Role::Viewer, |session| session.membership.role);
    html! {
        section .card {
            h2 { "Invite somebody" }
            form method="post" action="/members/invite" {
                (proof(visit))
                (line("email", "E-mail address", "email", "off", ""))
                div .row { (role_choice(own, Role::Member)) (limit_line(None)) }
                button { "Send the invitation" }
            }
        }
    }
}

fn invited_card(visit: &Visit, invited: &[Invitation]) -> Markup {
    html! {
        section .card {
            h2 { "Open invitations" }
            @if invited.is_empty() { p .dim { "None." } }
            ul .rows {
                @for each in invited {
                    li {
                        span { (each.email) " " small .dim { (each.role.word()) ", until " (words::day(each.until)) } }
                        (small_form(visit, "/members/withdraw", &[("invitation", &each.id.to_string())], "Withdraw"))
                    }
                }
            }
        }
    }
}

/// Role and limit as a form says them.
fn wish(visit: &Visit) -> Result<(Role, Option<Credits>), Fault> {
    let role = Role::parse(visit.form.get("role")).ok_or_else(|| Fault::Wrong("choose a role".into()))?;
    let limit = match visit.form.get("limit").trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| Fault::Wrong("a limit is a whole number of credits".into()))?),
    };
    Ok((role, limit.map(Credits)))
}

pub(super) async fn invite(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (role, limit) = wish(&visit)?;
    let (id, email) = (InvitationId::generate(), visit.form.get("email").to_owned());
    let guest = Guest { id, email, role, month_limit: limit };
    edge.team.invite(&Actor::from(visit.session()?), guest).await?;
    Ok(done(&edge, Said::Invited, "/members"))
}

pub(super) async fn withdraw(State(edge): State<Edge>, visit: Visit) -> Answer {
    let id = visit.form.get("invitation").parse().map_err(|_| Fault::Missing)?;
    edge.team.withdraw(&Actor::from(visit.session()?), id).await?;
    Ok(done(&edge, Said::Withdrawn, "/members"))
}

pub(super) async fn change(State(edge): State<Edge>, visit: Visit) -> Answer {
    let person = visit.form.get("person").parse().map_err(|_| Fault::Missing)?;
    let (role, limit) = wish(&visit)?;
    edge.team.change(&Actor::from(visit.session()?), person, MemberWish::Be(role, limit)).await?;
    Ok(done(&edge, Said::MemberChanged, "/members"))
}

pub(super) async fn remove(State(edge): State<Edge>, visit: Visit) -> Answer {
    let session = visit.session()?;
    let person = visit.form.get("person").parse().map_err(|_| Fault::Missing)?;
    edge.team.change(&Actor::from(session), person, MemberWish::Leave).await?;
    // Whoever left sees another account now, or signs in again.
    let to = if person == session.person.id { "/" } else { "/members" };
    Ok(done(&edge, Said::MemberGone, to))
}

pub(super) async fn invitation(State(edge): State<Edge>, visit: Visit, Path(token): Path<String>) -> Answer {
    let found = edge.welcome.invitation(&token).await?.ok_or(Fault::Missing)?;
    let body = html! {
        section .narrow .card {
            h1 { "Join " (found.title) }
            p { (found.invited_by) " asks " strong { (found.email) } " to join as " strong { (found.role.word()) } "." }
            @if visit.session.is_some() {
                form method="post" { (proof(&visit)) button { "Join" } }
            } @else {
                p { a .button href={ "/sign-in?next=/invitation/" (token) } { "Sign in" } " "
                    a .button .quiet href={ "/sign-up?invitation=" (token) } { "Sign up" } }
            }
        }
    };
    Ok(page(&edge, &visit, "Invitation", &body))
}

pub(super) async fn accept(State(edge): State<Edge>, visit: Visit, Path(token): Path<String>) -> Answer {
    let (session, token) = (visit.session()?, Token::parse(&token).map_err(|_| Fault::Missing)?);
    match edge.store.accept(token.sha256(), session.person.id, visit.now).await? {
        Accepted::Yes(account) => {
            edge.store.show_account(session.secret_sha256, account).await?;
            Ok(done(&edge, Said::Joined, "/"))
        }
        Accepted::Gone => Err(Fault::Missing),
        Accepted::NotTheirs => Err(Fault::Wrong(
            "this invitation was sent to another address than yours; sign in with that one".into(),
        )),
    }
}

//! Rows of the table: who belongs to an account, and who is asked to.

use super::super::{members, schema};
use super::{Content, IDEMPOTENCY, Method, Route};
use crate::people::Right;
use axum::routing::on;

/// Who belongs to the account.
pub(super) fn of_members() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Delete, Get, Put};
    use Right::{Manage, Read};
    vec![
        route!(
            Get,
            "/members",
            Some(Read),
            "listMembers",
            "Who belongs to the account, as what, with which limit, and what they spent this month.",
            &[],
            Nothing,
            Json(schema::members),
            |method| on(method, members::list)
        ),
        route!(
            Put,
            "/members/{person}",
            Some(Manage),
            "changeMember",
            "Gives a member another role or limit. Nobody makes or unmakes more than they are, and an account keeps an owner.",
            &[],
            Json(schema::member_wish),
            Json(schema::member),
            |method| on(method, members::change)
        ),
        route!(
            Delete,
            "/members/{person}",
            Some(Manage),
            "removeMember",
            "Lets a member go: their keys and sessions here end, jobs and lines stay. Who may not manage leaves on the pages.",
            &[],
            Nothing,
            Json(schema::removed),
            |method| on(method, members::remove)
        ),
    ]
}

/// Who is asked to.
pub(super) fn of_invitations() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Delete, Get, Post};
    use Right::Manage;
    vec![
        route!(
            Get,
            "/invitations",
            Some(Manage),
            "listInvitations",
            "Who is asked to become a member and has not answered yet.",
            &[],
            Nothing,
            Json(schema::invitations),
            |method| on(method, members::invitations)
        ),
        route!(
            Post,
            "/invitations",
            Some(Manage),
            "inviteMember",
            "Asks somebody to become a member, by a letter that is good for two weeks, in the name of the key's person. An \
             open invitation to the same address ends. Asking again with the same `id` or Idempotency-Key answers with the \
             same invitation and sends no second letter.",
            &[IDEMPOTENCY],
            Json(schema::invitation_wish),
            Json(schema::invitation),
            |method| on(method, members::invite)
        ),
        route!(
            Delete,
            "/invitations/{invitation}",
            Some(Manage),
            "withdrawInvitation",
            "Ends an open invitation.",
            &[],
            Nothing,
            Json(schema::removed),
            |method| on(method, members::withdraw)
        ),
    ]
}

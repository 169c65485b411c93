//! Who belongs to the account, and who is asked to: by the same laws as on the pages.

use super::problem::Problem;
use super::{Edge, request};
use crate::auth::Pass;
use crate::clock::Timestamp;
use crate::people::{Invitation, Member, Role};
use crate::store::people::MemberWish;
use crate::team::Guest;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tributary_protocol::vocab::{Credits, PersonId};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberWords {
    role: String,
    /// Must be said, though it may be null: else whoever changes a role would lift a limit unawares.
    #[serde(deserialize_with = "said")]
    month_limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuestWords {
    id: Option<String>,
    email: String,
    role: String,
    month_limit: Option<u64>,
}

fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(deserializer)
}

fn role(word: &str) -> Result<Role, Problem> {
    Role::parse(word).ok_or_else(|| Problem::invalid("`role` must be owner, admin, member or viewer"))
}

fn member(member: &Member) -> Value {
    json!({
        "id": member.person.to_string(),
        "email": member.email,
        "name": member.name,
        "role": member.role.word(),
        "month_limit": member.month_limit.map(|limit| limit.0),
        "month_spent": member.month_spent.0,
        "joined_at": member.joined_at.rfc3339(),
    })
}

fn invitation(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id.to_string(),
        "email": invitation.email,
        "role": invitation.role.word(),
        "month_limit": invitation.month_limit.map(|limit| limit.0),
        "invited_by": invitation.invited_by,
        "until": invitation.until.rfc3339(),
    })
}

async fn members(edge: &Edge, pass: &Pass, now: Timestamp) -> Result<Vec<Member>, Problem> {
    Ok(edge.desk.store.members(&pass.principal.tenant, now.month()).await?)
}

pub(super) async fn list(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
) -> Result<Response, Problem> {
    let found = members(&edge, &pass, edge.desk.clock.now()).await?;
    Ok(super::answer(&json!({ "members": found.iter().map(member).collect::<Vec<_>>() })))
}

pub(super) async fn change(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(person): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    let (person, words) =
        (request::id::<PersonId>(&person, "member")?, request::json::<MemberWords>(body).await?);
    let wish = MemberWish::Be(role(&words.role)?, words.month_limit.map(Credits));
    let actor = edge.team.actor(&pass.principal).await?;
    edge.team.change(&actor, person, wish).await?;
    let found = members(&edge, &pass, edge.desk.clock.now()).await?;
    let changed = found.iter().find(|member| member.person == person);
    let changed = changed.ok_or_else(|| Problem::not_found("the member left meanwhile"))?;
    Ok(super::answer(&member(changed)))
}

pub(super) async fn remove(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(person): Path<String>,
) -> Result<Response, Problem> {
    let person = request::id::<PersonId>(&person, "member")?;
    let actor = edge.team.actor(&pass.principal).await?;
    edge.team.change(&actor, person, MemberWish::Leave).await?;
    Ok(super::answer(&json!({ "removed": true })))
}

pub(super) async fn invitations(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
) -> Result<Response, Problem> {
    let now = edge.desk.clock.now();
    let found = edge.desk.store.invitations(&pass.principal.tenant, now).await?;
    Ok(super::answer(&json!({ "invitations": found.iter().map(invitation).collect::<Vec<_>>() })))
}

pub(super) async fn invite(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (principal, words) = (&pass.principal, request::json::<GuestWords>(body).await?);
    let guest = Guest {
        id: request::id_of_new_invitation(principal.tenant.account(), words.id.as_deref(), &headers)?,
        email: words.email,
        role: role(&words.role)?,
        month_limit: words.month_limit.map(Credits),
    };
    let actor = edge.team.actor(principal).await?;
    Ok(super::answer(&invitation(&edge.team.invite(&actor, guest).await?)))
}

pub(super) async fn withdraw(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let actor = edge.team.actor(&pass.principal).await?;
    edge.team.withdraw(&actor, request::id(&id, "invitation")?).await?;
    Ok(super::answer(&json!({ "removed": true })))
}

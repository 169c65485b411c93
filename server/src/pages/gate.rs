//! Before every page: who asks, may they, is the form ours. After it: what went wrong is drawn, and every answer says how
//! careful a browser should be with it.

use super::cookies::Name;
use super::fault::Fault;
use super::form::{FORM_BYTES_MAX, Fields};
use super::headers;
use super::routes::{Body, Need, route_of};
use super::said::Said;
use super::visit::Visit;
use super::widget::door;
use super::{Edge, csrf, layout, redirect};
use crate::auth::token::Token;
use crate::http::limits::Peer;
use crate::people::Session;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// A form comes within this time, or not at all.
const FORM_PATIENCE: Duration = Duration::from_secs(20);

/// Where browsers of these years say from which kind of site a request comes.
const SITE: &str = "sec-fetch-site";

/// A layer around all routes.
pub(super) async fn pass(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    // With what stands behind the question mark: a device's code, say.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (mut response, framed_by) = match seen(&edge, request, matched.as_deref()).await {
        Ok((visit, fresh, request)) => {
            let mut request = request;
            request.extensions_mut().insert(Arc::clone(&visit));
            let mut response = next.run(request).await;
            if let Some(fault) = response.extensions_mut().remove::<Fault>() {
                response = drawn(&edge, &fault, Some(&visit), &path);
            }
            if let Some(token) = fresh {
                response.headers_mut().append(header::SET_COOKIE, edge.cookies().form(&token));
            }
            if visit.said.is_some() && response.status().is_success() {
                response.headers_mut().append(header::SET_COOKIE, edge.cookies().gone(Name::Said));
            }
            (response, visit.origins().to_vec())
        }
        Err((fault, visit)) => {
            let framed_by = visit.as_deref().map(|visit| visit.origins().to_vec()).unwrap_or_default();
            (drawn(&edge, &fault, visit.as_deref(), &path), framed_by)
        }
    };
    headers::secure(response.headers_mut(), edge.cookies().secure, &framed_by);
    response
}

/// What a fault looks like: a page of its own, or the way to where one signs in.
fn drawn(edge: &Edge, fault: &Fault, visit: Option<&Visit>, path: &str) -> Response {
    if let Fault::SignIn = fault {
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        return redirect(&format!("/sign-in?next={next}"));
    }
    let mut response = (fault.status(), layout::fault(edge, visit, fault)).into_response();
    if let Fault::Often(wait) = fault {
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    response
}

pub(super) type Seen = (Arc<Visit>, Option<Token>, Request);

/// The visit, with a new secret for forms where there was none, and the request with its body where that is not read yet.
async fn seen(
    edge: &Edge,
    request: Request,
    matched: Option<&str>,
) -> Result<Seen, (Fault, Option<Box<Visit>>)> {
    let unsafe_method = !request.method().is_safe();
    let route = matched.and_then(|path| route_of(path, unsafe_method));
    if route.is_some_and(|route| route.need == Need::Widget) {
        return door::seen(edge, request).await;
    }
    let secret = secret_of(edge, request.headers(), Name::Session);
    let session = session_of(edge, secret.as_ref()).await.map_err(|fault| (fault, None))?;
    let secret = if session.is_some() { secret } else { secret_of(edge, request.headers(), Name::Form) };
    let fresh = if secret.is_none() { Some(Token::generate()) } else { None };
    let word = secret.as_ref().or(fresh.as_ref()).map(csrf::word).unwrap_or_default();
    let mut visit = visit_of(edge, &request, session, word);
    let refused = |fault: Fault, visit: Visit| Err((fault, Some(Box::new(visit))));
    let Some(route) = route else {
        // Nothing of that name, or not by that method: the router says so.
        return Ok((Arc::new(visit), None, request));
    };
    if let Err(fault) = may(&visit, route.need) {
        return refused(fault, visit);
    }
    if !unsafe_method {
        return Ok((Arc::new(visit), fresh, request));
    }
    if !is_from_here(edge, request.headers()) || fresh.is_some() {
        return refused(Fault::Form, visit);
    }
    if route.body == Body::Upload {
        // Its handler reads the word before the file.
        return Ok((Arc::new(visit), None, request));
    }
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(FORM_PATIENCE, axum::body::to_bytes(body, FORM_BYTES_MAX)).await;
    let Ok(Ok(bytes)) = read else {
        return refused(Fault::Large(format!("a form has at most {FORM_BYTES_MAX} bytes")), visit);
    };
    visit.form = Fields::parse(&bytes);
    if !csrf::is_ours(&visit.csrf, visit.form.get(csrf::FIELD)) {
        return refused(Fault::Form, visit);
    }
    Ok((Arc::new(visit), None, Request::from_parts(parts, axum::body::Body::empty())))
}

/// Whether a browser says that a page of ours sent this.
pub(super) fn is_from_here(edge: &Edge, headers: &HeaderMap) -> bool {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    csrf::same_origin(word("origin"), word(SITE), word("host"), &edge.url)
}

/// The visit of a request, without a form.
pub(super) fn visit_of(edge: &Edge, request: &Request, session: Option<Session>, csrf: String) -> Visit {
    let headers = request.headers();
    let browser = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Visit {
        session,
        widget: None,
        csrf,
        said: edge.cookies().read(headers, Name::Said).and_then(|word| Said::parse(&word)),
        path: request.uri().path().to_owned(),
        query: Fields::parse(request.uri().query().unwrap_or_default().as_bytes()),
        form: Fields::default(),
        now: edge.clock.now(),
        browser: browser.unwrap_or_default().to_owned(),
        peer: request.extensions().get::<Peer>().map(|peer| peer.0),
    }
}

fn secret_of(edge: &Edge, headers: &HeaderMap, name: Name) -> Option<Token> {
    edge.cookies().read(headers, name).and_then(|text| Token::parse(&text).ok())
}

async fn session_of(edge: &Edge, secret: Option<&Token>) -> Result<Option<Session>, Fault> {
    let Some(secret) = secret else { return Ok(None) };
    Ok(edge.store.session(secret.sha256(), edge.clock.now()).await?)
}

fn may(visit: &Visit, need: Need) -> Result<(), Fault> {
    match need {
        Need::Nobody => Ok(()),
        // Its own door lets in, before anybody is asked for here.
        Need::Widget => visit.widget().map(drop),
        Need::Person => visit.session().map(|_| ()),
        Need::Right(right) => {
            let principal = visit.principal()?;
            principal.may(right).map(|_| ()).map_err(|_| Fault::Forbidden)
        }
        // Whoever is no operator does not learn that there are such pages.
        Need::Operator => {
            visit.session()?;
            if visit.operates() { Ok(()) } else { Err(Fault::Missing) }
        }
    }
}

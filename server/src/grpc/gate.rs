//! Lets a call in: counts it, finds who asks before any of its body is read, and whether they may. The health service and
//! signing in are open.

use super::status;
use crate::auth::api_key::ApiKey;
use crate::auth::{Auth, AuthError};
use crate::people::Right;
use crate::tenant::{Principal, Tenant};
use crate::throttle::Throttle;
use crate::throttle::proxy::Proxies;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tonic::Status;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

/// Services that nobody has to be known for.
const OPEN: [&str; 2] = ["/grpc.health.v1.Health/", "/tributary.v1.SignIn/"];

/// What each call needs. One that is not here is refused, so that a new one is decided on.
const NEEDS: [(&str, Right); 13] = [
    ("/tributary.v1.Account/Get", Right::Read),
    ("/tributary.v1.Account/History", Right::Read),
    ("/tributary.v1.Clips/Write", Right::Run),
    ("/tributary.v1.Clips/QueryWriteStatus", Right::Run),
    ("/tributary.v1.Jobs/Quote", Right::Read),
    ("/tributary.v1.Jobs/Create", Right::Run),
    ("/tributary.v1.Jobs/Get", Right::Read),
    ("/tributary.v1.Jobs/List", Right::Read),
    ("/tributary.v1.Jobs/Watch", Right::Read),
    ("/tributary.v1.Jobs/Cancel", Right::Run),
    ("/tributary.v1.Models/List", Right::Read),
    ("/tributary.v1.Stems/Read", Right::Read),
    ("/tributary.v1.Sheets/Read", Right::Read),
];

/// Everything the gate uses.
#[derive(Clone)]
pub struct Gate {
    /// Who is asking.
    pub auth: Auth,
    /// How often.
    pub throttle: Arc<Throttle>,
    /// From where.
    pub proxies: Arc<Proxies>,
}

pub(super) async fn let_in(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let right = NEEDS.iter().find(|(call, _)| *call == path).map(|(_, right)| *right);
    let principal = match gate.principal(request.headers(), request.extensions()).await {
        Ok(principal) => principal,
        Err(status) => return status.into_http(),
    };
    let Some(right) = right else { return Status::unimplemented("this server has no such call").into_http() };
    if let Err(forbidden) = principal.may(right) {
        return status::of_forbidden(&forbidden).into_http();
    }
    request.extensions_mut().insert(principal);
    next.run(request).await
}

impl Gate {
    async fn principal(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Principal, Status> {
        let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let peer = self.proxies.peer(socket(extensions), word(self.proxies.header()));
        self.throttle.arrives(peer).map_err(|refused| status::of_too_often(&refused))?;
        let authorization = word(AUTHORIZATION.as_str());
        match self.auth.principal(authorization).await {
            Ok(principal) => {
                let key = authorization.and_then(|value| value.strip_prefix("Bearer "));
                let key = key.and_then(|key| ApiKey::parse(key.trim()).ok());
                let called =
                    self.throttle.calls(key.as_ref().map(ApiKey::prefix), principal.tenant.account());
                called.map(|()| principal).map_err(|refused| status::of_too_often(&refused))
            }
            Err(error) => {
                if matches!(error, AuthError::NoKey | AuthError::WrongKey) {
                    self.throttle.failed(peer);
                }
                Err(status::of_auth(&error))
            }
        }
    }
}

/// The other end of the connection. Whoever has none shares one bucket.
fn socket(extensions: &Extensions) -> IpAddr {
    let plain = extensions.get::<TcpConnectInfo>();
    let secured = || extensions.get::<TlsConnectInfo<TcpConnectInfo>>().map(TlsConnectInfo::get_ref);
    let address = plain.or_else(secured).and_then(TcpConnectInfo::remote_addr);
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

/// Who the gate found.
pub(super) fn principal<T>(request: &tonic::Request<T>) -> Result<Principal, Status> {
    request.extensions().get::<Principal>().copied().ok_or_else(|| Status::unauthenticated("no API key"))
}

/// Their account.
pub(super) fn tenant<T>(request: &tonic::Request<T>) -> Result<Tenant, Status> {
    Ok(principal(request)?.tenant)
}

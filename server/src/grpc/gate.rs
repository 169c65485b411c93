//! Lets a call in: counts it, finds who asks before any of its body is read, and whether they may. The health service is
//! open; signing in is counted only.

use super::status;
use crate::auth::{Auth, AuthError, Pass};
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

/// The service that anybody may call as often as they like.
const OPEN: &str = "/grpc.health.v1.Health/";
/// The service that nobody has to be known for.
const UNKNOWN: &str = "/tributary.v1.SignIn/";

/// What each call needs. One that is not here is refused, so that a new one is decided on.
const NEEDS: [(&str, Right); 17] = [
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
    ("/tributary.v1.Jobs/Erase", Right::Run),
    ("/tributary.v1.Models/List", Right::Read),
    ("/tributary.v1.Shop/Packs", Right::Read),
    ("/tributary.v1.Shop/Buy", Right::Buy),
    ("/tributary.v1.Shop/Get", Right::Read),
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
    if path.starts_with(OPEN) {
        return next.run(request).await;
    }
    let peer = gate.peer(request.headers(), request.extensions());
    if let Err(refused) = gate.throttle.arrives(peer) {
        return status::of_too_often(&refused).into_http();
    }
    if path.starts_with(UNKNOWN) {
        return next.run(request).await;
    }
    match gate.pass(path, request.headers(), peer).await {
        Ok(pass) => {
            request.extensions_mut().insert(pass.principal);
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(status) => status.into_http(),
    }
}

impl Gate {
    /// Whose calls these are counted as.
    fn peer(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let lines = headers.get_all(self.proxies.header()).into_iter().filter_map(|line| line.to_str().ok());
        self.proxies.peer(socket(extensions), lines)
    }

    async fn pass(&self, call: &str, headers: &HeaderMap, peer: IpAddr) -> Result<Pass, Status> {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let pass = Pass::of(&self.auth, authorization).await.map_err(|error| {
            if matches!(error, AuthError::NoKey | AuthError::WrongKey) {
                self.throttle.failed(peer);
            }
            status::of_auth(&error)
        })?;
        let called = self.throttle.calls(pass.prefix().as_deref(), pass.principal.tenant.account());
        called.map_err(|refused| status::of_too_often(&refused))?;
        let right = NEEDS.iter().find(|(needing, _)| *needing == call).map(|(_, right)| *right);
        let right = right.ok_or_else(|| Status::unimplemented("this server has no such call"))?;
        pass.principal.may(right).map_err(|forbidden| status::of_forbidden(&forbidden))?;
        Ok(pass)
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

/// With what they came in.
pub(super) fn pass<T>(request: &tonic::Request<T>) -> Result<Pass, Status> {
    request.extensions().get::<Pass>().cloned().ok_or_else(|| Status::unauthenticated("no API key"))
}

/// Their account.
pub(super) fn tenant<T>(request: &tonic::Request<T>) -> Result<Tenant, Status> {
    Ok(principal(request)?.tenant)
}

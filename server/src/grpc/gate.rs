//! Lets a call in: counts it and finds its tenant before any of its body is read. The health service is open.

use super::status;
use crate::auth::api_key::ApiKey;
use crate::auth::{Auth, AuthError};
use crate::tenant::Tenant;
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

const OPEN: &str = "/grpc.health.v1.Health/";

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
    if request.uri().path().starts_with(OPEN) {
        return next.run(request).await;
    }
    match gate.tenant(request.headers(), request.extensions()).await {
        Ok(tenant) => {
            request.extensions_mut().insert(tenant);
            next.run(request).await
        }
        Err(status) => status.into_http(),
    }
}

impl Gate {
    async fn tenant(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Tenant, Status> {
        let lines = headers.get_all(self.proxies.header()).into_iter().filter_map(|line| line.to_str().ok());
        let peer = self.proxies.peer(socket(extensions), lines);
        self.throttle.arrives(peer).map_err(|refused| status::of_too_often(&refused))?;
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match self.auth.tenant(authorization).await {
            Ok(tenant) => {
                let key = authorization.and_then(|value| value.strip_prefix("Bearer "));
                let key = key.and_then(|key| ApiKey::parse(key.trim()).ok());
                let called = self.throttle.calls(key.as_ref().map(ApiKey::prefix), tenant.account());
                called.map(|()| tenant).map_err(|refused| status::of_too_often(&refused))
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

/// The tenant the gate found.
pub(super) fn tenant<T>(request: &tonic::Request<T>) -> Result<Tenant, Status> {
    request.extensions().get::<Tenant>().copied().ok_or_else(|| Status::unauthenticated("no API key"))
}

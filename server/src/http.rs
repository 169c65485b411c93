//! The HTTP edge: health for load balancers and people, metrics for Prometheus. Translates, nothing else; no user
//! data passes here.

pub mod limits;
pub(crate) mod secured;
pub mod stripe;

use crate::artifacts::Artifacts;
use crate::device::Health;
use crate::device::health::{Resident, Wanted};
use crate::role::Role;
use crate::roster::Roster;
use crate::store::Store;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A device thread that has not ticked for this long is dead or stuck.
const DEVICE_PATIENCE: Duration = Duration::from_secs(120);

/// Everything the edge uses.
#[derive(Clone)]
pub struct Edge {
    /// Asked whether it answers.
    pub store: Arc<dyn Store>,
    /// Asked for free space.
    pub artifacts: Arc<dyn Artifacts>,
    /// What this process does.
    pub role: Role,
    /// The device; none where this process runs no jobs.
    pub device: Option<Bench>,
    /// Other processes of the database; none where there are none.
    pub roster: Option<Arc<Roster>>,
    /// Models on offer, by name.
    pub models: Vec<String>,
    /// Below this the disk is not healthy.
    pub disk_free_min_bytes: u64,
    /// Set while the server is going down.
    pub drain: CancellationToken,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Counts who asks for anything else.
    pub door: limits::Door,
}

/// The device, as it is looked at.
#[derive(Clone)]
pub struct Bench {
    /// How it is.
    pub health: Arc<Health>,
    /// What the configuration asks for, and what there is.
    pub wanted: Wanted,
}

/// Serves until `stop`.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(edge: Edge, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let door = from_fn_with_state(edge.door.clone(), limits::limit);
    let counted = Router::new().fallback(async || StatusCode::NOT_FOUND).layer(door);
    let open = Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics)).with_state(edge);
    let router = open.merge(counted).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// 200 when jobs can be taken and run, 503 with the reason otherwise.
async fn healthz(State(edge): State<Edge>) -> Response {
    let store = edge.store.counts().await.is_ok();
    let artifacts = Arc::clone(&edge.artifacts);
    let free =
        tokio::task::spawn_blocking(move || artifacts.free_bytes()).await.ok().and_then(Result::ok).flatten();
    let disk = free.is_none_or(|free| free >= edge.disk_free_min_bytes);
    let device = edge.device.as_ref().is_none_or(|bench| bench.health.is_live(DEVICE_PATIENCE));
    let draining = edge.drain.is_cancelled();
    let healthy = store && disk && device && !draining;
    let mut body = json!({
        "status": if healthy { "serving" } else { "not serving" },
        "role": edge.role.word(),
        "store": if store { "answers" } else { "does not answer" },
        "disk_free_bytes": free,
        "disk": if disk { "ok" } else { "almost full" },
        "models": edge.models,
        "differences": edge.roster.as_ref().map(|roster| roster.differences()).unwrap_or_default(),
        "draining": draining,
    });
    if let (Some(bench), Some(body)) = (&edge.device, body.as_object_mut()) {
        body.insert("device".to_owned(), json!(if device { "ok" } else { "does not answer" }));
        body.append(&mut bench.figures());
    }
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl Bench {
    fn figures(&self) -> Map<String, Value> {
        let (wanted, residents) = (&self.wanted, self.health.residents());
        let figures = json!({
            "wanted": { "engine": wanted.engine, "device": wanted.device, "number": wanted.number },
            "onnx_runtime": match &wanted.onnx_runtime {
                Ok(library) => json!({ "library": library, "build": wanted.onnx_runtime_build }),
                Err(reason) => json!({ "library": null, "reason": reason }),
            },
            "resident": residents.iter().map(resident).collect::<Vec<_>>(),
            "memory_bytes": residents.iter().map(|resident| resident.bytes).sum::<u64>(),
            "memory_budget_bytes": self.health.budget_bytes(),
            "chunks_done": self.health.chunks_done(),
        });
        if let Value::Object(figures) = figures { figures } else { Map::new() }
    }
}

/// A loaded model, and what really runs it.
fn resident(resident: &Resident) -> Value {
    let Resident { model, engine, device, instead, bytes } = resident;
    json!({ "model": model, "engine": engine, "device": device, "instead": instead, "memory_bytes": bytes })
}

async fn metrics(State(edge): State<Edge>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], edge.metrics.render()).into_response()
}

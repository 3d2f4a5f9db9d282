//! The all-in-one server: storage, receivers, API and UI wired together.

use std::future::Future;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt;
use tracewell_api::ApiState;
use tracewell_collector::{Collector, CollectorMetrics};
use tracewell_query::QueryEngine;
use tracewell_storage::Storage;

use crate::config::Config;
use crate::host::AllowedHosts;
use crate::metrics;
use crate::request_line::LenientListener;
use crate::status::ServerState;

/// How long requests may take to finish when the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Where the server listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub otlp_grpc: SocketAddr,
    pub otlp_http: SocketAddr,
    pub http: SocketAddr,
}

/// Ends when the process is asked to stop (SIGTERM, SIGINT).
pub async fn ended_by_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("could not listen for signals; stop the process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Serves until `ended` is, then drains.
pub async fn run(config: Config, ended: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    run_and_tell(config, ended, None).await
}

/// As [`run`]; `ready` is told the addresses once records are received.
pub async fn run_and_tell(
    config: Config,
    ended: impl Future<Output = ()> + Send + 'static,
    ready: Option<oneshot::Sender<Addresses>>,
) -> anyhow::Result<()> {
    start_logging(&config)?;
    let listener =
        TcpListener::bind(config.http).await.with_context(|| format!("could not listen on http = {}", config.http))?;
    let http = listener.local_addr()?;
    tracing::info!(%http, "opening the storage");
    let state = Arc::new(ServerState::new(http));
    // Health, readiness and the UI answer while the journal is replayed; the rest follows when it is done.
    let complete: Arc<OnceLock<Router>> = Arc::new(OnceLock::new());
    let hosts = AllowedHosts::new(http, &config.allowed_hosts);
    let front = front(hosts, Arc::clone(&complete), tracewell_api::router_while_starting(Arc::clone(&state) as _));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(
        axum::serve(LenientListener(listener), front)
            .with_graceful_shutdown(async move {
                let _ = stopped.await;
            })
            .into_future(),
    );

    let mut ended = std::pin::pin!(ended);
    let storage = tokio::select! {
        opened = Storage::open(config.storage()) => opened.context("could not open the storage")?,
        () = &mut ended => return Ok(()),
    };
    let mut registry = Registry::with_prefix("tracewell");
    let received = CollectorMetrics::register(&mut registry);
    let collector = Collector::start(config.collector(), Arc::new(storage.clone()), received.clone()).await?;
    metrics::register_storage(&mut registry, storage.clone());
    let registry = Arc::new(registry);
    let addresses = Addresses { otlp_grpc: collector.grpc_addr(), otlp_http: collector.http_addr(), http };
    state.ready(addresses, received);
    let engine = QueryEngine::new(storage.clone(), config.query());
    let routes = tracewell_api::router(ApiState::new(engine, Arc::clone(&state) as _))
        .merge(collector.zipkin_router())
        .route("/metrics", get(move || metrics::page(Arc::clone(&registry))))
        .merge(tracewell_ui::router());
    let _ = complete.set(routes);
    announce(&addresses, &config);
    if let Some(ready) = ready {
        let _ = ready.send(addresses);
    }

    ended.await;
    tracing::info!("stopping");
    state.stopping();
    // Receivers first, so that what was accepted is stored; then the pages.
    collector.shutdown(DRAIN).await;
    let _ = stop.send(());
    storage.close().await.context("could not close the storage")?;
    // Streams such as the live tail do not end by themselves.
    let _ = tokio::time::timeout(Duration::from_secs(1), serving).await;
    Ok(())
}

/// Passes requests under an allowed name on to the complete router once there is one.
fn front(hosts: AllowedHosts, complete: Arc<OnceLock<Router>>, starting: Router) -> Router {
    Router::new().fallback(move |request: Request| {
        let router = complete.get().cloned().unwrap_or_else(|| starting.clone());
        let refusal = hosts.refusal(&request);
        async move {
            if let Some(refusal) = refusal {
                return Ok(refusal);
            }
            let answer: Result<Response, std::convert::Infallible> = router.oneshot(request).await;
            answer
        }
    })
}

fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .with_context(|| format!("log = {:?}: expected a level or directives", config.log))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if config.log_json {
        logs.json().init()
    } else {
        logs.init()
    }
    Ok(())
}

fn announce(addresses: &Addresses, config: &Config) {
    println!(
        "Tracewell {} is ready.\n\n  Send   OTLP/gRPC   http://{}\n         OTLP/HTTP   http://{}\n  Look   UI and API  http://{}\n  Data   {}\n",
        env!("CARGO_PKG_VERSION"),
        addresses.otlp_grpc,
        addresses.otlp_http,
        addresses.http,
        config.data_dir.display(),
    );
}

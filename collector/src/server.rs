//! The listeners: they bind, accept, and stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::CollectorConfig;
use crate::connection::{self, ConnectionLimits, Ending};
use crate::cors::InvalidOrigin;
use crate::metrics::{CollectorMetrics, CollectorStats};
use crate::receiver::Receiver;
use crate::service::Service;
use crate::sink::Sink;
use crate::zipkin;

/// Why the receivers do not start.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// An address can not be listened on.
    #[error("cannot listen on {address} for {what}: {source}; stop what listens there or choose another address")]
    Listen {
        /// For what.
        what: &'static str,
        /// The address in the configuration.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An origin in the configuration is none.
    #[error("cors_allowed_origins: {0}")]
    Origin(#[from] InvalidOrigin),
}

/// The running receivers.
#[derive(Debug)]
pub struct Collector {
    service: Arc<Service>,
    grpc_addr: SocketAddr,
    http_addr: SocketAddr,
    ending: Ending,
    tasks: TaskTracker,
}

impl Collector {
    /// Binds both addresses and receives from then on.
    pub async fn start(
        config: CollectorConfig,
        sink: Arc<dyn Sink>,
        metrics: CollectorMetrics,
    ) -> Result<Collector, CollectorError> {
        let receiver = Arc::new(Receiver::new(&config, sink, metrics));
        let service = Arc::new(Service::new(&config, receiver)?);
        let grpc = bind("OTLP/gRPC", config.otlp_grpc).await?;
        let http = bind("OTLP/HTTP", config.otlp_http).await?;
        let collector = Collector {
            service,
            grpc_addr: grpc.local_addr().unwrap_or(config.otlp_grpc),
            http_addr: http.local_addr().unwrap_or(config.otlp_http),
            ending: Ending::default(),
            tasks: TaskTracker::new(),
        };
        let slots = Arc::new(Semaphore::new(config.connections_max));
        for listener in [grpc, http] {
            let acceptor = Acceptor {
                service: Arc::clone(&collector.service),
                limits: ConnectionLimits::new(&config),
                slots: Arc::clone(&slots),
                ending: collector.ending.clone(),
                tasks: collector.tasks.clone(),
            };
            collector.tasks.spawn(acceptor.run(listener));
        }
        Ok(collector)
    }

    /// Where OTLP/gRPC is received.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where OTLP/HTTP is received.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// What was received since the start.
    pub fn stats(&self) -> CollectorStats {
        self.service.receiver().metrics().stats()
    }

    /// Zipkin's `POST /zipkin/api/v2/spans`, for the product's HTTP port.
    pub fn zipkin_router(&self) -> Router {
        zipkin::zipkin_router(Arc::clone(&self.service))
    }

    /// Stops: no more connections, no more requests on those that are there; requests in progress are answered if
    /// they are done within `grace`.
    pub async fn shutdown(self, grace: Duration) {
        self.ending.gracefully.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            let connections = self.tasks.len();
            tracing::warn!(connections, ?grace, "connections did not end in time and are cut");
            self.ending.now.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.ending.gracefully.cancel();
        self.ending.now.cancel();
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, CollectorError> {
    TcpListener::bind(address).await.map_err(|source| CollectorError::Listen { what, address, source })
}

/// Accepts the connections of one listener.
struct Acceptor {
    service: Arc<Service>,
    limits: ConnectionLimits,
    slots: Arc<Semaphore>,
    ending: Ending,
    tasks: TaskTracker,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.ending.gracefully.cancelled() => return,
            };
            let (stream, client) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Of one connection, or no more file descriptors: connections that end will free some.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                tracing::debug!(%client, "too many connections (connections_max): closed a new one");
                continue;
            };
            // Answers are small and should not wait for more.
            let _ = stream.set_nodelay(true);
            let count = self.service.receiver().metrics().connection_opened();
            let address = Some(client.ip().to_canonical());
            let serving =
                connection::serve(stream, address, Arc::clone(&self.service), self.limits.clone(), self.ending.clone());
            self.tasks.spawn(async move {
                serving.await;
                drop((slot, count));
            });
        }
    }
}

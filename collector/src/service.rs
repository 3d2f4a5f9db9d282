//! What answers every request on both ports: gRPC calls to [`crate::grpc`], all others to [`crate::otlp_http`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use crate::config::CollectorConfig;
use crate::cors::{AllowedOrigins, InvalidOrigin};
use crate::notices::Notices;
use crate::receiver::Receiver;
use crate::refusal::{Refusal, RefusalKind};
use crate::reply::Reply;
use crate::{grpc, otlp_http};

/// Who sent a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// The address, where there is one.
    pub address: Option<IpAddr>,
}

/// Everything that answering a request takes. One for all connections.
#[derive(Debug)]
pub(crate) struct Service {
    receiver: Arc<Receiver>,
    origins: AllowedOrigins,
    path_prefix: String,
    notices: Notices,
}

/// How often a refused client is named in the log.
const NOTICE_PERIOD: Duration = Duration::from_secs(60);

impl Service {
    pub(crate) fn new(config: &CollectorConfig, receiver: Arc<Receiver>) -> Result<Service, InvalidOrigin> {
        Ok(Service {
            receiver,
            origins: AllowedOrigins::new(&config.cors_allowed_origins)?,
            path_prefix: config.http_path_prefix.trim_matches('/').to_owned(),
            notices: Notices::default(),
        })
    }

    pub(crate) fn receiver(&self) -> &Arc<Receiver> {
        &self.receiver
    }

    pub(crate) fn origins(&self) -> &AllowedOrigins {
        &self.origins
    }

    pub(crate) fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(self: &Arc<Self>, peer: &Peer, request: Request<B>) -> Response<Reply>
    where
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: std::fmt::Display,
    {
        if grpc::is_call(request.headers()) {
            grpc::handle(self, peer, request).await
        } else {
            otlp_http::handle(self, peer, request).await
        }
    }

    /// The refusal of a signal that is not stored; the first from a client is logged.
    pub(crate) fn not_stored(&self, signal: &'static str, peer: &Peer) -> Refusal {
        if self.notices.is_due(peer.address, signal, None) {
            tracing::warn!(client = ?peer.address, signal, "a client sends a signal that is not stored; this is said once");
        }
        let message = format!(
            "{signal} are not stored: Tracewell keeps traces and logs; switch the {signal} exporter off \
             (OTEL_{}_EXPORTER=none) or send them elsewhere",
            signal.to_uppercase()
        );
        Refusal::new(RefusalKind::SignalNotStored, message)
    }

    /// Logs a refusal, of each kind at most one per client and minute.
    pub(crate) fn log_refusal(&self, refusal: &Refusal, peer: &Peer, path: &str) {
        if refusal.kind == RefusalKind::SignalNotStored {
            return;
        }
        if self.notices.is_due(peer.address, refusal.kind.as_str(), Some(NOTICE_PERIOD)) {
            let reason = refusal.kind.as_str();
            let path: String = path.chars().take(100).collect();
            tracing::warn!(client = ?peer.address, path, reason, message = %refusal.message, "refused a request");
        }
    }
}

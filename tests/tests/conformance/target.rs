//! The server under test, and what it has stored.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::Value;
use tempfile::TempDir;
use tracewell_tests::{Api, Server, ServerOptions};

use crate::wire::{Answer, Called, Grpc, JSON, LOGS_EXPORT, PROTOBUF, TRACE_EXPORT, http1};

/// A running server on data of its own.
pub struct Target {
    pub server: Server,
    pub data: TempDir,
    pub api: Api,
}

impl Target {
    pub async fn start() -> Target {
        Target::start_with(&[]).await
    }

    pub async fn start_with(flags: &[&str]) -> Target {
        let data = tempfile::tempdir().expect("a directory");
        let flags = flags.iter().map(ToString::to_string).collect();
        let server =
            Server::start(data.path(), &ServerOptions { flags, ..ServerOptions::default() }).await.expect("a server");
        let api = server.api();
        Target { server, data, api }
    }

    /// Ends it without warning and starts it again on the same data.
    pub async fn kill_and_restart(self) -> Target {
        let Target { server, data, .. } = self;
        server.kill().await.expect("killed");
        let server = Server::start(data.path(), &ServerOptions::default()).await.expect("a server");
        let api = server.api();
        Target { server, data, api }
    }

    pub fn http(&self) -> SocketAddr {
        address(&self.server.otlp_http)
    }

    pub fn grpc(&self) -> SocketAddr {
        address(&self.server.otlp_grpc)
    }

    /// Sends traces in protobuf by HTTP.
    pub async fn traces(&self, request: &[u8]) -> Answer {
        http1(self.http(), "POST /v1/traces", &[PROTOBUF], request).await
    }

    /// Sends log records in protobuf by HTTP.
    pub async fn logs(&self, request: &[u8]) -> Answer {
        http1(self.http(), "POST /v1/logs", &[PROTOBUF], request).await
    }

    /// Sends traces in JSON.
    pub async fn traces_json(&self, request: &str) -> Answer {
        http1(self.http(), "POST /v1/traces", &[JSON], request.as_bytes()).await
    }

    /// Sends log records in JSON.
    pub async fn logs_json(&self, request: &str) -> Answer {
        http1(self.http(), "POST /v1/logs", &[JSON], request.as_bytes()).await
    }

    /// Calls a method of gRPC once.
    pub async fn call(&self, path: &str, message: &[u8]) -> Called {
        Grpc::connect(self.grpc()).await.call(path, message).await
    }

    pub async fn call_traces(&self, message: &[u8]) -> Called {
        self.call(TRACE_EXPORT, message).await
    }

    pub async fn call_logs(&self, message: &[u8]) -> Called {
        self.call(LOGS_EXPORT, message).await
    }

    /// A trace as it is stored, `None` when there is none.
    pub async fn stored(&self, trace_id: &[u8]) -> Option<ExportTraceServiceRequest> {
        let path = format!("/traces/{}", hex::encode(trace_id));
        let bytes = self.api.get_bytes(&path, "application/x-protobuf").await.ok()?;
        Some(ExportTraceServiceRequest::decode(bytes.as_slice()).expect("a trace in protobuf"))
    }

    /// The spans of a trace as they are stored.
    pub async fn stored_spans(&self, trace_id: &[u8]) -> Vec<Span> {
        let stored = self.stored(trace_id).await.unwrap_or_default();
        let scopes = stored.resource_spans.into_iter().flat_map(|group| group.scope_spans);
        scopes.flat_map(|group| group.spans).collect()
    }

    /// The only span of a trace.
    pub async fn stored_span(&self, trace_id: &[u8]) -> Span {
        let mut spans = self.stored_spans(trace_id).await;
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }

    /// All log records of all time, newest first.
    pub async fn stored_logs(&self) -> Vec<Value> {
        let all = [("start", "1970-01-01T00:00:00Z"), ("end", "2262-01-01T00:00:00Z")];
        self.api.all("/logs", "logs", &all).await.expect("log records")
    }

    /// The memory of the server in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let id = self.server.id().expect("a running server");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes << 10
    }

    /// Asserts that the server is still well.
    pub async fn assert_alive(&self) {
        self.api.get("/status", &[]).await.expect("a server that answers");
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").trim_end_matches('/').parse().expect("an address")
}

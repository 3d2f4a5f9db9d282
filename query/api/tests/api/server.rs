//! The API over a storage of its own in a temporary directory.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use tracewell_api::{Addresses, ApiState, Received, ReceivedCounts, ServerStatus, StatusSource, router};
use tracewell_model::{Records, TenantId, UnixNanos};
use tracewell_otlp::ContentEncoding;
use tracewell_query::{QueryConfig, QueryEngine};
use tracewell_storage::{Append, Appended, Storage, StorageConfig};

use crate::schema;

/// The API under test. Every answer is checked against the OpenAPI document.
pub struct Server {
    pub router: Router,
    pub storage: Storage,
    pub status: Arc<FixedStatus>,
    dir: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A status source with set answers.
#[derive(Default)]
pub struct FixedStatus {
    pub not_ready: Mutex<Option<String>>,
}

impl StatusSource for FixedStatus {
    fn readiness(&self) -> Result<(), String> {
        self.not_ready.lock().expect("no panic").clone().map_or(Ok(()), Err)
    }

    fn server(&self) -> ServerStatus {
        ServerStatus {
            version: "9.8.7".to_owned(),
            started_at: UnixNanos::now().saturating_sub(6_000_000_000),
            addresses: Addresses { http: "127.0.0.1:4319".parse().ok(), ..Addresses::default() },
            received: Received {
                traces: ReceivedCounts { accepted_records: 7, rejected_records: 2 },
                bytes: 99,
                ..Received::default()
            },
        }
    }
}

impl Server {
    pub async fn start() -> Server {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let storage = Storage::open(StorageConfig::new(dir.path())).await.expect("a storage");
        let engine = QueryEngine::new(storage.clone(), QueryConfig::default());
        let status = Arc::new(FixedStatus::default());
        let source: Arc<dyn StatusSource> = Arc::clone(&status) as _;
        Server { router: router(ApiState::new(engine, source)), storage, status, dir }
    }

    /// Where it keeps its data.
    pub fn data_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Stores an OTLP/JSON `ExportTraceServiceRequest`.
    pub async fn send_traces(&self, tenant: &str, request: &Value) {
        let body = tracewell_otlp::traces_json_to_protobuf(request.to_string().as_bytes()).expect("OTLP/JSON");
        let decoded = tracewell_otlp::decode_traces(&body, UnixNanos::now()).expect("OTLP");
        self.append(tenant, body, Records::Spans(decoded.records)).await;
    }

    /// Stores an OTLP/JSON `ExportLogsServiceRequest`.
    pub async fn send_logs(&self, tenant: &str, request: &Value) {
        let body = tracewell_otlp::logs_json_to_protobuf(request.to_string().as_bytes()).expect("OTLP/JSON");
        let decoded = tracewell_otlp::decode_logs(&body, UnixNanos::now()).expect("OTLP");
        self.append(tenant, body, Records::Logs(decoded.records)).await;
    }

    async fn append(&self, tenant: &str, body: Vec<u8>, records: Records) {
        let append = Append {
            tenant: TenantId::new(tenant).expect("a tenant"),
            received_at: UnixNanos::now(),
            encoding: ContentEncoding::Identity,
            request_hash: u128::from_be_bytes(rand_like(&body)),
            body: body.into(),
            records,
        };
        assert_eq!(self.storage.append(append).await.expect("stored"), Appended::Stored);
    }

    /// The JSON answer to a request that has to succeed.
    pub async fn json(&self, path: &str) -> Value {
        self.json_of("default", path).await
    }

    /// The same for a tenant.
    pub async fn json_of(&self, tenant: &str, path: &str) -> Value {
        let reply = self.get(path, &[("x-scope-orgid", tenant)]).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
        reply.json()
    }

    /// The message of a request that has to fail so.
    pub async fn error(&self, status: u16, code: &str, path: &str) -> String {
        let reply = self.get(path, &[]).await;
        let error = reply.json();
        assert_eq!((reply.status.as_u16(), error["error"]["code"].as_str()), (status, Some(code)), "{path}: {error}");
        error["error"]["message"].as_str().expect("a message").to_owned()
    }

    /// Whatever `GET` answers, which has to be as the OpenAPI document says.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let reply = self.request(Method::GET, path, headers).await;
        schema::check(path, &reply);
        reply
    }

    /// The same of `POST`.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let reply = self.request(Method::POST, path, headers).await;
        schema::check(path, &reply);
        reply
    }

    /// Whatever is answered.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let response = self.router.clone().oneshot(request(method, path, headers)).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

/// A hash that is good enough to tell the requests of a test apart.
fn rand_like(body: &[u8]) -> [u8; 16] {
    let mut hash = 0xcbf2_9ce4_8422_2325_u128;
    for &byte in body {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash.to_be_bytes()
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

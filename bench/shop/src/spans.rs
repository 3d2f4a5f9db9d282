//! Spans and log records in the making, by protocol.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};
use rand::Rng;

use crate::recorder::{int, text};
use crate::services::Service;
use crate::visit::Visit;

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
];

/// A span that is being recorded.
#[derive(Clone, Copy)]
pub struct Open(pub usize);

/// How a call ended.
#[derive(Clone, Copy, PartialEq)]
pub enum Outcome {
    Ok,
    Failed,
}

impl Visit<'_> {
    pub fn request(&mut self, method: &str, route: &str, path: &str) -> Open {
        let root = self.begin(Service::Frontend, None, SpanKind::Server, &format!("{method} {route}"));
        let agent = AGENTS[self.rng.random_range(0..AGENTS.len())];
        let client = format!("203.0.{}.{}", self.rng.random_range(112..120), self.rng.random_range(1..255));
        let port = self.rng.random_range(32_768..61_000);
        let session: u64 = self.rng.random();
        self.tags(
            root,
            [
                text("http.request.method", method),
                text("http.route", route),
                text("url.path", path),
                text("url.scheme", "https"),
                text("server.address", "shop.example.com"),
                text("user_agent.original", agent),
                text("client.address", &client),
                int("network.peer.port", port),
                text("network.protocol.version", "2"),
                text("user.id", &format!("user-{:06}", self.user)),
                text("session.id", &format!("{session:016x}")),
            ],
        );
        self.work(200_000, 2_000_000);
        root
    }

    pub fn respond(&mut self, root: Open, outcome: Outcome) {
        self.work(200_000, 3_000_000);
        let status = if outcome == Outcome::Ok { 200 } else { 500 };
        let bytes = self.rng.random_range(200..60_000);
        self.tags(root, [int("http.response.status_code", status), int("http.response.body.size", bytes)]);
        let name = self.telemetry.spans[root.0].1.name.clone();
        let elapsed = (self.now - self.telemetry.spans[root.0].1.start_time_unix_nano) / 1_000_000;
        let severity = if outcome == Outcome::Ok { 9 } else { 17 };
        self.log(Service::Frontend, root, severity, &format!("{name} {status} {bytes} - {elapsed} ms"));
        self.end(root, outcome, "");
    }

    pub fn rpc_client(&mut self, service: Service, parent: Open, rpc_service: &str, method: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Client, &format!("{rpc_service}/{method}"));
        let name = rpc_service.trim_start_matches("shop.").trim_end_matches("Service").to_lowercase();
        self.tags(
            span,
            [
                text("rpc.system", "grpc"),
                text("rpc.service", rpc_service),
                text("rpc.method", method),
                text("server.address", &name),
                int("server.port", 8080),
            ],
        );
        self.work(50_000, 600_000);
        span
    }

    pub fn rpc_server(&mut self, service: Service, parent: Open, rpc_service: &str, method: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Server, &format!("{rpc_service}/{method}"));
        let port = self.rng.random_range(32_768..61_000);
        let peer = format!("10.42.{}.{}", self.rng.random_range(0..4), self.rng.random_range(2..40));
        self.tags(
            span,
            [
                text("rpc.system", "grpc"),
                text("rpc.service", rpc_service),
                text("rpc.method", method),
                text("network.peer.address", &peer),
                int("network.peer.port", port),
            ],
        );
        span
    }

    pub fn http_client(&mut self, service: Service, parent: Open, method: &str, host: &str, path: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Client, method);
        self.tags(
            span,
            [
                text("http.request.method", method),
                text("url.full", &format!("http://{host}:8080{path}")),
                text("server.address", host),
                int("server.port", 8080),
            ],
        );
        self.work(50_000, 800_000);
        span
    }

    pub fn http_server(&mut self, service: Service, parent: Open, method: &str, route: &str, path: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Server, &format!("{method} {route}"));
        let thread = self.rng.random_range(1..64);
        self.tags(
            span,
            [
                text("http.request.method", method),
                text("http.route", route),
                text("url.path", path),
                text("url.scheme", "http"),
                int("thread.id", thread),
            ],
        );
        span
    }

    pub fn begin(&mut self, service: Service, parent: Option<Open>, kind: SpanKind, name: &str) -> Open {
        let parent_span_id = parent.map(|parent| self.telemetry.spans[parent.0].1.span_id.clone()).unwrap_or_default();
        let span = Span {
            trace_id: self.trace_id.clone(),
            span_id: self.rng.random::<[u8; 8]>().to_vec(),
            parent_span_id,
            flags: 0x101,
            name: name.to_owned(),
            kind: kind as i32,
            start_time_unix_nano: self.now,
            end_time_unix_nano: self.now,
            ..Span::default()
        };
        self.telemetry.spans.push((service as usize, span));
        Open(self.telemetry.spans.len() - 1)
    }

    pub fn end(&mut self, span: Open, outcome: Outcome, message: &str) {
        self.now += self.rng.random_range(10_000..120_000);
        let span = &mut self.telemetry.spans[span.0].1;
        span.end_time_unix_nano = self.now;
        if outcome == Outcome::Failed {
            span.status = Some(Status { message: message.to_owned(), code: StatusCode::Error as i32 });
        }
    }

    pub fn service_of(&self, span: Open) -> Service {
        let number = self.telemetry.spans[span.0].0;
        [
            Service::Frontend,
            Service::Checkout,
            Service::Cart,
            Service::ProductCatalog,
            Service::Payment,
            Service::Shipping,
            Service::Email,
            Service::Recommendation,
            Service::Ad,
            Service::Currency,
            Service::Inventory,
            Service::FraudDetection,
            Service::Accounting,
        ][number]
    }

    /// Time passes: mostly near `least`, sometimes up to `most` nanoseconds.
    pub fn work(&mut self, least: u64, most: u64) {
        let skewed = self.rng.random::<f64>().powi(3);
        self.now += least + ((most - least) as f64 * skewed) as u64;
    }

    pub fn tag(&mut self, span: Open, attribute: KeyValue) {
        self.telemetry.spans[span.0].1.attributes.push(attribute);
    }

    pub fn tags(&mut self, span: Open, attributes: impl IntoIterator<Item = KeyValue>) {
        self.telemetry.spans[span.0].1.attributes.extend(attributes);
    }

    pub fn exception(&mut self, span: Open, kind: &str, message: &str, stack: &str) {
        let attributes = vec![
            text("exception.type", kind),
            text("exception.message", message),
            text("exception.stacktrace", &format!("{kind}: {message}\n{stack}")),
        ];
        let event = Event { time_unix_nano: self.now, name: "exception".to_owned(), attributes, ..Event::default() };
        self.telemetry.spans[span.0].1.events.push(event);
    }

    pub fn log(&mut self, service: Service, span: Open, severity: i32, body: &str) {
        let severity_text = match severity {
            17 => "ERROR",
            13 => "WARN",
            _ => "INFO",
        };
        let line = self.rng.random_range(20..400);
        let record = LogRecord {
            time_unix_nano: self.now,
            observed_time_unix_nano: self.now + self.rng.random_range(20_000..900_000),
            severity_number: severity,
            severity_text: severity_text.to_owned(),
            body: Some(AnyValue { value: Some(any_value::Value::StringValue(body.to_owned())) }),
            attributes: vec![text("code.function.name", "handle"), int("code.line.number", line)],
            flags: 1,
            trace_id: self.trace_id.clone(),
            span_id: self.telemetry.spans[span.0].1.span_id.clone(),
            ..LogRecord::default()
        };
        self.telemetry.logs.push((service as usize, record));
    }
}

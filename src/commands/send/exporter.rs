//! Sending one request by OTLP/HTTP, again for as long as the server asks for that.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use prost::Message;
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tracewell_collector::RpcStatus;

use crate::commands::printable;

/// The first wait where the server names none; it doubles from one to the next.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Where requests of one signal go.
pub struct Exporter {
    pub http: reqwest::Client,
    /// With the path of the signal.
    pub url: String,
    pub tenant: String,
    /// For how long a request is sent again.
    pub retry_for: Duration,
}

/// What the server did not take of a request.
#[derive(Debug, Default, PartialEq)]
pub struct Rejected {
    pub records: u64,
    /// Why, in the server's words; may be empty.
    pub reason: String,
}

impl Exporter {
    /// Sends a request, again while the answer says so.
    pub async fn export(&self, body: Bytes) -> anyhow::Result<Rejected> {
        let began = Instant::now();
        for attempt in 0.. {
            let response = self.post(body.clone()).await?;
            let status = response.status();
            if status.is_success() {
                return rejected(&response.bytes().await?);
            }
            let headers = response.headers().clone();
            let answer = status_of(response).await;
            let said = format!("{} answered {status}: {}", self.url, printable(&answer.message));
            if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
                bail!(said);
            }
            let wait = answer.retry_delay().or_else(|| retry_after(&headers)).unwrap_or_else(|| backoff(attempt));
            if began.elapsed() + wait > self.retry_for {
                bail!(
                    "{said} (after {} attempts; the next would be in {:.1} s, and --retry-for is {} s)",
                    attempt + 1,
                    wait.as_secs_f64(),
                    self.retry_for.as_secs_f64()
                );
            }
            tokio::time::sleep(wait).await;
        }
        unreachable!("attempts end by themselves")
    }

    async fn post(&self, body: Bytes) -> anyhow::Result<Response> {
        let request = self.http.post(&self.url).body(body);
        let request = request.header("content-type", "application/x-protobuf").header("x-scope-orgid", &self.tenant);
        request.send().await.with_context(|| {
            format!("no answer from {}: is the server running there? (--endpoint URL, or --server URL)", self.url)
        })
    }
}

/// What an answer says; what stands between (a proxy, say) answers in its own way, which is the message then.
async fn status_of(response: Response) -> RpcStatus {
    let is_protobuf = response
        .headers()
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-protobuf"));
    let body = response.bytes().await.unwrap_or_default();
    match RpcStatus::decode(body.clone()) {
        Ok(status) if is_protobuf => status,
        _ => RpcStatus { message: String::from_utf8_lossy(&body).trim().to_owned(), ..RpcStatus::default() },
    }
}

/// The seconds of `Retry-After`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn backoff(attempt: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(1 << attempt.min(16)).min(BACKOFF_MAX)
}

/// The partial success of a response: in field 1, with the count in field 1 and the reason in field 2.
fn rejected(response: &[u8]) -> anyhow::Result<Rejected> {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    // Responses of both signals have the same shape on the wire.
    let response = ExportTraceServiceResponse::decode(response).context("the answer is no OTLP response")?;
    let partial = response.partial_success.unwrap_or_default();
    Ok(Rejected { records: partial.rejected_spans.max(0) as u64, reason: partial.error_message })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use tracewell_collector::RpcDetail;

    use super::*;

    /// A server that refuses so many requests before it takes one, and counts them.
    async fn refusing<R: IntoResponse>(
        times: u32,
        refusal: impl Fn() -> R + Clone + Send + Sync + 'static,
    ) -> (Exporter, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        let answer = move || {
            let (refuses, refusal) = (counter.fetch_add(1, Ordering::Relaxed) < times, refusal.clone());
            async move { if refuses { refusal().into_response() } else { StatusCode::OK.into_response() } }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1/logs", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let (http, tenant) = (reqwest::Client::new(), "default".to_owned());
        (Exporter { http, url, tenant, retry_for: Duration::from_secs(30) }, asked)
    }

    fn overloaded(delay: Duration) -> impl IntoResponse {
        let details = vec![RpcDetail::retry_after(delay)];
        let status = RpcStatus { code: 14, message: "the disk is full".to_owned(), details };
        let headers = [("content-type", "application/x-protobuf"), ("retry-after", "3600")];
        (StatusCode::SERVICE_UNAVAILABLE, headers, status.encode_to_vec())
    }

    #[tokio::test]
    async fn waits_as_long_as_the_server_says() {
        let (exporter, asked) = refusing(2, || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")])).await;
        let began = Instant::now();
        assert_eq!(exporter.export(Bytes::new()).await.expect("sent"), Rejected::default());
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn the_delay_in_the_status_is_finer_than_the_header() {
        let (exporter, asked) = refusing(3, || overloaded(Duration::from_millis(20))).await;
        exporter.export(Bytes::new()).await.expect("sent");
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn gives_up_in_time_and_says_what_the_server_said() {
        let (mut exporter, asked) = refusing(u32::MAX, || overloaded(Duration::from_millis(50))).await;
        exporter.retry_for = Duration::from_millis(180);
        let error = exporter.export(Bytes::new()).await.expect_err("given up").to_string();
        assert!(error.contains("503 Service Unavailable: the disk is full"), "{error}");
        assert!((2..=4).contains(&asked.load(Ordering::Relaxed)), "{error}");
        let (exporter, asked) = refusing(u32::MAX, || overloaded(Duration::from_secs(40))).await;
        let error = exporter.export(Bytes::new()).await.expect_err("given up").to_string();
        assert!(asked.load(Ordering::Relaxed) == 1 && error.contains("the next would be in 40.0 s"), "{error}");
    }

    #[tokio::test]
    async fn what_is_wrong_for_good_is_not_sent_again() {
        let (exporter, asked) = refusing(u32::MAX, || (StatusCode::BAD_REQUEST, "no such path, says the proxy")).await;
        let error = exporter.export(Bytes::new()).await.expect_err("refused").to_string();
        assert!(error.ends_with("answered 400 Bad Request: no such path, says the proxy"), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn waits_grow_up_to_a_bound() {
        assert_eq!([0, 1, 2].map(backoff), [200, 400, 800].map(Duration::from_millis));
        assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
    }
}

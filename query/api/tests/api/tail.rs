//! The live tail.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, header};
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::schema;
use crate::server::{self, Server};
use crate::shop::{self, Epoch};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the live tail.
struct Client {
    body: BodyDataStream,
    text: String,
}

impl Client {
    async fn connect(server: &Server, query: &str) -> Client {
        let request =
            server::request(Method::GET, &format!("/api/v1/logs/tail{query}"), &[("accept-encoding", "gzip")]);
        let response = server.router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        let body: Body = response.into_body();
        Client { body: body.into_data_stream(), text: String::new() }
    }

    /// The data of the next event; nothing when the tail has ended.
    async fn event(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(data) = event.strip_prefix("event: logs\ndata: ") {
                    let data = serde_json::from_str(data).expect("JSON");
                    schema::check_named("TailBatch", &data);
                    return Some(data);
                }
                assert!(event.starts_with(':'), "{event}");
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("an event in time")?;
            self.text.push_str(std::str::from_utf8(&chunk.expect("a chunk")).expect("UTF-8"));
        }
    }

    /// The bodies of the next `count` log records, over as many events as it takes.
    async fn bodies(&mut self, count: usize) -> Vec<Value> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            let batch = self.event().await.expect("an event");
            assert_eq!(batch["droppedCount"], 0);
            bodies.extend(batch["logs"].as_array().expect("logs").iter().map(|record| record["body"].clone()));
        }
        bodies
    }
}

#[tokio::test]
async fn log_records_come_while_they_are_stored() {
    let server = Server::start().await;
    let mut client = Client::connect(&server, "").await;
    server.send_logs("default", &shop::logs(Epoch::recent())).await;
    assert_eq!(client.bodies(4).await.len(), 4);
}

#[tokio::test]
async fn only_what_the_search_meets_comes() {
    let server = Server::start().await;
    let mut client = Client::connect(&server, "?q=severity%3E%3Dwarn").await;
    server.send_logs("default", &shop::logs(Epoch::recent())).await;
    let mut bodies = client.bodies(2).await;
    bodies.sort_by_key(|body| body.to_string());
    assert_eq!(bodies, [json!("nobody asked"), json!("payment timed out")]);
}

#[tokio::test]
async fn only_the_own_tenant_is_seen() {
    let server = Server::start().await;
    let mut client = Client::connect(&server, "").await;
    let (early, late) = (Epoch::recent(), Epoch(Epoch::recent().0 + 1_000_000_000));
    server.send_logs("other", &shop::logs(early)).await;
    server.send_logs("default", &shop::logs(late)).await;
    let batch = client.event().await.expect("an event");
    let latest = late.plus_ms(21);
    assert!(batch["logs"].as_array().expect("logs").iter().any(|record| record["timestamp"] == latest.as_str()));
    assert_eq!(batch["logs"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn a_tail_ends_when_the_server_shuts_down() {
    let server = Server::start().await;
    let mut client = Client::connect(&server, "").await;
    *server.status.not_ready.lock().expect("no panic") = Some("shutting down".to_owned());
    assert!(client.event().await.is_none());
}

#[tokio::test]
async fn tails_are_limited_and_make_room_when_clients_leave() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(Client::connect(&server, "").await);
    }
    let message = server.error(503, "unavailable", "/api/v1/logs/tail").await;
    assert!(message.contains("100 live tails"), "{message}");
    clients.clear();
    let room = async {
        loop {
            let request = server::request(Method::GET, "/api/v1/logs/tail", &[]);
            if server.router.clone().oneshot(request).await.expect("infallible").status().is_success() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("room for another");
}

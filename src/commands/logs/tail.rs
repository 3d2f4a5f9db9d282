//! The live tail of the server: batches of records as they are stored.

use std::pin::Pin;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;

/// Records that wait while the page before them is under way; more are left out, which is said.
const WAITING_MAX: usize = 200_000;

/// Records that were stored together.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Those that match.
    pub logs: Vec<Value>,
    /// How many more the server left out because they came too fast.
    #[serde(default)]
    pub dropped_count: u64,
}

/// A tail that is open.
pub struct Tail {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    pending: BytesMut,
    waiting: Batch,
}

impl Tail {
    /// Opens the tail of a query: what is stored from now on comes by it.
    pub async fn open(client: &Client, query: String) -> anyhow::Result<Tail> {
        let response = client.get("/logs/tail", &[("q", query)], "text/event-stream").await?;
        let waiting = Batch::default();
        Ok(Tail { body: Box::pin(response.bytes_stream()), pending: BytesMut::new(), waiting })
    }

    /// Does something else, while records go on to be taken from the server, which would drop them otherwise.
    pub async fn during<T>(&mut self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                batch = receive(&mut self.body, &mut self.pending) => {
                    let batch = batch?;
                    self.waiting.dropped_count += batch.dropped_count;
                    let room = WAITING_MAX.saturating_sub(self.waiting.logs.len());
                    self.waiting.dropped_count += batch.logs.len().saturating_sub(room) as u64;
                    self.waiting.logs.extend(batch.logs.into_iter().take(room));
                }
            }
        }
    }

    /// The next records, first those that came meanwhile. Fails when the server ends the tail.
    pub async fn next(&mut self) -> anyhow::Result<Batch> {
        if !self.waiting.logs.is_empty() || self.waiting.dropped_count > 0 {
            return Ok(std::mem::take(&mut self.waiting));
        }
        receive(&mut self.body, &mut self.pending).await
    }
}

/// Reads up to the end of the next event. May be dropped and called again at any time.
async fn receive(
    body: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    pending: &mut BytesMut,
) -> anyhow::Result<Batch> {
    loop {
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line = pending.split_to(end + 1);
            if let Some(data) = line.strip_prefix(b"data:") {
                return serde_json::from_slice(data).context("the server sent something else than log records");
            }
        }
        match body.next().await {
            Some(piece) => pending.extend_from_slice(&piece?),
            None => anyhow::bail!("the server ended the stream: follow again for what comes from now on"),
        }
    }
}

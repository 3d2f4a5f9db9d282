//! The live tail: log records that meet a search, as server-sent events while they are stored.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use serde_json::value::RawValue;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;
use tracewell_model::{Logs, Signal};
use tracewell_query::Matcher;

use crate::error::ApiError;
use crate::params::Params;
use crate::records::log_record;
use crate::shapes::TailBatch;
use crate::status::StatusSource;
use crate::tenant::Tenant;
use crate::{ApiState, endpoints, scope};

/// The time between two batches.
const BATCH_INTERVAL: Duration = Duration::from_millis(100);
/// The most records that wait for the next batch; the oldest give way.
const WAITING_RECORDS_MAX: usize = 1_000;
/// The most bytes of records that wait for the next batch; the oldest give way.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// Batches on their way to a client that reads slowly.
const BATCHES_UNDER_WAY: usize = 2;
/// How often a comment tells that the connection lives.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// The most tails at the same time.
pub const TAILS_MAX: usize = 100;

/// `GET /api/v1/logs/tail`.
pub async fn follow(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_deref(), endpoints::LOG_TAIL.params)?;
    let matcher = state.engine.matcher(&scope::query(&params)?, Signal::Logs)?;
    let permit = Arc::clone(&state.tails).try_acquire_owned().map_err(|_| {
        ApiError::Unavailable(format!("{TAILS_MAX} live tails are running already: close one, or try again later"))
    })?;
    let (sender, receiver) = mpsc::channel(BATCHES_UNDER_WAY);
    let tail = Tail {
        source: state.storage.tail_logs(&tenant.0),
        matcher,
        status: Arc::clone(&state.status),
        waiting: Waiting::default(),
        sender,
        _permit: permit,
    };
    tokio::spawn(tail.run());
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE_INTERVAL).text("keep-alive");
    // Proxies that collect answers before they pass them on would make a live tail anything but live.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], Sse::new(events(receiver)).keep_alive(keep_alive)).into_response())
}

fn events(batches: mpsc::Receiver<TailBatch>) -> impl Stream<Item = Result<Event, Infallible>> {
    ReceiverStream::new(batches).map(|batch| {
        let event = Event::default().event("logs").json_data(&batch);
        Ok(event.unwrap_or_else(|error| Event::default().comment(format!("a batch cannot be written: {error}"))))
    })
}

/// A tail that is running. It ends when its client is gone, the storage closes or the server shuts down.
struct Tail {
    source: broadcast::Receiver<Arc<Logs>>,
    matcher: Matcher,
    status: Arc<dyn StatusSource>,
    waiting: Waiting,
    sender: mpsc::Sender<TailBatch>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(BATCH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.sender.closed() => return,
                _ = ticks.tick() => {
                    self.send();
                    if self.status.readiness().is_err() {
                        return;
                    }
                }
                received = self.source.recv() => match received {
                    Ok(logs) => self.take(&logs).await,
                    Err(RecvError::Lagged(batches)) => self.waiting.dropped_count += batches,
                    Err(RecvError::Closed) => {
                        self.send();
                        return;
                    }
                },
            }
        }
    }

    async fn take(&mut self, logs: &Arc<Logs>) {
        let matching = match self.matcher.matches(logs).await {
            Ok(matching) => matching,
            Err(error) => {
                tracing::warn!(%error, "a live tail could not judge a batch of {} log records", logs.len());
                self.waiting.dropped_count += logs.len() as u64;
                return;
            }
        };
        // Of a batch larger than what may wait only the end would be kept: spare the rest the way to JSON.
        let skipped = matching.len().saturating_sub(WAITING_RECORDS_MAX);
        self.waiting.dropped_count += skipped as u64;
        for row in skipped..matching.len() {
            match serde_json::value::to_raw_value(&log_record(&matching, row)) {
                Ok(record) => self.waiting.push(record),
                Err(_) => self.waiting.dropped_count += 1,
            }
        }
    }

    /// Hands on what waits, unless the client is so slow that the last batches are still under way.
    fn send(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if let Ok(slot) = self.sender.try_reserve() {
            slot.send(self.waiting.take());
        }
    }
}

/// Records that wait for the next batch.
#[derive(Default)]
struct Waiting {
    logs: VecDeque<Box<RawValue>>,
    bytes: usize,
    dropped_count: u64,
}

impl Waiting {
    fn push(&mut self, record: Box<RawValue>) {
        self.bytes += record.get().len();
        self.logs.push_back(record);
        while self.logs.len() > WAITING_RECORDS_MAX || (self.bytes > WAITING_BYTES_MAX && self.logs.len() > 1) {
            self.bytes -= self.logs.pop_front().map_or(0, |oldest| oldest.get().len());
            self.dropped_count += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.dropped_count == 0
    }

    fn take(&mut self) -> TailBatch {
        let waiting = std::mem::take(self);
        TailBatch { logs: waiting.logs.into(), dropped_count: waiting.dropped_count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Box<RawValue> {
        serde_json::value::to_raw_value(text).expect("JSON")
    }

    #[test]
    fn the_newest_records_wait_and_the_others_are_counted() {
        let mut waiting = Waiting::default();
        for number in 0..WAITING_RECORDS_MAX + 7 {
            waiting.push(record(&number.to_string()));
        }
        let batch = waiting.take();
        assert_eq!((batch.logs.len(), batch.dropped_count), (WAITING_RECORDS_MAX, 7));
        assert_eq!(batch.logs[0].get(), "\"7\"");
        assert!(waiting.is_empty());
    }

    #[test]
    fn large_records_are_bounded_by_their_bytes_but_one_always_goes() {
        let mut waiting = Waiting::default();
        let large = "x".repeat(WAITING_BYTES_MAX / 2);
        for _ in 0..5 {
            waiting.push(record(&large));
        }
        waiting.push(record(&"y".repeat(2 * WAITING_BYTES_MAX)));
        let batch = waiting.take();
        assert_eq!((batch.logs.len(), batch.dropped_count), (1, 5));
        assert!(batch.logs[0].get().starts_with("\"y"));
    }
}

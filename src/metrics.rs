//! `/metrics`: the server's own figures in the Prometheus text format.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tracewell_storage::{Storage, TableStats};

/// The answer to `GET /metrics`.
pub async fn page(registry: Arc<Registry>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Adds the figures of the storage, read when the page is.
pub fn register_storage(registry: &mut Registry, storage: Storage) {
    registry.register_collector(Box::new(StorageCollector(storage)));
}

struct StorageCollector(Storage);

impl std::fmt::Debug for StorageCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StorageCollector")
    }
}

/// A figure of a table: its name, what it says, and how to read it.
type Figure = (&'static str, &'static str, fn(&TableStats) -> u64);

const TABLE_FIGURES: [Figure; 5] = [
    ("storage_live_rows", "Records in memory that are in no segment yet", |table| table.live_rows),
    ("storage_live_bytes", "Memory that these take", |table| table.live_bytes),
    ("storage_segments", "Segments", |table| table.segments),
    ("storage_segment_rows", "Records in segments", |table| table.segment_rows),
    ("storage_segment_bytes", "Bytes of segments with their indexes", |table| table.segment_bytes),
];

impl Collector for StorageCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let stats = self.0.stats();
        for (name, help, value) in TABLE_FIGURES {
            let gauge = ConstGauge::new(0i64);
            let mut family = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            for table in &stats.tables {
                let labels = [("tenant", table.tenant.as_str()), ("signal", table.signal.as_str())];
                let gauge = ConstGauge::new(i64::try_from(value(table)).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&labels)?)?;
            }
        }
        let figures = [
            ("storage_journal_bytes", "Disk space of the journal", stats.journal_bytes),
            (
                "storage_degraded",
                "1 while records are refused because a budget is full",
                u64::from(stats.degraded.is_some()),
            ),
            ("storage_damaged", "Objects that were found damaged", stats.damaged.len() as u64),
        ];
        for (name, help, value) in figures {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

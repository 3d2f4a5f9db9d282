//! The settings as the parts of the server take them.

use tracewell_collector::CollectorConfig;
use tracewell_query::QueryConfig;
use tracewell_storage::{Retention, StorageConfig};

use super::Config;
use super::value::ByteCount;

impl Config {
    /// For the storage.
    pub fn storage(&self) -> StorageConfig {
        StorageConfig {
            flush_interval: self.flush_interval,
            flush_bytes: size(self.flush_bytes),
            live_bytes_max: size(self.live_bytes_max),
            journal_bytes_max: self.journal_bytes_max.0,
            journal_file_bytes: self.journal_file_bytes.0,
            disk_reserve_bytes: self.disk_reserve_bytes.0,
            tenants_max: self.tenants_max,
            compaction_interval: self.compaction_interval,
            segment_rows_max: self.segment_rows_max,
            deletion_grace: self.deletion_grace,
            retention: Retention {
                traces_age_max: self.traces_age_max,
                logs_age_max: self.logs_age_max,
                traces_bytes_max: self.traces_bytes_max.map(|bytes| bytes.0),
                logs_bytes_max: self.logs_bytes_max.map(|bytes| bytes.0),
            },
            ..StorageConfig::new(&self.data_dir)
        }
    }

    /// For the receivers.
    pub fn collector(&self) -> CollectorConfig {
        CollectorConfig {
            otlp_grpc: self.otlp_grpc,
            otlp_http: self.otlp_http,
            request_bytes_max: size(self.request_bytes_max),
            inflight_bytes_max: size(self.inflight_bytes_max),
            admission_wait_max: self.admission_wait_max,
            http_path_prefix: self.http_path_prefix.clone(),
            connections_max: self.connections_max,
            connection_streams_max: self.connection_streams_max,
            connection_age_max: self.connection_age_max,
            idle_timeout: self.connection_idle_timeout,
            header_timeout: self.request_header_timeout,
            body_timeout: self.request_body_timeout,
            cors_allowed_origins: self.cors_allowed_origins.clone(),
            dead_letter_dir: Some(self.data_dir.join("dead-letters")),
            ..CollectorConfig::default()
        }
    }

    /// For the query engine.
    pub fn query(&self) -> QueryConfig {
        QueryConfig {
            deadline: self.query_deadline,
            memory_bytes_max: size(self.query_bytes_max),
            concurrency_max: self.query_concurrency_max,
        }
    }
}

fn size(bytes: ByteCount) -> usize {
    usize::try_from(bytes.0).unwrap_or(usize::MAX)
}

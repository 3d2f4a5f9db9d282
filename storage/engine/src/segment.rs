//! Segments. (Provisional until the owner of this file replaces it.)

use std::sync::Arc;

use tracewell_model::{Logs, Spans, TraceId, UnixNanos};

use crate::{ScanRequest, ScanStream, StorageError};

pub(crate) struct SegmentMeta {
    pub time_min: UnixNanos,
    pub time_max: UnixNanos,
    pub rows: u64,
}

pub(crate) struct Segment {
    meta: SegmentMeta,
}

impl Segment {
    pub(crate) fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    pub(crate) fn scan(self: &Arc<Segment>, _source: u32, _request: &ScanRequest) -> ScanStream {
        Box::pin(futures::stream::empty())
    }

    pub(crate) async fn trace_rows(&self, _trace: TraceId) -> Result<Vec<u32>, StorageError> {
        Ok(Vec::new())
    }

    pub(crate) async fn rows_spans(&self, _rows: &[u32]) -> Result<Spans, StorageError> {
        Ok(Spans::default())
    }

    pub(crate) async fn rows_logs(&self, _rows: &[u32]) -> Result<Logs, StorageError> {
        Ok(Logs::default())
    }
}

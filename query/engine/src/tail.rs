//! Judging log records as they arrive, for the live tail.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use tracewell_model::{Logs, Records, TimeRange};
use tracewell_storage::{Column, Predicate, RowAddress, ScanRequest, Snapshot};

use crate::QueryError;

/// A query ready to judge batches in memory.
#[derive(Clone, Debug)]
pub struct Matcher {
    predicate: Predicate,
}

impl Matcher {
    pub(crate) fn new(predicate: Predicate) -> Matcher {
        Matcher { predicate }
    }

    /// The records of the batch that meet the query, in their order. The storage judges them as it does stored ones.
    pub async fn matches(&self, logs: &Arc<Logs>) -> Result<Logs, QueryError> {
        let mut matching = Logs::default();
        if self.predicate == Predicate::always() {
            matching.append(logs);
            return Ok(matching);
        }
        let snapshot = Snapshot::of_records(Records::Logs(Logs::clone(logs)));
        let request =
            ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate: self.predicate.clone() };
        let mut rows = Vec::new();
        for (number, source) in (0u32..).zip(snapshot.sources()) {
            let batches: Vec<_> = source.scan(number, &request).try_collect().await?;
            let addresses = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values());
            rows.extend(addresses.map(|address| RowAddress(*address).row()));
        }
        rows.sort_unstable();
        matching.append_rows(logs, rows);
        Ok(matching)
    }
}

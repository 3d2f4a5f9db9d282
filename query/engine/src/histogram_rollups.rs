//! Histograms by rollups; rows only of the minutes that the time range cuts.

use datafusion::prelude::lit;
use futures::StreamExt;
use tracewell_model::TimeRange;
use tracewell_storage::RollupTable;

use crate::QueryError;
use crate::histogram::{LogBucket, log_rows, span_rows};
use crate::keys::KeyFilter;
use crate::rollups::{Cut, Grid};
use crate::session::{Session, View};
use crate::spread::{Classes, Part};

/// Log records whose keys meet the filter, by part of time; none when rollups cannot tell which do.
pub(crate) async fn logs(
    session: &Session,
    view: &View,
    time: TimeRange,
    grid: &Grid,
    filter: &KeyFilter,
) -> Result<Option<Vec<LogBucket>>, QueryError> {
    let mut buckets = vec![LogBucket::default(); grid.count];
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, RollupTable::Logs, grid.is_by_hours());
    while let Some(part) = read.next().await.transpose()? {
        let keys = part.log_keys();
        let Some(met) = filter.logs(keys).await? else { return Ok(None) };
        part.visit(|cell| {
            if met[cell.key] {
                buckets[grid.place(cell.minute)].add(keys[cell.key].severity, cell.count);
            }
        })?;
    }
    for (view, end) in cut.ends(view) {
        for (_, severity, records) in log_rows(session, &view, end, filter.predicate().clone(), lit(0i64)).await? {
            buckets[grid.place_of(end.start)].add(severity, records);
        }
    }
    Ok(Some(buckets))
}

/// Spans whose keys meet the filter, by part of time; none when rollups cannot tell which do.
pub(crate) async fn spans(
    session: &Session,
    view: &View,
    time: TimeRange,
    grid: &Grid,
    filter: &KeyFilter,
) -> Result<Option<Vec<Part<Classes>>>, QueryError> {
    let mut buckets: Vec<Part<Classes>> = Vec::new();
    buckets.resize_with(grid.count, Part::default);
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, RollupTable::Spans, grid.is_by_hours());
    while let Some(part) = read.next().await.transpose()? {
        let keys = part.span_keys();
        let Some(met) = filter.spans(keys).await? else { return Ok(None) };
        part.visit(|cell| {
            if met[cell.key] {
                let bucket = &mut buckets[grid.place(cell.minute)];
                bucket.errors += if keys[cell.key].is_error() { cell.count } else { 0 };
                cell.durations.iter().for_each(|(class, count)| bucket.durations.push(*class, *count));
            }
        })?;
    }
    for (view, end) in cut.ends(view) {
        for (_, rows) in span_rows(session, &view, end, filter.predicate().clone(), lit(0i64)).await? {
            let bucket = &mut buckets[grid.place_of(end.start)];
            bucket.errors += rows.errors;
            bucket.durations.push_rows(&rows.durations);
        }
    }
    Ok(Some(buckets))
}

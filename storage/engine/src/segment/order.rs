//! The order of rows in a segment.

use hashbrown::HashMap;
use tracewell_model::{Logs, Spans};

/// Spans by trace: traces by their earliest start, then id; the spans of a trace by start.
pub(crate) fn order_spans(spans: &Spans) -> Vec<u32> {
    let mut earliest = HashMap::with_capacity(spans.len() / 4);
    for (trace, &start) in spans.trace_id.iter().zip(&spans.start) {
        let first = earliest.entry(*trace).or_insert(start);
        *first = start.min(*first);
    }
    let mut keys: Vec<_> = (0..spans.len())
        .map(|row| {
            let trace = spans.trace_id[row];
            (earliest.get(&trace).copied().unwrap_or_default(), trace, spans.start[row], row as u32)
        })
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key.3).collect()
}

/// Log records by time.
pub(crate) fn order_logs(logs: &Logs) -> Vec<u32> {
    let mut keys: Vec<(u64, u32)> = logs.timestamp.iter().zip(0..).map(|(&time, row)| (time, row)).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key.1).collect()
}

/// The log records of a row group by scope, then time: what is alike stands together. `scope_ids` gives the number in
/// the segment of each of the batch's scopes.
pub(crate) fn order_row_group(logs: &Logs, rows: &mut [u32], scope_ids: &[u32]) {
    rows.sort_by_key(|&row| {
        let row = row as usize;
        (scope_ids[logs.scope[row] as usize], logs.timestamp[row])
    });
}

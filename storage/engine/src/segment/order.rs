//! The order of rows in a segment.

use std::sync::Arc;

use hashbrown::HashMap;
use tracewell_model::{Logs, Records, TraceId};

use super::gather::RowRef;

/// The order of the rows of a segment made of `parts`: spans by trace (traces by their earliest start, then id; the
/// spans of a trace by start), log records by time. What is equal keeps its order.
pub(crate) fn order_of(parts: &[Arc<Records>]) -> Vec<RowRef> {
    let row_refs = |part: usize, rows: usize| (0..rows as u32).map(move |row| RowRef { part: part as u32, row });
    let mut spans = Vec::new();
    let mut logs = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        match part.as_ref() {
            Records::Spans(part) => {
                let keys = part.trace_id.iter().zip(&part.start).zip(row_refs(number, part.len()));
                spans.extend(keys.map(|((&trace, &start), at)| (0, trace, start, at)));
            }
            Records::Logs(part) => logs.extend(part.timestamp.iter().copied().zip(row_refs(number, part.len()))),
        }
    }
    let mut earliest: HashMap<TraceId, u64> = HashMap::with_capacity(spans.len() / 4);
    for (_, trace, start, _) in &spans {
        let first = earliest.entry(*trace).or_insert(*start);
        *first = (*start).min(*first);
    }
    spans.iter_mut().for_each(|key| key.0 = earliest.get(&key.1).copied().unwrap_or_default());
    spans.sort_unstable();
    logs.sort_unstable();
    spans.into_iter().map(|key| key.3).chain(logs.into_iter().map(|key| key.1)).collect()
}

/// The log records of a row group by scope, then time: what is alike stands together. `scope_ids` gives the number in
/// the segment of each of the batch's scopes.
pub(crate) fn order_row_group(logs: &Logs, rows: &mut [u32], scope_ids: &[u32]) {
    rows.sort_by_key(|&row| {
        let row = row as usize;
        (scope_ids[logs.scope[row] as usize], logs.timestamp[row])
    });
}

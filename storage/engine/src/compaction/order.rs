//! The order of the rows of a merged segment, planned up front from the sort keys of the inputs.
//!
//! The order is that of every segment: spans by trace (traces by their earliest start over *all* inputs, then id), the
//! spans of a trace by start; log records by time. Equal keys keep the order of the inputs and of their rows. Only
//! keys are held here: at most some 60 bytes a row, and far fewer for spans, whose traces are contiguous already.

use tracewell_model::TraceId;

use crate::segment::RowRef;

/// The sort keys of the spans of an input, in the order of its rows.
#[derive(Debug, Default)]
pub(super) struct SpanKeys {
    pub trace_id: Vec<TraceId>,
    pub start: Vec<u64>,
}

/// Consecutive rows of one trace in one input.
struct Run {
    trace: TraceId,
    /// The earliest start of the trace: first in the run, later in all inputs.
    earliest: u64,
    at: RowRef,
    len: u32,
}

/// The merged order of spans.
pub(super) fn order_of_spans(inputs: &[SpanKeys]) -> Vec<RowRef> {
    let mut runs = runs_of(inputs);
    runs.sort_unstable_by_key(|run| (run.trace, run.at));
    for trace in runs.chunk_by_mut(|a, b| a.trace == b.trace) {
        let earliest = trace.iter().map(|run| run.earliest).min().unwrap_or_default();
        trace.iter_mut().for_each(|run| run.earliest = earliest);
    }
    runs.sort_unstable_by_key(|run| (run.earliest, run.trace, run.at));
    let mut order: Vec<RowRef> = Vec::with_capacity(inputs.iter().map(|input| input.start.len()).sum());
    for trace in runs.chunk_by(|a, b| a.trace == b.trace) {
        let first = order.len();
        order.extend(
            trace
                .iter()
                .flat_map(|run| (run.at.row..run.at.row + run.len).map(|row| RowRef { part: run.at.part, row })),
        );
        order[first..].sort_by_key(|at| inputs[at.part as usize].start[at.row as usize]);
    }
    order
}

fn runs_of(inputs: &[SpanKeys]) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        let mut row = 0;
        for trace in input.trace_id.chunk_by(|a, b| a == b) {
            let earliest = input.start[row..row + trace.len()].iter().copied().min().unwrap_or_default();
            let at = RowRef { part: number as u32, row: row as u32 };
            runs.push(Run { trace: trace[0], earliest, at, len: trace.len() as u32 });
            row += trace.len();
        }
    }
    runs
}

/// The merged order of log records, by the times of the rows of each input.
pub(super) fn order_of_logs(inputs: &[Vec<u64>]) -> Vec<RowRef> {
    let mut keys: Vec<(u64, RowRef)> = Vec::with_capacity(inputs.iter().map(Vec::len).sum());
    for (number, times) in inputs.iter().enumerate() {
        let row_refs = (0..).map(|row| RowRef { part: number as u32, row });
        keys.extend(times.iter().copied().zip(row_refs));
    }
    keys.sort_unstable();
    keys.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trace(number: u8) -> TraceId {
        TraceId([number; 16])
    }

    fn spans(rows: &[(u8, u64)]) -> SpanKeys {
        SpanKeys {
            trace_id: rows.iter().map(|row| trace(row.0)).collect(),
            start: rows.iter().map(|row| row.1).collect(),
        }
    }

    fn plain(order: &[RowRef]) -> Vec<(u32, u32)> {
        order.iter().map(|at| (at.part, at.row)).collect()
    }

    #[test]
    fn a_trace_in_several_inputs_stands_at_its_earliest_start() {
        let a = spans(&[(2, 10), (2, 30), (3, 20)]);
        let b = spans(&[(1, 15), (3, 5), (3, 25)]);
        assert_eq!(plain(&order_of_spans(&[a, b])), [(1, 1), (0, 2), (1, 2), (0, 0), (0, 1), (1, 0)]);
    }

    #[test]
    fn log_records_of_one_time_keep_their_order() {
        assert_eq!(plain(&order_of_logs(&[vec![5, 3, 5], vec![3]])), [(0, 1), (1, 0), (0, 0), (0, 2)]);
    }

    #[test]
    fn nothing_merges_to_nothing() {
        assert!(order_of_spans(&[]).is_empty());
        assert!(order_of_logs(&[Vec::new(), Vec::new()]).is_empty());
    }

    proptest! {
        #[test]
        fn spans_are_clustered_by_trace_and_all_there(
            inputs in prop::collection::vec(prop::collection::vec((0..6_u8, 0..40_u64), 0..30), 0..5)
        ) {
            let keys: Vec<SpanKeys> = inputs.iter().map(|rows| spans(rows)).collect();
            let order = order_of_spans(&keys);
            let earliest = |trace| inputs.iter().flatten().filter(|row| row.0 == trace).map(|row| row.1).min();
            let sorted: Vec<_> = order
                .iter()
                .map(|at| {
                    let (trace, start) = inputs[at.part as usize][at.row as usize];
                    (earliest(trace), trace, start, *at)
                })
                .collect();
            prop_assert!(sorted.is_sorted());
            let mut all = plain(&order);
            all.sort_unstable();
            let expected: Vec<_> = inputs
                .iter()
                .zip(0..)
                .flat_map(|(rows, input)| (0..rows.len() as u32).map(move |row| (input, row)))
                .collect();
            prop_assert_eq!(all, expected);
        }
    }
}

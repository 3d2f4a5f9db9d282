//! How much room rows take, so that row groups stay within what can be held at once.

use tracewell_model::{Attributes, Records, Value};

/// The bytes of text and values in a row group, unless a single row has more. Far below the 2 GiB of an Arrow array.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// How many of `rows` make up the next row group: at least one, and `rows_max` at the most.
pub(super) fn row_group_length(records: &Records, rows: &[u32], rows_max: usize) -> usize {
    if bytes_at_most(records) <= ROW_GROUP_BYTES {
        return rows.len().min(rows_max);
    }
    length_within(rows.iter().take(rows_max).map(|&row| row_bytes(records, row as usize)), ROW_GROUP_BYTES)
}

/// The bytes of all rows are certainly no more than this, which is quickly told.
fn bytes_at_most(records: &Records) -> usize {
    let keys = |attributes: &Attributes| {
        let keys = attributes.dictionary();
        let longest = (0..keys.len() as u32).map(|key| keys.name(key).len()).max().unwrap_or_default();
        attributes.keys().len().saturating_mul(longest)
    };
    let keys = match records {
        Records::Logs(logs) => keys(&logs.attributes),
        Records::Spans(spans) => [&spans.attributes, &spans.events.attributes, &spans.links.attributes]
            .into_iter()
            .fold(0, |bytes: usize, attributes| bytes.saturating_add(keys(attributes))),
    };
    // Nothing but keys is written more than twice.
    keys.saturating_add(2 * records.heap_bytes())
}

fn length_within(sizes: impl Iterator<Item = usize>, bytes_max: usize) -> usize {
    let mut bytes = 0usize;
    let fitting = sizes.take_while(|size| {
        bytes = bytes.saturating_add(*size);
        bytes <= bytes_max
    });
    fitting.count().max(1)
}

fn row_bytes(records: &Records, row: usize) -> usize {
    match records {
        Records::Logs(logs) => {
            let texts = logs.severity_text.get(row).len() + logs.event_name.get(row).len();
            // The body stands there twice when it is no text.
            texts + 2 * value_bytes(logs.body.get(row)) + attributes_bytes(&logs.attributes, row)
        }
        Records::Spans(spans) => {
            let texts = [&spans.name, &spans.status_message, &spans.trace_state];
            let events = spans.events.of_row(row).map(|event| {
                16 + spans.events.name.get(event).len() + attributes_bytes(&spans.events.attributes, event)
            });
            let links = spans.links.of_row(row).map(|link| {
                32 + spans.links.trace_state.get(link).len() + attributes_bytes(&spans.links.attributes, link)
            });
            texts.iter().map(|column| column.get(row).len()).sum::<usize>()
                + attributes_bytes(&spans.attributes, row)
                + events.sum::<usize>()
                + links.sum::<usize>()
        }
    }
}

fn attributes_bytes(attributes: &Attributes, row: usize) -> usize {
    attributes.row(row).map(|(key, value)| key.len() + value_bytes(value)).sum()
}

fn value_bytes(value: Value<'_>) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) | Value::Array(bytes) | Value::KeyValueList(bytes) => bytes.len() + 8,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_group_ends_before_it_has_too_many_bytes_but_has_a_row() {
        assert_eq!(length_within([3, 3, 3].into_iter(), 7), 2);
        assert_eq!(length_within([30, 1].into_iter(), 7), 1);
        assert_eq!(length_within([1, 2].into_iter(), 7), 2);
    }
}

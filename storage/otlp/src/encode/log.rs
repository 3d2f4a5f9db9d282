//! Log records to the wire.

use tracewell_model::Logs;

use super::{encode_attributes, encode_groups, encode_value, set_int32};
use crate::wire::WriteWire;

/// Encodes an `ExportLogsServiceRequest` (or `LogsData`, which has the same layout), grouped by resource and scope,
/// with rows in order. Decoding it at the same time of receipt gives the same records again.
pub fn encode_logs(logs: &Logs) -> Vec<u8> {
    let mut out = Vec::new();
    encode_groups(&logs.scope, &logs.scopes, &mut out, |row, out| encode_record(logs, row, out));
    out
}

fn encode_record(logs: &Logs, row: usize, out: &mut Vec<u8>) {
    out.set_fixed64(1, logs.time[row]);
    set_int32(2, logs.severity_number[row], out);
    out.set_bytes(3, logs.severity_text.get(row).as_bytes());
    encode_value(5, logs.body.get(row), out);
    encode_attributes(6, &logs.attributes, row, out);
    out.set_varint(7, logs.dropped_attributes_count[row].into());
    out.set_fixed32(8, logs.flags[row]);
    if logs.trace_id[row].is_some() {
        out.put_bytes(9, &logs.trace_id[row].0);
    }
    if logs.span_id[row].is_some() {
        out.put_bytes(10, &logs.span_id[row].0);
    }
    out.set_fixed64(11, logs.observed_time[row]);
    out.set_bytes(12, logs.event_name.get(row).as_bytes());
}

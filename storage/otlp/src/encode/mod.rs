//! Columns to OTLP requests in protobuf.

mod log;
mod span;

use tracewell_model::{Attributes, ScopeTable, Value};

pub use log::encode_logs;
pub use span::encode_traces;

use crate::grouping::group;
use crate::wire::WriteWire;

/// A length that is expected to take three bytes.
const LARGE: usize = 1 << 20;

/// Writes all rows in their groups. The outer messages of traces and logs are laid out alike.
fn encode_groups(
    scope_of_row: &[u32],
    table: &ScopeTable,
    out: &mut Vec<u8>,
    mut encode_row: impl FnMut(usize, &mut Vec<u8>),
) {
    for resource_group in group(scope_of_row, table) {
        let resource = resource_group.resource();
        let outer = out.start_message(1, LARGE);
        out.set_bytes(1, &resource.resource);
        for scope_group in &resource_group.scopes {
            let inner = out.start_message(2, LARGE);
            out.set_bytes(1, &scope_group.scope.scope);
            for &row in &scope_group.rows {
                let record = out.start_message(2, 300);
                encode_row(row, out);
                out.end_message(record);
            }
            out.set_bytes(3, scope_group.scope.scope_schema_url.as_bytes());
            out.end_message(inner);
        }
        out.set_bytes(3, resource.resource_schema_url.as_bytes());
        out.end_message(outer);
    }
}

/// Writes the attributes of `row` as `KeyValue` messages in `field`.
fn encode_attributes(field: u32, attributes: &Attributes, row: usize, out: &mut Vec<u8>) {
    for (key, value) in attributes.row(row) {
        let open = out.start_message(field, 50);
        out.set_bytes(1, key.as_bytes());
        encode_value(2, value, out);
        out.end_message(open);
    }
}

/// Writes `value` as an `AnyValue` in `field`.
fn encode_value(field: u32, value: Value<'_>, out: &mut Vec<u8>) {
    if let Value::Array(bytes) | Value::KeyValueList(bytes) = value {
        return out.put_bytes(field, bytes);
    }
    if matches!(value, Value::Absent) {
        return;
    }
    let open = out.start_message(field, 20);
    match value {
        // An alternative is written even if it is zero or empty: that it is there says which it is.
        Value::String(text) => out.put_bytes(1, text.as_bytes()),
        Value::Bool(value) => out.put_varint(2, u64::from(value)),
        Value::Int(value) => out.put_varint(3, value as u64),
        Value::Double(value) => out.put_fixed64(4, value.to_bits()),
        Value::Bytes(bytes) => out.put_bytes(7, bytes),
        Value::Absent | Value::Empty | Value::Array(_) | Value::KeyValueList(_) => {}
    }
    out.end_message(open);
}

/// Writes an enumeration or `int32`: negative numbers take ten bytes, as protobuf has it.
fn set_int32(field: u32, value: i32, out: &mut Vec<u8>) {
    out.set_varint(field, i64::from(value) as u64);
}

//! The OTLP codec: the bytes of OTLP requests to and from the columns of `tracewell-model`.

mod decode;
mod delimited;
mod encode;
mod grouping;
mod inflate;
mod json;
mod report;
mod schema;
mod wire;

pub use decode::{
    DecodeError, Decoded, NESTING_LEVELS_MAX, TRUNCATED_VALUE, decode_logs, decode_traces, scope_from_wire,
};
pub use delimited::{Delimited, DelimitedError, delimited};
pub use encode::{encode_logs, encode_traces};
pub use inflate::{ContentEncoding, InflateError, UnsupportedEncoding, inflate};
pub use json::{
    JsonError, display_value, logs_json_to_protobuf, logs_to_json, plain_json, traces_json_to_protobuf, traces_to_json,
    unread_json_warning,
};
pub use report::{Finding, MESSAGE_BYTES_MAX, Report};

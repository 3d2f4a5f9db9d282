//! The OTLP codec: the bytes of OTLP requests to and from the columns of `tracewell-model`.
//!
//! [`inflate`] decompresses a body within a bound, [`decode_traces`] and [`decode_logs`] read protobuf straight from the
//! wire into columns, [`encode_traces`] and [`encode_logs`] write it again. OTLP/JSON comes in by way of protobuf
//! ([`traces_json_to_protobuf`]), so that the journal holds one format, and goes out from the columns
//! ([`traces_to_json`]).
//!
//! Resources, scopes, arrays and key-value lists stay encoded, byte for byte as they came, unless a parser could trip
//! over them (text that is not UTF-8, fields in several parts, nesting that is too deep): then they are rewritten to what
//! protobuf understands. Whatever is in the columns can therefore be read without surprises.
//!
//! Everything here is pure computing on one thread. Memory and stack are bounded for any input.

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
pub use delimited::{Delimited, DelimitedError, delimited, length_delimited};
pub use encode::{encode_logs, encode_traces};
pub use inflate::{ContentEncoding, InflateError, UnsupportedEncoding, inflate};
pub use json::{
    JsonError, display_value, logs_json_to_protobuf, logs_to_json, plain_json, traces_json_to_protobuf, traces_to_json,
    unread_json_warning,
};
pub use report::{Finding, MESSAGE_BYTES_MAX, Report};

//! The OTLP codec: the bytes of OTLP requests to and from the columns of `tracewell-model`.

mod decode;
mod delimited;
mod inflate;
mod report;
mod schema;
mod wire;

pub use decode::{
    DecodeError, Decoded, NESTING_LEVELS_MAX, TRUNCATED_VALUE, decode_logs, decode_traces, scope_from_wire,
};
pub use delimited::{Delimited, DelimitedError, delimited};
pub use inflate::{ContentEncoding, InflateError, UnsupportedEncoding, inflate};
pub use report::{Finding, MESSAGE_BYTES_MAX, Report};

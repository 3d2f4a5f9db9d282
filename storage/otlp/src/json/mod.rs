//! OTLP/JSON: columns to it, and requests in it to protobuf.

mod any;
mod number;
mod parse;
mod transcode;
mod write;
mod write_records;

pub use any::{display_value, plain_json};
pub use transcode::{JsonError, logs_json_to_protobuf, traces_json_to_protobuf, unread_json_warning};
pub use write_records::{logs_to_json, traces_to_json};

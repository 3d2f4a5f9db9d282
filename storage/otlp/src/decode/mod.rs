//! OTLP requests in protobuf, straight from the wire into columns.

mod attributes;
mod context;
mod envelope;
mod log;
mod scope;
mod span;
mod tidy;
mod value;

pub use context::DecodeError;
pub use log::decode_logs;
pub use scope::scope_from_wire;
pub use span::decode_traces;
pub use tidy::{NESTING_LEVELS_MAX, TRUNCATED_VALUE};

use crate::Report;

/// The records of a request, and what there is to tell about them.
#[derive(Clone, Debug)]
pub struct Decoded<T> {
    /// The records that were accepted.
    pub records: T,
    /// The number of records that were not accepted, for `partial_success`.
    pub rejected: u64,
    /// Why records were rejected, and warnings about those that were accepted.
    pub report: Report,
}

impl<T> Decoded<T> {
    /// The text for `partial_success.error_message`, `""` when everything was fine. See [`Report::message`].
    pub fn message(&self) -> String {
        self.report.message()
    }
}

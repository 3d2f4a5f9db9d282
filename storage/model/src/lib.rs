//! The nouns of Tracewell: identities, tenants and the columns that spans and log records are held in.
//!
//! Everything here is plain data without I/O. [`Spans`] and [`Logs`] are *structures of arrays*: the OTLP decoder
//! appends to them straight from the wire, the live tier keeps them, segments are written from and read back
//! into them, and the OTLP encoder turns them into a response. Nothing else in Tracewell models a span or a log.

mod attributes;
mod id;
mod logs;
mod scope;
mod spans;
mod strings;
mod tenant;
mod time;
mod value;

pub use attributes::{Attributes, AttributesAppender, Keys};
pub use id::{InvalidId, SpanId, TraceId};
pub use logs::Logs;
pub use scope::{Scope, ScopeTable};
pub use spans::{Events, Links, Spans};
pub use strings::Strings;
pub use tenant::{InvalidTenant, TenantId};
pub use time::{TimeRange, UnixNanos};
pub use value::{Value, ValueKind, Values};

/// What a record is: a span or a log record. Tables, journals and segments hold one signal each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Spans, as in an OTLP `ExportTraceServiceRequest`.
    Traces,
    /// Log records, as in an OTLP `ExportLogsServiceRequest`.
    Logs,
}

impl Signal {
    /// The word used in paths, catalogs and metrics: `traces` or `logs`.
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Logs => "logs",
        }
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The decoded records of one request, or any other batch of one signal.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one for thousands of rows, and behind an Arc where it stays")]
pub enum Records {
    /// A batch of spans.
    Spans(Spans),
    /// A batch of log records.
    Logs(Logs),
}

impl Records {
    /// An empty batch.
    pub fn new(signal: Signal) -> Records {
        match signal {
            Signal::Traces => Records::Spans(Spans::default()),
            Signal::Logs => Records::Logs(Logs::default()),
        }
    }

    /// Appends all records of `other`. False, and nothing is changed, when they are of another signal.
    #[must_use]
    pub fn append(&mut self, other: &Records) -> bool {
        match (self, other) {
            (Records::Spans(all), Records::Spans(spans)) => all.append(spans),
            (Records::Logs(all), Records::Logs(logs)) => all.append(logs),
            _ => return false,
        }
        true
    }

    /// Appends the given rows of `other`, in the given order. False, and nothing is changed, when they are of another
    /// signal.
    #[must_use]
    pub fn append_rows(&mut self, other: &Records, rows: impl IntoIterator<Item = usize>) -> bool {
        match (self, other) {
            (Records::Spans(all), Records::Spans(spans)) => all.append_rows(spans, rows),
            (Records::Logs(all), Records::Logs(logs)) => all.append_rows(logs, rows),
            _ => return false,
        }
        true
    }

    /// Makes room for `rows` rows like those of `other`, if they are of one signal.
    pub fn reserve_like(&mut self, other: &Records, rows: usize) {
        match (self, other) {
            (Records::Spans(all), Records::Spans(spans)) => all.reserve_like(spans, rows),
            (Records::Logs(all), Records::Logs(logs)) => all.reserve_like(logs, rows),
            _ => {}
        }
    }

    /// Which signal the batch is of.
    pub fn signal(&self) -> Signal {
        match self {
            Records::Spans(_) => Signal::Traces,
            Records::Logs(_) => Signal::Logs,
        }
    }

    /// The number of spans or log records.
    pub fn len(&self) -> usize {
        match self {
            Records::Spans(spans) => spans.len(),
            Records::Logs(logs) => logs.len(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The heap bytes held, near enough for budgets.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Records::Spans(spans) => spans.heap_bytes(),
            Records::Logs(logs) => logs.heap_bytes(),
        }
    }
}

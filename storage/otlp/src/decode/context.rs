//! What a decoder carries along: where it is, what it found, and how much it may still make of a small request.

use std::borrow::Cow;
use std::fmt;

use tracewell_model::UnixNanos;

use crate::report::{Finding, Report};
use crate::wire::{Fault, FaultKind, Result};

/// What one unit of the budget below pays for: about 24 bytes in columns.
#[derive(Clone, Copy)]
pub(super) enum Element {
    Attribute = 1,
    Event = 2,
    Link = 3,
    LogRecord = 4,
    Span = 6,
}

impl Element {
    fn message(self) -> &'static str {
        match self {
            Element::Attribute => "KeyValue",
            Element::Event => "Event",
            Element::Link => "Link",
            Element::LogRecord => "LogRecord",
            Element::Span => "Span",
        }
    }
}

/// The units that any request may use, however small: half a million log records.
const UNITS_MIN: usize = 2 << 20;
/// Every so many bytes of a request allow one unit more. Real telemetry needs more than 15 bytes for each; without
/// a limit, 64 MiB of empty links would grow to more than 1 GiB of columns.
const BYTES_PER_UNIT: usize = 8;
/// The bytes of resources and scopes that any request may expand to. A resource is kept with each of its scopes, so a
/// large one with many scopes grows quadratically.
const SCOPE_BYTES_MIN: usize = 32 << 20;
const DAY_NANOS: u64 = 24 * 3600 * 1_000_000_000;

/// Why a request cannot be decoded. Sending the same again cannot succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DecodeError {
    place: String,
    problem: String,
}

impl DecodeError {
    /// The message that is at fault, as `resource_spans[0].scope_spans[1].spans[2]`.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn new(place: impl fmt::Display, fault: &Fault) -> DecodeError {
        DecodeError { place: place.to_string(), problem: fault.to_string() }
    }
}

/// The names of the messages of a signal, for errors.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) request: &'static str,
    pub(super) group: &'static str,
    pub(super) groups: &'static str,
    pub(super) scope_group: &'static str,
    pub(super) scope_groups: &'static str,
    pub(super) records: &'static str,
}

/// Which message is being decoded.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) names: Names,
    pub(super) group: Option<usize>,
    pub(super) scope_group: Option<usize>,
    pub(super) record: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(group) = self.group else { return f.write_str("request") };
        write!(f, "{}[{group}]", self.names.groups)?;
        let Some(scope_group) = self.scope_group else { return Ok(()) };
        write!(f, ".{}[{scope_group}]", self.names.scope_groups)?;
        let Some(record) = self.record else { return Ok(()) };
        write!(f, ".{}[{record}]", self.names.records)
    }
}

pub(super) struct Context {
    pub(super) place: Place,
    pub(super) report: Report,
    units_left: usize,
    scope_bytes_left: usize,
    future: u64,
}

impl Context {
    pub(super) fn new(names: Names, request_bytes: usize, received_at: UnixNanos) -> Context {
        Context {
            place: Place { names, group: None, scope_group: None, record: None },
            report: Report::default(),
            units_left: UNITS_MIN + request_bytes / BYTES_PER_UNIT,
            scope_bytes_left: SCOPE_BYTES_MIN + 2 * request_bytes,
            future: received_at.saturating_add(DAY_NANOS).0,
        }
    }

    /// Counts a finding at the present place.
    #[cold]
    pub(super) fn note(&mut self, finding: Finding) {
        let place = self.place;
        self.report.note(finding, || place.to_string());
    }

    /// Accounts for an element of the columns.
    #[inline]
    pub(super) fn charge(&mut self, element: Element) -> Result<()> {
        match self.units_left.checked_sub(element as usize) {
            Some(left) => {
                self.units_left = left;
                Ok(())
            }
            None => Err(Box::new(Fault { message: element.message(), field: 0, kind: FaultKind::TooMany })),
        }
    }

    /// Accounts for a resource and scope of so many bytes.
    pub(super) fn charge_scope(&mut self, bytes: usize) -> Result<()> {
        match self.scope_bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.scope_bytes_left = left;
                Ok(())
            }
            None => Err(Box::new(Fault { message: "Resource", field: 0, kind: FaultKind::TooMany })),
        }
    }

    /// The text in `bytes`, repaired when it is not UTF-8.
    #[inline]
    pub(super) fn text<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.repaired(bytes),
        }
    }

    #[cold]
    fn repaired<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        self.note(Finding::InvalidUtf8);
        String::from_utf8_lossy(bytes)
    }

    /// Notes a time that is too far in the future to be true.
    #[inline]
    pub(super) fn check_time(&mut self, time: u64) {
        if time > self.future {
            self.note(Finding::InTheFuture);
        }
    }

    pub(super) fn error(&self, fault: &Fault) -> DecodeError {
        DecodeError::new(self.place, fault)
    }
}

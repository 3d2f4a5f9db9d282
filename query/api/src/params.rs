//! Query parameters: what exists, what each may hold, and reading them from a request.
//!
//! A [`Param`] is described once. The description is what requests are checked against and what the OpenAPI document
//! says, so neither can know a parameter that the other does not.

mod known;

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tracewell_model::{Signal, TimeRange, UnixNanos};

pub use known::*;

use crate::error::{ApiError, excerpt};

/// The most bytes of `q`.
pub const SEARCH_BYTES_MAX: usize = 64 << 10;
/// The most records of a page, values of a facet, and so on.
pub const LIMIT_MAX: usize = 1_000;
/// The most buckets of a histogram.
pub const BUCKETS_MAX: usize = 1_000;
/// The most facets at once.
pub const FIELDS_MAX: usize = 50;
/// The most bytes of a field name or a value's beginning.
pub const NAME_BYTES_MAX: usize = 1_024;
/// The most bytes of a cursor.
pub const CURSOR_BYTES_MAX: usize = 1_024;
/// The time range when none is given.
const DEFAULT_RANGE_NANOS: u64 = 3_600 * 1_000_000_000;

/// A query parameter.
#[derive(Debug)]
pub struct Param {
    /// As in the query string.
    pub name: &'static str,
    /// What it may hold.
    pub kind: ParamKind,
    /// Whether it has to be given.
    pub required: bool,
    /// For people.
    pub description: &'static str,
    /// A value that works.
    pub example: &'static str,
}

/// What a parameter may hold.
#[derive(Clone, Copy, Debug)]
pub enum ParamKind {
    /// A whole number from 1.
    Count {
        /// When it is not given.
        default: usize,
        /// At most.
        max: usize,
    },
    /// A point in time, absolute or relative to now.
    Time,
    /// Text of at most so many bytes.
    Text {
        /// At most.
        bytes_max: usize,
    },
    /// Field names with commas between them.
    Names {
        /// At most.
        count_max: usize,
    },
    /// `traces` or `logs`.
    Signal,
    /// The id of a span.
    SpanId,
    /// `true` or `false`, the default.
    Flag,
}

impl Param {
    const fn optional(name: &'static str, kind: ParamKind, example: &'static str, description: &'static str) -> Param {
        Param { name, kind, required: false, description, example }
    }

    const fn required(name: &'static str, kind: ParamKind, example: &'static str, description: &'static str) -> Param {
        Param { name, kind, required: true, description, example }
    }
}

/// The parameters of a request, checked to be among those that exist, each given at most once.
#[derive(Debug)]
pub struct Params {
    values: Vec<(&'static Param, String)>,
}

impl Params {
    /// Reads a query string. `allowed`: what exists at this path.
    pub fn parse(query: Option<&str>, allowed: &[&'static Param]) -> Result<Params, ApiError> {
        let mut values: Vec<(&'static Param, String)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).unwrap_or_else(|| name.to_owned());
            let param = allowed.iter().find(|param| param.name == name).ok_or_else(|| unknown(&name, allowed))?;
            if values.iter().any(|(given, _)| given.name == param.name) {
                return Err(ApiError::RepeatedParameter(param.name));
            }
            let value = decoded(value).ok_or_else(|| invalid(param, value, "UTF-8, percent-encoded"))?;
            check_size(param, &value)?;
            values.push((param, value));
        }
        let missing = allowed.iter().find(|param| param.required && !values.iter().any(|(p, _)| p.name == param.name));
        match missing {
            Some(param) => {
                Err(ApiError::MissingParameter { name: param.name, expected: format!("for example {}", param.example) })
            }
            None => Ok(Params { values }),
        }
    }

    /// The value of a parameter, if it was given and is not empty.
    pub fn get(&self, param: &'static Param) -> Option<&str> {
        let given = self.values.iter().find(|(given, _)| given.name == param.name);
        given.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a parameter, `""` when it was not given.
    pub fn text(&self, param: &'static Param) -> &str {
        self.get(param).unwrap_or_default()
    }

    /// The value of a [`ParamKind::Count`].
    pub fn count(&self, param: &'static Param) -> Result<usize, ApiError> {
        let ParamKind::Count { default, max } = param.kind else {
            return Err(ApiError::Internal(format!("parameter {} does not count", param.name)));
        };
        let Some(text) = self.get(param) else { return Ok(default) };
        match text.parse() {
            Ok(count) if (1..=max).contains(&count) => Ok(count),
            _ => Err(invalid(param, text, format!("a whole number from 1 to {max}"))),
        }
    }

    /// The time range of [`START`] and [`END`].
    pub fn time_range(&self, now: UnixNanos) -> Result<TimeRange, ApiError> {
        self.range_of(&START, &END, now)
    }

    /// The time range of these parameters.
    pub fn range_of(&self, from: &'static Param, to: &'static Param, now: UnixNanos) -> Result<TimeRange, ApiError> {
        let end = self.time(to, now)?.unwrap_or(now);
        let start = self.time(from, now)?.unwrap_or_else(|| end.saturating_sub(DEFAULT_RANGE_NANOS));
        if start >= end {
            let expected = format!("a time before the end of the range, which is {} in Unix nanoseconds", end.0);
            return Err(invalid(from, self.get(from).unwrap_or("now-1h"), expected));
        }
        Ok(TimeRange { start, end })
    }

    /// The value of a [`ParamKind::Flag`].
    pub fn flag(&self, param: &'static Param) -> Result<bool, ApiError> {
        match self.get(param) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(invalid(param, other, "true or false")),
        }
    }

    /// The value of a [`ParamKind::Time`], if it was given.
    pub fn time(&self, param: &'static Param, now: UnixNanos) -> Result<Option<UnixNanos>, ApiError> {
        let Some(text) = self.get(param) else { return Ok(None) };
        let parsed = tracewell_language::parse_time(text, now);
        parsed.map(Some).map_err(|error| invalid(param, text, format!("a point in time ({error})")))
    }

    /// The names in [`FIELDS`].
    pub fn names(&self, param: &'static Param) -> Result<Vec<String>, ApiError> {
        let ParamKind::Names { count_max } = param.kind else {
            return Err(ApiError::Internal(format!("parameter {} holds no names", param.name)));
        };
        let Some(text) = self.get(param) else { return Ok(Vec::new()) };
        let names: Vec<String> = split_at_commas(text).map(str::trim).map(str::to_owned).collect();
        if names.len() > count_max {
            return Err(invalid(param, text, format!("at most {count_max} names, not {}", names.len())));
        }
        match names.iter().find(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
            Some(name) => Err(invalid(param, name, format!("names of 1 to {NAME_BYTES_MAX} bytes"))),
            None => Ok(names),
        }
    }

    /// The value of [`SIGNAL`].
    pub fn signal(&self) -> Result<Signal, ApiError> {
        match self.text(&SIGNAL) {
            "traces" => Ok(Signal::Traces),
            "logs" => Ok(Signal::Logs),
            other => Err(invalid(&SIGNAL, other, "traces or logs")),
        }
    }

    /// The value of a parameter that is read from text by its type.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, param: &'static Param) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(param) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| invalid(param, text, format!("another value ({error})")))
    }
}

/// The error of a value that `param` cannot hold.
pub fn invalid(param: &Param, value: &str, expected: impl Into<String>) -> ApiError {
    invalid_named(param.name, value, expected)
}

/// As [`invalid`], for a part of the path.
pub fn invalid_named(name: &'static str, value: &str, expected: impl Into<String>) -> ApiError {
    ApiError::InvalidParameter { name, value: excerpt(value), expected: expected.into() }
}

fn unknown(name: &str, allowed: &[&'static Param]) -> ApiError {
    let names: Vec<&'static str> = allowed.iter().map(|param| param.name).collect();
    let name = excerpt(name);
    let lowered = name.to_lowercase();
    let similar = |known: &&'static str| strsim::jaro_winkler(&lowered, &known.to_lowercase());
    let nearest = names.iter().copied().max_by(|a, b| similar(a).total_cmp(&similar(b)));
    let nearest = nearest.filter(|known| similar(known) >= SIMILARITY_MIN);
    ApiError::UnknownParameter { name, nearest, allowed: names }
}

/// From here on (of 1) a name is taken for a misspelling of another.
const SIMILARITY_MIN: f64 = 0.7;

fn check_size(param: &Param, value: &str) -> Result<(), ApiError> {
    match param.kind {
        ParamKind::Text { bytes_max } if value.len() > bytes_max => {
            Err(invalid(param, value, format!("at most {bytes_max} bytes, not {}", value.len())))
        }
        _ => Ok(()),
    }
}

/// Decodes `application/x-www-form-urlencoded`; nothing when the bytes are not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

/// The pieces of `text` between commas, but for those inside double quotes.
fn split_at_commas(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let separates = c == ',' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        separates
    })
}

#[cfg(test)]
mod tests;

//! The trace frame: a whole trace as binary columns in depth-first order (`docs/formats/trace-frame.md`).
//!
//! Pure: spans in, bytes out. [`tree`] says in which order spans are shown, this module writes them down.

mod spans;
mod tree;

use std::collections::HashMap;

use serde::Serialize;
use tracewell_model::TraceId;

use crate::shapes::Exactness;

pub use spans::FrameSpans;
use tree::Tree;

/// The media type of a frame.
pub const MEDIA_TYPE: &str = "application/vnd.tracewell.trace-frame";

/// The first bytes of a frame; the digit is the version.
pub const MAGIC: [u8; 4] = *b"TWF1";

/// Everything in a frame starts at a multiple of this.
const ALIGNMENT: usize = 8;

/// What stands in the columns `kind` and `status` for a number that OTLP does not define.
const UNDEFINED: u8 = 255;

/// Flags of a span, one bit each, in the column `flags`.
pub mod flag {
    /// It names a parent that is not in the trace.
    pub const PARENT_MISSING: u8 = 1;
    /// It starts before its parent does.
    pub const STARTS_BEFORE_PARENT: u8 = 2;
    /// It ends before it starts; its duration is given as 0.
    pub const ENDS_BEFORE_START: u8 = 4;
    /// The sender left out attributes, events or links.
    pub const DROPPED_DATA: u8 = 8;
    /// Its parent is one of its own descendants: the cycle is cut here and the span shown as a root.
    pub const CYCLE_CUT: u8 = 16;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    trace_id: String,
    span_count: usize,
    start_time_unix_nano: String,
    duration_nano: u64,
    error_count: usize,
    service_names: Vec<&'a str>,
    span_names: Vec<&'a str>,
    exactness: &'a Exactness,
    columns: &'a [ColumnHeader],
}

#[derive(Serialize)]
struct ColumnHeader {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    offset: usize,
    length: usize,
}

/// The frame of the trace `trace_id`, whose spans are exactly `spans`.
pub fn encode(trace_id: TraceId, spans: &FrameSpans, exactness: &Exactness) -> Result<Vec<u8>, serde_json::Error> {
    let tree = Tree::of(spans);
    let start = spans.start.iter().copied().min().unwrap_or(0);
    let end = (0..spans.len()).map(|row| spans.end[row].max(spans.start[row])).max().unwrap_or(start);
    let (mut services, mut names) = (Dictionary::default(), Dictionary::default());
    let service_numbers: Vec<u32> =
        tree.nodes.iter().map(|node| services.number(spans.service.of_row(node.row))).collect();
    let name_numbers: Vec<u32> = tree.nodes.iter().map(|node| names.number(spans.name.of_row(node.row))).collect();

    let mut body = Body::default();
    body.bytes("spanId", tree.nodes.iter().flat_map(|node| spans.span_id[node.row].0));
    body.u16s("depth", tree.nodes.iter().map(|node| saturated(node.depth)));
    body.f64s("start", tree.nodes.iter().map(|node| (spans.start[node.row] - start) as f64));
    body.f64s(
        "duration",
        tree.nodes.iter().map(|node| spans.end[node.row].saturating_sub(spans.start[node.row]) as f64),
    );
    body.u32s("service", service_numbers.iter().copied());
    body.u32s("name", name_numbers.iter().copied());
    body.bytes("kind", tree.nodes.iter().map(|node| defined(spans.kind[node.row], 5)));
    body.bytes("status", tree.nodes.iter().map(|node| defined(spans.status_code[node.row], 2)));
    body.bytes("flags", tree.nodes.iter().map(|node| node.flags | spans.flags[node.row]));
    body.u16s("events", tree.nodes.iter().map(|node| spans.events[node.row]));
    body.u16s("links", tree.nodes.iter().map(|node| spans.links[node.row]));

    let header = serde_json::to_vec(&Header {
        trace_id: trace_id.to_string(),
        span_count: spans.len(),
        start_time_unix_nano: start.to_string(),
        duration_nano: end - start,
        error_count: spans.status_code.iter().filter(|&&code| code == 2).count(),
        service_names: services.texts,
        span_names: names.texts,
        exactness,
        columns: &body.columns,
    })?;
    Ok(assemble(header, &body.bytes))
}

fn assemble(mut header: Vec<u8>, body: &[u8]) -> Vec<u8> {
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    let mut frame = Vec::with_capacity(2 * 4 + header.len() + body.len());
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&(header.len() as u32).to_le_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(body);
    frame
}

/// Distinct texts, numbered in the order of their first use.
#[derive(Default)]
struct Dictionary<'a> {
    texts: Vec<&'a str>,
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Dictionary<'a> {
    fn number(&mut self, text: &'a str) -> u32 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() as u32 - 1
        })
    }
}

/// The columns as they are written, and where each one is.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    columns: Vec<ColumnHeader>,
}

impl Body {
    fn bytes(&mut self, name: &'static str, items: impl Iterator<Item = u8>) {
        self.column(name, "u8", items.map(|item| [item]));
    }

    fn u16s(&mut self, name: &'static str, items: impl Iterator<Item = u16>) {
        self.column(name, "u16", items.map(u16::to_le_bytes));
    }

    fn u32s(&mut self, name: &'static str, items: impl Iterator<Item = u32>) {
        self.column(name, "u32", items.map(u32::to_le_bytes));
    }

    fn f64s(&mut self, name: &'static str, items: impl Iterator<Item = f64>) {
        self.column(name, "f64", items.map(f64::to_le_bytes));
    }

    fn column<const N: usize>(&mut self, name: &'static str, kind: &'static str, items: impl Iterator<Item = [u8; N]>) {
        let offset = self.bytes.len();
        items.for_each(|item| self.bytes.extend_from_slice(&item));
        let length = (self.bytes.len() - offset) / N;
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        self.columns.push(ColumnHeader { name, kind, offset, length });
    }
}

fn saturated(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn defined(number: i32, max: u8) -> u8 {
    u8::try_from(number).ok().filter(|&number| number <= max).unwrap_or(UNDEFINED)
}

#[cfg(test)]
mod tests;

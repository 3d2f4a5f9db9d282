//! What a frame shows of spans: a few bytes of each, so that a trace of a million fits into memory.

use std::collections::HashMap;

use tracewell_model::{SpanId, Spans};

use super::{flag, saturated};

/// What a frame shows of spans, one a row.
#[derive(Clone, Debug, Default)]
pub struct FrameSpans {
    /// As sent.
    pub span_id: Vec<SpanId>,
    /// As sent.
    pub parent_span_id: Vec<SpanId>,
    /// As sent.
    pub start: Vec<u64>,
    /// As sent.
    pub end: Vec<u64>,
    /// As sent.
    pub kind: Vec<i32>,
    /// As sent.
    pub status_code: Vec<i32>,
    /// The names of their services.
    pub service: Texts,
    /// Their names.
    pub name: Texts,
    /// The flags that a span has by itself, wherever it stands in the tree.
    pub flags: Vec<u8>,
    /// How many events they have.
    pub events: Vec<u16>,
    /// How many links they have.
    pub links: Vec<u16>,
}

impl FrameSpans {
    /// About how many bytes making a frame of so many spans takes.
    pub fn bytes_for(spans: usize) -> usize {
        192 * spans
    }

    /// The number of spans.
    pub fn len(&self) -> usize {
        self.span_id.len()
    }

    /// Adds spans of the same trace.
    pub fn add(&mut self, spans: &Spans) {
        self.span_id.extend(&spans.span_id);
        self.parent_span_id.extend(&spans.parent_span_id);
        self.start.extend(&spans.start);
        self.end.extend(&spans.end);
        self.kind.extend(&spans.kind);
        self.status_code.extend(&spans.status_code);
        for row in 0..spans.len() {
            self.service.push(spans.service_name(row));
            self.name.push(spans.name.get(row));
            self.flags.push(own_flags(spans, row));
            self.events.push(saturated(spans.events.of_row(row).len()));
            self.links.push(saturated(spans.links.of_row(row).len()));
        }
    }
}

/// A column of texts, each kept once.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    rows: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None => {
                let number = self.texts.len() as u32;
                self.numbers.insert(text.into(), number);
                self.texts.push(text.into());
                number
            }
        };
        self.rows.push(number);
    }

    /// The text of a row.
    pub fn of_row(&self, row: usize) -> &str {
        &self.texts[self.rows[row] as usize]
    }
}

/// The flags that a span has by itself, wherever it stands in the tree.
fn own_flags(spans: &Spans, row: usize) -> u8 {
    let mut flags = 0;
    if spans.end[row] < spans.start[row] {
        flags |= flag::ENDS_BEFORE_START;
    }
    let dropped = spans.dropped_attributes_count[row] > 0
        || spans.dropped_events_count[row] > 0
        || spans.dropped_links_count[row] > 0
        || spans.events.dropped_attributes_count[spans.events.of_row(row)].iter().any(|&count| count > 0)
        || spans.links.dropped_attributes_count[spans.links.of_row(row)].iter().any(|&count| count > 0);
    if dropped {
        flags |= flag::DROPPED_DATA;
    }
    flags
}

//! How few bytes a record could take: the entropy of its parts, each in the order and form that suits it best.
//!
//! Records are grouped by trace (in the order of time) and by operation or logger. Of every column the smallest counts: its
//! text or its numbers compressed by zstd (level 19), its dictionary with compressed references, or its dictionary with
//! references at the entropy of each group's values. A real store needs one order and one form, so it is always above.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewell_corpus::read_requests;

use crate::report::{Report, at_most};

/// Bytes by column, of so many records.
pub struct Floor {
    pub records: usize,
    columns: BTreeMap<String, u64>,
}

/// One column: values of some rows, by the number of the row.
#[derive(Default)]
struct Column(Vec<(u32, Vec<u8>)>);

impl Column {
    fn add(&mut self, row: usize, value: impl Into<Vec<u8>>) {
        self.0.push((row as u32, value.into()));
    }

    /// The fewest bytes, where `groups` has the group of each row, and `orders` the rows in each order.
    fn bytes(&self, groups: &[u32], orders: &[&[u32]]) -> anyhow::Result<u64> {
        let mut by_row: Vec<Option<&[u8]>> = vec![None; groups.len()];
        self.0.iter().for_each(|(row, value)| by_row[*row as usize] = Some(value));
        let mut dictionary: HashMap<&[u8], u32> = HashMap::new();
        let mut words = Vec::new();
        for (_, value) in &self.0 {
            let next = dictionary.len() as u32;
            dictionary.entry(value).or_insert_with(|| {
                words.extend_from_slice(value);
                words.push(b'\n');
                next
            });
        }
        let words = compressed(&words)?;
        let mut best = words + entropy(&by_row, groups);
        // Whether a value is there follows from the operation, mostly.
        let presence: Vec<u8> = orders[0].iter().map(|row| u8::from(by_row[*row as usize].is_some())).collect();
        for order in orders {
            let values = || order.iter().filter_map(|row| by_row[*row as usize]);
            let text: Vec<u8> = values().flat_map(|value| value.iter().copied().chain([b'\n'])).collect();
            let wide = if dictionary.len() < 256 { 1 } else { 4 };
            let references: Vec<u8> = (0..wide)
                .flat_map(|byte| values().map(|value| dictionary[value].to_le_bytes()[byte]).collect::<Vec<u8>>())
                .collect();
            best = best.min(compressed(&text)?).min(words + compressed(&references)?);
        }
        Ok(best + compressed(&presence)?)
    }
}

/// The entropy of the values in each group, in bytes.
fn entropy(by_row: &[Option<&[u8]>], groups: &[u32]) -> u64 {
    let mut counts: HashMap<(u32, &[u8]), u64> = HashMap::new();
    let mut sums: HashMap<u32, u64> = HashMap::new();
    for (value, group) in by_row.iter().zip(groups) {
        if let Some(value) = value {
            *counts.entry((*group, value)).or_default() += 1;
            *sums.entry(*group).or_default() += 1;
        }
    }
    let bits: f64 =
        counts.iter().map(|((group, _), count)| *count as f64 * (sums[group] as f64 / *count as f64).log2()).sum();
    (bits / 8.0).ceil() as u64
}

fn compressed(bytes: &[u8]) -> anyhow::Result<u64> {
    Ok(zstd::bulk::compress(bytes, 19)?.len() as u64)
}

/// Columns by name, and the two orders of rows.
struct Table {
    columns: BTreeMap<String, Column>,
    groups: Vec<u32>,
    by_time: Vec<u32>,
}

impl Table {
    fn column(&mut self, name: &str) -> &mut Column {
        if !self.columns.contains_key(name) {
            self.columns.insert(name.to_owned(), Column::default());
        }
        self.columns.entry(name.to_owned()).or_default()
    }

    fn attributes(&mut self, row: usize, attributes: &[KeyValue]) {
        for attribute in attributes {
            let value = attribute.value.as_ref().map(bytes_of).unwrap_or_default();
            self.column(&attribute.key).add(row, value);
        }
    }

    fn floor(self, irreducible: &[(&str, u64)]) -> anyhow::Result<Floor> {
        let mut by_group = self.by_time.clone();
        by_group.sort_by_key(|row| self.groups[*row as usize]);
        let mut columns = BTreeMap::new();
        for (name, column) in &self.columns {
            columns.insert(name.clone(), column.bytes(&self.groups, &[&by_group, &self.by_time])?);
        }
        irreducible.iter().for_each(|(name, bytes)| {
            columns.insert((*name).to_owned(), *bytes);
        });
        Ok(Floor { records: self.groups.len(), columns })
    }
}

fn bytes_of(value: &AnyValue) -> Vec<u8> {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone().into_bytes(),
        Some(Value::IntValue(number)) => number.to_string().into_bytes(),
        Some(Value::BoolValue(value)) => vec![u8::from(*value)],
        Some(Value::DoubleValue(number)) => number.to_string().into_bytes(),
        _ => value.encode_to_vec(),
    }
}

/// A number of each distinct key.
#[derive(Default)]
struct Numbers(HashMap<Vec<u8>, u32>);

impl Numbers {
    fn of(&mut self, key: Vec<u8>) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key).or_insert(next)
    }
}

/// The floor of the first `sample` spans.
pub fn of_spans(files: &[PathBuf], sample: usize) -> anyhow::Result<Floor> {
    let (mut spans, mut resources) = (Vec::<(u32, Span)>::new(), Numbers::default());
    'files: for file in files {
        for request in read_requests(file)? {
            for of in ExportTraceServiceRequest::decode(&request?[..])?.resource_spans {
                for scope in of.scope_spans {
                    let mut key = of.resource.as_ref().map(Message::encode_to_vec).unwrap_or_default();
                    key.extend(scope.scope.as_ref().map(Message::encode_to_vec).unwrap_or_default());
                    let resource = resources.of(key);
                    spans.extend(scope.spans.into_iter().map(|span| (resource, span)));
                }
            }
            if spans.len() >= sample {
                break 'files;
            }
        }
    }
    let mut first: HashMap<Vec<u8>, u64> = HashMap::new();
    for (_, span) in &spans {
        let start = first.entry(span.trace_id.clone()).or_insert(u64::MAX);
        *start = (*start).min(span.start_time_unix_nano);
    }
    spans.sort_by_cached_key(|(_, span)| (first[&span.trace_id], span.trace_id.clone(), span.start_time_unix_nano));
    let rows: HashMap<(&[u8], &[u8]), usize> =
        spans.iter().enumerate().map(|(row, (_, span))| ((&span.trace_id[..], &span.span_id[..]), row)).collect();
    let count = spans.len();
    let mut table = Table { columns: BTreeMap::new(), groups: Vec::new(), by_time: (0..count as u32).collect() };
    let mut operations = Numbers::default();
    let (mut offsets, mut durations, mut roots) = (Vec::new(), Vec::new(), Vec::new());
    for (row, (resource, span)) in spans.iter().enumerate() {
        let parent = rows.get(&(&span.trace_id[..], &span.parent_span_id[..])).copied();
        // Who calls tells much of what is called, so the parent's operation is part of the group.
        let mut key = span.name.clone().into_bytes();
        key.extend([span.kind as u8, b'/']);
        key.extend(parent.map_or(&b""[..], |parent| spans[parent].1.name.as_bytes()));
        table.groups.push(operations.of(key));
        let base = parent.map(|parent| spans[parent].1.start_time_unix_nano);
        let offset = span.start_time_unix_nano.wrapping_sub(base.unwrap_or_default());
        if base.is_some() {
            offsets.push(offset)
        } else {
            roots.push(offset)
        }
        durations.push(span.end_time_unix_nano.wrapping_sub(span.start_time_unix_nano));
        let distance = parent.map_or(-1_i64, |parent| (row as i64 - parent as i64).abs());
        table.column("parent").add(row, distance.to_string());
        table.column("resource and scope").add(row, resource.to_string());
        table.column("operation").add(row, table_key(span));
        span_rest(&mut table, row, span, parent.is_none());
        table.attributes(row, &span.attributes);
    }
    let irreducible = [
        ("span id", 8 * count as u64),
        ("trace id", 16 * first.len() as u64),
        ("start", numbers(&offsets)? + numbers(&differences(&roots))?),
        ("duration", numbers(&durations)?),
    ];
    table.floor(&irreducible)
}

fn table_key(span: &Span) -> Vec<u8> {
    let mut key = span.name.clone().into_bytes();
    key.push(span.kind as u8);
    key
}

/// What few spans have.
fn span_rest(table: &mut Table, row: usize, span: &Span, orphan: bool) {
    table.column("flags").add(row, span.flags.to_string());
    if orphan && !span.parent_span_id.is_empty() {
        table.column("parent elsewhere").add(row, span.parent_span_id.clone());
    }
    if let Some(status) = &span.status {
        table.column("status").add(row, [&[status.code as u8][..], status.message.as_bytes()].concat());
    }
    if !span.trace_state.is_empty() {
        table.column("trace state").add(row, span.trace_state.clone());
    }
    for event in &span.events {
        table.column("event").add(row, event.encode_to_vec());
    }
    // A link to the parent costs nothing, another its ids.
    for link in span.links.iter().filter(|link| link.span_id != span.parent_span_id) {
        table.column("link").add(row, link.encode_to_vec());
    }
}

/// The fewest bytes of numbers: by bytes of equal weight compressed, or as varints compressed.
fn numbers(values: &[u64]) -> anyhow::Result<u64> {
    let planes: Vec<u8> = (0..8).flat_map(|byte| values.iter().map(move |value| value.to_le_bytes()[byte])).collect();
    let rows: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    // Bits below the leading one are random in the worst case: the entropy of the length, and these bits.
    let mut lengths = [0_u64; 65];
    values.iter().for_each(|value| lengths[64 - value.leading_zeros() as usize] += 1);
    let bits: f64 = lengths
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(length, count)| {
            *count as f64 * ((values.len() as f64 / *count as f64).log2() + length.saturating_sub(1) as f64)
        })
        .sum();
    Ok(compressed(&planes)?.min(compressed(&rows)?).min((bits / 8.0).ceil() as u64))
}

fn differences(values: &[u64]) -> Vec<u64> {
    let mut before = 0;
    values.iter().map(|value| value.wrapping_sub(std::mem::replace(&mut before, *value))).collect()
}

/// The floor of the first `sample` log records.
pub fn of_logs(files: &[PathBuf], sample: usize) -> anyhow::Result<Floor> {
    let mut table = Table { columns: BTreeMap::new(), groups: Vec::new(), by_time: Vec::new() };
    let (mut resources, mut times, mut observed, mut ids) = (Numbers::default(), Vec::new(), Vec::new(), 0);
    let mut traces = std::collections::HashSet::new();
    'files: for file in files {
        for request in read_requests(file)? {
            for of in ExportLogsServiceRequest::decode(&request?[..])?.resource_logs {
                let resource = resources.of(of.resource.as_ref().map(Message::encode_to_vec).unwrap_or_default());
                for log in of.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
                    let row = table.groups.len();
                    table.groups.push(resource);
                    times.push(log.time_unix_nano);
                    observed.push(log.observed_time_unix_nano.wrapping_sub(log.time_unix_nano));
                    table.column("resource").add(row, resource.to_string());
                    table.column("severity").add(row, log.severity_text);
                    table.column("flags").add(row, log.flags.to_string());
                    ids += log.span_id.len() as u64;
                    traces.insert(log.trace_id);
                    let body = log.body.as_ref().map(bytes_of).unwrap_or_default();
                    table.column("body").add(row, body);
                    table.attributes(row, &log.attributes);
                }
            }
            if table.groups.len() >= sample {
                break 'files;
            }
        }
    }
    table.by_time = (0..table.groups.len() as u32).collect();
    table.by_time.sort_by_key(|row| times[*row as usize]);
    let in_time: Vec<u64> = table.by_time.iter().map(|row| times[*row as usize]).collect();
    let irreducible = [
        ("span id", ids),
        ("trace id", traces.len() as u64 * 16),
        ("time", numbers(&differences(&in_time))?),
        ("observed time", numbers(&observed)?),
    ];
    table.floor(&irreducible)
}

/// Keeps the floor of `what`, with its columns as details.
pub fn report(what: &str, floor: &Floor, report: &mut Report) {
    let each = |bytes: u64| bytes as f64 / floor.records.max(1) as f64;
    report.add(floor_of(what), each(floor.columns.values().sum()), "B", None);
    let mut columns: Vec<_> = floor.columns.iter().collect();
    columns.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    columns.iter().filter(|(_, bytes)| each(**bytes) >= 0.02).for_each(|(name, bytes)| {
        println!("  {:>8.2}  {name}", each(**bytes));
    });
    let columns: BTreeMap<_, _> = columns.into_iter().map(|(name, bytes)| (name, each(*bytes))).collect();
    report.detail(&format!("floor of a {what} by column"), serde_json::json!(columns));
}

fn floor_of(what: &str) -> String {
    format!("entropy floor of a {what}")
}

/// Compares what a record takes with its floor, when both are known.
pub fn ratios(report: &mut Report) {
    for (what, goal) in [("span", at_most(1.4, 1.25)), ("log record", None)] {
        let known = report.value(&floor_of(what)).zip(report.value(&format!("bytes a {what} on disk")));
        if let Some((floor, bytes)) = known {
            report.add(format!("bytes a {what} / entropy floor"), bytes / floor, "", goal);
        }
    }
}

//! `tracewell-bench rows`: a corpus as rows of the tables that the OpenTelemetry Collector's ClickHouse exporter makes, in
//! ClickHouse's format `RowBinary`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewell_corpus::read_requests;

use crate::corpus::Corpus;

/// What to write, and where.
#[derive(Args)]
pub struct RowsArgs {
    /// A corpus of `tracewell-bench generate`, or a data set
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// A folder for `traces.rows.zst` and `logs.rows.zst`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &RowsArgs) -> anyhow::Result<()> {
    let corpus = Corpus::open(&args.corpus)?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("could not create {}", args.out.display()))?;
    write(&args.out.join("traces.rows.zst"), &corpus.traces, |request, row| {
        for of in ExportTraceServiceRequest::decode(request)?.resource_spans {
            for scope in of.scope_spans {
                for span in scope.spans {
                    write_span(row, of.resource.as_ref(), scope.scope.as_ref(), &span);
                }
            }
        }
        Ok(())
    })?;
    write(&args.out.join("logs.rows.zst"), &corpus.logs, |request, row| {
        for of in ExportLogsServiceRequest::decode(request)?.resource_logs {
            for scope in of.scope_logs {
                for log in scope.log_records {
                    let urls = [&of.schema_url, &scope.schema_url];
                    write_log(row, of.resource.as_ref(), scope.scope.as_ref(), urls, &log);
                }
            }
        }
        Ok(())
    })
}

fn write(
    out: &std::path::Path,
    files: &[PathBuf],
    mut rows: impl FnMut(&[u8], &mut Row) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut encoder = zstd::Encoder::new(BufWriter::new(File::create(out)?), 1)?;
    let mut row = Row::default();
    for file in files {
        for request in read_requests(file)? {
            row.0.clear();
            rows(&request?, &mut row)?;
            encoder.write_all(&row.0)?;
        }
    }
    Ok(encoder.finish()?.flush()?)
}

/// Rows in the making.
#[derive(Default)]
struct Row(Vec<u8>);

impl Row {
    fn count(&mut self, mut count: usize) {
        while count >= 0x80 {
            self.0.push(count as u8 | 0x80);
            count >>= 7;
        }
        self.0.push(count as u8);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn id(&mut self, id: &[u8]) {
        self.text(&hex::encode(id));
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn map(&mut self, attributes: &[KeyValue]) {
        self.count(attributes.len());
        for attribute in attributes {
            self.text(&attribute.key);
            let value = attribute.value.as_ref().map(shown).unwrap_or_default();
            self.text(&value);
        }
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Row, &T)) {
        self.count(items.len());
        items.iter().for_each(|item| write(self, item));
    }
}

/// A value as text, as the exporter writes it.
fn shown(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(_) => json(value).to_string(),
        None => String::new(),
    }
}

fn json(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone().into(),
        Some(Value::IntValue(number)) => (*number).into(),
        Some(Value::DoubleValue(number)) => (*number).into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::BytesValue(bytes)) => hex::encode(bytes).into(),
        Some(Value::ArrayValue(array)) => array.values.iter().map(json).collect(),
        Some(Value::KvlistValue(list)) => {
            let value = |field: &KeyValue| field.value.as_ref().map_or(serde_json::Value::Null, json);
            list.values.iter().map(|field| (field.key.clone(), value(field))).collect()
        }
        _ => serde_json::Value::Null,
    }
}

fn service(resource: Option<&Resource>) -> String {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let name = attributes.iter().find(|attribute| attribute.key == "service.name");
    name.and_then(|attribute| attribute.value.as_ref()).map(shown).unwrap_or_default()
}

/// Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName,
/// ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, Events (3 arrays), Links (4 arrays).
fn write_span(row: &mut Row, resource: Option<&Resource>, scope: Option<&InstrumentationScope>, span: &Span) {
    row.number(span.start_time_unix_nano);
    row.id(&span.trace_id);
    row.id(&span.span_id);
    row.id(&span.parent_span_id);
    row.text(&span.trace_state);
    row.text(&span.name);
    row.text(["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"][(span.kind as usize).min(5)]);
    row.text(&service(resource));
    row.map(resource.map_or(&[], |resource| &resource.attributes));
    row.text(scope.map_or("", |scope| &scope.name));
    row.text(scope.map_or("", |scope| &scope.version));
    row.map(&span.attributes);
    row.number(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
    let (code, message) = span.status.as_ref().map_or((0, ""), |status| (status.code, &status.message));
    row.text(["Unset", "Ok", "Error"][(code as usize).min(2)]);
    row.text(message);
    row.list(&span.events, |row, event| row.number(event.time_unix_nano));
    row.list(&span.events, |row, event| row.text(&event.name));
    row.list(&span.events, |row, event| row.map(&event.attributes));
    row.list(&span.links, |row, link| row.id(&link.trace_id));
    row.list(&span.links, |row, link| row.id(&link.span_id));
    row.list(&span.links, |row, link| row.text(&link.trace_state));
    row.list(&span.links, |row, link| row.map(&link.attributes));
}

/// Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, ResourceSchemaUrl,
/// ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes, EventName.
fn write_log(
    row: &mut Row,
    resource: Option<&Resource>,
    scope: Option<&InstrumentationScope>,
    [resource_url, scope_url]: [&String; 2],
    log: &LogRecord,
) {
    row.number(if log.time_unix_nano > 0 { log.time_unix_nano } else { log.observed_time_unix_nano });
    row.id(&log.trace_id);
    row.id(&log.span_id);
    row.0.push(log.flags as u8);
    row.text(&log.severity_text);
    row.0.push(log.severity_number as u8);
    row.text(&service(resource));
    row.text(&log.body.as_ref().map(shown).unwrap_or_default());
    row.text(resource_url);
    row.map(resource.map_or(&[], |resource| &resource.attributes));
    row.text(scope_url);
    row.text(scope.map_or("", |scope| &scope.name));
    row.text(scope.map_or("", |scope| &scope.version));
    row.map(scope.map_or(&[], |scope| &scope.attributes));
    row.map(&log.attributes);
    row.text(&log.event_name);
}

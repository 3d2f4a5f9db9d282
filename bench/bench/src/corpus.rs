//! What is sent: OTLP requests, encoded beforehand so that making them costs nothing while measuring.

use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use prost::Message;
use tracewell_shop::{Shop, Telemetry};

/// Requests and what is known of them.
#[derive(Default)]
pub struct Corpus {
    /// Encoded `ExportTraceServiceRequest`s.
    pub traces: Vec<Bytes>,
    /// Encoded `ExportLogsServiceRequest`s.
    pub logs: Vec<Bytes>,
    pub span_count: u64,
    pub log_count: u64,
    /// Some trace ids, in hex.
    pub trace_ids: Vec<String>,
    /// Unix nanoseconds before and after all records.
    pub range: (u64, u64),
}

impl Corpus {
    pub fn trace_bytes(&self) -> u64 {
        self.traces.iter().map(|request| request.len() as u64).sum()
    }

    pub fn log_bytes(&self) -> u64 {
        self.logs.iter().map(|request| request.len() as u64).sum()
    }
}

const SPANS_A_REQUEST: usize = 512;
const LOGS_A_REQUEST: usize = 512;

/// The shop's telemetry of the hours before now, in requests as a collector would send them.
pub fn shop(spans: u64, logs: u64) -> Corpus {
    let mut shop = Shop::new(42);
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let hours = 3_600_000_000_000 * 2;
    let mut corpus = Corpus { range: (now - hours, now + hours / 2), ..Corpus::default() };
    // About 20 spans a visit.
    let gap = hours / (spans.max(logs) / 12).max(1);
    let mut at = now - hours;
    let mut visits = Visits::default();
    while corpus.span_count < spans || corpus.log_count < logs {
        let telemetry = shop.visit(at);
        at = (at + gap).min(now);
        if corpus.trace_ids.len() < 20_000
            && let Some((_, span)) = telemetry.spans.first()
        {
            corpus.trace_ids.push(hex::encode(&span.trace_id));
        }
        visits.span_count += telemetry.spans.len();
        visits.log_count += telemetry.logs.len();
        visits.telemetry.push(telemetry);
        if visits.span_count >= SPANS_A_REQUEST || visits.log_count >= LOGS_A_REQUEST {
            visits.encode(&shop, &mut corpus, spans, logs);
        }
    }
    corpus
}

#[derive(Default)]
struct Visits {
    telemetry: Vec<Telemetry>,
    span_count: usize,
    log_count: usize,
}

impl Visits {
    fn encode(&mut self, shop: &Shop, corpus: &mut Corpus, spans: u64, logs: u64) {
        if corpus.span_count < spans
            && let Some(request) = shop.trace_request(&self.telemetry)
        {
            corpus.traces.push(request.encode_to_vec().into());
            corpus.span_count += self.span_count as u64;
        }
        if corpus.log_count < logs
            && let Some(request) = shop.logs_request(&self.telemetry)
        {
            corpus.logs.push(request.encode_to_vec().into());
            corpus.log_count += self.log_count as u64;
        }
        *self = Visits::default();
    }
}

/// The requests of two files.
pub fn files(traces: &Path, logs: &Path) -> anyhow::Result<Corpus> {
    let mut corpus = Corpus { range: (0, u64::MAX), ..Corpus::default() };
    let now = tracewell_model::UnixNanos(0);
    for request in requests(traces)? {
        let decoded = tracewell_otlp::decode_traces(&request, now)?.records;
        corpus.span_count += decoded.len() as u64;
        corpus.trace_ids.extend(decoded.trace_id.first().map(|id| id.to_string()));
        corpus.traces.push(request);
    }
    for request in requests(logs)? {
        corpus.log_count += tracewell_otlp::decode_logs(&request, now)?.records.len() as u64;
        corpus.logs.push(request);
    }
    Ok(corpus)
}

fn requests(file: &Path) -> anyhow::Result<Vec<Bytes>> {
    let content = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    let content =
        if content.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(content.as_slice())? } else { content };
    let pieces = tracewell_otlp::delimited(&content).collect::<Result<Vec<&[u8]>, _>>()?;
    Ok(pieces.into_iter().map(Bytes::copy_from_slice).collect())
}

//! What is sent: files of OTLP requests, and what is known of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use prost::Message;
use tracewell_corpus::{Files, Signal, Truth, read_requests};
use tracewell_model::UnixNanos;

/// Files of requests. Only a generated corpus has all of its truth.
pub struct Corpus {
    pub traces: Vec<PathBuf>,
    pub logs: Vec<PathBuf>,
    pub truth: Truth,
    /// Whether `truth` has answers to questions.
    pub has_answers: bool,
}

impl Corpus {
    /// The corpus in a folder: a generated one, or a data set of `traces.otlp.zst` and `logs.otlp.zst`.
    pub fn open(folder: &Path) -> anyhow::Result<Corpus> {
        let set = (folder.join("traces.otlp.zst"), folder.join("logs.otlp.zst"));
        if set.0.exists() && set.1.exists() {
            let truth = count(&set.0, &set.1)?;
            return Ok(Corpus { traces: vec![set.0], logs: vec![set.1], truth, has_answers: false });
        }
        let (Files { traces, logs }, truth) = Files::open(folder)?;
        Ok(Corpus { traces, logs, truth, has_answers: true })
    }

    pub fn files(&self, signal: Signal) -> &[PathBuf] {
        if signal == Signal::Traces { &self.traces } else { &self.logs }
    }

    pub fn records(&self, signal: Signal) -> u64 {
        if signal == Signal::Traces { self.truth.spans } else { self.truth.logs }
    }

    pub fn bytes(&self, signal: Signal) -> u64 {
        if signal == Signal::Traces { self.truth.trace_bytes } else { self.truth.log_bytes }
    }
}

/// Counts what a data set has.
fn count(traces: &Path, logs: &Path) -> anyhow::Result<Truth> {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    let mut truth = Truth { start: u64::MAX, ..Truth::default() };
    for request in read_requests(traces)? {
        let request = request?;
        let spans = tracewell_otlp::decode_traces(&request, UnixNanos(0))?.records;
        truth.spans += spans.len() as u64;
        truth.trace_bytes += request.len() as u64;
    }
    for request in read_requests(logs)? {
        let request = request?;
        truth.log_bytes += request.len() as u64;
        let decoded = ExportLogsServiceRequest::decode(&request[..]).context("a request of logs")?;
        let scopes = decoded.resource_logs.iter().flat_map(|of| &of.scope_logs);
        for log in scopes.flat_map(|of| &of.log_records) {
            truth.logs += 1;
            truth.log_body_bytes += log.body.as_ref().map_or(0, Message::encoded_len) as u64;
            truth.log_attribute_bytes += log.attributes.iter().map(Message::encoded_len).sum::<usize>() as u64;
        }
    }
    ensure!(truth.spans > 0 || truth.logs > 0, "there is nothing in {} and {}", traces.display(), logs.display());
    Ok(truth)
}

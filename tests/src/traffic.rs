//! Traffic of the simulated shop, sent as exporters send it, and a ledger of what the server acknowledged.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tonic::transport::Channel;
use tracewell_shop::{Shop, Telemetry};

use crate::{Api, Server};

/// A shop with visitors.
pub struct Traffic {
    shop: Shop,
}

/// The requests of some visits.
pub struct Batch {
    spans: ExportTraceServiceRequest,
    logs: ExportLogsServiceRequest,
    span_counts: Vec<(String, usize)>,
    log_counts: Vec<(String, usize)>,
}

impl Traffic {
    /// Whose every choice follows from `seed`.
    pub fn new(seed: u64) -> Traffic {
        Traffic { shop: Shop::new(seed) }
    }

    /// Visits that begin at these Unix nanoseconds, with trouble or without.
    pub fn visits(&mut self, starts: impl IntoIterator<Item = u64>, trouble: bool) -> Batch {
        self.shop.trouble = trouble;
        let visits: Vec<Telemetry> = starts.into_iter().map(|start| self.shop.visit(start)).collect();
        let counted = |count: fn(&Telemetry) -> usize| {
            let counts = visits.iter().map(|visit| (trace_id(visit), count(visit)));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        Batch {
            span_counts: counted(|visit| visit.spans.len()),
            log_counts: counted(|visit| visit.logs.len()),
            spans: self.shop.trace_request(&visits).unwrap_or_default(),
            logs: self.shop.logs_request(&visits).unwrap_or_default(),
        }
    }

    /// So many visits that begin now.
    pub fn visits_now(&mut self, count: usize) -> Batch {
        self.visits(std::iter::repeat_n(unix_nanos(), count), false)
    }
}

fn trace_id(visit: &Telemetry) -> String {
    let id = visit.spans.first().map(|(_, span)| span.trace_id.as_slice()).unwrap_or_default();
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The present.
fn unix_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// How a server answered a request.
#[derive(Debug)]
pub enum Answer {
    /// It has everything.
    Acknowledged,
    /// It asks to send the request again, and says when.
    TryAgain,
    /// It cannot be reached any more: whether it has the request is unknown.
    Unanswered,
}

/// An exporter.
#[derive(Clone)]
pub enum Sender {
    /// OTLP/HTTP with protobuf.
    Http(reqwest::Client, String),
    /// OTLP/gRPC.
    Grpc(Channel),
}

impl Sender {
    /// Over HTTP.
    pub fn http(server: &Server) -> Sender {
        Sender::Http(reqwest::Client::new(), server.otlp_http.clone())
    }

    /// Over gRPC.
    pub fn grpc(server: &Server) -> anyhow::Result<Sender> {
        Ok(Sender::Grpc(tonic::transport::Endpoint::from_shared(server.otlp_grpc.clone())?.connect_lazy()))
    }

    /// Sends both requests of a batch and notes what was acknowledged. Of the two answers the worse. An answer that
    /// makes exporters drop their data, or a retryable one without a time, is an error.
    pub async fn send(&self, batch: &Batch, ledger: &mut Ledger) -> anyhow::Result<Answer> {
        let spans = self.send_spans(&batch.spans).await?;
        ledger.spans.note(&batch.span_counts, &spans);
        let logs = self.send_logs(&batch.logs).await?;
        ledger.logs.note(&batch.log_counts, &logs);
        Ok(if matches!(spans, Answer::Acknowledged) { logs } else { spans })
    }

    async fn send_spans(&self, request: &ExportTraceServiceRequest) -> anyhow::Result<Answer> {
        match self {
            Sender::Http(client, url) => post(client, &format!("{url}/v1/traces"), request.encode_to_vec()).await,
            Sender::Grpc(channel) => {
                grpc_answer(TraceServiceClient::new(channel.clone()).export(request.clone()).await.map(drop))
            }
        }
    }

    async fn send_logs(&self, request: &ExportLogsServiceRequest) -> anyhow::Result<Answer> {
        match self {
            Sender::Http(client, url) => post(client, &format!("{url}/v1/logs"), request.encode_to_vec()).await,
            Sender::Grpc(channel) => {
                grpc_answer(LogsServiceClient::new(channel.clone()).export(request.clone()).await.map(drop))
            }
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, body: Vec<u8>) -> anyhow::Result<Answer> {
    let sent = client.post(url).header("content-type", "application/x-protobuf").body(body).send();
    let Ok(answer) = sent.await else { return Ok(Answer::Unanswered) };
    match answer.status().as_u16() {
        200 => Ok(Answer::Acknowledged),
        503 => {
            let seconds = answer.headers().get("retry-after").context("503 without Retry-After")?.to_str()?;
            ensure!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0), "Retry-After: {seconds}");
            Ok(Answer::TryAgain)
        }
        status => bail!("{url} answered {status}: {}", answer.text().await?),
    }
}

fn grpc_answer(answer: Result<(), tonic::Status>) -> anyhow::Result<Answer> {
    let Err(status) = answer else { return Ok(Answer::Acknowledged) };
    let says_when = status.details().windows(20).any(|part| part == b"google.rpc.RetryInfo");
    match status.code() {
        tonic::Code::Unavailable if says_when => Ok(Answer::TryAgain),
        // Of the client itself, or of a connection that is shut down: without the details of an answer.
        tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Cancelled | tonic::Code::Internal
            if status.details().is_empty() =>
        {
            Ok(Answer::Unanswered)
        }
        _ => bail!("answered {status:?}"),
    }
}

/// What was sent, and how it was answered.
#[derive(Default)]
pub struct Ledger {
    spans: Counts,
    logs: Counts,
}

/// Of one signal.
#[derive(Default)]
struct Counts {
    /// Acknowledged records of each trace.
    acknowledged: BTreeMap<String, usize>,
    /// All records that were not.
    others: usize,
}

impl Counts {
    fn note(&mut self, counts: &[(String, usize)], answer: &Answer) {
        match answer {
            Answer::Acknowledged => self.acknowledged.extend(counts.iter().cloned()),
            Answer::TryAgain | Answer::Unanswered => {
                self.others += counts.iter().map(|(_, count)| count).sum::<usize>()
            }
        }
    }

    fn merge(&mut self, other: Counts) {
        self.acknowledged.extend(other.acknowledged);
        self.others += other.others;
    }

    fn len(&self) -> usize {
        self.acknowledged.values().sum()
    }

    /// So many traces, evenly from all.
    fn sample(&self, most: usize) -> impl Iterator<Item = (&String, &usize)> {
        self.acknowledged.iter().step_by(self.acknowledged.len() / most + 1)
    }

    /// Of the records that were not acknowledged any number may be stored, but none twice.
    fn check_total(&self, what: &str, stored: usize) -> anyhow::Result<()> {
        let (least, most) = (self.len(), self.len() + self.others);
        ensure!((least..=most).contains(&stored), "{stored} {what} are stored; {least} were acknowledged of {most}");
        Ok(())
    }
}

/// In how many traces [`Ledger::check_traces`] counts what is stored.
const SAMPLED_TRACES: usize = 60;

impl Ledger {
    /// Takes in another one.
    pub fn merge(&mut self, other: Ledger) {
        self.spans.merge(other.spans);
        self.logs.merge(other.logs);
    }

    /// Spans and log records that were acknowledged.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len()
    }

    /// Whether nothing was acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compares with what the server has, which must be nothing else: all in all, and trace by trace.
    pub async fn check(&self, api: &Api) -> anyhow::Result<()> {
        let total = async |path| {
            // Visits go on for some seconds after their begin.
            let (start, end) = ("now-3h", (unix_nanos() + 60_000_000_000).to_string());
            let histogram = api.get(path, &[("start", start), ("end", &end), ("buckets", "1")]).await?;
            histogram["count"].as_u64().map(|count| count as usize).context("no count")
        };
        self.spans.check_total("spans", total("/traces/histogram").await?)?;
        self.logs.check_total("log records", total("/logs/histogram").await?)?;
        self.check_traces(api).await
    }

    /// Compares traces picked from the whole time.
    pub async fn check_traces(&self, api: &Api) -> anyhow::Result<()> {
        for (id, count) in self.spans.sample(SAMPLED_TRACES) {
            let trace = api.get_bytes(&format!("/traces/{id}"), "application/x-protobuf").await?;
            let trace = ExportTraceServiceRequest::decode(trace.as_slice())?;
            let scopes = trace.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            let stored: usize = scopes.map(|scope| scope.spans.len()).sum();
            ensure!(stored == *count, "trace {id}: {count} spans were acknowledged, {stored} are stored");
        }
        for (id, count) in self.logs.sample(SAMPLED_TRACES) {
            let path = format!("/traces/{id}/logs?limit=1000");
            let logs = api.get_bytes(&path, "application/x-protobuf").await?;
            let logs = ExportLogsServiceRequest::decode(logs.as_slice())?;
            let scopes = logs.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            let stored: usize = scopes.map(|scope| scope.log_records.len()).sum();
            ensure!(stored == *count, "trace {id}: {count} log records were acknowledged, {stored} are stored");
        }
        Ok(())
    }
}

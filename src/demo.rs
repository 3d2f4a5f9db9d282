//! `tracewell demo`: a server and the traffic of a simulated shop, sent through the server's own OTLP port.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tracewell_model::UnixNanos;
use tracewell_shop::{Shop, Telemetry};

use crate::config::Config;
use crate::serve;

/// How far back the demo's history reaches, so that charts are not empty at the start.
const HISTORY: Duration = Duration::from_secs(15 * 60);
const TICK: Duration = Duration::from_millis(500);
/// The shop has a bad time of this length in every period.
const TROUBLE: Duration = Duration::from_secs(90);
const TROUBLE_PERIOD: Duration = Duration::from_secs(300);

/// Serves with `config`, and visits the shop `visits_per_second` times a second.
pub async fn run(config: Config, visits_per_second: f64) -> anyhow::Result<()> {
    if !(visits_per_second > 0.0 && visits_per_second <= 5_000.0) {
        anyhow::bail!("--visits-per-second {visits_per_second}: expected a number above 0, at most 5000");
    }
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let traffic = tokio::spawn(async move {
        if let Ok(addresses) = is_ready.await {
            let addresses: serve::Addresses = addresses;
            generate(&format!("http://{}", addresses.otlp_http), visits_per_second).await;
        }
    });
    let served = serve::run_and_tell(config, serve::ended_by_signal(), Some(ready)).await;
    traffic.abort();
    served
}

async fn generate(endpoint: &str, visits_per_second: f64) {
    let exporter = Exporter { http: reqwest::Client::new(), endpoint: endpoint.to_owned() };
    let mut shop = Shop::new(UnixNanos::now().0);
    let mut sent_until = UnixNanos::now().saturating_sub(HISTORY.as_nanos() as u64);
    let gap = (1e9 / visits_per_second) as u64;
    let mut last_warning: Option<Instant> = None;
    let mut pending: Vec<(u64, Telemetry)> = Vec::new();
    loop {
        let now = UnixNanos::now();
        // History is sent in slices, so that no request becomes large.
        let until = UnixNanos(now.0.min(sent_until.0.saturating_add(10_000_000_000)));
        while sent_until < until {
            shop.trouble = is_trouble(sent_until);
            let visit = shop.visit(sent_until.0);
            let done = visit.spans.iter().map(|(_, span)| span.end_time_unix_nano).max().unwrap_or(sent_until.0);
            pending.push((done, visit));
            sent_until = sent_until.saturating_add(gap);
        }
        // As with real services, a span is exported once it has ended.
        let ended: Vec<Telemetry> =
            pending.extract_if(.., |(done, _)| *done <= now.0).map(|(_, telemetry)| telemetry).collect();
        if let Err(error) = exporter.export(&shop, &ended).await
            && last_warning.is_none_or(|at| at.elapsed() > Duration::from_secs(10))
        {
            last_warning = Some(Instant::now());
            tracing::warn!(%error, "the demo's traffic could not be sent");
        }
        if until == now {
            tokio::time::sleep(TICK).await;
        }
    }
}

fn is_trouble(at: UnixNanos) -> bool {
    u128::from(at.0) % TROUBLE_PERIOD.as_nanos() < TROUBLE.as_nanos()
}

struct Exporter {
    http: reqwest::Client,
    endpoint: String,
}

impl Exporter {
    async fn export(&self, shop: &Shop, visits: &[Telemetry]) -> anyhow::Result<()> {
        if let Some(request) = shop.trace_request(visits) {
            self.post("traces", ExportTraceServiceRequest::encode_to_vec(&request)).await?;
        }
        if let Some(request) = shop.logs_request(visits) {
            self.post("logs", ExportLogsServiceRequest::encode_to_vec(&request)).await?;
        }
        Ok(())
    }

    async fn post(&self, signal: &str, body: Vec<u8>) -> anyhow::Result<()> {
        let url = format!("{}/v1/{signal}", self.endpoint);
        let sent = self.http.post(url).header("content-type", "application/x-protobuf").body(body).send();
        sent.await?.error_for_status()?;
        Ok(())
    }
}

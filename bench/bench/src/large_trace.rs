//! One trace of very many spans: what reading it takes.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tracewell_shop::Shop;
use tracewell_tests::{Server, ServerOptions};

use crate::process::{cpu_seconds, peak_rss_mib, reset_peak, rss_mib};
use crate::send::{Compression, post};

const TRACE_ID: [u8; 16] = [0x7a; 16];
const SPANS_A_REQUEST: u64 = 2_048;

/// Sends the shop's spans as one trace to a server on `data`, and reads it as OTLP and as a frame; prints a table.
pub async fn measure(data: &Path, spans: u64) -> anyhow::Result<()> {
    let requests = requests(spans)?;
    let server = Server::start(data, &ServerOptions::default()).await?;
    let id = server.id().context("the server has ended")?;
    let (http, url) = (reqwest::Client::new(), format!("{}/v1/traces", server.otlp_http));
    for request in requests {
        post(&http, &url, request, Compression::None).await?;
    }
    server.api().post("/maintenance/flush").await?;
    server.api().post("/maintenance/compact").await?;
    println!(
        "{spans} spans of one trace; before reading {:.0} MiB resident, peak {:.0}",
        rss_mib(id)?,
        peak_rss_mib(id)?
    );
    println!("| Read as | s | CPU s | MB | MiB resident after, peak |\n|---|---|---|---|---|");
    let trace = format!("/traces/{}", hex::encode(TRACE_ID));
    let forms = [
        ("frame", format!("{trace}/frame"), "*/*"),
        ("OTLP protobuf", trace.clone(), "application/x-protobuf"),
        ("OTLP JSON", trace, "application/json"),
        ("summary in a list", "/traces?start=now-2d&end=now%2B1d&limit=1".to_owned(), "*/*"),
    ];
    for (name, path, accept) in forms {
        // The peak counts from here on.
        reset_peak(id)?;
        let (began, cpu) = (Instant::now(), cpu_seconds(id)?);
        let body = server.api().get_bytes(&path, accept).await?;
        println!(
            "| {name} | {:.2} | {:.2} | {:.1} | {:.0}, {:.0} |",
            began.elapsed().as_secs_f64(),
            cpu_seconds(id)? - cpu,
            body.len() as f64 / 1e6,
            rss_mib(id)?,
            peak_rss_mib(id)?
        );
    }
    server.stop().await
}

/// The shop's visits of the last hours, all in one trace.
fn requests(spans: u64) -> anyhow::Result<Vec<Bytes>> {
    let mut shop = Shop::new(42);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos() as u64;
    let (mut sent, mut requests, mut visits, mut waiting) = (0, Vec::new(), Vec::new(), 0);
    while sent < spans {
        let visit = shop.visit(now - 3_600_000_000_000 + sent * 1_000);
        waiting += visit.spans.len() as u64;
        visits.push(visit);
        if waiting < SPANS_A_REQUEST.min(spans - sent) {
            continue;
        }
        let mut request: ExportTraceServiceRequest = shop.trace_request(&visits).context("no spans in visits")?;
        for scope in request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans) {
            scope.spans.iter_mut().for_each(|span| span.trace_id = TRACE_ID.to_vec());
        }
        requests.push(request.encode_to_vec().into());
        sent += waiting;
        waiting = 0;
        visits.clear();
    }
    Ok(requests)
}

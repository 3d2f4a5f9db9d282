//! `tracewell inspect`: what a store consists of, down to the bytes of a column.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use tracewell_storage::{Inspection, SegmentDetail};

use super::data_dir::DataDirArgs;
use super::{bytes, printable, time};

/// Shows segments, or what a segment consists of; the server may be running.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A segment, to show its columns and the parts of its index
    segment: Option<String>,
    #[command(flatten)]
    store: DataDirArgs,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: InspectArgs) -> anyhow::Result<()> {
    let (mut out, data_dir) = (std::io::stdout(), args.store.resolve()?);
    match &args.segment {
        Some(segment) => {
            let detail = tracewell_storage::inspect_segment(&data_dir, segment).await?;
            match args.json {
                true => writeln!(out, "{}", serde_json::to_string(&detail)?)?,
                false => write!(out, "{}", describe_segment(&detail))?,
            }
        }
        None => {
            let inspection = tracewell_storage::inspect(&data_dir).await?;
            match args.json {
                true => writeln!(out, "{}", serde_json::to_string(&inspection)?)?,
                false => write!(out, "{}", describe(&inspection))?,
            }
        }
    }
    Ok(())
}

/// Sums over the segments of a tenant and signal.
#[derive(Default)]
struct Total {
    segments: u64,
    rows: u64,
    bytes: u64,
}

fn describe(inspection: &Inspection) -> String {
    let mut out = format!(
        "{:<26}  {:<16}  {:<6}  {:>5}  {:>12}  {:>10}  {:>8}  {:<23}  to (UTC)\n",
        "segment", "tenant", "signal", "level", "rows", "bytes", "per row", "from (UTC)"
    );
    let mut totals: BTreeMap<(&str, &str), Total> = BTreeMap::new();
    for segment in &inspection.segments {
        out.push_str(&format!(
            "{:<26}  {:<16}  {:<6}  {:>5}  {:>12}  {:>10}  {:>8}  {:<23}  {}\n",
            segment.id,
            segment.tenant,
            segment.signal,
            segment.level,
            segment.rows,
            bytes(segment.bytes),
            per_row(segment.bytes, segment.rows),
            time(segment.time_min),
            time(segment.time_max),
        ));
        let total = totals.entry((&segment.tenant, segment.signal)).or_default();
        total.segments += 1;
        total.rows += segment.rows;
        total.bytes += segment.bytes;
    }
    out.push('\n');
    for ((tenant, signal), total) in totals {
        out.push_str(&format!(
            "{tenant} {signal}: {} segments, {} rows, {}, {} bytes a row\n",
            total.segments,
            total.rows,
            bytes(total.bytes),
            per_row(total.bytes, total.rows),
        ));
    }
    out.push_str(&format!("journal: {}\n", bytes(inspection.journal_bytes)));
    out
}

fn describe_segment(detail: &SegmentDetail) -> String {
    let segment = &detail.segment;
    let mut out = format!(
        "segment {} of {} of tenant {}, level {}, format version {}\n{} rows in {} row groups, {} scopes, {}, {} bytes a row\nfrom {} to {}, flushed {} (UTC)\n\n",
        segment.id,
        segment.signal,
        segment.tenant,
        segment.level,
        segment.format_version,
        segment.rows,
        detail.row_groups.len(),
        detail.scopes,
        bytes(segment.bytes),
        per_row(segment.bytes, segment.rows),
        time(segment.time_min),
        time(segment.time_max),
        time(segment.created_at),
    );
    for (path, size) in &detail.objects {
        out.push_str(&format!("{:>10}  {path}\n", bytes(*size)));
    }
    out.push_str(&format!(
        "\n{:>10}  {:>8}  {:>12}  {:>12}  {:<40}  encodings\n",
        "bytes", "per row", "uncompressed", "values", "column"
    ));
    for column in &detail.columns {
        out.push_str(&format!(
            "{:>10}  {:>8}  {:>12}  {:>12}  {:<40}  {}\n",
            bytes(column.bytes),
            per_row(column.bytes, segment.rows),
            bytes(column.uncompressed_bytes),
            column.values,
            printable(&column.name),
            column.encodings.join(" "),
        ));
    }
    out.push_str(&format!("\n{:>10}  {:>8}  index part\n", "bytes", "per row"));
    for section in &detail.sections {
        let per_row = per_row(section.bytes, segment.rows);
        out.push_str(&format!("{:>10}  {per_row:>8}  {}\n", bytes(section.bytes), section.name));
    }
    out
}

fn per_row(bytes: u64, rows: u64) -> String {
    format!("{:.2}", bytes as f64 / rows.max(1) as f64)
}

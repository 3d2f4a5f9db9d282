//! `tracewell trace`: the waterfall of a trace in the terminal.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};

use anyhow::Context;
use clap::Args;
use tracewell_model::{SpanId, Spans, TraceId, UnixNanos};

use super::{duration, printable, time};
use crate::client::{Client, ServerArgs};

/// Shows a trace.
#[derive(Args, Debug)]
pub struct TraceArgs {
    /// The trace id: 32 hexadecimal digits
    id: String,
    /// Print it as OTLP JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const BAR_WIDTH: usize = 40;
const NAME_WIDTH: usize = 60;

/// Runs the command.
pub async fn run(args: TraceArgs) -> anyhow::Result<()> {
    let id: TraceId = args.id.trim().parse()?;
    let client = Client::new(&args.server)?;
    let path = format!("/traces/{id}");
    if args.json {
        writeln!(std::io::stdout(), "{}", client.get(&path, &[], "application/json").await?.text().await?)?;
        return Ok(());
    }
    let answer = client.get(&path, &[], "application/x-protobuf").await?;
    if let Some(reason) = answer.headers().get("tracewell-incomplete") {
        eprintln!("this trace is not complete: {}", String::from_utf8_lossy(reason.as_bytes()));
    }
    let body = answer.bytes().await?;
    let spans = tracewell_otlp::decode_traces(&body, UnixNanos::now()).context("the server sent no OTLP")?.records;
    let mut out = std::io::stdout();
    let color = out.is_terminal();
    write!(out, "{}", waterfall(&spans, color))?;
    Ok(())
}

/// The rows of a trace in depth-first order with their depth. Every row comes once, whatever the parents say.
fn depth_first(spans: &Spans) -> Vec<(usize, usize)> {
    let rows: HashMap<SpanId, usize> = (0..spans.len()).rev().map(|row| (spans.span_id[row], row)).collect();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for row in 0..spans.len() {
        match rows.get(&spans.parent_span_id[row]) {
            Some(&parent) if parent != row => children.entry(parent).or_default().push(row),
            _ => roots.push(row),
        }
    }
    let mut order = Vec::with_capacity(spans.len());
    let mut seen = vec![false; spans.len()];
    // Rows of a cycle hang on no root: they are started from once the rest is done.
    let mut stack: Vec<(usize, usize)> = Vec::new();
    roots.sort_by_key(|&row| spans.start[row]);
    let mut starts: Vec<usize> = (0..spans.len()).collect();
    starts.sort_by_key(|&row| spans.start[row]);
    for root in roots.into_iter().chain(starts) {
        stack.push((root, 0));
        while let Some((row, depth)) = stack.pop() {
            if std::mem::replace(&mut seen[row], true) {
                continue;
            }
            order.push((row, depth));
            let mut below = children.get(&row).cloned().unwrap_or_default();
            below.sort_by_key(|&child| std::cmp::Reverse(spans.start[child]));
            stack.extend(below.into_iter().map(|child| (child, depth + 1)));
        }
    }
    order
}

fn waterfall(spans: &Spans, color: bool) -> String {
    let begin = spans.start.iter().copied().min().unwrap_or(0);
    let end = (0..spans.len()).map(|row| spans.end[row].max(spans.start[row])).max().unwrap_or(0);
    let total = end.saturating_sub(begin).max(1);
    let services = (0..spans.len()).map(|row| spans.service_name(row)).collect::<std::collections::BTreeSet<_>>();
    let errors = spans.status_code.iter().filter(|&&code| code == 2).count();
    let mut out = format!(
        "{} UTC  {}  {} spans  {} services  {errors} errors\n",
        time(begin),
        duration(total),
        spans.len(),
        services.len(),
    );
    for (row, depth) in depth_first(spans) {
        let error = spans.status_code[row] == 2;
        let label = format!(
            "{}{} {}",
            "  ".repeat(depth.min(20)),
            printable(spans.service_name(row)),
            printable(spans.name.get(row))
        );
        let label: String = label.chars().take(NAME_WIDTH).collect();
        let place = |at: u64| (u128::from(at.saturating_sub(begin)) * BAR_WIDTH as u128 / u128::from(total)) as usize;
        let from = place(spans.start[row]).min(BAR_WIDTH - 1);
        let to = place(spans.end[row]).clamp(from + 1, BAR_WIDTH);
        let bar = format!("{}{}{}", " ".repeat(from), "━".repeat(to - from), " ".repeat(BAR_WIDTH - to));
        let (on, off) = if error && color { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        let mark = if error { "✕" } else { " " };
        let took = duration(spans.duration(row) as u64);
        out.push_str(&format!("{on}{label:<NAME_WIDTH$} {mark} │{bar}│ {took:>8}{off}\n"));
        if error && !spans.status_message.get(row).is_empty() {
            let message = printable(spans.status_message.get(row));
            out.push_str(&format!("{on}{}  {message}{off}\n", "  ".repeat(depth.min(20))));
        }
    }
    out
}

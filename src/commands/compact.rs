//! `tracewell compact`: merges segments until nothing is left to merge.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tracewell_storage::{Retention, Storage, StorageConfig};

use crate::client::{Client, ServerArgs};

/// Compacts a store fully.
#[derive(Args, Debug)]
pub struct CompactArgs {
    /// The data directory of a stopped server to compact; otherwise a running server is asked
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: CompactArgs) -> anyhow::Result<()> {
    let Some(data_dir) = args.data_dir else {
        let client = Client::new(&args.server)?;
        client.post("/maintenance/flush", &[]).await?;
        client.post("/maintenance/compact", &[]).await?;
        println!("compacted");
        return Ok(());
    };
    anyhow::ensure!(data_dir.join("catalog.sqlite").is_file(), "there is no store in {}", data_dir.display());
    // What expires is the server's business: its settings are not known here.
    let config = StorageConfig {
        compaction_interval: Duration::ZERO,
        retention: Retention::default(),
        ..StorageConfig::new(&data_dir)
    };
    let storage = Storage::open(config).await?;
    let compacted = async {
        storage.flush().await?;
        storage.compact_now().await
    };
    let compacted = compacted.await;
    let stats = storage.stats();
    storage.close().await?;
    compacted?;
    let segments: u64 = stats.tables.iter().map(|table| table.segments).sum();
    println!(
        "{} merges of {} segments, {} rows; {segments} segments are left",
        stats.compaction.merges, stats.compaction.segments, stats.compaction.rows
    );
    Ok(())
}

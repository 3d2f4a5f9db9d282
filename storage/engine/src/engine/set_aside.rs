//! Setting records aside that no segment can be made of.
//!
//! Should a fault of the program keep some records from being written, they must not hold up all the others, nor fill
//! the journal. They are written to a file of OTLP requests, which can be sent again to a version without the fault.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracewell_model::Records;
use tracewell_otlp::{encode_logs, encode_traces, length_delimited};

use super::shared::Shared;
use crate::live::{Chunk, Table};
use crate::{StorageError, StorageErrorKind};

const DIRECTORY: &str = "set-aside";

/// Writes the records of a chunk to a file of their own, durably. Blocks.
pub(super) fn set_aside(shared: &Shared, table: &Table, chunk: &Chunk) -> Result<PathBuf, StorageError> {
    let name = format!("{}-{}-{:020}.otlp", table.tenant(), table.signal(), chunk.first_sequence);
    let directory = shared.config.data_dir.join(DIRECTORY);
    let path = directory.join(name);
    write(&directory, &path, &encoded(chunk.records())).map_err(|error| {
        StorageError::new(StorageErrorKind::Internal, format!("cannot write {}: {error}", path.display()))
    })?;
    Ok(path)
}

/// The files that were written below the data directory and are still there.
pub(crate) fn files(data_dir: &Path) -> Vec<PathBuf> {
    // Not there when nothing was ever set aside.
    let Ok(entries) = std::fs::read_dir(data_dir.join(DIRECTORY)) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// As a file of requests: one message after its length.
fn encoded(records: &Records) -> Vec<u8> {
    let message = match records {
        Records::Spans(spans) => encode_traces(spans),
        Records::Logs(logs) => encode_logs(logs),
    };
    length_delimited(&message)
}

fn write(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()?;
    File::open(directory.parent().unwrap_or(directory))?.sync_all()
}

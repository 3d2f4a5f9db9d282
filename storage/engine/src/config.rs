//! The settings of the storage.

use std::path::PathBuf;
use std::time::Duration;

/// Where data is kept and within which bounds. Every field is one setting of the product's configuration.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// The directory of journal, catalog and (in local mode) segments. Made when it is not there.
    pub data_dir: PathBuf,
    /// Flush a table of the live tier when its oldest record is this old.
    pub flush_interval: Duration,
    /// Flush a table of the live tier when it holds this many bytes.
    pub flush_bytes: usize,
    /// Refuse appends (with a retryable error) while the live tier holds this many bytes.
    pub live_bytes_max: usize,
    /// Refuse appends (with a retryable error) while the journal takes this many bytes of disk.
    pub journal_bytes_max: u64,
    /// The size of a journal file, whose space is reserved when it is made. Smaller on a small disk.
    pub journal_file_bytes: u64,
    /// Refuse appends (with a retryable error) while the disk has less than this left, so that what was accepted can
    /// still be flushed. On a small disk a twentieth of it, if that is less.
    pub disk_reserve_bytes: u64,
    /// Refuse the requests of further tenants when there are this many.
    pub tenants_max: usize,
    /// How often the compactor looks for work. Zero: never.
    pub compaction_interval: Duration,
    /// The most rows of a merged segment.
    pub segment_rows_max: usize,
    /// How long objects of segments that were merged or expired are kept for running queries.
    pub deletion_grace: Duration,
    /// What is kept for how long.
    pub retention: Retention,
}

/// Bounds beyond which the oldest segments go. They hold for each tenant and signal.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// Drop spans this long after they were received, whatever the times in them.
    pub traces_age_max: Option<Duration>,
    /// Drop log records this long after they were received, whatever the times in them.
    pub logs_age_max: Option<Duration>,
    /// Drop the oldest segments of spans beyond this many bytes.
    pub traces_bytes_max: Option<u64>,
    /// Drop the oldest segments of log records beyond this many bytes.
    pub logs_bytes_max: Option<u64>,
}

impl StorageConfig {
    /// The defaults, with data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> StorageConfig {
        StorageConfig {
            data_dir: data_dir.into(),
            flush_interval: Duration::from_secs(30),
            flush_bytes: 64 << 20,
            live_bytes_max: 512 << 20,
            journal_bytes_max: 8 << 30,
            journal_file_bytes: 64 << 20,
            disk_reserve_bytes: 256 << 20,
            tenants_max: 1_000,
            compaction_interval: Duration::from_secs(10),
            segment_rows_max: 2_000_000,
            deletion_grace: Duration::from_secs(120),
            retention: Retention {
                traces_age_max: Some(Duration::from_secs(14 * 86_400)),
                logs_age_max: Some(Duration::from_secs(14 * 86_400)),
                traces_bytes_max: None,
                logs_bytes_max: None,
            },
        }
    }
}

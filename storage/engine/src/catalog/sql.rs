//! The schema and the statements of the catalog, in the SQL that SQLite and PostgreSQL share, and how values are
//! held in its columns.

use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

use super::CatalogError;
use crate::StorageErrorKind;

/// The steps from an empty database to the present schema; step `n` leads to version `n + 1`. Never edit one that
/// was released: add another.
pub(super) const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE segment (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        signal TEXT NOT NULL,
        level BIGINT NOT NULL,
        time_min BIGINT NOT NULL,
        time_max BIGINT NOT NULL,
        row_count BIGINT NOT NULL,
        byte_count BIGINT NOT NULL,
        format_version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        removed_at BIGINT
    )",
        "CREATE INDEX segment_removed_at ON segment (removed_at)",
        "CREATE TABLE object (
        segment_id TEXT NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
        position BIGINT NOT NULL,
        path TEXT NOT NULL UNIQUE,
        byte_count BIGINT NOT NULL,
        checksum BIGINT NOT NULL,
        PRIMARY KEY (segment_id, position)
    )",
        "CREATE TABLE watermark (
        tenant TEXT NOT NULL,
        signal TEXT NOT NULL,
        position BIGINT NOT NULL,
        PRIMARY KEY (tenant, signal)
    )",
        "CREATE TABLE request_hash (
        tenant TEXT NOT NULL,
        signal TEXT NOT NULL,
        hash_high BIGINT NOT NULL,
        hash_low BIGINT NOT NULL,
        received_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, signal, hash_high, hash_low)
    )",
        "CREATE INDEX request_hash_received_at ON request_hash (received_at)",
    ],
    &[
        "CREATE TABLE deletion (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        description TEXT NOT NULL,
        parts TEXT NOT NULL,
        requested_at BIGINT NOT NULL,
        completed_at BIGINT,
        row_count BIGINT NOT NULL
    )",
        "CREATE TABLE deletion_segment (
        deletion_id TEXT NOT NULL REFERENCES deletion (id) ON DELETE CASCADE,
        segment_id TEXT NOT NULL,
        PRIMARY KEY (deletion_id, segment_id)
    )",
        "CREATE INDEX deletion_segment_segment_id ON deletion_segment (segment_id)",
    ],
];

pub(super) const CREATE_SCHEMA_VERSION: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";
pub(super) const SELECT_SCHEMA_VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
pub(super) const INSERT_SCHEMA_VERSION: &str = "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)";

/// Together they change nothing, but are written. (An update to the value that is there is not.)
pub(super) const SETTLE: [&str; 2] =
    ["INSERT INTO schema_version (version, applied_at) VALUES (0, 0)", "DELETE FROM schema_version WHERE version = 0"];

/// One row that says `ok`, or one for each fault.
pub(super) const CHECK_INTEGRITY: &str = "PRAGMA integrity_check(100)";

pub(super) const SELECT_VISIBLE: &str =
    "SELECT id, tenant, signal, level, time_min, time_max, row_count, byte_count, format_version, created_at
     FROM segment WHERE removed_at IS NULL ORDER BY id";
pub(super) const SELECT_VISIBLE_OBJECTS: &str = "SELECT segment_id, path, object.byte_count, checksum
     FROM object JOIN segment ON segment.id = segment_id
     WHERE removed_at IS NULL ORDER BY segment_id, position";
pub(super) const SELECT_DEAD: &str =
    "SELECT id, tenant, signal, level, time_min, time_max, row_count, byte_count, format_version, created_at
     FROM segment WHERE removed_at < $1 ORDER BY removed_at, id";
pub(super) const SELECT_DEAD_OBJECTS: &str = "SELECT segment_id, path, object.byte_count, checksum
     FROM object JOIN segment ON segment.id = segment_id
     WHERE removed_at < $1 ORDER BY segment_id, position";
pub(super) const SELECT_WATERMARKS: &str = "SELECT tenant, signal, position FROM watermark ORDER BY tenant, signal";
pub(super) const SELECT_REQUEST_HASHES: &str =
    "SELECT tenant, signal, hash_high, hash_low, received_at FROM request_hash WHERE received_at >= $1
     ORDER BY received_at, tenant, signal, hash_high, hash_low";
pub(super) const SELECT_OBJECT_PATHS: &str = "SELECT path FROM object";

pub(super) const INSERT_SEGMENT: &str = "INSERT INTO segment
     (id, tenant, signal, level, time_min, time_max, row_count, byte_count, format_version, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
pub(super) const INSERT_OBJECT: &str =
    "INSERT INTO object (segment_id, position, path, byte_count, checksum) VALUES ($1, $2, $3, $4, $5)";
pub(super) const REMOVE_SEGMENT: &str = "UPDATE segment SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL";
/// Changes no row when the watermark would go back.
pub(super) const RAISE_WATERMARK: &str = "INSERT INTO watermark (tenant, signal, position) VALUES ($1, $2, $3)
     ON CONFLICT (tenant, signal) DO UPDATE SET position = excluded.position
     WHERE watermark.position <= excluded.position";
/// Completed by one tuple a hash and [`INSERT_REQUEST_HASHES_END`].
pub(super) const INSERT_REQUEST_HASHES: &str =
    "INSERT INTO request_hash (tenant, signal, hash_high, hash_low, received_at) ";
pub(super) const INSERT_REQUEST_HASHES_END: &str =
    " ON CONFLICT (tenant, signal, hash_high, hash_low) DO UPDATE SET received_at = excluded.received_at";
/// Hashes in one statement: five parameters each, of at most 32,766.
pub(super) const REQUEST_HASHES_MAX: usize = 1000;
pub(super) const PRUNE_REQUEST_HASHES: &str = "DELETE FROM request_hash WHERE received_at < $1";
pub(super) const INSERT_DELETION: &str =
    "INSERT INTO deletion (id, tenant, description, parts, requested_at, row_count) VALUES ($1, $2, $3, $4, $5, $6)";
pub(super) const INSERT_DELETION_SEGMENT: &str =
    "INSERT INTO deletion_segment (deletion_id, segment_id) VALUES ($1, $2)";
pub(super) const CLEAR_SEGMENT: &str = "DELETE FROM deletion_segment WHERE segment_id = $1";
pub(super) const CLEAR_DELETION_SEGMENT: &str =
    "DELETE FROM deletion_segment WHERE deletion_id = $1 AND segment_id = $2";
pub(super) const COUNT_DELETED: &str = "UPDATE deletion SET row_count = row_count + $2 WHERE id = $1";
pub(super) const COMPLETE_DELETIONS: &str = "UPDATE deletion SET completed_at = $1 WHERE completed_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM deletion_segment WHERE deletion_id = deletion.id)";
pub(super) const FORGET_REQUESTS: &str = "DELETE FROM request_hash WHERE tenant = $1 AND signal = $2";
pub(super) const SELECT_HELD_DELETIONS: &str = "SELECT id, tenant, parts FROM deletion
     WHERE completed_at IS NULL OR requested_at >= $1 ORDER BY id";
pub(super) const SELECT_DELETION_SEGMENTS: &str =
    "SELECT deletion_id, segment_id FROM deletion_segment ORDER BY deletion_id, segment_id";
pub(super) const SELECT_DELETIONS: &str = "SELECT id, tenant, description, requested_at, completed_at, row_count,
     (SELECT COUNT(*) FROM deletion_segment WHERE deletion_id = deletion.id)
     FROM deletion ORDER BY requested_at DESC, id DESC LIMIT $1";
pub(super) const COPY_DATABASE: &str = "VACUUM INTO $1";
pub(super) const FORGET_SEGMENT: &str = "DELETE FROM segment WHERE id = $1 AND removed_at IS NOT NULL";

/// An unsigned number as the same 64 bits: lossless, and readable up to 2^63 (times: up to the year 2262). No
/// statement compares such a column, but for watermarks, which count bytes or frames.
pub(super) fn bits(value: u64) -> i64 {
    value as i64
}

/// The number that [`bits`] wrote.
pub(super) fn from_bits(value: i64) -> u64 {
    value as u64
}

/// A time of our own clock, which statements compare: saturates in the year 2262.
pub(super) fn clock(time: UnixNanos) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// The time that [`clock`] wrote.
pub(super) fn from_clock(value: i64) -> Result<UnixNanos, CatalogError> {
    u64::try_from(value).map(UnixNanos).map_err(|_| CatalogError::Corrupt(format!("time {value} is negative")))
}

pub(super) fn tenant(name: &str) -> Result<TenantId, CatalogError> {
    TenantId::new(name).map_err(|error| CatalogError::Corrupt(error.to_string()))
}

pub(super) fn signal(name: &str) -> Result<Signal, CatalogError> {
    [Signal::Traces, Signal::Logs]
        .into_iter()
        .find(|signal| signal.as_str() == name)
        .ok_or_else(|| CatalogError::Corrupt(format!("{name:?} is no signal")))
}

pub(super) fn ulid(text: &str) -> Result<Ulid, CatalogError> {
    Ulid::from_string(text).map_err(|error| CatalogError::Corrupt(format!("segment id {text:?}: {error}")))
}

/// A small number of the column `column`.
pub(super) fn small<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T, CatalogError> {
    T::try_from(value).map_err(|_| CatalogError::Corrupt(format!("{column} {value} is out of range")))
}

/// What a caller can do about an error of the database.
pub(super) fn error_kind(error: &sqlx::Error) -> StorageErrorKind {
    let sqlx::Error::Database(error) = error else {
        return match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => StorageErrorKind::Unavailable,
            _ => StorageErrorKind::Internal,
        };
    };
    // The primary result code of SQLite is the low byte of the extended one.
    match error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL
        Some(5 | 6 | 10 | 13) => StorageErrorKind::Unavailable,
        // SQLITE_CORRUPT, SQLITE_NOTADB
        Some(11 | 26) => StorageErrorKind::Corrupt,
        _ => StorageErrorKind::Internal,
    }
}

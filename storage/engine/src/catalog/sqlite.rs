//! The catalog in an SQLite file: the embedded default.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, Transaction};
use tracewell_model::UnixNanos;
use ulid::Ulid;

use super::{Catalog, CatalogError, CatalogState, Change, ObjectMeta, REQUEST_HASH_AGE_MAX, SegmentMeta, sql};
use crate::deletion::{Deletion, HeldDeletion};

/// How long to wait for another process (a backup, an inspection) that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes the write lock at once, so that a transaction cannot fail half way because another one began to write.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// A catalog in one SQLite file, written through one connection.
#[derive(Clone, Debug)]
pub(crate) struct SqliteCatalog {
    pool: SqlitePool,
    path: PathBuf,
    /// Whether a commit began whose end nobody has seen.
    unsettled: Arc<AtomicBool>,
}

impl SqliteCatalog {
    /// Opens the catalog at `path`, making it or bringing its schema up to date where needed.
    pub(crate) async fn open(path: &Path) -> Result<SqliteCatalog, CatalogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        // One connection: writers queue here instead of meeting in the file, and readers are rare.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        let catalog = SqliteCatalog { pool, path: path.to_owned(), unsettled: Arc::default() };
        catalog.migrate().await?;
        Ok(catalog)
    }

    /// Opens the catalog at `path`, which is there, to read it; another process may write to it. Its schema has to be
    /// the present one.
    pub(crate) async fn open_to_read(path: &Path) -> Result<SqliteCatalog, CatalogError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).connect_with(options).await?;
        let found: i64 = sqlx::query_scalar(sql::SELECT_SCHEMA_VERSION).fetch_one(&pool).await?;
        let known = sql::MIGRATIONS.len() as i64;
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(SqliteCatalog { pool, path: path.to_owned(), unsettled: Arc::default() }),
            std::cmp::Ordering::Greater => Err(CatalogError::TooNew { found, known }),
            std::cmp::Ordering::Less => Err(CatalogError::TooOld { found, known }),
        }
    }

    /// Copies the catalog at `from`, to which another process may be writing, as of one moment to a new file.
    pub(crate) async fn copy(from: &Path, to: &Path) -> Result<(), CatalogError> {
        let options = SqliteConnectOptions::new().filename(from).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let copied = sqlx::query(sql::COPY_DATABASE).bind(to.to_string_lossy().as_ref()).execute(&pool).await;
        pool.close().await;
        copied?;
        Ok(())
    }

    /// What the database finds wrong with its own file.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>, CatalogError> {
        let found: Vec<String> = sqlx::query_scalar(sql::CHECK_INTEGRITY).fetch_all(&self.pool).await?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Makes sure that what is visible now is what will be after a crash.
    ///
    /// When the write-ahead log was written but could not be synced, SQLite goes on without the transaction; yet its
    /// frames are in the file, and a recovery would take them for committed. The next transaction overwrites them.
    async fn settle(&self) -> Result<(), CatalogError> {
        if self.unsettled.load(Ordering::Acquire) {
            let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
            for statement in sql::SETTLE {
                sqlx::query(statement).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            self.unsettled.store(false, Ordering::Release);
        }
        Ok(())
    }

    #[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "a note for people"))]
    async fn migrate(&self) -> Result<(), CatalogError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        sqlx::query(sql::CREATE_SCHEMA_VERSION).execute(&mut *transaction).await?;
        let found: i64 = sqlx::query_scalar(sql::SELECT_SCHEMA_VERSION).fetch_one(&mut *transaction).await?;
        let known = sql::MIGRATIONS.len() as i64;
        let done = match usize::try_from(found) {
            Ok(done) if done <= sql::MIGRATIONS.len() => done,
            Ok(_) => return Err(CatalogError::TooNew { found, known }),
            Err(_) => return Err(CatalogError::Corrupt(format!("schema version {found} is negative"))),
        };
        for (step, statements) in sql::MIGRATIONS.iter().enumerate().skip(done) {
            for statement in *statements {
                sqlx::query(*statement).execute(&mut *transaction).await?;
            }
            let (version, at) = (step as i64 + 1, sql::clock(UnixNanos::now()));
            sqlx::query(sql::INSERT_SCHEMA_VERSION).bind(version).bind(at).execute(&mut *transaction).await?;
            tracing::info!(path = %self.path.display(), version, "catalog schema brought up to date");
        }
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn load(&self, hashes_since: UnixNanos) -> Result<CatalogState, CatalogError> {
        self.settle().await?;
        // One read transaction: everything as of the same moment.
        let mut transaction = self.pool.begin().await?;
        let segments = sqlx::query(sql::SELECT_VISIBLE).fetch_all(&mut *transaction).await?;
        let objects = sqlx::query(sql::SELECT_VISIBLE_OBJECTS).fetch_all(&mut *transaction).await?;
        let segments = read_segments(&segments, &objects)?;
        let mut state = CatalogState { segments, ..CatalogState::default() };
        for row in sqlx::query(sql::SELECT_WATERMARKS).fetch_all(&mut *transaction).await? {
            let position = sql::from_bits(row.try_get(2)?);
            state.watermarks.push((sql::tenant(row.try_get(0)?)?, sql::signal(row.try_get(1)?)?, position));
        }
        let since = sql::clock(hashes_since);
        for row in sqlx::query(sql::SELECT_REQUEST_HASHES).bind(since).fetch_all(&mut *transaction).await? {
            let (high, low) = (sql::from_bits(row.try_get(2)?), sql::from_bits(row.try_get(3)?));
            let hash = u128::from(high) << 64 | u128::from(low);
            let received_at = sql::from_clock(row.try_get(4)?)?;
            state.request_hashes.push((
                sql::tenant(row.try_get(0)?)?,
                sql::signal(row.try_get(1)?)?,
                hash,
                received_at,
            ));
        }
        state.deletions = held_deletions(&mut transaction, since).await?;
        transaction.commit().await?;
        Ok(state)
    }

    async fn commit(&self, change: &Change) -> Result<(), CatalogError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        for id in &change.remove {
            remove(&mut transaction, *id, change.at).await?;
        }
        for segment in &change.add {
            add(&mut transaction, segment).await?;
        }
        for (tenant, signal, position) in &change.watermarks {
            let raised = sqlx::query(sql::RAISE_WATERMARK)
                .bind(tenant.as_str())
                .bind(signal.as_str())
                .bind(sql::bits(*position))
                .execute(&mut *transaction)
                .await?;
            if raised.rows_affected() != 1 {
                let reason = format!("watermark of {signal} of tenant {tenant} would go back to {position}");
                return Err(CatalogError::Conflict(reason));
            }
        }
        add_request_hashes(&mut transaction, change).await?;
        note_deletions(&mut transaction, change).await?;
        self.unsettled.store(true, Ordering::Release);
        transaction.commit().await?;
        self.unsettled.store(false, Ordering::Release);
        Ok(())
    }

    async fn dead_segments(&self, removed_before: UnixNanos) -> Result<Vec<SegmentMeta>, CatalogError> {
        let before = sql::clock(removed_before);
        let mut transaction = self.pool.begin().await?;
        let segments = sqlx::query(sql::SELECT_DEAD).bind(before).fetch_all(&mut *transaction).await?;
        let objects = sqlx::query(sql::SELECT_DEAD_OBJECTS).bind(before).fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        read_segments(&segments, &objects)
    }

    async fn forget(&self, ids: &[Ulid]) -> Result<(), CatalogError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        for id in ids {
            sqlx::query(sql::FORGET_SEGMENT).bind(id.to_string()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn deletions(&self, limit: usize) -> Result<Vec<Deletion>, CatalogError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = sqlx::query(sql::SELECT_DELETIONS).bind(limit).fetch_all(&self.pool).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let completed_at: Option<i64> = row.try_get(4)?;
            Ok(Deletion {
                id: row.try_get(0)?,
                tenant: sql::tenant(row.try_get(1)?)?,
                description: row.try_get(2)?,
                requested_at: sql::from_clock(row.try_get(3)?)?,
                completed_at: completed_at.map(sql::from_clock).transpose()?,
                rows: sql::from_bits(row.try_get(5)?),
                pending_segments: sql::small("segments of a deletion", row.try_get(6)?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn object_paths(&self) -> Result<HashSet<String>, CatalogError> {
        let paths: Vec<String> = sqlx::query_scalar(sql::SELECT_OBJECT_PATHS).fetch_all(&self.pool).await?;
        Ok(paths.into_iter().collect())
    }

    /// Writes everything into the main file, too.
    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn remove(connection: &mut SqliteConnection, id: Ulid, at: UnixNanos) -> Result<(), CatalogError> {
    let removed =
        sqlx::query(sql::REMOVE_SEGMENT).bind(id.to_string()).bind(sql::clock(at)).execute(&mut *connection).await?;
    sqlx::query(sql::CLEAR_SEGMENT).bind(id.to_string()).execute(&mut *connection).await?;
    match removed.rows_affected() {
        1 => Ok(()),
        _ => Err(CatalogError::Conflict(format!("segment {id} is not visible, so it cannot be removed"))),
    }
}

async fn add(connection: &mut SqliteConnection, segment: &SegmentMeta) -> Result<(), CatalogError> {
    let id = segment.id.to_string();
    let taken = |error: sqlx::Error| match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            CatalogError::Conflict(format!("segment {} or one of its objects is there already", segment.id))
        }
        _ => CatalogError::Database(error),
    };
    sqlx::query(sql::INSERT_SEGMENT)
        .bind(&id)
        .bind(segment.tenant.as_str())
        .bind(segment.signal.as_str())
        .bind(i64::from(segment.level))
        .bind(sql::bits(segment.time_min.0))
        .bind(sql::bits(segment.time_max.0))
        .bind(sql::bits(segment.rows))
        .bind(sql::bits(segment.bytes))
        .bind(i64::from(segment.format_version))
        .bind(sql::clock(segment.created_at))
        .execute(&mut *connection)
        .await
        .map_err(taken)?;
    for (position, object) in segment.objects.iter().enumerate() {
        sqlx::query(sql::INSERT_OBJECT)
            .bind(&id)
            .bind(position as i64)
            .bind(&object.path)
            .bind(sql::bits(object.bytes))
            .bind(sql::bits(object.checksum))
            .execute(&mut *connection)
            .await
            .map_err(taken)?;
    }
    Ok(())
}

/// Records a new deletion, and what the change does for earlier ones.
async fn note_deletions(transaction: &mut Transaction<'_, Sqlite>, change: &Change) -> Result<(), CatalogError> {
    if let Some(deletion) = &change.deletion {
        let parts = serde_json::to_string(&deletion.parts)
            .map_err(|error| CatalogError::Conflict(format!("a deletion cannot be written: {error}")))?;
        let id = deletion.id.to_string();
        sqlx::query(sql::INSERT_DELETION)
            .bind(&id)
            .bind(deletion.tenant.as_str())
            .bind(&deletion.description)
            .bind(parts)
            .bind(sql::clock(change.at))
            .bind(sql::bits(deletion.rows))
            .execute(&mut **transaction)
            .await?;
        for segment in &deletion.segments {
            let insert = sqlx::query(sql::INSERT_DELETION_SEGMENT).bind(&id).bind(segment.to_string());
            insert.execute(&mut **transaction).await?;
        }
    }
    for (deletion, segment) in &change.cleared {
        let clear = sqlx::query(sql::CLEAR_DELETION_SEGMENT).bind(deletion.to_string()).bind(segment.to_string());
        clear.execute(&mut **transaction).await?;
    }
    for (deletion, rows) in &change.deleted_rows {
        let count = sqlx::query(sql::COUNT_DELETED).bind(deletion.to_string()).bind(sql::bits(*rows));
        count.execute(&mut **transaction).await?;
    }
    for (tenant, signal) in &change.forget_requests {
        let forget = sqlx::query(sql::FORGET_REQUESTS).bind(tenant.as_str()).bind(signal.as_str());
        forget.execute(&mut **transaction).await?;
    }
    if change.deletion.is_some() || !change.cleared.is_empty() || !change.remove.is_empty() {
        sqlx::query(sql::COMPLETE_DELETIONS).bind(sql::clock(change.at)).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// The deletions that are not completed or were asked for since `since`.
async fn held_deletions(
    transaction: &mut Transaction<'_, Sqlite>,
    since: i64,
) -> Result<Vec<HeldDeletion>, CatalogError> {
    let mut held = Vec::new();
    for row in sqlx::query(sql::SELECT_HELD_DELETIONS).bind(since).fetch_all(&mut **transaction).await? {
        let (id, parts): (&str, &str) = (row.try_get(0)?, row.try_get(2)?);
        let parts = serde_json::from_str(parts)
            .map_err(|error| CatalogError::Corrupt(format!("deletion {id}: its parts make no sense: {error}")))?;
        let tenant = sql::tenant(row.try_get(1)?)?;
        held.push(HeldDeletion { id: sql::ulid(id)?, tenant, parts, segments: Vec::new() });
    }
    for row in sqlx::query(sql::SELECT_DELETION_SEGMENTS).fetch_all(&mut **transaction).await? {
        let (deletion, segment) = (sql::ulid(row.try_get(0)?)?, sql::ulid(row.try_get(1)?)?);
        if let Some(deletion) = held.iter_mut().find(|held| held.id == deletion) {
            deletion.segments.push(segment);
        }
    }
    Ok(held)
}

async fn add_request_hashes(transaction: &mut Transaction<'_, Sqlite>, change: &Change) -> Result<(), CatalogError> {
    // A statement must not name one key twice: the latest sighting stands for all.
    let mut latest = HashMap::with_capacity(change.request_hashes.len());
    for (tenant, signal, hash, received_at) in &change.request_hashes {
        let seen = latest.entry((tenant, *signal, *hash)).or_insert(*received_at);
        *seen = (*seen).max(*received_at);
    }
    let latest: Vec<_> = latest.into_iter().collect();
    for chunk in latest.chunks(sql::REQUEST_HASHES_MAX) {
        let mut insert = QueryBuilder::<Sqlite>::new(sql::INSERT_REQUEST_HASHES);
        insert.push_values(chunk, |mut tuple, ((tenant, signal, hash), received_at)| {
            tuple
                .push_bind(tenant.as_str())
                .push_bind(signal.as_str())
                .push_bind(sql::bits((hash >> 64) as u64))
                .push_bind(sql::bits(*hash as u64))
                .push_bind(sql::clock(*received_at));
        });
        insert.push(sql::INSERT_REQUEST_HASHES_END);
        // Not kept as a prepared statement: nearly every one has another number of tuples.
        insert.build().persistent(false).execute(&mut **transaction).await?;
    }
    let oldest = change.at.saturating_sub(REQUEST_HASH_AGE_MAX.as_nanos() as u64);
    sqlx::query(sql::PRUNE_REQUEST_HASHES).bind(sql::clock(oldest)).execute(&mut **transaction).await?;
    Ok(())
}

/// Joins the rows of segments with those of their objects; keeps the order of the segments.
fn read_segments(
    segments: &[sqlx::sqlite::SqliteRow],
    objects: &[sqlx::sqlite::SqliteRow],
) -> Result<Vec<SegmentMeta>, CatalogError> {
    let mut objects_of: HashMap<&str, Vec<ObjectMeta>> = HashMap::with_capacity(segments.len());
    for row in objects {
        objects_of.entry(row.try_get(0)?).or_default().push(ObjectMeta {
            path: row.try_get(1)?,
            bytes: sql::from_bits(row.try_get(2)?),
            checksum: sql::from_bits(row.try_get(3)?),
        });
    }
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let id: &str = row.try_get(0)?;
        Ok(SegmentMeta {
            objects: objects_of.remove(id).unwrap_or_default(),
            id: sql::ulid(id)?,
            tenant: sql::tenant(row.try_get(1)?)?,
            signal: sql::signal(row.try_get(2)?)?,
            level: sql::small("level", row.try_get(3)?)?,
            time_min: UnixNanos(sql::from_bits(row.try_get(4)?)),
            time_max: UnixNanos(sql::from_bits(row.try_get(5)?)),
            rows: sql::from_bits(row.try_get(6)?),
            bytes: sql::from_bits(row.try_get(7)?),
            format_version: sql::small("format_version", row.try_get(8)?)?,
            created_at: sql::from_clock(row.try_get(9)?)?,
        })
    };
    segments.iter().map(read).collect()
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

//! Writing segments: at once from a batch of records, or row group by row group when merging.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tracewell_model::{Records, Signal, TenantId};
use ulid::Ulid;
use xxhash_rust::xxh3::xxh3_64;

use super::catalogue::FieldCatalogue;
use super::columns::{ColumnPlan, ROW_GROUP_ROWS};
use super::encode::{Encoded, SegmentEncoder};
use super::gather::{Gathered, pick};
use super::order::order_of;
use super::{FORMAT_VERSION, WriteOptions, directory};
use crate::catalog::{ObjectMeta, SegmentMeta};
use crate::world::blocking;
use crate::{StorageError, StorageErrorKind};

/// The bytes of a part of an upload. Segments that are smaller are put at once.
const PART_BYTES: usize = 16 << 20;

/// The rows that a flush copies at once, of those that go to a row group.
const FLUSHED_PIECE_ROWS: usize = ROW_GROUP_ROWS / 4;

/// Gathered records of this many bytes are written though they do not fill a row group.
const GATHERED_BYTES_MAX: usize = 128 << 20;

/// Writes the records of all `parts`, which are of one signal, as the segment `id`: sorts and encodes them, and puts its
/// objects.
pub(crate) async fn write(
    store: &Arc<dyn ObjectStore>,
    id: Ulid,
    tenant: &TenantId,
    parts: Vec<Arc<Records>>,
    options: WriteOptions,
) -> Result<SegmentMeta, StorageError> {
    let signal = parts.first().map_or(Signal::Traces, |part| part.signal());
    let (parts, order, catalogue) = blocking(move || {
        let mut catalogue = FieldCatalogue::new();
        parts.iter().for_each(|part| catalogue.merge(&FieldCatalogue::of_records(part)));
        let order = Arc::new(order_of(&parts));
        Ok((Arc::new(parts), order, catalogue))
    })
    .await?;
    let plan = ColumnPlan::new(signal, &catalogue);
    let mut writer = SegmentWriter::new(store, id, tenant, plan, options)?;
    writer
        .encode(move |encoder| {
            encoder.count(&catalogue);
            Ok(())
        })
        .await?;
    // In pieces, so that little is copied at once, and what is ready can be put meanwhile.
    for first in (0..order.len()).step_by(FLUSHED_PIECE_ROWS) {
        let (parts, order) = (Arc::clone(&parts), Arc::clone(&order));
        let piece = first..order.len().min(first + FLUSHED_PIECE_ROWS);
        writer
            .encode(move |encoder| {
                let mut gathered = Gathered::new(signal, piece.len());
                for (part, picked) in parts.iter().zip(pick(parts.len(), &order[piece])) {
                    gathered.add(part, &picked)?;
                }
                let (records, rows) = gathered.finish();
                encoder.append_piece(&records, &rows)
            })
            .await?;
    }
    writer.finish().await
}

/// Writes a segment row group by row group, within little memory.
pub(crate) struct SegmentWriter {
    store: Arc<dyn ObjectStore>,
    id: Ulid,
    tenant: TenantId,
    signal: Signal,
    options: WriteOptions,
    /// Not there only while it works elsewhere, or after that failed.
    encoder: Option<SegmentEncoder>,
    /// What is not yet enough for a row group.
    gathered: Option<Records>,
    rows_path: String,
    upload: Upload,
}

impl SegmentWriter {
    /// For rows of these columns. `plan` is best made of the catalogues of all rows to come.
    pub(crate) fn new(
        store: &Arc<dyn ObjectStore>,
        id: Ulid,
        tenant: &TenantId,
        plan: ColumnPlan,
        options: WriteOptions,
    ) -> Result<SegmentWriter, StorageError> {
        let rows_path = format!("{}/rows.parquet", directory(tenant, plan.signal, id));
        Ok(SegmentWriter {
            store: Arc::clone(store),
            id,
            tenant: tenant.clone(),
            signal: plan.signal,
            encoder: Some(SegmentEncoder::new(plan, &options)?),
            options,
            gathered: None,
            upload: Upload { path: Path::from(rows_path.as_str()), pending: Vec::new(), pending_bytes: 0, parts: None },
            rows_path,
        })
    }

    /// Makes row groups of fewer rows, to test what happens between them.
    #[cfg(test)]
    pub(crate) async fn set_row_group_rows(&mut self, rows: usize) {
        self.encode(move |encoder| {
            encoder.set_row_group_rows(rows);
            Ok(())
        })
        .await
        .expect("sets");
    }

    /// How many rows make the next row group full.
    pub(crate) fn rows_to_full_row_group(&self) -> usize {
        let gathered = self.gathered.as_ref().map_or(0, Records::len);
        ROW_GROUP_ROWS.saturating_sub(gathered).max(1)
    }

    /// Appends `records`, all of them, in the order of `rows`, which is that of [`order_of`] over the whole segment;
    /// they are gathered into full row groups.
    pub(crate) async fn push(&mut self, records: Records, rows: Vec<u32>) -> Result<(), StorageError> {
        let gathered = self.gathered.take();
        self.gathered = self
            .encode(move |encoder| {
                encoder.count(&FieldCatalogue::of_records(&records));
                let (records, rows) = match gathered {
                    Some(mut gathered) => {
                        append_rows(&mut gathered, &records, &rows)?;
                        drop(records);
                        let all = (0..gathered.len() as u32).collect();
                        (gathered, all)
                    }
                    None => (records, rows),
                };
                let full = match records.heap_bytes() >= GATHERED_BYTES_MAX {
                    true => rows.len(),
                    false => rows.len() / ROW_GROUP_ROWS * ROW_GROUP_ROWS,
                };
                let (full, rest) = rows.split_at(full);
                encoder.append(&records, full)?;
                if rest.is_empty() {
                    return Ok(None);
                }
                let mut gathered = Records::new(records.signal());
                append_rows(&mut gathered, &records, rest)?;
                Ok(Some(gathered))
            })
            .await?;
        Ok(())
    }

    /// Works on the encoder, and puts what is ready.
    async fn encode<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut SegmentEncoder) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let mut encoder = self.take_encoder()?;
        let (encoder, result, bytes) = blocking(move || {
            let result = work(&mut encoder)?;
            let bytes = encoder.take_bytes();
            Ok((encoder, result, bytes))
        })
        .await?;
        self.encoder = Some(encoder);
        self.upload.push(&self.store, bytes).await?;
        Ok(result)
    }

    fn take_encoder(&mut self) -> Result<SegmentEncoder, StorageError> {
        self.encoder.take().ok_or_else(|| {
            StorageError::new(StorageErrorKind::Internal, format!("writing segment {} failed before", self.id))
        })
    }

    /// Puts what is left. The segment is durable when this returns.
    pub(crate) async fn finish(mut self) -> Result<SegmentMeta, StorageError> {
        if let Some(records) = self.gathered.take() {
            let rows: Vec<u32> = (0..records.len() as u32).collect();
            self.encode(move |encoder| encoder.append(&records, &rows)).await?;
        }
        let encoder = self.take_encoder()?;
        let Encoded { rows_rest, rows, scopes, index, times, row_count } = blocking(move || encoder.finish()).await?;
        self.upload.push(&self.store, rows_rest).await?;
        self.upload.finish(&self.store).await?;
        let directory = directory(&self.tenant, self.signal, self.id);
        let rows = ObjectMeta { path: self.rows_path, bytes: rows.0, checksum: rows.1 };
        let scopes = put(&self.store, format!("{directory}/scopes.parquet"), scopes).await?;
        let index = put(&self.store, format!("{directory}/index"), index).await?;
        let objects = vec![rows, scopes, index];
        Ok(SegmentMeta {
            id: self.id,
            tenant: self.tenant,
            signal: self.signal,
            level: self.options.level,
            time_min: times.0,
            time_max: times.1,
            rows: row_count,
            bytes: objects.iter().map(|object| object.bytes).sum(),
            format_version: FORMAT_VERSION,
            created_at: self.options.created_at,
            objects,
        })
    }
}

async fn put(store: &Arc<dyn ObjectStore>, path: String, bytes: Vec<u8>) -> Result<ObjectMeta, StorageError> {
    let meta = ObjectMeta { bytes: bytes.len() as u64, checksum: xxh3_64(&bytes), path };
    store.put(&Path::from(meta.path.as_str()), bytes.into()).await.map_err(|error| unput(&meta.path, &error))?;
    Ok(meta)
}

fn unput(path: &str, error: &object_store::Error) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable, format!("cannot write segment object {path}: {error}"))
}

fn append_rows(gathered: &mut Records, records: &Records, rows: &[u32]) -> Result<(), StorageError> {
    match gathered.append_rows(records, rows.iter().map(|&row| row as usize)) {
        true => Ok(()),
        false => Err(StorageError::new(StorageErrorKind::Internal, "spans and log records in one segment")),
    }
}

/// An object being put: at once when it is small, in parts when it grows.
struct Upload {
    path: Path,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    async fn push(&mut self, store: &Arc<dyn ObjectStore>, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.pending_bytes += bytes.len();
        self.pending.push(Bytes::from(bytes));
        if self.pending_bytes < PART_BYTES {
            return Ok(());
        }
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let started = store.put_multipart(&self.path).await;
                self.parts.insert(started.map_err(|error| unput(self.path.as_ref(), &error))?)
            }
        };
        let payload = PutPayload::from_iter(std::mem::take(&mut self.pending));
        self.pending_bytes = 0;
        parts.put_part(payload).await.map_err(|error| unput(self.path.as_ref(), &error))
    }

    async fn finish(mut self, store: &Arc<dyn ObjectStore>) -> Result<(), StorageError> {
        let rest = PutPayload::from_iter(std::mem::take(&mut self.pending));
        let done = match &mut self.parts {
            None => store.put(&self.path, rest).await.map(drop),
            Some(parts) if rest.content_length() == 0 => parts.complete().await.map(drop),
            Some(parts) => match parts.put_part(rest).await {
                Ok(()) => parts.complete().await.map(drop),
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| unput(self.path.as_ref(), &error))
    }
}

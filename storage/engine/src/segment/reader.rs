//! A segment that can be read.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use object_store::ObjectStore;
use parking_lot::Mutex;
use tracewell_model::{ScopeTable, TraceId};
use xxhash_rust::xxh3::xxh3_64;

use super::catalogue::FieldCatalogue;
use super::columns::ColumnPlan;
use super::granules::{Form, Piece};
use super::index::{HEAD_GUESS_BYTES, Head, Section};
use super::object::{Object, OpenObject, VerifiedObject};
use super::pages::Pages;
use super::quarantine::Quarantine;
use super::scopes;
use super::trace_index::TraceFence;
use super::value_filter::ValueFilter;
use crate::catalog::SegmentMeta;
use crate::deletion::Tombstone;
use crate::rollup::MemoryRollup;
use crate::world::blocking;
use crate::{AttributeType, Scalar, StorageError, StorageErrorKind};

/// A segment. What is needed to read it is loaded when it is first read, and kept until [`Segment::release`].
pub(crate) struct Segment {
    meta: SegmentMeta,
    rows: Arc<Object>,
    scopes: Arc<Object>,
    pub(super) index: Arc<Object>,
    opened: Mutex<Option<Arc<Opened>>>,
    /// Its rollup, if that was made of its rows because it was written without one, or of those that are not deleted by so
    /// many tombstones.
    pub(super) counted: Mutex<Option<(usize, Arc<MemoryRollup>)>>,
    quarantine: Quarantine,
    tombstones: ArcSwap<Vec<Arc<Tombstone>>>,
}

/// What is kept of a segment that is read.
pub(crate) struct Opened {
    /// The head of the index.
    pub head: Head,
    /// The scopes by number.
    pub scopes: ScopeTable,
    /// How `rows.parquet` is decoded.
    pub pages: Arc<Pages>,
    /// Which attributes there are; of none it is known when the catalogue is damaged.
    pub catalogue: FieldCatalogue,
    damaged_catalogue: Option<StorageError>,
    fence: Result<TraceFence, StorageError>,
}

impl Segment {
    /// The segment that `meta` describes, in `store`. Reads nothing yet.
    pub(crate) fn open(store: &Arc<dyn ObjectStore>, meta: SegmentMeta) -> Arc<Segment> {
        let object = |number: usize| {
            let path = meta.objects.get(number).map_or("", |object| object.path.as_str());
            Arc::new(Object::new(Arc::clone(store), path))
        };
        let (rows, scopes, index) = (object(0), object(1), object(2));
        Arc::new(Segment {
            rows,
            scopes,
            index,
            meta,
            opened: Mutex::new(None),
            counted: Mutex::new(None),
            quarantine: Quarantine::default(),
            tombstones: ArcSwap::default(),
        })
    }

    /// What the catalog says about it.
    pub(crate) fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// Its objects, in the order of the catalog.
    pub(super) fn objects(&self) -> [&Arc<Object>; 3] {
        [&self.rows, &self.scopes, &self.index]
    }

    /// The rows and the sections of the index, to read and verify all of them.
    pub(super) fn verified_objects(&self, opened: &Opened) -> Result<(VerifiedObject, VerifiedObject), StorageError> {
        let index = self.index_of(&opened.head)?;
        Ok((self.rows_object(opened)?, index.with_contents(opened.head.section_names())))
    }

    /// What is deleted of it.
    pub(super) fn tombstone_list(&self) -> &ArcSwap<Vec<Arc<Tombstone>>> {
        &self.tombstones
    }

    /// What was found damaged in it.
    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Which attributes its rows have.
    pub(crate) async fn field_catalogue(self: &Arc<Self>) -> Result<FieldCatalogue, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || {
            let opened = segment.opened()?;
            match &opened.damaged_catalogue {
                None => Ok(opened.catalogue.clone()),
                Some(error) => Err(error.clone()),
            }
        })
        .await
    }

    /// Lets go of what was loaded to read it. It is loaded again when it is needed.
    pub(crate) fn release(&self) {
        *self.opened.lock() = None;
        *self.counted.lock() = None;
    }

    /// Loads what is needed to read it. Blocks.
    pub(super) fn opened(&self) -> Result<Arc<Opened>, StorageError> {
        // Whoever comes second waits for the first instead of loading it again.
        let mut opened = self.opened.lock();
        if let Some(opened) = opened.as_ref() {
            return Ok(Arc::clone(opened));
        }
        let loaded = Arc::new(self.load()?);
        *opened = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn load(&self) -> Result<Opened, StorageError> {
        if self.meta.format_version != super::FORMAT_VERSION {
            return Err(StorageError::new(
                StorageErrorKind::Invalid,
                format!(
                    "segment {} has format version {}, this program reads {}: use a newer program",
                    self.meta.id,
                    self.meta.format_version,
                    super::FORMAT_VERSION
                ),
            ));
        }
        let head = self.load_head()?;
        let scopes = self.load_scopes(&head)?;
        let mut rows = self.rows.open()?.verified(Arc::clone(&head.rows));
        let pages = Pages::open(&mut rows, self.meta.signal).map_err(|error| self.rows_error(error))?;
        let catalogue = self.load_catalogue(&head);
        let fence = self.load_fence(&head);
        for damage in [catalogue.as_ref().err(), fence.as_ref().err()].into_iter().flatten() {
            // They only make things faster: without them, rows are still found by looking at all.
            if damage.kind() != StorageErrorKind::Corrupt {
                return Err(damage.clone());
            }
            self.note_damage(&damage.to_string());
        }
        let (catalogue, damaged_catalogue) = match catalogue {
            Ok(catalogue) => (catalogue, None),
            Err(error) => (FieldCatalogue::default(), Some(error)),
        };
        let rows = head.row_groups.iter().map(|group| u64::from(group.rows)).sum::<u64>();
        if rows != self.meta.rows || pages.row_groups() != head.row_groups.len() {
            return Err(self.index.corrupt(format_args!("it says {rows} rows, the catalog {}", self.meta.rows)));
        }
        Ok(Opened { head, scopes, pages: Arc::new(pages), catalogue, damaged_catalogue, fence })
    }

    fn load_catalogue(&self, head: &Head) -> Result<FieldCatalogue, StorageError> {
        let section = self.section(head, Section::Catalogue)?;
        let bytes = zstd::stream::decode_all(section.as_ref()).ok();
        let catalogue = bytes.and_then(|bytes| FieldCatalogue::decode(&bytes));
        catalogue.ok_or_else(|| self.index.corrupt("its field catalogue makes no sense"))
    }

    fn load_fence(&self, head: &Head) -> Result<TraceFence, StorageError> {
        let fence = TraceFence::decode(&self.section(head, Section::TraceFence)?);
        fence.ok_or_else(|| self.index.corrupt("its trace index makes no sense"))
    }

    fn section(&self, head: &Head, section: Section) -> Result<Bytes, StorageError> {
        let mut index = self.index_of(head)?;
        let range = head.section(section).unwrap_or(0..0);
        index.fetch(vec![range.clone()])?;
        index.read(range)
    }

    fn load_head(&self) -> Result<Head, StorageError> {
        let size = self.meta.objects.get(2).map_or(0, |object| object.bytes);
        let open = self.index.open()?;
        let mut start = open.read(0..HEAD_GUESS_BYTES.min(size))?;
        let length = Head::length(&start).map_err(|what| self.index.corrupt(what))?;
        if length > size {
            return Err(self.index.corrupt("its head is longer than itself"));
        }
        if length > start.len() as u64 {
            start = open.read(0..length)?;
        }
        Head::decode(start.slice(..length as usize)).map_err(|what| self.index.corrupt(what))
    }

    fn load_scopes(&self, head: &Head) -> Result<ScopeTable, StorageError> {
        let bytes: Bytes = self.scopes.read_all()?;
        if (bytes.len() as u64, xxh3_64(&bytes)) != head.scopes {
            return Err(self.scopes.corrupt("its checksum does not match"));
        }
        scopes::decode(bytes).map_err(|what| self.scopes.corrupt(what))
    }

    /// `rows.parquet`, to read parts of it.
    pub(super) fn rows_object(&self, opened: &Opened) -> Result<VerifiedObject, StorageError> {
        let pages = Arc::clone(&opened.pages);
        let object = self.rows.open()?.verified(Arc::clone(&opened.head.rows));
        Ok(object.with_contents(Arc::new(move |bytes| pages.contents(bytes))))
    }

    /// The error of rows that were found damaged before.
    pub(super) fn torn(&self, group: usize) -> StorageError {
        self.rows.corrupt(format_args!("rows of row group {group} cannot be read whole"))
    }

    /// The index, held open for several reads.
    pub(super) fn open_index(&self) -> Result<OpenObject, StorageError> {
        self.index.open()
    }

    pub(super) fn index_of(&self, head: &Head) -> Result<VerifiedObject, StorageError> {
        Ok(self.index.open()?.verified_from(head.body_start, Arc::clone(&head.body)))
    }

    /// An error of decoding `rows.parquet`, said of this segment.
    pub(super) fn rows_error(&self, error: parquet::errors::ParquetError) -> StorageError {
        if let parquet::errors::ParquetError::External(source) = &error
            && let Some(error) = source.downcast_ref::<StorageError>()
        {
            return error.clone();
        }
        self.rows.corrupt(error)
    }

    /// Where rows of a trace may be. Blocks.
    pub(super) fn trace_ranges(
        &self,
        opened: &Opened,
        trace: TraceId,
    ) -> Result<Vec<std::ops::Range<u32>>, StorageError> {
        let fence = opened.fence.as_ref().map_err(StorageError::clone)?;
        let Some(block) = fence.block(trace) else {
            return Ok(Vec::new());
        };
        let start = opened.head.section(Section::TraceBlocks).map_or(0, |section| section.start);
        let bytes = self.index_of(&opened.head)?.read(start + block.bytes.start..start + block.bytes.end)?;
        let rows = fence.rows(&block, &bytes, trace);
        rows.ok_or_else(|| self.index.corrupt("a block of its trace index makes no sense"))
    }

    /// The rows of a row group where an attribute may have one of the values; none when its value filter does not know
    /// the attribute, or when it has none. Blocks.
    pub(super) fn look_up_values(
        &self,
        opened: &Opened,
        (key, of): (&str, AttributeType),
        values: &[&Scalar],
        group: usize,
    ) -> Result<Option<Vec<std::ops::Range<usize>>>, StorageError> {
        let forms = [(Section::ValueTable(group as u32), Form::Table), (Section::Values(group as u32), Form::Filters)];
        let Some((piece, form)) = self.piece(opened, forms)? else {
            return Ok(None);
        };
        let damaged = || self.index.corrupt("a filter of its values makes no sense");
        let filter = ValueFilter::open(piece, form)?.ok_or_else(damaged)?;
        let entries: Option<Vec<u64>> = values.iter().map(|value| filter.entry(key, of, value)).collect();
        let Some(entries) = entries else {
            return Ok(None);
        };
        let mut rows = Vec::new();
        for entry in entries {
            rows.extend(filter.rows_with(entry)?.ok_or_else(damaged)?);
        }
        Ok(Some(rows))
    }

    /// The first of these sections that is there.
    pub(super) fn piece(
        &self,
        opened: &Opened,
        forms: [(Section, Form); 2],
    ) -> Result<Option<(Piece, Form)>, StorageError> {
        let there = forms.into_iter().find_map(|(section, form)| Some((opened.head.section(section)?, form)));
        let Some((section, form)) = there else {
            return Ok(None);
        };
        Ok(Some((Piece::Stored(self.index_of(&opened.head)?, section), form)))
    }
}

impl Opened {
    /// Whether the catalogue of fields could not be read.
    pub(super) fn has_damaged_catalogue(&self) -> bool {
        self.damaged_catalogue.is_some()
    }

    /// The rows of a row group, for people.
    pub(super) fn rows_of_group(&self, group: usize) -> String {
        let info = &self.head.row_groups[group];
        format!("rows {} to {}", info.first_row, info.first_row.saturating_add(info.rows).saturating_sub(1))
    }

    /// Which attributes have columns of their own.
    pub(super) fn plan(&self) -> &ColumnPlan {
        self.pages.plan()
    }
}

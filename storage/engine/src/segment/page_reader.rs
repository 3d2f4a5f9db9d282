//! Reading the pages of a column of a row group.
//!
//! Does what the reader of the parquet crate does, but for decompressing: that one makes a compressor and a decompressor for
//! every column that it reads, which takes longer than reading the few pages of a point look-up. Here every thread has one
//! decompressor.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

use super::object::VerifiedObject;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A row group of a file, to be decoded.
pub(super) struct GroupPages {
    /// The file.
    pub object: Arc<VerifiedObject>,
    /// Its metadata.
    pub metadata: Arc<ParquetMetaData>,
    /// The number of the row group.
    pub group: usize,
}

impl RowGroups for GroupPages {
    fn num_rows(&self) -> usize {
        self.metadata.row_group(self.group).num_rows() as usize
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let pages = ColumnPages::new(&self.object, &self.metadata, self.group, leaf)?;
        Ok(Box::new(OneChunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The column of one row group.
struct OneChunk(Option<ColumnPages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for OneChunk {}

/// The pages of a column.
struct ColumnPages {
    /// Reads them as if they were not compressed, when we are to decompress them.
    stored: SerializedPageReader<VerifiedObject>,
    is_zstd: bool,
}

impl ColumnPages {
    fn new(object: &Arc<VerifiedObject>, metadata: &ParquetMetaData, group: usize, leaf: usize) -> Result<ColumnPages> {
        let row_group = metadata.row_group(group);
        let column = row_group.column(leaf);
        let offsets = metadata.offset_index().and_then(|index| index.get(group)?.get(leaf));
        let locations = offsets.map(|offsets| offsets.page_locations.clone());
        let is_zstd = matches!(column.compression(), Compression::ZSTD(_));
        let as_stored: ColumnChunkMetaData;
        let column = match is_zstd {
            true => {
                as_stored = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
                &as_stored
            }
            false => column,
        };
        let rows = row_group.num_rows() as usize;
        Ok(ColumnPages { stored: SerializedPageReader::new(Arc::clone(object), column, rows, locations)?, is_zstd })
    }
}

impl Iterator for ColumnPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for ColumnPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        match self.stored.get_next_page()? {
            Some(page) if self.is_zstd => Ok(Some(decompressed(page)?)),
            page => Ok(page),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.stored.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.stored.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.stored.at_record_boundary()
    }
}

/// A page whose contents were read as they are stored.
fn decompressed(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = decompress(buf, 0)?,
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed: true, .. } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            *buf = decompress(buf, levels as usize)?;
        }
        Page::DataPageV2 { .. } => {}
    }
    Ok(page)
}

/// Decompresses what comes after the first `plain` bytes.
fn decompress(stored: &Bytes, plain: usize) -> Result<Bytes> {
    let damaged = |what: &str| ParquetError::General(format!("a compressed page is damaged: {what}"));
    let (before, compressed) =
        stored.split_at_checked(plain).ok_or_else(|| damaged("it is shorter than its levels"))?;
    // Where all values are null nothing is stored.
    if compressed.is_empty() {
        return Ok(stored.clone());
    }
    let size = get_frame_content_size(compressed).map_err(|_| damaged("it is no frame of zstd"))?;
    let size = size.ok_or_else(|| damaged("it does not tell its size"))? as usize;
    let mut page = Vec::new();
    page.try_reserve_exact(plain.saturating_add(size)).map_err(|_| damaged("it tells an impossible size"))?;
    page.extend_from_slice(before);
    let mut values = std::io::Cursor::new(page);
    values.set_position(plain as u64);
    let found = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(decompressor) => decompressor,
            None => decompressor.insert(Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(compressed, &mut values)
    });
    match found {
        Ok(found) if found == size => Ok(Bytes::from(values.into_inner())),
        Ok(found) => Err(damaged(&format!("{found} bytes instead of {size}"))),
        Err(error) => Err(damaged(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_behind_what_was_not() {
        let values = [7u8; 3000];
        let stored = [b"levels".to_vec(), zstd::bulk::compress(&values, 3).expect("compresses")].concat();
        let page = decompress(&stored.into(), 6).expect("undamaged");
        assert_eq!((&page[..6], &page[6..]), (&b"levels"[..], &values[..]));
        let levels = Bytes::from_static(b"levels");
        assert_eq!(decompress(&levels, 6).expect("no values"), levels);
    }

    #[test]
    fn damaged_pages_are_errors() {
        let stored = zstd::bulk::compress(&[7; 3000], 3).expect("compresses");
        for length in 1..stored.len() {
            assert!(decompress(&Bytes::copy_from_slice(&stored[..length]), 0).is_err(), "{length} bytes");
        }
        assert!(decompress(&Bytes::from_static(b"no frame"), 0).is_err());
        assert!(decompress(&Bytes::from_static(b"short"), 6).is_err());
        let streamed = zstd::stream::encode_all(&[7; 3000][..], 3).expect("compresses");
        assert!(decompress(&streamed.into(), 0).is_err(), "it does not tell its size");
    }
}

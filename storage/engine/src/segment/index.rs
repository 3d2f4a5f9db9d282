//! The index object of a segment: a head that says how the segment's objects are to be read and verified, and
//! sections. docs/formats/segment.md has it byte by byte.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::blocks::{BLOCK_BYTES, Blocks};

/// The first bytes of the object.
const MAGIC: &[u8; 8] = b"TWINDEX\0";

/// Magic, head length, head checksum.
const PREAMBLE_BYTES: usize = 8 + 8 + 8;

/// What is read of an index object at first: enough for the heads of most.
pub(crate) const HEAD_GUESS_BYTES: u64 = 64 << 10;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// The field catalogue, compressed by zstd.
    Catalogue,
    /// The fence of the trace index.
    TraceFence,
    /// The blocks of the trace index.
    TraceBlocks,
    /// The words of the texts of this row group, by row: as programs wrote that knew no wordings.
    Words(u32),
    /// The identifiers in the texts of this row group, in filters.
    Identifiers(u32),
    /// The values of attributes of this row group, in filters.
    Values(u32),
    /// The words of the wordings of this row group.
    Wordings(u32),
    /// Which rows of this row group have which wording.
    WordingRuns(u32),
    /// What was counted by minute, and where the counts are.
    RollupHead,
    /// The counts.
    RollupBody,
    /// The identifiers in the texts of this row group, in a table.
    IdentifierTable(u32),
    /// The values of attributes of this row group, in a table.
    ValueTable(u32),
    /// The trigrams of the words and of the identifiers of this row group.
    Trigrams(u32),
}

impl Section {
    fn code(self) -> (u32, u32) {
        match self {
            Section::Catalogue => (1, 0),
            Section::TraceFence => (2, 0),
            Section::TraceBlocks => (3, 0),
            Section::Words(row_group) => (4, row_group),
            Section::Identifiers(row_group) => (5, row_group),
            Section::Values(row_group) => (6, row_group),
            Section::RollupHead => (7, 0),
            Section::RollupBody => (8, 0),
            Section::Wordings(row_group) => (9, row_group),
            Section::WordingRuns(row_group) => (10, row_group),
            Section::IdentifierTable(row_group) => (12, row_group),
            Section::ValueTable(row_group) => (13, row_group),
            Section::Trigrams(row_group) => (14, row_group),
        }
    }

    fn from_code(code: (u32, u32)) -> Option<Section> {
        match code {
            (1, _) => Some(Section::Catalogue),
            (2, _) => Some(Section::TraceFence),
            (3, _) => Some(Section::TraceBlocks),
            (4, row_group) => Some(Section::Words(row_group)),
            (5, row_group) => Some(Section::Identifiers(row_group)),
            (6, row_group) => Some(Section::Values(row_group)),
            (7, _) => Some(Section::RollupHead),
            (8, _) => Some(Section::RollupBody),
            (9, row_group) => Some(Section::Wordings(row_group)),
            (10, row_group) => Some(Section::WordingRuns(row_group)),
            (12, row_group) => Some(Section::IdentifierTable(row_group)),
            (13, row_group) => Some(Section::ValueTable(row_group)),
            (14, row_group) => Some(Section::Trigrams(row_group)),
            // Of a later version of the format that this one may read.
            _ => None,
        }
    }
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Section::Catalogue => f.write_str("field catalogue"),
            Section::TraceFence => f.write_str("fence of the trace index"),
            Section::TraceBlocks => f.write_str("trace index"),
            Section::Words(group) => write!(f, "words of row group {group}"),
            Section::Wordings(group) => write!(f, "wordings of row group {group}"),
            Section::WordingRuns(group) => write!(f, "runs of wordings of row group {group}"),
            Section::Values(group) | Section::ValueTable(group) => write!(f, "rare values of row group {group}"),
            Section::RollupHead => f.write_str("head of the rollup"),
            Section::RollupBody => f.write_str("rollup"),
            Section::Trigrams(group) => write!(f, "trigrams of row group {group}"),
            Section::Identifiers(group) | Section::IdentifierTable(group) => {
                write!(f, "identifiers of row group {group}")
            }
        }
    }
}

/// What is known of a row group without looking into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowGroupInfo {
    /// The number of its first row in the segment.
    pub first_row: u32,
    /// Its number of rows.
    pub rows: u32,
    /// The earliest time of its rows, as sent.
    pub time_min: u64,
    /// The latest time of its rows, as sent.
    pub time_max: u64,
    /// Whether a span starts or ends at or beyond 2^63: durations then say nothing without the start.
    pub wild_times: bool,
}

/// The head of an index object.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The row groups, in order.
    pub row_groups: Vec<RowGroupInfo>,
    /// How `rows.parquet` is verified.
    pub rows: Arc<Blocks>,
    /// How `scopes.parquet` is verified: size and XXH3-64.
    pub scopes: (u64, u64),
    /// How the sections are verified: as an object of their own, that starts at `sections_start`.
    pub body: Arc<Blocks>,
    /// Where in the object the sections start.
    pub body_start: u64,
    sections: BTreeMap<Section, Range<u64>>,
}

impl Head {
    /// Where a section is, from the start of the sections.
    pub(crate) fn section(&self, section: Section) -> Option<Range<u64>> {
        self.sections.get(&section).cloned()
    }

    /// Says what stands in a range of bytes of the sections.
    pub(crate) fn section_names(&self) -> super::object::Contents {
        let sections = self.sections.clone();
        Arc::new(move |bytes| {
            let inside = sections.iter().filter(|(_, range)| range.start < bytes.end && bytes.start < range.end);
            inside.map(|(section, _)| section.to_string()).collect::<Vec<_>>().join(", ")
        })
    }

    /// The sections there are, with their bytes.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (Section, u64)> + '_ {
        self.sections.iter().map(|(section, range)| (*section, range.end.saturating_sub(range.start)))
    }

    /// The number of bytes that have to be read for the head, by the first bytes of the object. Errors say what is
    /// wrong with them.
    pub(crate) fn length(start: &[u8]) -> Result<u64, String> {
        let (magic, rest) = start.split_at_checked(8).ok_or("it is too short")?;
        if magic != MAGIC {
            return Err("it is no index object".to_owned());
        }
        let length = rest.get(..8).and_then(|length| length.try_into().ok()).map(u64::from_le_bytes);
        length.and_then(|length| length.checked_add(PREAMBLE_BYTES as u64)).ok_or_else(|| "it is too short".to_owned())
    }

    /// The head in the first [`Head::length`] bytes of the object. Errors say what is wrong with them.
    pub(crate) fn decode(start: Bytes) -> Result<Head, String> {
        let mut reader = Reader(&start);
        reader.take(16)?;
        let checksum = reader.u64()?;
        if xxh3_64(reader.0) != checksum {
            return Err("the checksum of its head does not match".to_owned());
        }
        let version = reader.u32()?;
        if version != u32::from(super::FORMAT_VERSION) {
            return Err(format!("it has version {version}, this program reads {}", super::FORMAT_VERSION));
        }
        if reader.u32()? as usize != BLOCK_BYTES {
            return Err("its blocks have an unknown size".to_owned());
        }
        let row_groups = reader.row_groups()?;
        let rows = reader.blocks()?;
        let scopes = (reader.u64()?, reader.u64()?);
        let mut sections = BTreeMap::new();
        for _ in 0..reader.u32()? {
            let code = (reader.u32()?, reader.u32()?);
            let range = reader.u64()?..reader.u64()?;
            if let Some(section) = Section::from_code(code) {
                sections.insert(section, range);
            }
        }
        let body = reader.blocks()?;
        let body_start = start.len() as u64;
        Ok(Head { row_groups, rows: Arc::new(rows), scopes, body: Arc::new(body), body_start, sections })
    }
}

/// Puts an index object together.
#[derive(Default)]
pub(crate) struct IndexWriter {
    sections: Vec<(Section, Range<u64>)>,
    body: Vec<u8>,
}

impl IndexWriter {
    /// Appends a section.
    pub(crate) fn section(&mut self, section: Section, bytes: &[u8]) {
        let start = self.body.len() as u64;
        self.body.extend_from_slice(bytes);
        self.sections.push((section, start..self.body.len() as u64));
    }

    /// The object's bytes.
    pub(crate) fn finish(self, row_groups: &[RowGroupInfo], rows: &Blocks, scopes: (u64, u64)) -> Vec<u8> {
        let mut head = Vec::new();
        head.extend(u32::from(super::FORMAT_VERSION).to_le_bytes());
        head.extend((BLOCK_BYTES as u32).to_le_bytes());
        head.extend((row_groups.len() as u32).to_le_bytes());
        for group in row_groups {
            head.extend(group.rows.to_le_bytes());
            head.extend(u32::from(group.wild_times).to_le_bytes());
            head.extend(group.time_min.to_le_bytes());
            head.extend(group.time_max.to_le_bytes());
        }
        put_blocks(&mut head, rows);
        head.extend(scopes.0.to_le_bytes());
        head.extend(scopes.1.to_le_bytes());
        head.extend((self.sections.len() as u32).to_le_bytes());
        for (section, range) in &self.sections {
            let (kind, number) = section.code();
            head.extend(kind.to_le_bytes());
            head.extend(number.to_le_bytes());
            head.extend(range.start.to_le_bytes());
            head.extend(range.end.to_le_bytes());
        }
        put_blocks(&mut head, &Blocks::of(&self.body));
        let mut object = MAGIC.to_vec();
        object.extend((head.len() as u64).to_le_bytes());
        object.extend(xxh3_64(&head).to_le_bytes());
        object.extend(head);
        object.extend(self.body);
        object
    }
}

fn put_blocks(head: &mut Vec<u8>, blocks: &Blocks) {
    head.extend(blocks.bytes.to_le_bytes());
    for sum in &blocks.sums {
        head.extend(sum.to_le_bytes());
    }
}

/// Takes numbers from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (piece, rest) = self.0.split_at_checked(length).ok_or("its head ends early")?;
        self.0 = rest;
        Ok(piece)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| "its head ends early")?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| "its head ends early")?))
    }

    fn row_groups(&mut self) -> Result<Vec<RowGroupInfo>, String> {
        let mut first_row = 0u32;
        let mut groups = Vec::new();
        for _ in 0..self.u32()? {
            let rows = self.u32()?;
            let wild_times = self.u32()? & 1 != 0;
            let (time_min, time_max) = (self.u64()?, self.u64()?);
            groups.push(RowGroupInfo { first_row, rows, time_min, time_max, wild_times });
            first_row = first_row.checked_add(rows).ok_or("it has too many rows")?;
        }
        Ok(groups)
    }

    fn blocks(&mut self) -> Result<Blocks, String> {
        let bytes = self.u64()?;
        let count = usize::try_from(bytes.div_ceil(BLOCK_BYTES as u64)).map_err(|_| "its head ends early")?;
        let sums = self.take(count.checked_mul(4).ok_or("its head ends early")?)?;
        let sums = sums.chunks_exact(4).map(|sum| u32::from_le_bytes([sum[0], sum[1], sum[2], sum[3]])).collect();
        Ok(Blocks { bytes, sums })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Vec<u8> {
        let mut writer = IndexWriter::default();
        writer.section(Section::Catalogue, b"fields");
        writer.section(Section::Words(3), b"words");
        let group = RowGroupInfo { first_row: 0, rows: 5, time_min: 1, time_max: u64::MAX, wild_times: true };
        let second = RowGroupInfo { first_row: 5, ..group };
        writer.finish(&[group, second], &Blocks::of(&[1; 40_000]), (7, 8))
    }

    #[test]
    fn a_head_comes_back_with_its_sections() {
        let object = object();
        let length = Head::length(&object).expect("an index") as usize;
        let head = Head::decode(Bytes::copy_from_slice(&object[..length])).expect("undamaged");
        assert_eq!(head.row_groups[1].first_row, 5);
        assert_eq!(*head.rows, Blocks::of(&[1; 40_000]));
        assert_eq!(head.scopes, (7, 8));
        let text = head.section(Section::Words(3)).expect("there");
        assert_eq!(&object[length + text.start as usize..length + text.end as usize], b"words");
        assert_eq!(head.body_start, length as u64);
        assert_eq!(head.section(Section::TraceFence), None);
    }

    #[test]
    fn every_damaged_byte_of_a_head_is_noticed() {
        let object = object();
        let length = Head::length(&object).expect("an index") as usize;
        for at in 16..length {
            let mut damaged = object[..length].to_vec();
            damaged[at] ^= 0x10;
            assert!(Head::decode(Bytes::from(damaged)).is_err(), "byte {at}");
        }
        assert!(Head::length(b"PAR1PAR1PAR1PAR1").is_err());
    }
}

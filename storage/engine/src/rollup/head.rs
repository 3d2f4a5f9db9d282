//! A rollup as bytes: a head that says what was counted and where, and a body of compressed blocks.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::calls::Half;
use super::cell_block::Block;
use super::cells::PackedCells;
use super::half_block;
use super::keys::{EdgeKind, Keys, LogKey, Node, NodeKind, OTHER, SpanKey};
use super::{Damaged, put_piece, take, take_piece, take_u32};
use crate::segment::any_value::put_varint;
use crate::{StorageError, StorageErrorKind};

/// The version of the encoding.
const VERSION: u64 = 1;
/// How well heads and blocks are compressed.
const ZSTD_LEVEL: i32 = 3;
/// No block is larger when it is not compressed.
const BLOCK_BYTES_MAX: usize = 4 << 20;
/// No head is larger when it is not compressed.
const HEAD_BYTES_MAX: usize = 64 << 20;

/// A rollup as bytes.
#[derive(Clone, Debug)]
pub(crate) struct EncodedRollup {
    /// What was counted and where it is.
    pub head: Bytes,
    /// The counts.
    pub body: Bytes,
}

/// All of a rollup that was made.
pub(super) struct Parts {
    pub rows: u64,
    pub present: Vec<u64>,
    pub keys: Keys,
    pub spans: PackedCells,
    pub logs: PackedCells,
    pub edges: PackedCells,
    pub halves: Vec<Half>,
    pub dropped_halves: u64,
    pub loose_calls: u64,
}

/// A list of blocks in a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    SpanMinutes,
    SpanHours,
    LogMinutes,
    LogHours,
    EdgeMinutes,
    EdgeHours,
    Halves,
}

const LISTS: usize = 7;

/// Where a block is in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its first stretch of time.
    pub first: u32,
    /// Its last.
    pub last: u32,
    /// Its compressed bytes.
    pub bytes: Range<u64>,
}

/// A kind of call, by the numbers of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EdgeEntry {
    pub source: u32,
    pub target: u32,
    pub kind: EdgeKind,
    pub failed: bool,
}

/// What was counted, and where the counts are.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The number of rows.
    pub rows: u64,
    /// Halves of calls that were not kept.
    pub dropped_halves: u64,
    /// Calls that no halves would have told.
    pub loose_calls: u64,
    /// How many rows have something in each field: see [`super::present`].
    pub present: Vec<u64>,
    /// By number.
    pub spans: Vec<SpanKey>,
    /// By number.
    pub logs: Vec<LogKey>,
    /// By number.
    pub nodes: Vec<Node>,
    /// By number.
    pub edges: Vec<EdgeEntry>,
    lists: [Vec<Place>; LISTS],
}

impl Head {
    /// The blocks of a list, in order.
    pub(crate) fn list(&self, list: List) -> &[Place] {
        &self.lists[list as usize]
    }

    /// The compressed bytes of all halves.
    pub(crate) fn half_bytes(&self) -> u64 {
        self.list(List::Halves).iter().map(|place| place.bytes.end - place.bytes.start).sum()
    }

    /// The head in these compressed bytes.
    pub(crate) fn decode(compressed: &[u8]) -> Result<Head, Damaged> {
        decode(compressed)
    }
}

/// Encodes a rollup.
pub(super) fn encode(parts: Parts) -> Result<EncodedRollup, StorageError> {
    let mut head = Vec::new();
    for number in [VERSION, parts.rows, parts.dropped_halves, parts.loose_calls] {
        put_varint(&mut head, number);
    }
    put_varint(&mut head, parts.present.len() as u64);
    parts.present.iter().for_each(|count| put_varint(&mut head, *count));
    put_keys(&mut head, &parts.keys);
    let mut body = Vec::new();
    let halves = half_block::pack(&parts.halves);
    let Parts { spans, logs, edges, .. } = parts;
    let lists = [spans.minutes, spans.hours, logs.minutes, logs.hours, edges.minutes, edges.hours, halves];
    for blocks in lists {
        put_varint(&mut head, blocks.len() as u64);
        for Block { first, last, bytes } in blocks {
            let compressed = compress(&bytes)?;
            put_varint(&mut head, u64::from(first));
            put_varint(&mut head, u64::from(last - first));
            put_varint(&mut head, compressed.len() as u64);
            body.extend(compressed);
        }
    }
    Ok(EncodedRollup { head: compress(&head)?.into(), body: body.into() })
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, StorageError> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL)
        .map_err(|error| StorageError::new(StorageErrorKind::Internal, format!("cannot compress a rollup: {error}")))
}

/// The bytes of a block.
pub(super) fn decompress_block(compressed: &[u8]) -> Result<Vec<u8>, Damaged> {
    decompress(compressed, BLOCK_BYTES_MAX)
}

fn decompress(compressed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Damaged> {
    let size = zstd::zstd_safe::get_frame_content_size(compressed).ok().flatten().ok_or(Damaged)?;
    let size = usize::try_from(size).ok().filter(|size| *size <= bytes_max).ok_or(Damaged)?;
    zstd::bulk::decompress(compressed, size).map_err(|_| Damaged)
}

fn put_keys(head: &mut Vec<u8>, keys: &Keys) {
    // The first stands for what is in no list.
    put_varint(head, keys.names.len() as u64 - 1);
    keys.names.iter().skip(1).for_each(|name| put_piece(head, name.as_bytes()));
    put_varint(head, keys.spans.list.len() as u64);
    for key in &keys.spans.list {
        put_varint(head, u64::from(key.service));
        put_varint(head, u64::from(key.name));
        put_varint(head, zigzag(key.kind));
        put_varint(head, zigzag(key.status) << 1 | u64::from(key.is_root));
    }
    put_varint(head, keys.logs.list.len() as u64);
    for key in &keys.logs.list {
        put_varint(head, u64::from(key.service));
        put_varint(head, zigzag(key.severity));
        put_varint(head, u64::from(key.severity_text));
    }
    put_varint(head, keys.nodes.list.len() as u64);
    for node in &keys.nodes.list {
        put_varint(head, node.kind as u64);
        put_varint(head, u64::from(node.system));
        put_varint(head, u64::from(node.name));
    }
    put_varint(head, keys.edges.list.len() as u64);
    for edge in &keys.edges.list {
        put_varint(head, u64::from(edge.source));
        put_varint(head, u64::from(edge.target));
        put_varint(head, (edge.kind as u64) << 1 | u64::from(edge.failed));
    }
}

fn zigzag(number: i32) -> u64 {
    u64::from((number << 1 ^ number >> 31) as u32)
}

fn unzigzag(number: u64) -> Result<i32, Damaged> {
    let number = u32::try_from(number).map_err(|_| Damaged)?;
    Ok((number >> 1) as i32 ^ -((number & 1) as i32))
}

/// Decodes a head.
fn decode(compressed: &[u8]) -> Result<Head, Damaged> {
    let bytes = decompress(compressed, HEAD_BYTES_MAX)?;
    let bytes = &mut bytes.as_slice();
    if take(bytes)? != VERSION {
        return Err(Damaged);
    }
    let (rows, dropped_halves, loose_calls) = (take(bytes)?, take(bytes)?, take(bytes)?);
    let present = (0..take(bytes)?).map(|_| take(bytes)).collect::<Result<_, _>>()?;
    let mut names: Vec<Arc<str>> = vec![Arc::from("")];
    for _ in 0..take(bytes)? {
        names.push(Arc::from(std::str::from_utf8(take_piece(bytes)?).map_err(|_| Damaged)?));
    }
    let spans = (0..take(bytes)?).map(|_| span_key(bytes, &names)).collect::<Result<_, _>>()?;
    let logs = (0..take(bytes)?).map(|_| log_key(bytes, &names)).collect::<Result<_, _>>()?;
    let nodes: Vec<Node> = (0..take(bytes)?).map(|_| node(bytes, &names)).collect::<Result<_, _>>()?;
    let edges = (0..take(bytes)?).map(|_| edge(bytes, nodes.len())).collect::<Result<_, _>>()?;
    let mut lists = [const { Vec::new() }; LISTS];
    let mut end = 0u64;
    for list in &mut lists {
        for _ in 0..take(bytes)? {
            let first = take_u32(bytes)?;
            let last = first.checked_add(take_u32(bytes)?).ok_or(Damaged)?;
            let start = end;
            end = end.checked_add(take(bytes)?).ok_or(Damaged)?;
            list.push(Place { first, last, bytes: start..end });
        }
    }
    Ok(Head { rows, dropped_halves, loose_calls, present, spans, logs, nodes, edges, lists })
}

/// The name with the number that comes next; none for what has none.
fn name(bytes: &mut &[u8], names: &[Arc<str>]) -> Result<Option<Arc<str>>, Damaged> {
    match take_u32(bytes)? {
        OTHER => Ok(None),
        number => names.get(number as usize).cloned().map(Some).ok_or(Damaged),
    }
}

fn span_key(bytes: &mut &[u8], names: &[Arc<str>]) -> Result<SpanKey, Damaged> {
    let (service, name) = (name(bytes, names)?, name(bytes, names)?);
    let kind = unzigzag(take(bytes)?)?;
    let last = take(bytes)?;
    Ok(SpanKey { service, name, kind, status: unzigzag(last >> 1)?, is_root: last & 1 != 0 })
}

fn log_key(bytes: &mut &[u8], names: &[Arc<str>]) -> Result<LogKey, Damaged> {
    let service = name(bytes, names)?;
    let severity = unzigzag(take(bytes)?)?;
    Ok(LogKey { service, severity, severity_text: name(bytes, names)? })
}

fn node(bytes: &mut &[u8], names: &[Arc<str>]) -> Result<Node, Damaged> {
    let kind = usize::try_from(take(bytes)?).ok().and_then(|kind| NodeKind::ALL.get(kind)).ok_or(Damaged)?;
    let system = name(bytes, names)?.unwrap_or_else(|| Arc::from(""));
    Ok(Node { kind: *kind, system, name: name(bytes, names)? })
}

fn edge(bytes: &mut &[u8], nodes: usize) -> Result<EdgeEntry, Damaged> {
    let (source, target) = (take_u32(bytes)?, take_u32(bytes)?);
    let last = take(bytes)?;
    let kind = usize::try_from(last >> 1).ok().and_then(|kind| EdgeKind::ALL.get(kind)).ok_or(Damaged)?;
    if source as usize >= nodes || target as usize >= nodes {
        return Err(Damaged);
    }
    Ok(EdgeEntry { source, target, kind: *kind, failed: last & 1 != 0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rollup::RollupBuilder;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Head::decode(&bytes);
            let _ = Head::decode(&compress(&bytes).expect("compressed"));
            let versioned = [&[VERSION as u8][..], &bytes].concat();
            let _ = Head::decode(&compress(&versioned).expect("compressed"));
        }

        #[test]
        fn signed_numbers_come_back(number: i32) {
            prop_assert_eq!(unzigzag(zigzag(number)), Ok(number));
        }
    }

    #[test]
    fn the_rollup_of_no_rows_is_read() {
        let rollup = RollupBuilder::new().finish().expect("a rollup");
        let head = Head::decode(&rollup.head).expect("a head");
        assert_eq!((head.rows, head.spans.len(), head.half_bytes()), (0, 0, 0));
    }
}

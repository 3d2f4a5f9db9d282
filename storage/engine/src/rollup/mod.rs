//! Rollups: what overviews need of the rows of a chunk or a segment, counted when it is made.
//!
//! Every segment and every chunk of the live tier has the rollup of exactly its own rows. A reader merges those of its
//! snapshot, so late records, merging, deletion and retention are right by themselves.
//!
//! Making: [`builder`] takes rows, [`keys`] numbers what is counted, [`cells`] counts by minute, [`calls`] finds the
//! calls between services ([`peers`] names what is no service of its own). Encoding: [`cell_block`], [`half_block`],
//! [`head`]. Reading: [`part`] and [`graph`]. Verifying: [`recount`]. docs/formats/segment.md has the bytes.

mod builder;
mod calls;
mod cell_block;
mod cells;
mod class;
mod graph;
mod half_block;
mod head;
mod keys;
mod part;
mod peers;
mod present;
mod recount;

pub(crate) use builder::RollupBuilder;
pub use class::{duration_class, duration_of_class};
pub use graph::{CallGraph, Edge};
pub(crate) use head::Head;
pub use keys::{EdgeKind, LogKey, Node, NodeKind, SpanKey};
pub use part::{Cell, RollupPart, RollupRequest, RollupTable};
pub(crate) use part::{MemoryRollup, Places};
pub(crate) use recount::differences;

/// Nanoseconds of a minute.
pub const MINUTE_NANOS: u64 = 60_000_000_000;

/// Minutes of an hour.
pub(crate) const HOUR_MINUTES: u32 = 60;

/// Both ends of a call start at most this many minutes apart.
pub(crate) const CALL_MINUTES_MAX: u32 = 60;

/// The minute that a time as sent lies in.
pub(crate) fn minute_of(nanos: u64) -> u32 {
    // At most 307 million.
    (nanos / MINUTE_NANOS) as u32
}

/// Bytes that make no sense though their checksum matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Takes a number in LEB128 from the front.
fn take(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    // Most are short.
    match bytes.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *bytes = rest;
            Ok(u64::from(byte))
        }
        _ => crate::segment::any_value::take_varint(bytes).ok_or(Damaged),
    }
}

fn take_u32(bytes: &mut &[u8]) -> Result<u32, Damaged> {
    take(bytes).and_then(|number| u32::try_from(number).map_err(|_| Damaged))
}

/// Takes a length, then as many bytes.
fn take_piece<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Damaged> {
    let length = usize::try_from(take(bytes)?).map_err(|_| Damaged)?;
    let (piece, rest) = bytes.split_at_checked(length).ok_or(Damaged)?;
    *bytes = rest;
    Ok(piece)
}

fn put_piece(out: &mut Vec<u8>, piece: &[u8]) {
    crate::segment::any_value::put_varint(out, piece.len() as u64);
    out.extend_from_slice(piece);
}

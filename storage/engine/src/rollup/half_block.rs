//! Blocks of halves of calls, by minute, packed.

use super::calls::{End, Half};
use super::cell_block::Block;
use super::{Damaged, put_piece, take, take_piece, take_u32};
use crate::segment::any_value::put_varint;

/// The halves of a block.
const BLOCK_HALVES: usize = 8 << 10;

/// Packs halves, which are in order.
pub(super) fn pack(halves: &[Half]) -> Vec<Block> {
    halves.chunks(BLOCK_HALVES).map(pack_block).collect()
}

fn pack_block(halves: &[Half]) -> Block {
    let first = halves.first().map_or(0, |half| half.minute);
    let (mut minute, mut id) = (first, 0);
    let [mut minutes, mut ids, mut kinds, mut services, mut classes, mut peers] = [const { Vec::new() }; 6];
    for half in halves {
        put_varint(&mut minutes, u64::from(half.minute - minute));
        if half.minute != minute {
            (minute, id) = (half.minute, 0);
        }
        put_varint(&mut ids, half.id - id);
        id = half.id;
        kinds.push(half.end as u8 | u8::from(half.failed) << 2);
        put_varint(&mut services, u64::from(half.service));
        put_varint(&mut classes, u64::from(half.class));
        if half.end == End::Client {
            put_varint(&mut peers, u64::from(half.peer));
        }
    }
    let mut bytes = Vec::new();
    for stream in [minutes, ids, kinds, services, classes, peers] {
        put_piece(&mut bytes, &stream);
    }
    Block { first, last: minute, bytes }
}

/// The halves in the bytes of a block that starts with this minute.
pub(super) fn unpack(first: u32, mut bytes: &[u8]) -> Result<Vec<Half>, Damaged> {
    let bytes = &mut bytes;
    let [mut minutes, mut ids, kinds, mut services, mut classes, mut peers] = [
        take_piece(bytes)?,
        take_piece(bytes)?,
        take_piece(bytes)?,
        take_piece(bytes)?,
        take_piece(bytes)?,
        take_piece(bytes)?,
    ];
    let (mut minute, mut id) = (first, 0u64);
    let mut halves = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let later = take_u32(&mut minutes)?;
        if later > 0 {
            (minute, id) = (minute.checked_add(later).ok_or(Damaged)?, 0);
        }
        id = id.checked_add(take(&mut ids)?).ok_or(Damaged)?;
        let end = End::ALL[usize::from(kind & 3)];
        halves.push(Half {
            minute,
            id,
            service: take_u32(&mut services)?,
            end,
            failed: kind & 4 != 0,
            class: u16::try_from(take(&mut classes)?).map_err(|_| Damaged)?,
            peer: if end == End::Client { take_u32(&mut peers)? } else { 0 },
        });
    }
    Ok(halves)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn half() -> impl Strategy<Value = Half> {
        let end = prop::sample::select(End::ALL.to_vec());
        (0u32..5, 0u64..1 << 56, 0u32..9, end, any::<bool>(), 0u16..1920, 0u32..3).prop_map(
            |(minute, id, service, end, failed, class, peer)| Half {
                minute: 28_000_000 + minute,
                id,
                service,
                end,
                failed,
                class,
                peer: if end == End::Client { peer } else { 0 },
            },
        )
    }

    proptest! {
        #[test]
        fn halves_come_back_from_their_blocks(mut halves in prop::collection::vec(half(), 0..100)) {
            halves.sort_unstable();
            let mut found = Vec::new();
            for block in pack(&halves) {
                found.extend(unpack(block.first, &block.bytes).expect("a block"));
            }
            prop_assert_eq!(found, halves);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(7, &bytes);
        }
    }
}

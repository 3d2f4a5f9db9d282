//! Comparing the rollup that a segment has with one that was counted from its rows again.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use tracewell_model::Signal;

use super::head::Head;
use super::part::{RollupPart, RollupRequest, RollupTable};
use crate::StorageError;

/// What says parts of a rollup.
type Parts<'a> = &'a dyn Fn(&RollupRequest) -> Result<RollupPart, StorageError>;

/// What is counted in a stretch of time: how often, and a sum of hashes over keys and duration classes. Keys count by
/// what they say, since their numbers depend on the order in which rows came.
type Sums = BTreeMap<u32, (u64, u64)>;

/// In what the `stored` rollup differs from the `counted` one, whose rows came in the same order. Empty: in nothing.
pub(crate) fn differences(signal: Signal, stored: Parts<'_>, counted: Parts<'_>) -> Result<Vec<String>, StorageError> {
    let no_counts = RollupRequest { table: None, minutes: 0..0, by_hours: false, halves: 0..u32::MAX };
    let (stored_part, counted_part) = (stored(&no_counts)?, counted(&no_counts)?);
    let mut found = Vec::new();
    let [says, has] = [&stored_part, &counted_part].map(|part| part.head().rows);
    if says != has {
        found.push(format!("its rollup is of {says} rows, it has {has}"));
    }
    let [says, has] = [&stored_part, &counted_part].map(|part| part.present(signal).collect::<Vec<_>>());
    if says.len() != has.len() {
        found.push(format!("its rollup says of {} fields how many rows have them, not of {}", says.len(), has.len()));
    }
    for ((column, says), (_, has)) in says.iter().zip(&has).filter(|(says, has)| says != has) {
        found.push(format!("its rollup says that {says} rows have {column:?}, {has} have"));
    }
    // Which keys go beyond the bounds depends on the pieces in which the rows came; how many rows there are does not.
    let by_key = [&stored_part, &counted_part].iter().all(|part| names_all(part.head()));
    if by_key && sum_of_halves(&stored_part) != sum_of_halves(&counted_part) {
        found.push("its rollup has other open ends of calls than its rows".to_owned());
    }
    let mut tables = vec![(RollupTable::Spans, "spans"), (RollupTable::Logs, "log records")];
    if by_key {
        tables.push((RollupTable::Edges, "calls"));
    }
    for (table, what) in tables {
        for (by_hours, stretch) in [(false, "minute"), (true, "hour")] {
            let request = RollupRequest { by_hours, ..RollupRequest::minutes(table, 0..u32::MAX) };
            let [says, has] = [stored(&request)?, counted(&request)?].map(|part| sums(&part, table, by_key));
            found.extend(first_difference(&says?, &has?, what, stretch));
        }
    }
    Ok(found)
}

/// Whether no key was beyond the bounds.
fn names_all(head: &Head) -> bool {
    head.spans.iter().all(|key| key.service.is_some() && key.name.is_some())
        && head.logs.iter().all(|key| key.service.is_some() && key.severity_text.is_some())
        && head.nodes.iter().all(|node| node.name.is_some())
        && head.dropped_halves == 0
}

fn sums(part: &RollupPart, table: RollupTable, by_key: bool) -> Result<Sums, StorageError> {
    let head = part.head();
    let keys: Vec<u64> = match table {
        RollupTable::Spans => head.spans.iter().map(hash).collect(),
        RollupTable::Logs => head.logs.iter().map(hash).collect(),
        RollupTable::Edges => {
            let node = |number: u32| head.nodes.get(number as usize);
            head.edges.iter().map(|edge| hash((node(edge.source), node(edge.target), edge.kind, edge.failed))).collect()
        }
    };
    let mut sums = Sums::new();
    part.visit(|cell| {
        let key = if by_key { keys[cell.key] } else { 0 };
        let (count, sum) = sums.entry(cell.minute).or_default();
        *count += cell.count;
        *sum = sum.wrapping_add(hash(key).wrapping_mul(cell.count));
        for (class, count) in cell.durations {
            *sum = sum.wrapping_add(hash((key, class)).wrapping_mul(*count));
        }
    })?;
    Ok(sums)
}

fn sum_of_halves(part: &RollupPart) -> u64 {
    let node = |number: u32| part.head().nodes.get(number as usize);
    let halves = part.halves().iter().map(|half| {
        let peer = half.peer.checked_sub(1).map(node);
        hash((half.minute, half.id, node(half.service), half.end as u8, half.failed, half.class, peer))
    });
    halves.fold(0, u64::wrapping_add)
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn first_difference(says: &Sums, has: &Sums, what: &str, stretch: &str) -> Option<String> {
    let minutes = says.keys().chain(has.keys()).filter(|minute| says.get(minute) != has.get(minute));
    let minute = minutes.min()?;
    let [(says, _), (has, _)] = [says, has].map(|sums| sums.get(minute).copied().unwrap_or_default());
    let of = format!("{stretch} from {} s since 1970 on", u64::from(*minute) * 60);
    Some(match says == has {
        true => format!("its rollup counts the {has} {what} of the {of} under other keys or durations than they have"),
        false => format!("its rollup counts {says} {what} in the {of}, there are {has}"),
    })
}

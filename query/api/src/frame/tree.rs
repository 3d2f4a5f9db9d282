//! The order in which the spans of a trace are shown: a depth-first walk of the parent relation, whatever came in.
//!
//! Senders choose ids and clocks, so the relation may have holes, duplicates and cycles. Every span is shown exactly
//! once all the same, and the same spans give the same tree in whatever order they are stored.

use std::collections::HashMap;

use tracewell_model::SpanId;

use super::{FrameSpans, flag};

/// A span's place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its row in the spans.
    pub row: usize,
    /// How many ancestors it has.
    pub depth: usize,
    /// What is odd about its place: bits of [`flag`].
    pub flags: u8,
}

/// Spans in depth-first order: parents before children, siblings and roots by start, then span id.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Every span once.
    pub nodes: Vec<Node>,
}

/// Stands for "no parent" in a column of ranks.
const NONE: u32 = u32::MAX;

impl Tree {
    /// The tree of `spans`, all of one trace. Linear but for one sort.
    pub fn of(spans: &FrameSpans) -> Tree {
        let rows = rows_by_start(spans);
        let (parents, mut flags) = parents(spans, &rows);
        let parents = without_cycles(parents, &mut flags);
        let (first_child, children) = children(&parents);
        let mut nodes = Vec::with_capacity(rows.len());
        let mut stack: Vec<(u32, usize)> = Vec::new();
        let roots = (0..rows.len() as u32).filter(|&rank| parents[rank as usize] == NONE);
        for root in roots {
            stack.push((root, 0));
            while let Some((rank, depth)) = stack.pop() {
                let place = rank as usize;
                nodes.push(Node { row: rows[place] as usize, depth, flags: flags[place] });
                let of_place = &children[first_child[place] as usize..first_child[place + 1] as usize];
                stack.extend(of_place.iter().rev().map(|&child| (child, depth + 1)));
            }
        }
        Tree { nodes }
    }
}

/// The rows by start, then span id. A row's place in this list is its *rank*; all else here counts in ranks.
fn rows_by_start(spans: &FrameSpans) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..spans.len() as u32).collect();
    // Spans that share start and id are told apart by what else they have, so that storage order does not show.
    rows.sort_unstable_by_key(|&row| {
        let row = row as usize;
        (spans.start[row], spans.span_id[row], spans.kind[row], spans.end[row], spans.parent_span_id[row], row)
    });
    rows
}

/// The rank of every span's parent and what is odd about it. Of several spans with the parent's id the first is it.
fn parents(spans: &FrameSpans, rows: &[u32]) -> (Vec<u32>, Vec<u8>) {
    let mut rank_of: HashMap<SpanId, u32> = HashMap::with_capacity(rows.len());
    for (rank, &row) in rows.iter().enumerate() {
        rank_of.entry(spans.span_id[row as usize]).or_insert(rank as u32);
    }
    let mut parents = Vec::with_capacity(rows.len());
    let mut flags = Vec::with_capacity(rows.len());
    for &row in rows {
        let parent_id = spans.parent_span_id[row as usize];
        let parent = if parent_id.is_some() { rank_of.get(&parent_id).copied() } else { None };
        parents.push(parent.unwrap_or(NONE));
        flags.push(match parent {
            Some(parent) if spans.start[row as usize] < spans.start[rows[parent as usize] as usize] => {
                flag::STARTS_BEFORE_PARENT
            }
            None if parent_id.is_some() => flag::PARENT_MISSING,
            _ => 0,
        });
    }
    (parents, flags)
}

/// Takes the parent from the first span of every cycle, so that each walk upwards ends at a root.
fn without_cycles(mut parents: Vec<u32>, flags: &mut [u8]) -> Vec<u32> {
    // The walk that first came by; a walk that comes upon itself has found a cycle.
    let mut seen_by = vec![NONE; parents.len()];
    for walk in 0..parents.len() as u32 {
        let mut rank = walk;
        while rank != NONE && seen_by[rank as usize] == NONE {
            seen_by[rank as usize] = walk;
            rank = parents[rank as usize];
        }
        if rank == NONE || seen_by[rank as usize] != walk {
            continue;
        }
        let first = first_of_cycle(&parents, rank) as usize;
        parents[first] = NONE;
        flags[first] = flag::CYCLE_CUT;
    }
    parents
}

fn first_of_cycle(parents: &[u32], member: u32) -> u32 {
    let mut first = member;
    let mut rank = parents[member as usize];
    while rank != member {
        first = first.min(rank);
        rank = parents[rank as usize];
    }
    first
}

/// The children of all spans, ascending, one after the other; and where those of each begin.
fn children(parents: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut first_child = vec![0; parents.len() + 1];
    for &parent in parents.iter().filter(|&&parent| parent != NONE) {
        first_child[parent as usize + 1] += 1;
    }
    for place in 0..parents.len() {
        first_child[place + 1] += first_child[place];
    }
    let mut next = first_child.clone();
    let mut children = vec![0; first_child[parents.len()] as usize];
    for (rank, &parent) in parents.iter().enumerate().filter(|(_, parent)| **parent != NONE) {
        let place = &mut next[parent as usize];
        children[*place as usize] = rank as u32;
        *place += 1;
    }
    (first_child, children)
}

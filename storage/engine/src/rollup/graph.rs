//! The service graph of several sources: the calls that were found within each, and those whose ends are in different
//! ones.

use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashMap;

use super::calls::{Call, End, Half, match_halves};
use super::keys::{EdgeKind, Node};
use super::part::{RollupPart, damaged};
use super::{CALL_MINUTES_MAX, Damaged};
use crate::StorageError;

/// The most halves that are matched at a time.
const HALVES_MAX: usize = 4 << 20;

/// The calls from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who calls or sends.
    pub source: Node,
    /// Who is called or receives.
    pub target: Node,
    /// How.
    pub kind: EdgeKind,
    /// How often.
    pub count: u64,
    /// How often that failed, for either side.
    pub error_count: u64,
    /// How many calls took how long, by class ([`crate::duration_of_class`]): the span of the called service, or of the
    /// caller where the called sends none.
    pub durations: BTreeMap<u16, u64>,
}

#[derive(Default)]
struct Sum {
    count: u64,
    errors: u64,
    durations: BTreeMap<u16, u64>,
}

/// Gathers the calls of some minutes from the rollups of sources.
#[derive(Default)]
pub struct CallGraph {
    nodes: Vec<Node>,
    numbers: HashMap<Node, u32>,
    edges: HashMap<(u32, u32, EdgeKind), Sum>,
    halves: Vec<Half>,
    dropped: u64,
    loose: u64,
    unmatched: u64,
    half_bytes: u64,
}

impl CallGraph {
    /// No calls yet.
    pub fn new() -> CallGraph {
        CallGraph::default()
    }

    /// The minutes whose halves are needed to know the calls of `minutes`.
    pub fn halves_for(minutes: &Range<u32>) -> Range<u32> {
        minutes.start.saturating_sub(CALL_MINUTES_MAX)..minutes.end.saturating_add(CALL_MINUTES_MAX)
    }

    /// Counts the calls in that were found within a source: a part with [`crate::RollupTable::Edges`].
    pub fn add_found(&mut self, part: &RollupPart) -> Result<(), StorageError> {
        let numbers = self.nodes_of(part);
        let edges = &part.head().edges;
        self.dropped += part.head().dropped_halves;
        self.loose += part.head().loose_calls;
        self.half_bytes += part.head().half_bytes();
        part.visit(|cell| {
            let edge = &edges[cell.key];
            let (source, target) = (numbers[edge.source as usize], numbers[edge.target as usize]);
            let sum = self.edges.entry((source, target, edge.kind)).or_default();
            sum.count += cell.count;
            sum.errors += if edge.failed { cell.count } else { 0 };
            for (class, count) in cell.durations {
                *sum.durations.entry(*class).or_default() += count;
            }
        })
    }

    /// The bytes of the halves of the sources whose calls were counted in, as they are stored: about 11 for each.
    pub fn half_bytes(&self) -> u64 {
        self.half_bytes
    }

    /// Takes in the halves of a source, to be matched by [`CallGraph::match_halves`].
    pub fn add_halves(&mut self, part: &RollupPart) -> Result<(), StorageError> {
        let numbers = self.nodes_of(part);
        let number = |node: u32| numbers.get(node as usize).copied().ok_or_else(|| damaged(Damaged));
        for half in part.halves() {
            if self.halves.len() >= HALVES_MAX {
                self.dropped += 1;
                continue;
            }
            let service = number(half.service)?;
            let peer = if half.peer == 0 { 0 } else { number(half.peer - 1)? + 1 };
            self.halves.push(Half { service, peer, ..*half });
        }
        Ok(())
    }

    /// Matches the halves that were taken in, and counts the calls of `minutes`. The halves of
    /// [`CallGraph::halves_for`] them have to be there.
    pub fn match_halves(&mut self, minutes: &Range<u32>) {
        let halves = std::mem::take(&mut self.halves);
        let edges = &mut self.edges;
        let mut count = |call: Call| {
            if minutes.contains(&call.minute) {
                let sum = edges.entry((call.source, call.target, call.kind)).or_default();
                sum.count += 1;
                sum.errors += u64::from(call.failed);
                *sum.durations.entry(call.class).or_default() += 1;
            }
        };
        for half in match_halves(halves, &mut count) {
            let Half { minute, service, end, failed, class, peer, .. } = half;
            match end {
                End::Client if peer > 0 => {
                    count(Call { source: service, target: peer - 1, kind: EdgeKind::External, failed, minute, class });
                }
                End::Server | End::Consumer => self.unmatched += u64::from(minutes.contains(&minute)),
                End::Client | End::Producer => {}
            }
        }
    }

    fn nodes_of(&mut self, part: &RollupPart) -> Vec<u32> {
        let number = |node: &Node| match self.numbers.get(node) {
            Some(&number) => number,
            None => {
                let number = self.nodes.len() as u32;
                self.nodes.push(node.clone());
                self.numbers.insert(node.clone(), number);
                number
            }
        };
        part.head().nodes.iter().map(number).collect()
    }

    /// Why calls may be missing, if they may.
    pub fn incomplete(&self) -> Option<String> {
        if self.dropped > 0 {
            return Some(format!("{} ends of calls were too many to be kept", self.dropped));
        }
        let is_loose = self.loose > 0 && self.unmatched > 0;
        is_loose.then(|| {
            "some services are called by spans that are neither client nor producer; such calls are found when \
             their spans are in one segment"
                .to_owned()
        })
    }

    /// The calls, by nodes.
    pub fn finish(self) -> Vec<Edge> {
        let nodes = self.nodes;
        let edge = |((source, target, kind), sum): ((u32, u32, EdgeKind), Sum)| Edge {
            source: nodes[source as usize].clone(),
            target: nodes[target as usize].clone(),
            kind,
            count: sum.count,
            error_count: sum.errors,
            durations: sum.durations,
        };
        let mut edges: Vec<Edge> = self.edges.into_iter().map(edge).collect();
        edges.sort_by(|a, b| (&a.source, &a.target, a.kind).cmp(&(&b.source, &b.target, b.kind)));
        edges
    }
}

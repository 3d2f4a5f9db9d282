//! Calls between services: a span and its parent, or a consumer and a producer that it links to, in different services.
//!
//! The spans of a trace are matched when all of them have come. What may have its other end in another segment is kept
//! as a [`Half`]: client spans that nobody answered, producer spans, and server and consumer spans whose parent or link
//! did not come. Halves are matched at the end, and again by whoever reads several rollups.

use hashbrown::HashMap;
use tracewell_model::{SpanId, TraceId};
use xxhash_rust::xxh3::xxh3_64;

use super::CALL_MINUTES_MAX;
use super::keys::EdgeKind;

/// The spans of a trace that are matched at a time. The parts of larger ones are matched by halves.
const TRACE_SPANS_MAX: usize = 64 << 10;
/// The halves that are kept. Beyond, new ones are only counted.
const HALVES_MAX: usize = 1 << 20;
/// The links of a span that count.
pub(super) const LINKS_MAX: usize = 128;

/// What a span is in a call, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
    Producer,
    Consumer,
    Other,
}

impl Role {
    pub(super) fn of_kind(kind: i32) -> Role {
        match kind {
            2 => Role::Server,
            3 => Role::Client,
            4 => Role::Producer,
            5 => Role::Consumer,
            _ => Role::Other,
        }
    }

    fn calls(self) -> bool {
        matches!(self, Role::Client | Role::Producer)
    }

    fn is_called(self) -> bool {
        matches!(self, Role::Server | Role::Consumer)
    }
}

/// A span as far as calls go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub span: SpanId,
    pub parent: SpanId,
    /// The number of its service's node.
    pub service: u32,
    pub minute: u32,
    pub class: u16,
    pub role: Role,
    pub failed: bool,
    /// What it calls, if nobody answers.
    pub peer: Option<u32>,
    /// Whether somebody may answer: it asks no database.
    pub may_be_answered: bool,
}

/// Which end of a call a half is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// A client span that nobody answered yet.
    Client,
    /// A producer span.
    Producer,
    /// A server span whose parent did not come yet.
    Server,
    /// A consumer span whose parent, or a span that it links to, did not come yet.
    Consumer,
}

impl End {
    pub(super) const ALL: [End; 4] = [End::Client, End::Producer, End::Server, End::Consumer];

    pub(super) fn is_called(self) -> bool {
        matches!(self, End::Server | End::Consumer)
    }
}

/// One end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Half {
    /// The minute in which the span starts.
    pub minute: u32,
    /// What both ends have in common: a hash of the trace id and of the id of the calling span.
    pub id: u64,
    /// The number of its service's node.
    pub service: u32,
    pub end: End,
    pub failed: bool,
    /// The span's duration.
    pub class: u16,
    /// What it calls if nobody answers: the number of a node, and one more.
    pub peer: u32,
}

/// A call that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub source: u32,
    pub target: u32,
    pub kind: EdgeKind,
    pub failed: bool,
    pub minute: u32,
    pub class: u16,
}

/// What tells the two ends of a call: 56 bits of a hash.
pub(super) fn call_id(trace: TraceId, caller: SpanId) -> u64 {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&trace.0);
    bytes[16..].copy_from_slice(&caller.0);
    xxh3_64(&bytes) >> 8
}

/// Matches spans trace by trace.
#[derive(Default)]
pub(super) struct Calls {
    trace: TraceId,
    members: Vec<Member>,
    by_span: HashMap<SpanId, u32>,
    answered: Vec<bool>,
    halves: Vec<Half>,
    /// Halves that were not kept.
    pub dropped: u64,
    /// Calls that no halves would have told: the caller is neither client nor producer, or the called neither server
    /// nor consumer.
    pub loose: u64,
}

impl Calls {
    /// Adds a span. The spans of a trace follow each other. Calls that are found go to `found`.
    pub(super) fn add(&mut self, trace: TraceId, member: Member, found: &mut Vec<Call>) {
        if self.trace != trace || self.members.len() >= TRACE_SPANS_MAX {
            self.end_trace(found);
            self.trace = trace;
        }
        self.members.push(member);
    }

    /// Adds a span of a consumer that links to another span.
    pub(super) fn add_link(&mut self, consumer: &Member, trace: TraceId, span: SpanId) {
        self.keep(consumer, trace, span, End::Consumer, None);
    }

    fn keep(&mut self, member: &Member, trace: TraceId, caller: SpanId, end: End, peer: Option<u32>) {
        if self.halves.len() >= HALVES_MAX {
            self.dropped += 1;
            return;
        }
        let &Member { service, minute, class, failed, .. } = member;
        let peer = peer.map_or(0, |peer| peer + 1);
        self.halves.push(Half { minute, id: call_id(trace, caller), service, end, failed, class, peer });
    }

    fn end_trace(&mut self, found: &mut Vec<Call>) {
        let members = std::mem::take(&mut self.members);
        let trace = self.trace;
        if members.len() > 1 {
            self.by_span.clear();
            for (number, member) in (0..).zip(&members) {
                self.by_span.entry(member.span).or_insert(number);
            }
        }
        self.answered.clear();
        self.answered.resize(members.len(), false);
        for member in members.iter().filter(|member| member.parent.is_some()) {
            let parent = if members.len() > 1 { self.by_span.get(&member.parent) } else { None };
            match parent.map(|&number| (number as usize, &members[number as usize])) {
                Some((number, parent)) if parent.service == member.service => {
                    self.answered[number] |= member.role.is_called();
                }
                Some((number, parent)) if parent.minute.abs_diff(member.minute) <= CALL_MINUTES_MAX => {
                    self.answered[number] = true;
                    self.loose += u64::from(!(parent.role.calls() && member.role.is_called()));
                    found.push(call(parent, member));
                }
                Some(_) => {}
                None if member.role == Role::Server => self.keep(member, trace, member.parent, End::Server, None),
                None if member.role == Role::Consumer => self.keep(member, trace, member.parent, End::Consumer, None),
                None => {}
            }
        }
        for (number, member) in members.iter().enumerate() {
            match member.role {
                Role::Client if member.may_be_answered && !self.answered[number] => {
                    self.keep(member, trace, member.span, End::Client, member.peer);
                }
                // A message may be taken more than once.
                Role::Producer => self.keep(member, trace, member.span, End::Producer, None),
                _ => {}
            }
        }
        self.members = members;
        self.members.clear();
    }

    /// Matches what is left. The halves that stay unmatched, ordered.
    pub(super) fn finish(&mut self, found: &mut Vec<Call>) -> Vec<Half> {
        self.end_trace(found);
        let mut halves = match_halves(std::mem::take(&mut self.halves), |call| found.push(call));
        halves.sort_unstable();
        halves
    }
}

fn call(caller: &Member, called: &Member) -> Call {
    let is_message = caller.role == Role::Producer || called.role == Role::Consumer;
    Call {
        source: caller.service,
        target: called.service,
        kind: if is_message { EdgeKind::Messaging } else { EdgeKind::Call },
        failed: caller.failed || called.failed,
        minute: called.minute,
        class: called.class,
    }
}

/// Matches callers and called. Services are to be numbered alike in all of them. Gives back what is needed to match
/// others: all but the called ones that found their caller, and the clients that were answered.
pub(super) fn match_halves(mut halves: Vec<Half>, mut found: impl FnMut(Call)) -> Vec<Half> {
    // Callers first among the halves of an id.
    halves.sort_unstable_by_key(|half| (half.id, half.end, half.minute, half.service));
    let mut unmatched = Vec::with_capacity(halves.len());
    for group in halves.chunk_by(|a, b| a.id == b.id) {
        let (callers, called) = group.split_at(group.partition_point(|half| !half.end.is_called()));
        // Of a span that was sent twice, once.
        let Some(caller) = callers.first() else {
            unmatched.extend_from_slice(called);
            continue;
        };
        let mut answered = false;
        for half in called {
            if half.minute.abs_diff(caller.minute) > CALL_MINUTES_MAX {
                unmatched.push(*half);
                continue;
            }
            answered = true;
            if half.service != caller.service {
                let is_message = caller.end == End::Producer || half.end == End::Consumer;
                found(Call {
                    source: caller.service,
                    target: half.service,
                    kind: if is_message { EdgeKind::Messaging } else { EdgeKind::Call },
                    failed: caller.failed || half.failed,
                    minute: half.minute,
                    class: half.class,
                });
            }
        }
        if !answered || caller.end == End::Producer {
            unmatched.push(*caller);
        }
    }
    unmatched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(span: u8, parent: u8, service: u32, role: Role) -> Member {
        let parent = if parent == 0 { SpanId::NONE } else { SpanId([parent; 8]) };
        let (span, minute, class) = (SpanId([span; 8]), 100, u16::from(span));
        Member { span, parent, service, minute, class, role, failed: false, peer: None, may_be_answered: true }
    }

    fn ends(members: &[Member]) -> (Vec<(u32, u32)>, Vec<End>, u64) {
        let (mut calls, mut found) = (Calls::default(), Vec::new());
        members.iter().for_each(|member| calls.add(TraceId([1; 16]), *member, &mut found));
        let halves = calls.finish(&mut found);
        let found = found.iter().map(|call| (call.source, call.target)).collect();
        (found, halves.iter().map(|half| half.end).collect(), calls.loose)
    }

    #[test]
    fn a_client_that_is_answered_leaves_nothing_and_one_that_is_not_leaves_a_half() {
        let (client, server) = (member(1, 0, 7, Role::Client), member(2, 1, 8, Role::Server));
        assert_eq!(ends(&[client, server]), (vec![(7, 8)], vec![], 0));
        assert_eq!(ends(&[server, client]), (vec![(7, 8)], vec![], 0));
        assert_eq!(ends(&[client]), (vec![], vec![End::Client], 0));
        assert_eq!(ends(&[server]), (vec![], vec![End::Server], 0));
        let own = member(2, 1, 7, Role::Server);
        assert_eq!(ends(&[client, own]), (vec![], vec![], 0), "a service that calls itself is answered, too");
        let database = Member { may_be_answered: false, ..client };
        assert_eq!(ends(&[database]), (vec![], vec![], 0));
    }

    #[test]
    fn a_message_may_be_taken_again_elsewhere() {
        let (producer, consumer) = (member(1, 0, 7, Role::Producer), member(2, 1, 8, Role::Consumer));
        assert_eq!(ends(&[producer, consumer]), (vec![(7, 8)], vec![End::Producer], 0));
    }

    #[test]
    fn calls_by_other_spans_are_found_together_and_counted_as_such() {
        let (internal, server) = (member(1, 0, 7, Role::Other), member(2, 1, 8, Role::Server));
        assert_eq!(ends(&[internal, server]), (vec![(7, 8)], vec![], 1));
        assert_eq!(ends(&[internal]), (vec![], vec![], 0));
    }

    #[test]
    fn ends_too_far_apart_are_no_call() {
        let (client, server) = (member(1, 0, 7, Role::Client), member(2, 1, 8, Role::Server));
        let late = Member { minute: server.minute + CALL_MINUTES_MAX + 1, ..server };
        assert_eq!(ends(&[client, late]), (vec![], vec![End::Client], 0));
    }

    #[test]
    fn the_ends_of_a_trace_that_is_matched_in_parts_are_found_by_halves() {
        let mut members = vec![member(1, 0, 7, Role::Client)];
        members.extend(
            (0..TRACE_SPANS_MAX as u64).map(|number| Member {
                span: SpanId((1 << 40 | number).to_be_bytes()),
                ..member(3, 0, 7, Role::Other)
            }),
        );
        members.push(member(2, 1, 8, Role::Server));
        assert_eq!(ends(&members), (vec![(7, 8)], vec![], 0));
    }
}

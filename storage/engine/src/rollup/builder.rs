//! Counts rows into a rollup.

use hashbrown::HashMap;
use tracewell_model::{Logs, Records, ScopeTable, SpanId, Spans};

use super::calls::{Call, Calls, LINKS_MAX, Member, Role};
use super::cells::Cells;
use super::head::{EncodedRollup, Parts, encode};
use super::keys::{ERROR, EdgeKind, EdgeNumbers, Keys, LogNumbers, NodeKind, NodeNumbers, SpanNumbers};
use super::peers::PeerKeys;
use super::present::Present;
use super::{Damaged, duration_class, minute_of};
use crate::{StorageError, StorageErrorKind};

/// A rollup being made.
pub(crate) struct RollupBuilder {
    keys: Keys,
    spans: Cells,
    edges: Cells,
    logs: Cells,
    calls: Calls,
    found: Vec<Call>,
    present: Present,
    rows: u64,
}

/// The numbers of the services of a batch, by scope.
struct Services {
    names: Vec<u32>,
    nodes: Vec<u32>,
}

impl Services {
    fn new(scopes: &ScopeTable, keys: &mut Keys) -> Services {
        let names: Vec<u32> = scopes.iter().map(|scope| keys.service(scope.service_name())).collect();
        let node = |&name: &u32| NodeNumbers { kind: NodeKind::Service, system: super::keys::OTHER, name };
        let nodes = names.iter().map(|name| keys.node(node(name))).collect();
        Services { names, nodes }
    }
}

impl RollupBuilder {
    /// Of no rows.
    pub(crate) fn new() -> RollupBuilder {
        RollupBuilder {
            keys: Keys::new(),
            spans: Cells::new(true),
            edges: Cells::new(true),
            logs: Cells::new(false),
            calls: Calls::default(),
            found: Vec::new(),
            present: Present::default(),
            rows: 0,
        }
    }

    /// The rollup of these records.
    pub(crate) fn of_records(records: &Records) -> Result<EncodedRollup, StorageError> {
        let mut order: Vec<u32> = (0..records.len() as u32).collect();
        if let Records::Spans(spans) = records {
            order.sort_by_key(|&row| spans.trace_id[row as usize]);
        }
        let mut builder = RollupBuilder::new();
        builder.add(records, &order)?;
        builder.finish()
    }

    /// Counts the `rows` of `records`. The spans of a trace follow each other.
    pub(crate) fn add(&mut self, records: &Records, rows: &[u32]) -> Result<(), StorageError> {
        self.rows += rows.len() as u64;
        match records {
            Records::Spans(spans) => {
                self.present.add_spans(spans, rows);
                self.add_spans(spans, rows)
            }
            Records::Logs(logs) => {
                self.present.add_logs(logs, rows);
                self.add_logs(logs, rows)
            }
        }
        .map_err(impossible)
    }

    fn add_logs(&mut self, logs: &Logs, rows: &[u32]) -> Result<(), Damaged> {
        let services = Services::new(&logs.scopes, &mut self.keys);
        let mut last: Option<(LogNumbers, &str, u32)> = None;
        for row in rows.iter().map(|&row| row as usize) {
            let (service, text) = (services.names[logs.scope[row] as usize], logs.severity_text.get(row));
            let severity = logs.severity_number[row];
            let key = match last {
                Some((key, of, number)) if (key.service, key.severity, of) == (service, severity, text) => number,
                _ => {
                    let severity_text = self.keys.name(text);
                    let key = LogNumbers { service, severity, severity_text };
                    let number = self.keys.log(key);
                    last = Some((key, text, number));
                    number
                }
            };
            self.logs.add(minute_of(logs.timestamp[row]), key, 0)?;
        }
        Ok(())
    }

    fn add_spans(&mut self, spans: &Spans, rows: &[u32]) -> Result<(), Damaged> {
        let services = Services::new(&spans.scopes, &mut self.keys);
        let peers = PeerKeys::new(&spans.attributes);
        // Names are looked up by where they are in this batch, which compares less than a table of all names.
        let mut names: HashMap<&str, u32> = HashMap::new();
        for row in rows.iter().map(|&row| row as usize) {
            let scope = spans.scope[row] as usize;
            let text = spans.name.get(row);
            let name = *names.entry(text).or_insert_with(|| self.keys.name(text));
            let (kind, status) = (spans.kind[row], spans.status_code[row]);
            let parent = spans.parent_span_id[row];
            let is_root = parent == SpanId::NONE;
            let key = self.keys.span(SpanNumbers { service: services.names[scope], name, kind, status, is_root });
            let minute = minute_of(spans.start[row]);
            let class = duration_class(spans.duration(row) as u64);
            self.spans.add(minute, key, class)?;
            let member = Member {
                span: spans.span_id[row],
                parent,
                service: services.nodes[scope],
                minute,
                class,
                role: Role::of_kind(kind),
                failed: status == ERROR,
                peer: None,
                may_be_answered: true,
            };
            self.add_calls(spans, row, member, &peers)?;
        }
        self.add_found()
    }

    /// Counts what a span tells of calls.
    fn add_calls(&mut self, spans: &Spans, row: usize, mut member: Member, peers: &PeerKeys) -> Result<(), Damaged> {
        let trace = spans.trace_id[row];
        let direct = |source, target, kind| Call {
            source,
            target,
            kind,
            failed: member.failed,
            minute: member.minute,
            class: member.class,
        };
        let attributes = &spans.attributes;
        match member.role {
            Role::Client => {
                if let Some(database) = peers.database(attributes, row, &mut self.keys) {
                    member.may_be_answered = false;
                    self.found.push(direct(member.service, database, EdgeKind::Database));
                } else {
                    member.peer = peers.external(attributes, row, &mut self.keys);
                }
            }
            Role::Producer => {
                if let Some(queue) = peers.queue(attributes, row, &mut self.keys) {
                    self.found.push(direct(member.service, queue, EdgeKind::Messaging));
                }
            }
            Role::Consumer => {
                if let Some(queue) = peers.queue(attributes, row, &mut self.keys) {
                    self.found.push(direct(queue, member.service, EdgeKind::Messaging));
                }
                for link in spans.links.of_row(row).take(LINKS_MAX) {
                    let (to_trace, to_span) = (spans.links.trace_id[link], spans.links.span_id[link]);
                    if to_span.is_some() && (to_trace, to_span) != (trace, member.parent) {
                        self.calls.add_link(&member, to_trace, to_span);
                    }
                }
            }
            Role::Server | Role::Other => {}
        }
        self.calls.add(trace, member, &mut self.found);
        Ok(())
    }

    fn add_found(&mut self) -> Result<(), Damaged> {
        for call in self.found.drain(..) {
            let Call { source, target, kind, failed, minute, class } = call;
            let key = self.keys.edge(EdgeNumbers { source, target, kind, failed });
            self.edges.add(minute, key, class)?;
        }
        Ok(())
    }

    /// The rollup of all rows.
    pub(crate) fn finish(mut self) -> Result<EncodedRollup, StorageError> {
        let halves = self.calls.finish(&mut self.found);
        self.add_found().map_err(impossible)?;
        let tables = [self.spans, self.logs, self.edges].map(Cells::finish);
        let [spans, logs, edges] = tables;
        let parts = Parts {
            rows: self.rows,
            present: self.present.counts,
            keys: self.keys,
            spans: spans.map_err(impossible)?,
            logs: logs.map_err(impossible)?,
            edges: edges.map_err(impossible)?,
            halves,
            dropped_halves: self.calls.dropped,
            loose_calls: self.calls.loose,
        };
        encode(parts)
    }
}

/// What was packed a moment ago cannot be damaged.
fn impossible(_: Damaged) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, "a rollup being made makes no sense")
}

//! One trace: what happens between the services when somebody visits, as drafts of spans.

use crate::dice::Dice;
use crate::operation::{Operation, Protocol, Times};
use crate::pods::Pods;
use crate::services::INVENTORY;

/// Which side of an operation a span tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller's: client or producer.
    Caller,
    /// Of who does it.
    Callee,
}

/// A span before it is written.
pub struct Draft {
    pub operation: &'static Operation,
    pub side: Side,
    pub id: u64,
    /// The draft that it hangs below.
    pub parent: Option<usize>,
    pub pod: usize,
    /// The pod at the other end, or the span's own.
    pub peer: usize,
    pub start: u64,
    pub end: u64,
    pub failed: bool,
    /// Whether it failed by itself and not because of what it called.
    pub raised: bool,
}

pub const SERVER: u64 = 2;
pub const CONSUMER: u64 = 5;

impl Draft {
    /// Whether it is the work of who was called from elsewhere.
    pub fn is_served(&self) -> bool {
        let local = matches!(self.operation.protocol, Protocol::Database { .. } | Protocol::Internal { .. });
        self.side == Side::Callee && !local
    }

    /// Whether there are log records of it.
    pub fn speaks(&self) -> bool {
        self.side == Side::Callee && !self.operation.messages.is_empty()
    }

    /// As OTLP counts kinds.
    pub fn kind(&self) -> u64 {
        match (self.operation.protocol, self.side) {
            (Protocol::Internal { .. }, _) => 1,
            (Protocol::Http { .. } | Protocol::Rpc { .. }, Side::Callee) => SERVER,
            (Protocol::Http { .. } | Protocol::Rpc { .. }, Side::Caller) | (Protocol::Database { .. }, _) => 3,
            (Protocol::Queue { .. }, Side::Caller) => 4,
            (Protocol::Queue { .. }, Side::Callee) => CONSUMER,
        }
    }

    pub fn name(&self) -> &'static str {
        match (self.operation.protocol, self.side) {
            (Protocol::Http { method, .. }, Side::Caller) => method,
            (Protocol::Queue { topic: "orders", .. }, Side::Caller) => "send orders",
            (Protocol::Queue { .. }, Side::Caller) => "send notifications",
            _ => self.operation.name,
        }
    }
}

/// Who came, and what for.
pub struct Visitor {
    pub trace_id: [u8; 16],
    /// A rank among all users.
    pub user: u64,
    pub session: u64,
    /// The order that this is about, if it is about one.
    pub order: Option<u64>,
    /// While true, stock is slow and payments are declined.
    pub incident: bool,
}

/// A trace in the making.
pub struct Walk<'a> {
    pub dice: &'a mut Dice,
    pub pods: &'a Pods,
    pub visitor: &'a Visitor,
    pub now: u64,
    pub drafts: &'a mut Vec<Draft>,
}

const MICROSECOND: u64 = 1_000;

impl Walk<'_> {
    /// Performs the root operation of the trace.
    pub fn begin_with(&mut self, operation: &'static Operation) {
        let pod = self.pods.any(operation.service, self.dice);
        self.serve(operation, None, pod, pod);
    }

    /// A call from `caller`'s pod; whether it failed.
    fn call(&mut self, operation: &'static Operation, parent: usize) -> bool {
        let caller = self.drafts[parent].pod;
        match operation.protocol {
            Protocol::Database { .. } | Protocol::Internal { .. } => {
                self.serve(operation, Some(parent), caller, caller)
            }
            Protocol::Http { .. } | Protocol::Rpc { .. } => {
                let pod = self.pods.any(operation.service, self.dice);
                let client = self.open(operation, Side::Caller, Some(parent), caller, pod);
                self.pass(80, 900);
                let failed = self.serve(operation, Some(client), pod, caller);
                self.pass(60, 700);
                self.close(client, failed);
                failed
            }
            Protocol::Queue { .. } => {
                let pod = self.pods.any(operation.service, self.dice);
                let producer = self.open(operation, Side::Caller, Some(parent), caller, caller);
                self.pass(300, 4_000);
                self.close(producer, false);
                let sent = self.now;
                self.pass(2_000, 900_000);
                self.serve(operation, Some(producer), pod, pod);
                self.now = sent;
                false
            }
        }
    }

    fn serve(&mut self, operation: &'static Operation, parent: Option<usize>, pod: usize, peer: usize) -> bool {
        let span = self.open(operation, Side::Callee, parent, pod, peer);
        let slow = self.visitor.incident && operation.service == INVENTORY;
        let (least, most) = operation.work_us;
        self.pass(least / 2, most * if slow { 30 } else { 1 });
        let mut failed = false;
        for call in operation.calls {
            if !self.dice.chance(call.probability) {
                continue;
            }
            let times = match call.times {
                Times::Once => 1,
                Times::Between(least, most) => self.dice.between(least, most),
                Times::HeavyTail(least, most) => self.dice.heavy_tail(least, most),
            };
            for _ in 0..times {
                failed |= self.call(call.to, span) && self.dice.chance(0.4);
            }
        }
        self.pass(least - least / 2, least + 1);
        let failure = &operation.failure;
        let raised = self.dice.chance(if self.visitor.incident { failure.in_incident } else { failure.probability });
        self.drafts[span].raised = raised;
        self.close(span, failed || raised);
        failed || raised
    }

    fn open(
        &mut self,
        operation: &'static Operation,
        side: Side,
        parent: Option<usize>,
        pod: usize,
        peer: usize,
    ) -> usize {
        let (id, start) = (self.dice.bits() | 1, self.now);
        let (end, failed, raised) = (start, false, false);
        self.drafts.push(Draft { operation, side, id, parent, pod, peer, start, end, failed, raised });
        self.drafts.len() - 1
    }

    fn close(&mut self, span: usize, failed: bool) {
        self.now += self.dice.below(20 * MICROSECOND);
        self.drafts[span].end = self.now;
        self.drafts[span].failed = failed;
    }

    /// Time passes: mostly near `least` microseconds, sometimes up to `most`.
    fn pass(&mut self, least: u64, most: u64) {
        self.now += self.dice.skewed(least * MICROSECOND, most.max(least + 1) * MICROSECOND);
    }
}

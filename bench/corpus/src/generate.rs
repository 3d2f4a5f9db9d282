//! Making the corpus: visit after visit, each a trace with its log records, gathered into requests.

use std::collections::BTreeMap;

use crate::dice::Dice;
use crate::gateway::Gateways;
use crate::lines::order_token;
use crate::operation::Operation;
use crate::operations::ROOTS;
use crate::pods::{NODE_COUNT, Pods};
use crate::services::SERVICES;
use crate::trace::{Draft, Visitor, Walk};
use crate::truth::{Counted, SampleTrace, ServiceTruth, Texts, Truth};

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// At least so many; the last trace is whole.
    pub spans: u64,
    pub logs: u64,
    /// Unix nanoseconds between which the traces start.
    pub start: u64,
    pub end: u64,
}

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Logs,
}

/// Takes the requests as they are made: an encoded export request, and how many spans or log records it has.
pub type Requests<'a> = dyn FnMut(Signal, &[u8], u64) -> anyhow::Result<()> + 'a;

/// Makes the corpus of `plan`.
pub fn generate(plan: &Plan, requests: &mut Requests<'_>) -> anyhow::Result<Truth> {
    let mut shop = Shop::new(*plan, requests);
    while shop.truth.spans < plan.spans || shop.truth.logs < plan.logs {
        shop.visit()?;
    }
    shop.finish()
}

/// How often each service is rolled out during the range.
const ROLLOUTS: u64 = 3;
const USERS: u64 = 600_000;
/// The shop at work.
pub struct Shop<'a> {
    pub plan: Plan,
    requests: &'a mut Requests<'a>,
    pub dice: Dice,
    pub pods: Pods,
    rollouts: u64,
    pub spans: Gateways,
    pub logs: Gateways,
    pub drafts: Vec<Draft>,
    pub record: Vec<u8>,
    pub part: Vec<u8>,
    pub text: String,
    pub body: String,
    next_order: u64,
    /// Log records that are still to be written for the spans that there are.
    owed_logs: f64,
    pub truth: Truth,
    pub texts: Texts,
    pub users: BTreeMap<u64, u64>,
    pub orders: BTreeMap<u64, u64>,
    sample_every: u64,
}

impl<'a> Shop<'a> {
    fn new(plan: Plan, requests: &'a mut Requests<'a>) -> Shop<'a> {
        let pods = Pods::new(plan.seed);
        let services =
            SERVICES.iter().map(|service| ServiceTruth { name: service.name.to_owned(), ..Default::default() });
        Shop {
            plan,
            requests,
            dice: Dice::new(plan.seed),
            rollouts: 0,
            spans: Gateways::new(&pods),
            logs: Gateways::new(&pods),
            pods,
            drafts: Vec::new(),
            record: Vec::new(),
            part: Vec::new(),
            text: String::new(),
            body: String::new(),
            next_order: 1_000_000,
            owed_logs: 0.0,
            truth: Truth { seed: plan.seed, start: u64::MAX, services: services.collect(), ..Truth::default() },
            texts: Texts::new(),
            users: BTreeMap::new(),
            orders: BTreeMap::new(),
            sample_every: 1,
        }
    }

    /// How much of the corpus there is, from 0 to 1.
    fn progress(&self) -> f64 {
        let share = |have: u64, want: u64| if want == 0 { 1.0 } else { have as f64 / want as f64 };
        share(self.truth.spans, self.plan.spans).min(share(self.truth.logs, self.plan.logs)).min(1.0)
    }

    fn visit(&mut self) -> anyhow::Result<()> {
        let progress = self.progress();
        self.roll_out(progress)?;
        let range = self.plan.end - self.plan.start;
        let now = self.plan.start + (range as f64 * progress) as u64 + self.dice.below(range / 1_000_000 + 1);
        let root = self.root();
        let orders = matches!(root.name, "POST /checkout" | "GET /orders/{id}");
        let order = orders.then(|| {
            self.next_order += 1;
            self.next_order
        });
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&self.dice.bits().to_be_bytes());
        trace_id[8..].copy_from_slice(&(self.dice.bits() | 1).to_be_bytes());
        let incident = (0.30..0.33).contains(&progress) || (0.71..0.72).contains(&progress);
        let (user, session) = (self.dice.popular(USERS), self.dice.bits());
        let visitor = Visitor { trace_id, user, session, order, incident };
        let mut drafts = std::mem::take(&mut self.drafts);
        drafts.clear();
        let mut walk = Walk { dice: &mut self.dice, pods: &self.pods, visitor: &visitor, now, drafts: &mut drafts };
        walk.begin_with(root);
        let result = self.write(&drafts, &visitor);
        self.drafts = drafts;
        result
    }

    fn root(&mut self) -> &'static Operation {
        let mut ticket = self.dice.below(ROOTS.iter().map(|(weight, _)| weight).sum());
        for (weight, operation) in ROOTS {
            if ticket < weight {
                return operation;
            }
            ticket -= weight;
        }
        ROOTS[0].1
    }

    /// Rolls out one service after the other as time goes on.
    fn roll_out(&mut self, progress: f64) -> anyhow::Result<()> {
        let due = (progress * (ROLLOUTS * SERVICES.len() as u64) as f64) as u64;
        while self.rollouts < due {
            self.flush()?;
            self.pods.roll_out((self.rollouts % SERVICES.len() as u64) as usize);
            self.rollouts += 1;
        }
        Ok(())
    }

    fn write(&mut self, drafts: &[Draft], visitor: &Visitor) -> anyhow::Result<()> {
        let wants_spans = self.truth.spans < self.plan.spans;
        if wants_spans {
            self.sample(visitor, drafts.len() as u64);
        }
        let logs_a_span = self.plan.logs as f64 / self.plan.spans.max(1) as f64;
        for number in 0..drafts.len() {
            if wants_spans {
                self.span(drafts, number, visitor)?;
            }
            self.owed_logs += if self.plan.spans == 0 { 1.0 } else { logs_a_span };
            // Callers and databases do not log, so those that do log for them.
            while self.owed_logs >= 1.0 && drafts[number].speaks() && self.truth.logs < self.plan.logs {
                self.owed_logs -= 1.0;
                self.log(&drafts[number], visitor)?;
            }
        }
        Ok(())
    }

    fn sample(&mut self, visitor: &Visitor, spans: u64) {
        let sample = SampleTrace { id: hex::encode(visitor.trace_id), spans };
        if spans > self.truth.largest_trace.spans {
            self.truth.largest_trace = sample.clone();
        }
        if self.truth.trace_count.is_multiple_of(self.sample_every) {
            self.truth.traces.push(sample);
            if self.truth.traces.len() >= 2_000 {
                let mut keep = false;
                self.truth.traces.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.sample_every *= 2;
            }
        }
        self.truth.trace_count += 1;
    }

    pub fn send(&mut self, signal: Signal, node: usize) -> anyhow::Result<()> {
        let (gateways, bytes) = match signal {
            Signal::Traces => (&mut self.spans, &mut self.truth.trace_bytes),
            Signal::Logs => (&mut self.logs, &mut self.truth.log_bytes),
        };
        let (request, records) = gateways.request(&self.pods, node);
        if records > 0 {
            *bytes += request.len() as u64;
            (self.requests)(signal, request, records)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        for node in 0..NODE_COUNT {
            self.send(Signal::Traces, node)?;
            self.send(Signal::Logs, node)?;
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Truth> {
        self.flush()?;
        let mut truth = self.truth;
        self.texts.write_to(&mut truth);
        let counted = |what: String, count: u64| Counted { what, count };
        truth.users = self.users.into_iter().map(|(user, count)| counted(format!("user-{user:07}"), count)).collect();
        truth.orders = self.orders.into_iter().map(|(order, count)| counted(order_token(order), count)).collect();
        Ok(truth)
    }
}

//! Writing a log record, and counting it.

use std::fmt::Write;

use crate::generate::{Shop, Signal};
use crate::lines::{self, order_token};
use crate::services::{Language, SERVICES, Style};
use crate::stacks;
use crate::trace::{Draft, Visitor};
use crate::truth::{RARE_WORD, is_counted_order};
use crate::wire::{self, Attributes, attributes_of};

/// The share of log records that belong to no trace.
const CHATTER_SHARE: f64 = 0.12;

impl Shop<'_> {
    pub fn log(&mut self, draft: &Draft, visitor: &Visitor) -> anyhow::Result<()> {
        let service = self.pods.all[draft.pod].service;
        let about_trace = !self.dice.chance(CHATTER_SHARE);
        let planted = self.plan.logs / 7 > 0 && self.truth.logs % (self.plan.logs / 7) == self.plan.logs / 21;
        let failed = about_trace && draft.raised && self.dice.chance(0.6);
        let messages = draft.operation.messages;
        let message = match (planted, failed, about_trace && !messages.is_empty()) {
            (true, _, _) => "unexpected zymurgy in the cellar, see runbook",
            (_, true, _) => draft.operation.failure.message,
            (_, _, true) => *self.dice.pick(messages),
            (_, _, false) => *self.dice.pick(&lines::CHATTER),
        };
        debug_assert!(!planted || message.contains(RARE_WORD));
        let severity = match (failed, draft.operation.failure.exception.is_empty()) {
            (true, true) => 13,
            (true, false) => 17,
            (false, _) if self.dice.chance(0.08) => 5,
            (false, _) => 9,
        };
        let at = self.dice.between(draft.start, draft.end);
        self.text.clear();
        lines::fill(&mut self.text, message, visitor, draft.failed, &mut self.dice);
        let style = if planted { Style::Plain } else { SERVICES[service].style };
        let logger = logger(service);
        self.body.clear();
        lines::dress(&mut self.body, style, &self.text, severity, at, logger, &mut self.dice);
        if failed && style == Style::Plain && !draft.operation.failure.exception.is_empty() {
            self.body.push('\n');
            let language = SERVICES[service].language;
            stacks::write(&mut self.body, language, draft.operation.failure.exception, &self.text, &mut self.dice);
        }
        self.write_log(draft, visitor, about_trace, style, severity, at);
        self.count_log(service, visitor, style, severity, at);
        if let Some(node) = self.logs.take(&self.pods, draft.pod, &self.record) {
            self.send(Signal::Logs, node)?;
        }
        Ok(())
    }

    fn write_log(&mut self, draft: &Draft, visitor: &Visitor, about_trace: bool, style: Style, severity: u64, at: u64) {
        let service = self.pods.all[draft.pod].service;
        self.record.clear();
        let out = &mut self.record;
        wire::fixed64(out, 0x09, at);
        wire::number(out, 0x10, severity);
        wire::bytes(out, 0x1a, lines::level(severity).as_bytes());
        // An AnyValue: a string, or a key-value list.
        self.part.clear();
        if style == Style::Structured {
            let mut list = Vec::new();
            let mut fields = Attributes::new(&mut list, attributes_of::KEY_VALUE_LIST);
            fields.text("event", &self.body);
            fields.int("attempt", 1 + self.dice.popular(4));
            fields.boolean("delivered", self.dice.chance(0.97));
            wire::bytes(&mut self.part, 0x32, &list);
        } else {
            wire::bytes(&mut self.part, 0x0a, self.body.as_bytes());
        }
        wire::bytes(out, 0x2a, &self.part);
        let mut attributes = Attributes::new(out, attributes_of::LOG);
        attributes.text("log.logger", logger(service));
        if SERVICES[service].language != Language::Node {
            attributes.int("thread.id", 17 + self.dice.below(24));
        }
        if about_trace && self.dice.chance(0.3) {
            self.text.clear();
            let _ = write!(self.text, "user-{:07}", visitor.user);
            attributes.text("user.id", &self.text);
        }
        attributes.text("log.iostream", if severity >= 13 { "stderr" } else { "stdout" });
        self.truth.log_attribute_bytes += attributes.raw_bytes;
        wire::fixed64(out, 0x59, at + self.dice.skewed(40_000, 900_000_000));
        if about_trace {
            out.push(0x45);
            out.extend_from_slice(&1_u32.to_le_bytes());
            wire::bytes(out, 0x4a, &visitor.trace_id);
            wire::bytes(out, 0x52, &draft.id.to_be_bytes());
        }
    }

    fn count_log(&mut self, service: usize, visitor: &Visitor, style: Style, severity: u64, at: u64) {
        let truth = &mut self.truth;
        truth.logs += 1;
        truth.start = truth.start.min(at);
        truth.end = truth.end.max(at + 1);
        truth.error_logs += u64::from(severity == 17);
        truth.log_body_bytes += self.body.len() as u64;
        truth.services[service].logs += 1;
        self.texts.count(&self.body);
        if let Some(order) = visitor.order
            && style != Style::Structured
            && is_counted_order(order)
            && self.body.contains(&order_token(order))
        {
            *self.orders.entry(order).or_default() += 1;
        }
    }
}

/// The name that a service's log lines go under.
fn logger(service: usize) -> &'static str {
    match SERVICES[service].language {
        Language::Go => "server/handler.go",
        Language::Java => "shop.api.RequestHandler",
        Language::Node => "storefront",
        Language::Python => "shop.worker",
        Language::Dotnet => "Shop.Service.Handler",
        Language::Rust => "service::handler",
    }
}

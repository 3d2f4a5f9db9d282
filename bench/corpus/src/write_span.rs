//! Writing a span, and counting it.

use crate::attributes::Source;
use crate::generate::{Shop, Signal};
use crate::lines;
use crate::services::SERVICES;
use crate::stacks;
use crate::trace::{CONSUMER, Draft, SERVER, Visitor};
use crate::truth::is_counted_user;
use crate::wire::{self, Attributes, attributes_of};

impl Shop<'_> {
    pub fn span(&mut self, drafts: &[Draft], number: usize, visitor: &Visitor) -> anyhow::Result<()> {
        let draft = &drafts[number];
        self.record.clear();
        let out = &mut self.record;
        wire::bytes(out, 0x0a, &visitor.trace_id);
        wire::bytes(out, 0x12, &draft.id.to_be_bytes());
        if let Some(parent) = draft.parent {
            wire::bytes(out, 0x22, &drafts[parent].id.to_be_bytes());
        }
        wire::bytes(out, 0x2a, draft.name().as_bytes());
        wire::number(out, 0x30, draft.kind());
        wire::fixed64(out, 0x39, draft.start);
        wire::fixed64(out, 0x41, draft.end);
        let mut attributes = Attributes::new(out, attributes_of::SPAN);
        let root = draft.parent.is_none();
        Source { draft, root, visitor, pods: &self.pods, text: &mut self.text }.write(&mut attributes, &mut self.dice);
        self.truth.span_attributes += attributes.count;
        if draft.raised && !draft.operation.failure.exception.is_empty() {
            self.exception(draft, visitor);
        }
        if draft.kind() == CONSUMER
            && let Some(parent) = draft.parent
        {
            self.part.clear();
            wire::bytes(&mut self.part, 0x0a, &visitor.trace_id);
            wire::bytes(&mut self.part, 0x12, &drafts[parent].id.to_be_bytes());
            wire::bytes(&mut self.record, 0x6a, &self.part);
        }
        if draft.failed {
            self.text.clear();
            if draft.raised {
                lines::fill(&mut self.text, draft.operation.failure.message, visitor, true, &mut self.dice);
            }
            self.part.clear();
            if !self.text.is_empty() {
                wire::bytes(&mut self.part, 0x12, self.text.as_bytes());
            }
            wire::number(&mut self.part, 0x18, 2);
            wire::bytes(&mut self.record, 0x7a, &self.part);
        }
        // Field 16: flags, sampled; whether the parent is remote is known.
        let remote = matches!(draft.kind(), SERVER | CONSUMER) && !root;
        self.record.extend_from_slice(&[0x85, 0x01]);
        self.record.extend_from_slice(&(0x101_u32 | if remote { 0x200 } else { 0 }).to_le_bytes());
        self.count_span(draft, visitor, root);
        if let Some(node) = self.spans.take(&self.pods, draft.pod, &self.record) {
            self.send(Signal::Traces, node)?;
        }
        Ok(())
    }

    fn exception(&mut self, draft: &Draft, visitor: &Visitor) {
        let failure = &draft.operation.failure;
        self.text.clear();
        lines::fill(&mut self.text, failure.message, visitor, true, &mut self.dice);
        self.body.clear();
        let language = SERVICES[draft.operation.service].language;
        stacks::write(&mut self.body, language, failure.exception, &self.text, &mut self.dice);
        self.part.clear();
        wire::fixed64(&mut self.part, 0x09, draft.end);
        wire::bytes(&mut self.part, 0x12, b"exception");
        let mut attributes = Attributes::new(&mut self.part, attributes_of::EVENT);
        attributes.text("exception.type", failure.exception);
        attributes.text("exception.message", &self.text);
        attributes.text("exception.stacktrace", &self.body);
        wire::bytes(&mut self.record, 0x5a, &self.part);
    }

    fn count_span(&mut self, draft: &Draft, visitor: &Visitor, root: bool) {
        let truth = &mut self.truth;
        truth.spans += 1;
        truth.start = truth.start.min(draft.start);
        truth.end = truth.end.max(draft.start + 1);
        truth.error_spans += u64::from(draft.failed);
        let service = &mut truth.services[self.pods.all[draft.pod].service];
        service.spans += 1;
        if root || matches!(draft.kind(), SERVER | CONSUMER) {
            service.entry_spans += 1;
            service.entry_errors += u64::from(draft.failed);
        }
        if draft.is_served() && is_counted_user(visitor.user) {
            *self.users.entry(visitor.user).or_default() += 1;
        }
    }
}

//! Which columns of `rows.parquet` have to be decoded for what is asked.

use super::columns::*;
use super::pages::Leaves;
use super::reader::Opened;
use crate::scan::{Nested, Node, Target, nested_of};
use crate::{AttributeScope, AttributeType, Column};

/// What an attribute of a record is made of in this segment.
pub(super) struct AttributeHomes {
    /// Its columns of its own.
    pub dense: Vec<DenseColumn>,
    /// Whether some of its values may stand among the attributes without columns of their own.
    pub in_lists: bool,
}

impl Opened {
    /// Where the values of this type of an attribute of the records are; without a type, where the attribute is.
    pub(super) fn homes(&self, key: &str, of: Option<AttributeType>) -> AttributeHomes {
        let of = of.filter(|of| *of != AttributeType::Display);
        let dense: Vec<DenseColumn> = self
            .plan()
            .dense
            .iter()
            .filter(|column| column.key == key && of.is_none_or(|of| of == column.of))
            .cloned()
            .collect();
        let in_columns: Option<u64> =
            dense.iter().map(|column| self.pages.value_count(&column.name(self.plan().signal))).sum();
        let counts = self.catalogue.counts(AttributeScope::Record, key);
        let in_all = counts.map(|counts| of.map_or(counts.total(), |of| counts.of(of)));
        let in_lists = match (in_all, in_columns) {
            (Some(all), Some(columns)) => all > columns,
            _ => true,
        };
        AttributeHomes { dense, in_lists }
    }

    /// The leaves to be decoded for a predicate.
    pub(super) fn leaves_of_node(&self, node: &Node, leaves: &mut Leaves) {
        match node {
            Node::Constant(_) => {}
            Node::Scopes(_) => self.pages.add_leaves(leaves, SCOPE_ID),
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| self.leaves_of_node(part, leaves)),
            Node::Not(part) => self.leaves_of_node(part, leaves),
            Node::Leaf(leaf) => match &leaf.target {
                Target::Column(column) => self.leaves_of_column(column, leaves),
                Target::Attribute(AttributeScope::Record, key) => self.leaves_of_attribute(key, None, leaves),
                Target::Attribute(scope, _) => self.leaves_of_lists(nested_of(*scope), &["key"], leaves),
                Target::Text => self.leaves_of_texts(leaves),
            },
        }
    }

    fn leaves_of_texts(&self, leaves: &mut Leaves) {
        match self.plan().signal {
            tracewell_model::Signal::Logs => self.pages.add_leaves(leaves, BODY),
            tracewell_model::Signal::Traces => {
                self.pages.add_leaves(leaves, NAME);
                self.pages.add_leaves(leaves, STATUS_MESSAGE);
                self.pages.add_leaves(leaves, "events.list.element.name");
                self.leaves_of_lists(Some(Nested::Events), &["key", "string"], leaves);
            }
        }
    }

    /// The leaves to be decoded for a column.
    pub(super) fn leaves_of_column(&self, column: &Column, leaves: &mut Leaves) {
        let is_spans = self.plan().signal == tracewell_model::Signal::Traces;
        let path = match column {
            Column::Address => return,
            Column::Coded(texts) => return self.leaves_of_column(texts, leaves),
            Column::Time if is_spans => START_TIME,
            Column::Time => TIME,
            Column::TraceId => TRACE_ID,
            Column::SpanId => SPAN_ID,
            Column::ParentSpanId => {
                self.pages.add_leaves(leaves, PARENT_DISTANCE);
                PARENT_SPAN_ID
            }
            Column::Duration => {
                if self.head.row_groups.iter().any(|group| group.wild_times) {
                    self.pages.add_leaves(leaves, START_TIME);
                }
                DURATION
            }
            Column::Name => NAME,
            Column::Kind => KIND,
            Column::StatusCode => STATUS_CODE,
            Column::StatusMessage => STATUS_MESSAGE,
            Column::TraceState => TRACE_STATE,
            Column::SeverityNumber => SEVERITY_NUMBER,
            Column::SeverityText => SEVERITY_TEXT,
            Column::Body => BODY,
            Column::EventName => EVENT_NAME,
            // The shortest of the columns that tell how many there are.
            Column::EventCount => "events.list.element.dropped_attributes_count",
            Column::LinkCount => "links.list.element.dropped_attributes_count",
            Column::ServiceName | Column::ScopeName | Column::ScopeVersion => SCOPE_ID,
            Column::Attribute { scope: AttributeScope::Record, key, of } => {
                return self.leaves_of_attribute(key, Some(*of), leaves);
            }
            Column::Attribute { scope: AttributeScope::Resource | AttributeScope::Scope, .. } => SCOPE_ID,
            Column::Attribute { scope, of, .. } => {
                return self.leaves_of_lists(nested_of(*scope), value_fields(*of), leaves);
            }
            Column::AttributeKeys(AttributeScope::Record) => {
                for column in &self.plan().dense {
                    self.pages.add_leaves(leaves, &column.name(self.plan().signal));
                }
                "attributes.list.element.key"
            }
            Column::AttributeKeys(AttributeScope::Resource | AttributeScope::Scope) => SCOPE_ID,
            Column::AttributeKeys(scope) => return self.leaves_of_lists(nested_of(*scope), &["key"], leaves),
        };
        self.pages.add_leaves(leaves, path);
    }

    fn leaves_of_attribute(&self, key: &str, of: Option<AttributeType>, leaves: &mut Leaves) {
        let homes = self.homes(key, of);
        for column in &homes.dense {
            self.pages.add_leaves(leaves, &column.name(self.plan().signal));
        }
        if homes.in_lists {
            for field in of.map_or(&["key"][..], value_fields) {
                self.pages.add_leaves(leaves, &format!("attributes.list.element.{field}"));
            }
        }
    }

    fn leaves_of_lists(&self, nested: Option<Nested>, fields: &[&str], leaves: &mut Leaves) {
        let list = match nested {
            Some(Nested::Events) => EVENTS,
            Some(Nested::Links) => LINKS,
            None => return,
        };
        for field in fields {
            self.pages.add_leaves(leaves, &format!("{list}.list.element.attributes.list.element.{field}"));
        }
    }
}

/// The fields of an attribute in a list that tell its value as this type.
fn value_fields(of: AttributeType) -> &'static [&'static str] {
    match of {
        AttributeType::String => &["key", "string"],
        AttributeType::Int => &["key", "int"],
        AttributeType::Double => &["key", "double"],
        AttributeType::Bool => &["key", "bool"],
        AttributeType::Display => &["key", "string", "int", "double", "bool", "other"],
    }
}

//! Predicates made ready for the rows of one source.
//!
//! What stands on resources and instrumentation scopes is decided here, once for each scope of the source, and
//! constant parts are folded away. What is left asks about rows.

use arrow::buffer::BooleanBuffer;
use tracewell_model::{ScopeTable, Signal};

use super::scopes::{is_scope, is_scope_column, scope_array, scope_presence};
use super::test::Test;
use crate::{AttributeScope, Column, Predicate, StorageError};

/// A predicate in which every question is about a row.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Every row meets it, or none.
    Constant(bool),
    /// Rows whose scope's number is set.
    Scopes(BooleanBuffer),
    /// Rows that meet every one.
    And(Vec<Node>),
    /// Rows that meet one.
    Or(Vec<Node>),
    /// Rows that do not meet it.
    Not(Box<Node>),
    /// A question about a row itself.
    Leaf(Leaf),
}

/// A question about a row: what to look at, and what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// What to look at.
    pub target: Target,
    /// What it has to be.
    pub test: Test,
}

/// What a question looks at.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A column of the row.
    Column(Column),
    /// Whether an attribute is there.
    Attribute(AttributeScope, String),
    /// The full text.
    Text,
}

/// The conjuncts of a predicate.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// Rows have to meet every one. Empty: all rows do.
    pub conjuncts: Vec<Node>,
}

impl Prepared {
    /// Makes `predicate` ready for a source of `signal` whose rows refer to `scopes`.
    pub(crate) fn new(predicate: &Predicate, signal: Signal, scopes: &ScopeTable) -> Result<Prepared, StorageError> {
        let conjuncts = match (Preparation { signal, scopes }).node(predicate)? {
            Node::Constant(true) => Vec::new(),
            Node::And(parts) => parts,
            node => vec![node],
        };
        Ok(Prepared { conjuncts })
    }

    /// Whether no row can meet it.
    pub(crate) fn is_never(&self) -> bool {
        matches!(self.conjuncts.as_slice(), [Node::Constant(false)])
    }
}

struct Preparation<'a> {
    signal: Signal,
    scopes: &'a ScopeTable,
}

impl Preparation<'_> {
    fn node(&self, predicate: &Predicate) -> Result<Node, StorageError> {
        let nodes = |parts: &[Predicate]| parts.iter().map(|part| self.node(part)).collect::<Result<Vec<_>, _>>();
        Ok(match predicate {
            Predicate::And(parts) => all_of(nodes(parts)?),
            Predicate::Or(parts) => one_of(nodes(parts)?),
            Predicate::Not(part) => not(self.node(part)?),
            Predicate::Compare { column, comparison, value } => {
                self.leaf(column, Test::Compare(*comparison, value.clone()))?
            }
            Predicate::In { values, .. } if values.is_empty() => Node::Constant(false),
            Predicate::In { column, values } => self.leaf(column, Test::In(values.clone()))?,
            Predicate::Matches { column, pattern } => self.leaf(column, Test::Matches(pattern.matcher()))?,
            Predicate::Text(pattern) => {
                Node::Leaf(Leaf { target: Target::Text, test: Test::Matches(pattern.matcher()) })
            }
            Predicate::HasAttribute { scope, key } if is_scope(*scope) => {
                scopes_node(scope_presence(self.scopes, *scope, key))
            }
            Predicate::HasAttribute { scope, .. } if !self.has(*scope) => Node::Constant(false),
            Predicate::HasAttribute { scope, key } => {
                Node::Leaf(Leaf { target: Target::Attribute(*scope, key.clone()), test: Test::Present })
            }
        })
    }

    fn leaf(&self, column: &Column, test: Test) -> Result<Node, StorageError> {
        if is_scope_column(column) {
            return Ok(scopes_node(test.of_array(scope_array(self.scopes, column).as_ref())?));
        }
        if !is_column_of(column, self.signal) {
            return Ok(Node::Constant(false));
        }
        Ok(Node::Leaf(Leaf { target: Target::Column(column.clone()), test }))
    }

    fn has(&self, scope: AttributeScope) -> bool {
        self.signal == Signal::Traces || !matches!(scope, AttributeScope::Event | AttributeScope::Link)
    }
}

/// Whether records of the signal have the column; asked of others it is null.
pub(super) fn is_column_of(column: &Column, signal: Signal) -> bool {
    match column {
        Column::ParentSpanId
        | Column::Duration
        | Column::Name
        | Column::Kind
        | Column::StatusCode
        | Column::StatusMessage
        | Column::TraceState
        | Column::EventCount
        | Column::LinkCount => signal == Signal::Traces,
        Column::Attribute { scope: AttributeScope::Event | AttributeScope::Link, .. }
        | Column::AttributeKeys(AttributeScope::Event | AttributeScope::Link) => signal == Signal::Traces,
        Column::SeverityNumber | Column::SeverityText | Column::Body | Column::EventName => signal == Signal::Logs,
        _ => true,
    }
}

fn scopes_node(met: BooleanBuffer) -> Node {
    match met.count_set_bits() {
        0 => Node::Constant(false),
        count if count == met.len() => Node::Constant(true),
        _ => Node::Scopes(met),
    }
}

fn not(node: Node) -> Node {
    match node {
        Node::Constant(value) => Node::Constant(!value),
        Node::Scopes(met) => Node::Scopes(!&met),
        Node::Not(inner) => *inner,
        node => Node::Not(Box::new(node)),
    }
}

fn all_of(parts: Vec<Node>) -> Node {
    let mut kept = Vec::new();
    let mut scopes: Option<BooleanBuffer> = None;
    for part in parts {
        match part {
            Node::Constant(true) => {}
            Node::Constant(false) => return Node::Constant(false),
            Node::Scopes(met) => scopes = Some(scopes.map_or(met.clone(), |before| &before & &met)),
            Node::And(inner) => kept.extend(inner),
            node => kept.push(node),
        }
    }
    match scopes.map(scopes_node) {
        Some(Node::Constant(false)) => return Node::Constant(false),
        Some(node @ Node::Scopes(_)) => kept.insert(0, node),
        _ => {}
    }
    match kept.len() {
        0 => Node::Constant(true),
        1 => kept.remove(0),
        _ => Node::And(kept),
    }
}

fn one_of(parts: Vec<Node>) -> Node {
    let mut kept = Vec::new();
    let mut scopes: Option<BooleanBuffer> = None;
    for part in parts {
        match part {
            Node::Constant(false) => {}
            Node::Constant(true) => return Node::Constant(true),
            Node::Scopes(met) => scopes = Some(scopes.map_or(met.clone(), |before| &before | &met)),
            Node::Or(inner) => kept.extend(inner),
            node => kept.push(node),
        }
    }
    match scopes.map(scopes_node) {
        Some(Node::Constant(true)) => return Node::Constant(true),
        Some(node @ Node::Scopes(_)) => kept.insert(0, node),
        _ => {}
    }
    match kept.len() {
        0 => Node::Constant(false),
        1 => kept.remove(0),
        _ => Node::Or(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Comparison, Scalar, TextPattern};

    fn service(name: &str) -> Predicate {
        Predicate::Compare {
            column: Column::ServiceName,
            comparison: Comparison::Equal,
            value: Scalar::String(name.to_owned()),
        }
    }

    fn prepare(predicate: &Predicate) -> Prepared {
        let mut scopes = ScopeTable::default();
        for name in ["a", "b", "c"] {
            let mut scope = tracewell_model::Scope { resource: name.as_bytes().to_vec(), ..Default::default() };
            scope.resource_attributes.push("service.name", tracewell_model::Value::String(name));
            scope.resource_attributes.end_row();
            scopes.intern(&std::sync::Arc::new(scope));
        }
        Prepared::new(predicate, Signal::Traces, &scopes).expect("types fit")
    }

    #[test]
    fn questions_about_services_become_one_set_of_scopes() {
        let predicate = Predicate::And(vec![
            Predicate::Or(vec![service("a"), service("b")]),
            Predicate::Not(Box::new(service("a"))),
        ]);
        let prepared = prepare(&predicate);
        let [Node::Scopes(met)] = prepared.conjuncts.as_slice() else { panic!("{prepared:?}") };
        assert_eq!(met.iter().collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_service_that_is_not_there_is_never() {
        let text = Predicate::Text(TextPattern::Contains("x".into()));
        assert!(prepare(&Predicate::And(vec![text, service("d")])).is_never());
        assert!(prepare(&Predicate::Not(Box::new(service("d")))).conjuncts.is_empty());
    }

    #[test]
    fn columns_of_the_other_signal_are_null() {
        let predicate = Predicate::Matches { column: Column::Body, pattern: TextPattern::Contains(String::new()) };
        assert!(prepare(&predicate).is_never());
    }
}

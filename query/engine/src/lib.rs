//! What turns a question into rows: the search language lowered to predicates, executed on Apache DataFusion over
//! snapshots of the storage.
//!
//! Start at [`QueryEngine`]. Every question has a deadline, a share of a bounded memory pool and a place among a
//! bounded number of running queries; dropping its future stops its work. Every search says in its [`Answer`] whether
//! it is exact.

mod answer;
mod buckets;
mod engine;
mod error;
mod export;
mod facets;
mod field;
mod field_column;
mod fields;
mod fingerprint;
mod histogram;
mod histogram_rollups;
mod key_values;
mod keys;
mod log_order;
mod log_search;
mod logs;
mod lower;
mod memory;
mod names;
mod rollups;
mod scope;
mod service_map;
mod services;
mod session;
mod slices;
mod spread;
mod summary;
mod table;
mod tail;
mod tally;
mod trace_reader;
mod trace_search;
mod traces;

pub use answer::{Answer, Exactness, Statistics};
pub use engine::{QueryConfig, QueryEngine};
pub use error::{QueryError, QueryErrorKind};
pub use export::{Export, ExportDamage};
pub use facets::{Facet, FacetValue, Facets, default_facets};
pub use fields::{FieldScope, FieldSummary, FieldValue, FieldValues, Fields};
pub use histogram::{LogBucket, LogHistogram, SEVERITY_NAMES, SpanBucket, SpanHistogram};
pub use logs::LogPage;
pub use lower::lower;
pub use scope::{Page, QueryScope};
pub use service_map::{MapEdge, MapNode, ServiceMap};
pub use services::{Operation, Operations, Series, ServiceSummary, Services};
pub use summary::{ServiceShare, TraceSummary};
pub use tail::Matcher;
pub use trace_reader::TraceReader;
pub use traces::TracePage;

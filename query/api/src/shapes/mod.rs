//! The JSON shapes of answers: what `docs/api.md` promises, as types that also yield their own schemas.
//!
//! Points in time are Unix nanoseconds as strings, because JSON numbers lose digits beyond 2^53.

mod fields;
mod logs;
mod maintenance;
mod services;
mod traces;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use fields::*;
pub use logs::*;
pub use maintenance::*;
pub use services::*;
pub use traces::*;

/// Attributes as a plain JSON object.
pub type AttributesObject = Map<String, Value>;

/// Whether an answer is all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Exactness {
    /// Complete and exact.
    Exact,
    /// Complete, but some figures are estimates.
    Estimated {
        /// Which, and how close they are.
        reason: String,
    },
    /// Something is missing.
    Partial {
        /// What, and why.
        reason: String,
    },
}

/// What a question cost.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Milliseconds from the request's arrival to the answer, to the hundredth.
    pub elapsed_ms: f64,
    /// Segments that the tenant has of what was asked for; what is in memory belongs to none yet.
    pub segments_total: u64,
    /// Segments that had to be looked into.
    pub segments_read: u64,
    /// Rows, of segments and in memory, of which something was read to judge or to gather them, again each time. What
    /// indexes and rollups decide costs none.
    pub rows_scanned: u64,
}

/// The library that emitted a record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentationScope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes.
    #[schema(value_type = Object)]
    pub attributes: AttributesObject,
}

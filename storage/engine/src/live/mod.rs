//! The live tier: what was acknowledged and is not yet in a segment, as columns in memory.

mod budget;
mod chunk;
mod coalesce;
mod table;
mod tables;

pub(crate) use budget::LiveBudget;
pub(crate) use chunk::{Chunk, StoredRequest};
pub(crate) use table::Table;
pub(crate) use tables::Tables;

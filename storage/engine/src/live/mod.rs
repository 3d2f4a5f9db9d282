//! The live tier: what was acknowledged and is not yet in a segment, as columns in memory.

mod chunk;

pub(crate) use chunk::Chunk;

//! The query engine on a real storage, against a plain evaluation of the same questions.

mod answers;
mod bounds;
mod random;
mod rollups;
mod search;
mod support;

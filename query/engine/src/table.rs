//! A snapshot as a table of DataFusion.

//! What the tests of the real binary share: a server as a child process, and questions to it.

mod api;
mod server;

pub use api::Api;
pub use server::{Server, ServerOptions, tracewell};

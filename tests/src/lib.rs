//! What the tests of the real binary share: a server as a child process, and questions to it.

mod api;
mod server;
mod small_disk;
mod traffic;

pub use api::Api;
pub use server::{Server, ServerOptions, StartingServer, tracewell};
pub use small_disk::SmallDisk;
pub use traffic::{Answer, Batch, Ledger, Sender, Traffic};

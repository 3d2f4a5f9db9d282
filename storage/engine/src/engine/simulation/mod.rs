//! Seeded simulation of the whole engine: one seed, one history of requests, faults and restarts, judged by an oracle.
//!
//! [`history`] is a run; [`plan`] draws what it is like. The engine runs unchanged on an [`executor`] of one thread,
//! on a [`machine`] whose [`disk`], [`store`] and [`catalog`] lose, tear, refuse and forget. [`client`]s send
//! [`records`] and ask [`question`]s; the [`oracle`] knows the answers. `docs/decisions/` says why it is built so.

mod catalog;
mod chance;
mod client;
mod disk;
pub(crate) mod executor;
mod history;
mod machine;
mod oracle;
mod plan;
mod planted;
mod question;
mod records;
mod store;
mod tests;

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what panics of simulated threads say, instead of printing it.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if executor::is_running() {
                LAST_PANIC.set(panic.to_string());
            } else {
                print(panic);
            }
        }));
    });
}

fn last_panic() -> String {
    LAST_PANIC.with_borrow(Clone::clone)
}

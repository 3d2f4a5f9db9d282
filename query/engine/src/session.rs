//! The running of plans: memory, deadline, cancellation.

//! Bugs that are planted on purpose, to see that the simulation finds them.
//!
//! They are in the crate's own tests only: everywhere else [`planted`] is `false` at compile time, and nothing of a bug
//! is in the program. `engine/simulation/planted.rs` looks for them.

/// A bug. Each is one that a storage engine had at some time, or is likely to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The journal's frames are not synced before the acknowledgement.
    SkippedSync,
    /// The directory is not synced when a journal file is made.
    SkippedDirectorySync,
    /// After a failed sync the same file is synced again, and that is believed.
    RetriedSync,
    /// Requests are acknowledged before they are written.
    EarlyAcknowledgement,
    /// A full disk is no reason not to acknowledge.
    FullDiskAcknowledged,
    /// Only a part of a group of requests is written.
    LostTailOfGroup,
    /// The checksum of a frame is not looked at, so that torn ones count.
    IgnoredChecksum,
    /// What is in segments already is replayed all the same.
    DoubleReplay,
    /// What a failed write left behind counts, although its place was given to others.
    VoidFramesRead,
    /// Journal files go when they are closed, flushed or not.
    EarlyTruncation,
    /// Objects of merged segments go at once, whoever reads them.
    EarlyDeletion,
    /// The watermark is committed before the segment.
    WatermarkBeforeSegment,
    /// A merged segment appears some time after its inputs have gone.
    SwapInTwoSteps,
    /// A flush leaves out its last chunk.
    LostTailOfFlush,
    /// All requests of a group go to the table of the first.
    WrongTenant,
    /// Age is told by the clocks of senders.
    RetentionBySendersClock,
    /// A merge leaves a row out.
    MergeDropsRow,
    /// A merge leaves one of its inputs visible.
    MergeKeepsInput,
    /// A commit that failed is taken for not made.
    FailedCommitForgotten,
    /// The hashes of flushed requests are not kept.
    ForgottenHashes,
    /// Memory of a flush that failed is never given back.
    LeakedBudget,
    /// Statistics prune one row group too many.
    WrongPruning,
    /// The checksum of a block of a segment is not looked at.
    IgnoredBlockChecksum,
}

/// Whether this bug is planted in the run of this thread.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// Whether this bug is planted in the run of this thread.
#[cfg(test)]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug in what this thread runs from now on.
#[cfg(test)]
pub(crate) fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(test)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

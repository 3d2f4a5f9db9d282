//! What maintenance answers.

use serde::Serialize;
use tracewell_storage::Problem as StoredProblem;
use utoipa::ToSchema;

/// What verifying found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Segments that were read from end to end.
    pub segments: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of their objects.
    pub bytes: u64,
    /// Requests of the journal that were decoded; 0 on a running server, which verifies its segments only.
    pub journal_requests: u64,
    /// What is damaged. Empty: nothing is.
    pub problems: Vec<Problem>,
    /// What is not as usual but does no harm.
    pub notes: Vec<String>,
}

/// Something damaged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What it is about.
    pub subject: String,
    /// What is wrong, and where.
    pub reason: String,
}

impl From<tracewell_storage::VerifyReport> for VerifyReport {
    fn from(report: tracewell_storage::VerifyReport) -> VerifyReport {
        let problem = |StoredProblem { subject, reason }| Problem { subject, reason };
        VerifyReport {
            segments: report.segments,
            rows: report.rows,
            bytes: report.bytes,
            journal_requests: report.journal_requests,
            problems: report.problems.into_iter().map(problem).collect(),
            notes: report.notes,
        }
    }
}

/// The deletions of a tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Deletions {
    /// The newest first; at most a thousand.
    pub deletions: Vec<Deletion>,
}

/// A deletion on request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Its id.
    pub id: String,
    /// What was asked for, in words.
    pub description: String,
    /// When it was asked for. From then on the records are not shown.
    pub requested_at_unix_nano: String,
    /// When the last of the records was removed from the segments; null while some are left.
    #[schema(required)]
    pub completed_at_unix_nano: Option<String>,
    /// The records removed so far.
    pub rows: u64,
    /// The segments that have yet to be looked at. A damaged one is until it expires.
    pub pending_segments: u64,
}

impl From<tracewell_storage::Deletion> for Deletion {
    fn from(deletion: tracewell_storage::Deletion) -> Deletion {
        Deletion {
            id: deletion.id,
            description: deletion.description,
            requested_at_unix_nano: deletion.requested_at.0.to_string(),
            completed_at_unix_nano: deletion.completed_at.map(|at| at.0.to_string()),
            rows: deletion.rows,
            pending_segments: deletion.pending_segments,
        }
    }
}

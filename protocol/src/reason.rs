//! Details that travel beside a gRPC status, as `google.rpc.ErrorInfo`: who needs more than a code reads them here.

/// Domain of every `ErrorInfo` of ours.
pub const DOMAIN: &str = "tributary";
/// With `FAILED_PRECONDITION`: the account cannot pay. Metadata [`NEEDED`] and [`AVAILABLE`], decimal credits.
pub const NOT_ENOUGH_CREDITS: &str = "NOT_ENOUGH_CREDITS";
/// With `FAILED_PRECONDITION`: the member's limit for this month does not cover the job.
pub const OVER_LIMIT: &str = "OVER_LIMIT";
/// With `FAILED_PRECONDITION`: the account starts no jobs, since a payment of its was taken back.
pub const SUSPENDED: &str = "SUSPENDED";
/// What the job would cost.
pub const NEEDED: &str = "needed";
/// What the account could spend.
pub const AVAILABLE: &str = "available";

//! What one process of a server does. One process may do all of it; many processes of one database may share it.

/// Which parts a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Edges and worker: a studio's server, or one of several alike.
    Whole,
    /// Takes jobs and hands results out; has no device and loads no model.
    Edges,
    /// Runs jobs; nobody sends it any.
    Worker,
}

impl Role {
    /// The word in lists and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Whole => "server",
            Self::Edges => "edges",
            Self::Worker => "worker",
        }
    }

    /// Whether clients send it jobs.
    #[must_use]
    pub fn takes_jobs(self) -> bool {
        self != Self::Worker
    }

    /// Whether it runs jobs, on a device of its own.
    #[must_use]
    pub fn runs_jobs(self) -> bool {
        self != Self::Edges
    }
}

//! What the analysis decided: the cutter makes it, the assembler carries it out.

use super::equaliser::Curves;
use super::figures::Figures;

/// All that was decided before the first frame went out.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// After the equaliser, before the limiter.
    pub(super) gain: f64,
    /// Full scale is 1.
    pub(super) ceiling: f64,
    pub(super) curves: Option<Curves>,
    pub(super) before: Figures,
    pub(super) references: Vec<Figures>,
    /// For people.
    pub(super) notes: Vec<String>,
}

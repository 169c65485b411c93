//! An account's lines for people and spreadsheets: which of them, and how a line is written as CSV. No I/O.

use crate::clock::Timestamp;
use crate::ledger::{Line, LineKind};

/// Which lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind; none for all.
    pub kind: Option<LineKind>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a line is wanted.
    #[must_use]
    pub fn takes(&self, line: &Line) -> bool {
        self.kind.is_none_or(|kind| kind == line.kind)
            && self.since.is_none_or(|since| since <= line.at)
            && self.until.is_none_or(|until| line.at < until)
    }

    /// Whether lines older than this one can still be wanted; lines come newest first.
    #[must_use]
    pub fn goes_on_after(&self, line: &Line) -> bool {
        self.since.is_none_or(|since| since <= line.at)
    }
}

/// The first row.
pub const CSV_HEAD: &str = "line,at,kind,credits,balance,job,note,widget\r\n";

/// One row (RFC 4180). Credits that went have a minus.
#[must_use]
pub fn csv(line: &Line, at: &str) -> String {
    let sign = if line.kind.comes() { "" } else { "-" };
    let job = line.job.map(|job| job.to_string()).unwrap_or_default();
    let (kind, after) = (line.kind.word(), line.posted_after.0);
    let texts = texts(&line.note, line.widget.as_ref().map(|widget| widget.name.as_str()));
    format!("{},{at},{kind},{sign}{},{after},{job},{texts}\r\n", line.line, line.amount.0)
}

/// The last two cells: what people wrote. Nothing where no widget brought the job.
#[must_use]
pub fn texts(note: &str, widget: Option<&str>) -> String {
    format!("{},{}", cell(note), widget.map(cell).unwrap_or_default())
}

/// A text as a cell: quoted, and with an apostrophe before what a spreadsheet would run as a formula.
#[must_use]
pub fn cell(text: &str) -> String {
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::CameBy;
    use tributary_protocol::vocab::{Credits, WidgetId};

    fn line(at: i64, kind: LineKind, note: &str) -> Line {
        let (amount, posted_after) = (Credits(5), Credits(7));
        Line {
            line: 3,
            at: Timestamp(at),
            kind,
            amount,
            posted_after,
            job: None,
            widget: None,
            note: note.to_owned(),
        }
    }

    #[test]
    fn no_note_is_run_as_a_formula_or_ends_its_cell() {
        for (note, written) in [
            ("plain, words", "\"plain, words\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            (" +1", "\"' +1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(note), written);
        }
        assert_eq!(csv(&line(0, LineKind::Capture, "x"), "T"), "3,T,capture,-5,7,,\"x\",\r\n");
        assert_eq!(csv(&line(0, LineKind::Grant, "x"), "T"), "3,T,grant,5,7,,\"x\",\r\n");
        let widget = Some(CameBy { id: WidgetId::generate(), name: "=1+1, \"x\"".to_owned() });
        let by_widget = Line { widget, ..line(0, LineKind::Capture, "@x") };
        assert_eq!(csv(&by_widget, "T"), "3,T,capture,-5,7,,\"'@x\",\"'=1+1, \"\"x\"\"\"\r\n");
        let cells = |row: &str| row.matches(',').count();
        assert_eq!(cells(&csv(&line(0, LineKind::Grant, ""), "T")), cells(CSV_HEAD));
    }

    #[test]
    fn a_filter_takes_its_kind_from_its_first_moment_until_before_its_last() {
        let filter =
            Filter { kind: Some(LineKind::Grant), since: Some(Timestamp(10)), until: Some(Timestamp(20)) };
        let taken: Vec<_> =
            [9, 10, 19, 20].into_iter().filter(|at| filter.takes(&line(*at, LineKind::Grant, ""))).collect();
        assert_eq!(taken, [10, 19]);
        assert!(!filter.takes(&line(15, LineKind::Capture, "")));
        assert!(!filter.goes_on_after(&line(9, LineKind::Grant, "")));
    }
}

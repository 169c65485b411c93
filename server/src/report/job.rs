//! What one job was given and gave, as `--json` of the commands prints it. Reads no sound.

use anyhow::Context;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of jobs larger than this is something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// One job's files.
#[derive(Clone, Debug)]
pub struct JobResults {
    /// What was done: "separate by mini".
    pub heading: String,
    /// The sound that went in.
    pub clip: PathBuf,
    /// The sound that came out. `song - vocals.wav` and `vocals.wav` are both stem `vocals`.
    pub stems: Vec<PathBuf>,
    /// What came out and is not sound.
    pub sheets: Vec<PathBuf>,
}

/// A line that `tributary separate --json` and its sisters print; what else it says is not needed here.
#[derive(Deserialize)]
struct Line {
    task: String,
    file: PathBuf,
    model: String,
    stems: Vec<Named>,
    sheets: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    path: PathBuf,
}

impl JobResults {
    /// Stems of a mixture, whoever made them.
    #[must_use]
    pub fn separation(mixture: PathBuf, stems: Vec<PathBuf>) -> Self {
        Self { heading: "stems".to_owned(), clip: mixture, stems, sheets: Vec::new() }
    }

    /// All jobs of a file with one line of JSON a job.
    ///
    /// # Errors
    /// A file that cannot be read or is too large, or a line that is no job's.
    pub fn read(path: &Path) -> anyhow::Result<Vec<Self>> {
        let shown = path.display();
        let bytes = fs::metadata(path).with_context(|| format!("read {shown}"))?.len();
        anyhow::ensure!(bytes <= FILE_BYTES_MAX, "{shown} is too large to be what `--json` printed");
        let text = fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
        let job = |(number, line): (usize, &str)| {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {} of {shown} is not what `--json` prints", number + 1))?;
            let paths = |named: Vec<Named>| named.into_iter().map(|named| named.path).collect();
            Ok(Self {
                heading: format!("{} by {}", line.task, line.model),
                clip: line.file,
                stems: paths(line.stems),
                sheets: paths(line.sheets),
            })
        };
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(job).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_command_is_a_job_and_another_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs");
        let line = r#"{"task":"master","file":"song.wav","model":"master","seconds_wall":1,
            "stems":[{"name":"master","path":"m.wav"}],"sheets":[{"name":"report.json","path":"r.json"}]}"#;
        fs::write(&file, format!("{}\n\n", line.replace('\n', ""))).unwrap();
        let jobs = JobResults::read(&file).unwrap();
        assert_eq!((jobs.len(), &*jobs[0].heading), (1, "master by master"));
        assert_eq!((&jobs[0].stems[0], &jobs[0].sheets[0]), (&"m.wav".into(), &"r.json".into()));
        fs::write(&file, "{}\n").unwrap();
        assert!(JobResults::read(&file).unwrap_err().to_string().contains("line 1"));
    }
}

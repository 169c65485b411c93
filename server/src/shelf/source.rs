//! Where a card says that a file can be had.

use super::ShelfError;
use std::path::PathBuf;

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `https://..`; plain `http://` from this machine only.
    Web(String),
    /// `pypi:<package>==<version>#<member>`: a member of the package's wheel.
    Package {
        /// As the index knows it.
        package: String,
        /// Exactly.
        version: String,
        /// Its path in the wheel.
        member: String,
    },
    /// `file:<path>`: on a disk.
    File(PathBuf),
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self, ShelfError> {
        let bad = || ShelfError::BadSource {
            reason: "use https://.., pypi:<package>==<version>#<member> or file:<path>".to_owned(),
        };
        if text.starts_with("https://") || is_local(text) {
            return Ok(Self::Web(text.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        let (package, rest) =
            text.strip_prefix("pypi:").and_then(|rest| rest.split_once("==")).ok_or_else(bad)?;
        let (version, member) = rest.split_once('#').ok_or_else(bad)?;
        // They become part of a URL and of a file's name.
        let plain = |word: &str| {
            !word.is_empty()
                && !word.starts_with('.')
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if !plain(package) || !plain(version) || member.is_empty() {
            return Err(bad());
        }
        let [package, version, member] = [package, version, member].map(str::to_owned);
        Ok(Self::Package { package, version, member })
    }
}

/// Whether a URL stays on this machine, where nobody can change what is on its way.
pub(super) fn is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    ["127.0.0.1", "::1", "localhost"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_source_is_understood() {
        let package = Source::parse("pypi:basic-pitch==0.4.0#basic_pitch/saved_models/nmp.onnx").unwrap();
        let [name, version, member] =
            ["basic-pitch", "0.4.0", "basic_pitch/saved_models/nmp.onnx"].map(str::to_owned);
        assert_eq!(package, Source::Package { package: name, version, member });
        let url = "https://example.org/a/b.onnx".to_owned();
        assert_eq!(Source::parse(&url).unwrap(), Source::Web(url));
        assert_eq!(Source::parse("file:/a/b").unwrap(), Source::File("/a/b".into()));
        assert!(Source::parse("http://[::1]:8080/x").is_ok());
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for text in [
            "",
            "nmp.onnx",
            "http://example.org/a",
            "http://localhost.example.org/a",
            "http://127.0.0.1@example.org/a",
            "ftp://example.org/a",
            "pypi:a",
            "pypi:a==1",
            "pypi:a==1#",
            "pypi:../a==1#m",
            "pypi:a/b==1#m",
            "pypi:a==../1#m",
        ] {
            assert!(matches!(Source::parse(text), Err(ShelfError::BadSource { .. })), "{text}");
        }
    }
}

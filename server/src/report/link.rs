//! Addresses from one file to another, as a browser wants them. Looks at paths, never into files.

use anyhow::Context;
use std::fmt::Write;
use std::path::{Component, Path};

/// The address of `target` relative to the folder of `page`, percent-encoded.
///
/// # Errors
/// A target that does not exist, or that no relative path reaches (another drive).
pub fn relative(target: &Path, page: &Path) -> anyhow::Result<String> {
    let folder = match page.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let whole = |path: &Path| path.canonicalize().with_context(|| format!("find {}", path.display()));
    let (target, folder) = (whole(target)?, whole(folder)?);
    let (to, from): (Vec<_>, Vec<_>) = (target.components().collect(), folder.components().collect());
    let shared = to.iter().zip(&from).take_while(|(to, from)| to == from).count();
    anyhow::ensure!(shared > 0, "{} is on another drive than the page", target.display());
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|component| encoded(component));
    Ok(up.chain(down).collect::<Vec<_>>().join("/"))
}

/// Everything but the letters, digits and marks that need no escape (RFC 3986, 2.3).
fn encoded(component: &Component) -> String {
    let mut out = String::new();
    for byte in component.as_os_str().to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_link_climbs_as_far_as_needed_and_escapes_what_a_browser_would_misread() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["out", "in/a b"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in ["out/x.wav", "in/a b/50% #1?.wav"] {
            fs::write(root.path().join(file), b"").unwrap();
        }
        let page = root.path().join("out/report.html");
        assert_eq!(relative(&root.path().join("out/x.wav"), &page).unwrap(), "x.wav");
        let far = relative(&root.path().join("in/a b/50% #1?.wav"), &page).unwrap();
        assert_eq!(far, "../in/a%20b/50%25%20%231%3F.wav");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = relative(Path::new("not there.wav"), Path::new("report.html")).unwrap_err();
        assert!(error.to_string().contains("not there.wav"));
    }
}

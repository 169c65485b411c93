//! As much HTTP as /healthz and /metrics need. Follows nothing, keeps nothing open.

use anyhow::Context;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The status and the body of a page of `base`, like `http://127.0.0.1:7701`. Blocks its thread.
///
/// # Errors
/// Where nobody answers, or not in HTTP.
pub fn get(base: &str, path: &str) -> anyhow::Result<(u16, String)> {
    let Page { status, body, .. } = page(base, path)?;
    Ok((status, body))
}

/// An answer.
pub struct Page {
    /// 200 and so on.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: BTreeMap<String, String>,
    /// The rest.
    pub body: String,
}

/// The same with the headers.
///
/// # Errors
/// As [`get`].
pub fn page(base: &str, path: &str) -> anyhow::Result<Page> {
    page_with(base, path, &[])
}

/// The same, asked for with more headers.
///
/// # Errors
/// As [`get`].
pub fn page_with(base: &str, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Page> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let host = base.strip_prefix("http://").unwrap_or(base);
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no end of the header")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Ok(Page { status, headers: head.lines().filter_map(header).collect(), body: body.to_owned() })
}

/// The value of a metric, by the beginning of its line: its name with its labels.
#[must_use]
pub fn metric(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

//! Every size that comes from outside has its limit here, checked on both sides and before memory is taken.

/// Canonical bytes of one packet: small enough to commit often, large enough for full speed (measured: 256 KiB).
pub const PACKET_CANONICAL_BYTES_MAX: usize = 256 * 1024;
/// Encoded bytes of one packet: zstd may grow what it cannot shrink by a little.
pub const PACKET_PAYLOAD_BYTES_MAX: usize = PACKET_CANONICAL_BYTES_MAX + 4096;
/// A whole gRPC message, packet and frame around it.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of one canonical sample (32-bit float).
pub const SAMPLE_BYTES: u64 = 4;
/// Channels of a clip.
pub const CHANNELS_MAX: u16 = 8;
/// Lowest rate of a clip.
pub const RATE_HZ_MIN: u32 = 8_000;
/// Highest rate of a clip.
pub const RATE_HZ_MAX: u32 = 192_000;
/// Longest clip a server may be configured to take; the default is lower, see the server's config.
pub const CLIP_SECONDS_MAX: u64 = 6 * 3600;
/// Characters of a job's title.
pub const TITLE_CHARS_MAX: usize = 200;

/// A title made of any name: one line, not too long.
#[must_use]
pub fn title_of(name: &str) -> String {
    let line: String = name.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect();
    line.trim().to_owned()
}

/// Characters of a model's or stem's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Settings one job may carry.
pub const SETTINGS_MAX: usize = 64;
/// References one job may name beside its clip.
pub const REFERENCES_MAX: usize = 8;
/// Bytes of a sheet: notes of many hours are far below.
pub const SHEET_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of one piece of a sheet.
pub const SHEET_PIECE_BYTES_MAX: usize = 256 * 1024;
/// Stems one job may name.
pub const STEMS_MAX: usize = 32;
/// Jobs in one answer of `Jobs.List`.
pub const JOBS_PAGE_MAX: u32 = 200;
/// Lines in one answer of `Account.History`.
pub const HISTORY_PAGE_MAX: u32 = 500;
/// Credits of a wallet, a hold or a limit: 2^53, up to which every whole number of JSON is exact.
pub const CREDITS_MAX: u64 = 1 << 53;
/// Characters of the address of a web page.
pub const URL_CHARS_MAX: usize = 2000;

/// True for an address that a browser may be asked to open: `http` or `https`, a host, no white space, nothing that
/// could be taken for a command's option.
#[must_use]
pub fn is_web_page(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= URL_CHARS_MAX
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\'))
        && host
            .is_some_and(|host| host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened_in_a_browser() {
        for url in ["https://stems.example.org/buy?account=7", "http://127.0.0.1:8080/", "https://[::1]/"] {
            assert!(is_web_page(url), "{url}");
        }
        let long = format!("https://h/{}", "x".repeat(URL_CHARS_MAX));
        for url in [
            "",
            "file:///etc",
            "https://",
            "https://-x",
            "javascript:alert(1)",
            "http:// h",
            "https://h/\"x",
            &long,
        ] {
            assert!(!is_web_page(url), "{url}");
        }
    }
}

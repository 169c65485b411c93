//! Where log lines go and how they look.

use crate::config::LogFormat;
use tracing_subscriber::EnvFilter;

/// Log lines to stderr: `RUST_LOG` decides which, `info` of ours where it is unset.
pub(super) fn start(format: LogFormat) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,tributary_server=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first one's format.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

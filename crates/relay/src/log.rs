//! Logs. Our own crates at the configured level; everybody else's never below `warn`, because a library's debug line may
//! hold a URL with a code in it. Logs go to standard error, so that standard output stays one line of JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Log, LogFormat};

/// Sets up logging for the process. A second call changes nothing.
pub fn init(config: &Log) {
    let level = &config.level;
    let ours = ["roomed_relay", "roomed_visit", "roomed_smart"].map(|name| format!("{name}={level}")).join(",");
    let filter = EnvFilter::try_new(format!("warn,{ours}")).unwrap_or_else(|_| EnvFilter::new("warn"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Set twice only in tests, where the first one stands.
    let _ = match config.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

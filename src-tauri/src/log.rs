//! Logs to standard error. Our own crates as `ROOMED_LOG` says (else `info`); everybody else's never below `warn`,
//! because a library's debug line may hold an address with a code in it.

use tracing_subscriber::EnvFilter;

/// Sets it up.
pub(crate) fn init() {
    let level = std::env::var("ROOMED_LOG").unwrap_or_else(|_| "info".to_owned());
    let ours = ["roomed", "roomed_companion", "roomed_smart"].map(|name| format!("{name}={level}")).join(",");
    let filter = EnvFilter::try_new(format!("warn,{ours}")).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
}

//! Standard output that may end before we do: `... | head` is no error.

use std::io::{ErrorKind, Write};

/// Prints a line. False once nobody reads any more.
pub(super) fn line(text: impl std::fmt::Display) -> std::io::Result<bool> {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

//! Standard output, which carries data and may fail, and standard error, which carries remarks and may not.

use std::fmt;
use std::io::{StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

/// Standard output, locked; colours are stripped where they are not wanted. Its errors are [`Failure`]s: use
/// it with `writeln!(..)?`.
pub(crate) struct Out(AutoStream<StdoutLock<'static>>);

/// Locks standard output.
pub(crate) fn out() -> Out {
    Out(anstream::stdout().lock())
}

impl Out {
    /// What `write!` and `writeln!` call.
    pub(crate) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        self.0.write_fmt(text).map_err(Failure::Stdout)
    }

    /// Writes bytes as they are.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes).and_then(|()| self.0.flush()).map_err(Failure::Stdout)
    }
}

/// Warns of something on standard error.
pub(crate) fn warn(text: impl fmt::Display) {
    let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    say(format_args!("{yellow}warning{yellow:#}: {text}"));
}

/// Says something on standard error. If nobody can hear it, that is no reason to fail.
pub(crate) fn say(text: impl fmt::Display) {
    _ = writeln!(anstream::stderr().lock(), "{text}");
}

//! Programs that are run for what they write, and that end when it is not wanted any more.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::WATCH;

/// How long after a program has ended its output may still be on its way.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a program wrote and how it ended. `None` if `stopped` said so before: then it has been ended, with all that it
/// has started.
pub(crate) fn output(command: &mut Command, stopped: &dyn Fn() -> bool) -> io::Result<Option<Output>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // In a group of its own, the program can be ended with its children: Python may be a script that starts another.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(target_os = "linux")]
    end_with_this_thread(command);
    let mut running = Running { child: command.spawn()?, over: false };
    let (sender, ended) = channel();
    let streams = [
        running.child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        running.child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    for (stream, pipe) in streams.into_iter().enumerate() {
        let sender = sender.clone();
        // Nobody waits for this thread: a process that left the group may hold the pipe open.
        std::thread::Builder::new().spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes));
            _ = sender.send((stream, read.map(|_| bytes)));
        })?;
    }
    drop(sender);
    let mut written = [Vec::new(), Vec::new()];
    let (mut status, mut ended_at) = (None, None);
    // What it wrote is read to the end, which is there when it ends, unless a process that it has left behind holds a stream.
    loop {
        match ended.recv_timeout(WATCH) {
            Ok((stream, bytes)) => written[stream] = bytes?,
            Err(RecvTimeoutError::Timeout) if stopped() => return Ok(None),
            Err(RecvTimeoutError::Timeout) if status.is_some() => {
                if ended_at.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    let left = "what it wrote has no end: it has left a process behind that holds it";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, left));
                }
            }
            Err(RecvTimeoutError::Timeout) => status = running.child.try_wait()?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = loop {
        match status.map_or_else(|| running.child.try_wait(), |status| Ok(Some(status)))? {
            Some(status) => break status,
            None if stopped() => return Ok(None),
            None => std::thread::sleep(WATCH / 10),
        }
    };
    running.over = true;
    let [stdout, stderr] = written;
    Ok(Some(Output { status, stdout, stderr }))
}

/// Has the system end the program when this thread, which waits for it, ends without waiting: when this program is killed.
/// What the program itself has started is not reached.
#[cfg(target_os = "linux")]
fn end_with_this_thread(command: &mut Command) {
    #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
    // SAFETY: between fork and exec, the closure makes one system call with numbers, and allocates nothing.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(command, || {
            match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        });
    }
}

/// A program that is ended when this is dropped, with all of its group, unless it has been waited for.
struct Running {
    child: Child,
    over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The number of one that was waited for may be another's by now.
        if self.over {
            return;
        }
        #[cfg(unix)]
        if let Ok(group) = libc::pid_t::try_from(self.child.id()) {
            #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
            // SAFETY: the call takes numbers only, and nobody has waited for the child, whose group it is.
            unsafe {
                libc::kill(-group, libc::SIGKILL);
            }
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

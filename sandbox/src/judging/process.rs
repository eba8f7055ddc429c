//! The pool's side of a worker process: starting it, talking with it, ending it.

use std::io::{self, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::job::Job;
use super::protocol::{Hello, Line, read_line, write_line};

/// Why the pool could not judge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A worker could not be started.
    #[error("a worker could not be started")]
    Start(#[source] io::Error),
    /// A worker started but cannot work.
    #[error("a worker cannot work: {message}")]
    Unable {
        /// Why.
        message: String,
        /// What to do about it.
        remedy: String,
    },
    /// A worker died before it was ready, twice.
    #[error("a worker process died before it was ready")]
    Died,
}

impl PoolError {
    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            PoolError::Start(_) => "use fewer workers, or allow more processes (`ulimit -u`) and memory",
            PoolError::Unable { remedy, .. } => remedy,
            PoolError::Died => "see what it wrote; if it was killed for lack of memory, use fewer workers",
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Spawned = io::Result<Child>;

/// A process to be started, and where to tell how that went.
type Order = (Command, Sender<Spawned>);

/// The thread that starts all processes of a pool and lives as long as the pool. A worker may thus ask the
/// system to be killed when the thread that started it is gone (`PR_SET_PDEATHSIG` of Linux), and still
/// outlive the run that it was started for.
#[derive(Default)]
pub(super) struct Starter(Mutex<Option<(Sender<Order>, JoinHandle<()>)>>);

impl Starter {
    fn spawn(&self, command: Command) -> Spawned {
        let (reply, spawned) = channel();
        let sender = {
            let mut thread = locked(&self.0);
            match &*thread {
                Some((sender, _)) => sender.clone(),
                None => {
                    let (sender, orders) = channel::<Order>();
                    let handle = std::thread::Builder::new().name("starter".to_owned()).spawn(move || {
                        for (mut command, reply) in orders {
                            _ = reply.send(command.spawn());
                        }
                    })?;
                    *thread = Some((sender.clone(), handle));
                    sender
                }
            }
        };
        let gone = || io::Error::other("the thread that starts workers is gone");
        sender.send((command, reply)).map_err(|_| gone())?;
        spawned.recv().map_err(|_| gone())?
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        if let Some((sender, handle)) = locked(&self.0).take() {
            drop(sender);
            _ = handle.join();
        }
    }
}

/// A running worker process; it ends when this is dropped.
pub(super) struct Worker {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    pub(super) output: BufReader<ChildStdout>,
}

/// A handle to end a worker from another thread, which may be waiting for it.
#[derive(Clone)]
pub(super) struct Process(Arc<Mutex<Child>>);

impl Process {
    pub(super) fn kill(&self) {
        _ = locked(&self.0).kill();
    }
}

impl Worker {
    /// Starts a worker, which is not ready yet.
    pub(super) fn spawn(starter: &Starter, mut command: Command) -> Result<Self, PoolError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C at a keyboard goes to a whole group of processes. In one of its own, a worker ends when this
        // process says so.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = starter.spawn(command).map_err(PoolError::Start)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(PoolError::Start(io::Error::other("it has no pipes")));
        };
        Ok(Worker { child: Arc::new(Mutex::new(child)), input, output: BufReader::new(output) })
    }

    pub(super) fn process(&self) -> Process {
        Process(Arc::clone(&self.child))
    }

    /// Says what the worker needs to know, and waits until it is ready.
    pub(super) fn greet(&mut self, hello: &Hello) -> Result<(), PoolError> {
        write_line(&mut self.input, hello).map_err(|_| PoolError::Died)?;
        match read_line(&mut self.output) {
            Some(Line::Ready) => Ok(()),
            Some(Line::Unable { message, remedy }) => Err(PoolError::Unable { message, remedy }),
            _ => Err(PoolError::Died),
        }
    }

    /// Hands it jobs; false if it has died.
    pub(super) fn send(&mut self, jobs: &[&Job]) -> bool {
        write_line(&mut self.input, &jobs).is_ok()
    }

    /// Whether it has not ended.
    pub(super) fn is_alive(&self) -> bool {
        matches!(locked(&self.child).try_wait(), Ok(None))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be in the middle of a test; nobody waits for it any more.
        let mut child = locked(&self.child);
        _ = child.kill();
        _ = child.wait();
    }
}

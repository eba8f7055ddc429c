//! What concerns the whole process: settings made before any thread starts, signals, cores.

use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// The argument that makes this program a worker process, which judges.
pub(crate) const WORKER: &str = "judge-worker";

/// Tunes the allocator and candle's own thread pool, and makes a limit on the size of files an error instead of a signal.
///
/// Tensors come and go by the hundred in each training step. With glibc's defaults each large one is mapped
/// and unmapped, which costs a third of the time; kept mapped, memory is reused. Candle's second pool (beside
/// rayon's) spins at barriers, which loses time whenever steps run side by side.
///
/// A write beyond the limit (`ulimit -f`) sends a signal that ends the process. Ignored, the write fails instead, as on a
/// full disk.
pub(crate) fn tune() {
    #[cfg(unix)]
    {
        #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
        // SAFETY: to ignore a signal needs no handler.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        }
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP: libc::c_int = 1 << 30;
        const GROW_BY: libc::c_int = 64 << 20;
        #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
        // SAFETY: `mallopt` only sets numbers in the allocator, and no other thread exists yet.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP);
            libc::mallopt(libc::M_TOP_PAD, GROW_BY);
        }
    }
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        #[expect(unsafe_code, reason = "candle takes this setting from the environment only")]
        // SAFETY: no other thread exists yet.
        unsafe {
            std::env::set_var("CANDLE_NUM_THREADS", "1");
        }
    }
}

/// Processor time of this process and of those children that have ended, in seconds; 0 where the system does not tell.
pub(crate) fn cpu_seconds() -> f64 {
    #[cfg(unix)]
    {
        let of = |who| {
            // SAFETY: `rusage` is plain numbers, for which zeros are valid, and the call only fills it in.
            #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
            let usage = unsafe {
                let mut usage: libc::rusage = std::mem::zeroed();
                libc::getrusage(who, &raw mut usage);
                usage
            };
            let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
            seconds(usage.ru_utime) + seconds(usage.ru_stime)
        };
        of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
    }
    #[cfg(not(unix))]
    0.0
}

/// Raises the flag on Ctrl-C, on termination and when the terminal goes; a second signal ends the process at once. A
/// signal that was ignored when the process started stays ignored: `nohup` and shells that start a job in the background
/// ask for that.
pub(crate) fn stop_on_signals(cancel: &Arc<AtomicBool>) -> Result<(), Failure> {
    let cancel = Arc::clone(cancel);
    #[cfg(unix)]
    let _ignored = Ignored::hold();
    ctrlc::set_handler(move || {
        if cancel.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user asked twice; the store is safe at any instant")]
            std::process::exit(130);
        }
        anstream::eprintln!("stopping in order; press Ctrl-C again to stop at once");
    })
    .map_err(|error| Failure::Internal(format!("no signal handler: {error}")))
}

/// From now on nothing is lost by ending: the next signal ends the process at once. Fails if there was one already.
pub(crate) fn end_on_signals(cancel: &AtomicBool) -> Result<(), Failure> {
    match cancel.swap(true, Ordering::Relaxed) {
        true => Err(Failure::Interrupted("interrupted before anything was done".to_owned())),
        false => Ok(()),
    }
}

/// Fails if there was a signal.
pub(crate) fn go_on(cancel: &AtomicBool) -> Result<(), Failure> {
    match cancel.load(Ordering::Relaxed) {
        true => Err(Failure::Interrupted("interrupted before anything was done".to_owned())),
        false => Ok(()),
    }
}

/// Signals that this process was started to ignore. They are held back while this lives, and ignored again afterwards,
/// whatever handler was set in between.
#[cfg(unix)]
struct Ignored {
    signals: Vec<libc::c_int>,
    /// Which signals were held back before.
    mask: libc::sigset_t,
}

#[cfg(unix)]
impl Ignored {
    /// The signals that a handler is set for.
    const HANDLED: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

    fn hold() -> Self {
        #[expect(unsafe_code, reason = "C calls without safe wrappers")]
        // SAFETY: the sets and the action are plain data, for which zeros are valid, and the calls only read them or fill
        // them in.
        unsafe {
            let ignored = |signal: &libc::c_int| {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(*signal, std::ptr::null(), &raw mut action) == 0
                    && action.sa_sigaction == libc::SIG_IGN
            };
            let signals: Vec<libc::c_int> = Self::HANDLED.into_iter().filter(ignored).collect();
            let (mut set, mut mask): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in &signals {
                libc::sigaddset(&raw mut set, *signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut mask);
            Self { signals, mask }
        }
    }
}

#[cfg(unix)]
impl Drop for Ignored {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "C calls without safe wrappers")]
        // SAFETY: to ignore a signal needs no handler, and the mask is the one that the system gave.
        unsafe {
            for signal in &self.signals {
                libc::signal(*signal, libc::SIG_IGN);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, std::ptr::null_mut());
        }
    }
}

/// How to start this program as a worker process.
pub(crate) fn worker() -> Result<Box<dyn Fn() -> Command + Send + Sync>, Failure> {
    let executable = std::env::current_exe()
        .map_err(Failure::refused("find this program, which workers run", "run it by its full path"))?;
    Ok(Box::new(move || {
        let mut command = Command::new(&executable);
        command.arg(WORKER);
        command
    }))
}

/// Has the system kill this process, a worker, when the thread that started it is gone, even if that was
/// killed itself. Should the parent be gone already, the worker has no task yet, and sees it when it says
/// that it is ready. Systems other than Linux do not offer this: there a worker ends when it next reads or
/// writes.
pub(crate) fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
        // SAFETY: the call takes numbers only, and does nothing but set which signal the system sends.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
        }
    }
}

/// Starts the threads that hash files and compute, so that a machine which has none to give says so before there is work.
/// To be called once.
pub(crate) fn start_threads() -> Result<(), Failure> {
    let help =
        "raise the limits on memory and processes (`ulimit -v`, `ulimit -u`), or let other programs end";
    let started = rayon::ThreadPoolBuilder::new().build_global();
    started.map_err(|error| Failure::refused("start threads", help)(std::io::Error::other(error)))
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

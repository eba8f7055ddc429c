//! What concerns the whole process: settings made before any thread starts, signals, cores.

use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// The argument that makes this program a worker process, which judges.
pub(crate) const WORKER: &str = "judge-worker";

/// Tunes the allocator and candle's own thread pool.
///
/// Tensors come and go by the hundred in each training step. With glibc's defaults each large one is mapped
/// and unmapped, which costs a third of the time; kept mapped, memory is reused. Candle's second pool (beside
/// rayon's) spins at barriers, which loses time whenever steps run side by side.
pub(crate) fn tune() {
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

/// Raises the flag on Ctrl-C or termination; a second signal ends the process at once.
pub(crate) fn stop_on_signals(cancel: &Arc<AtomicBool>) -> Result<(), Failure> {
    let cancel = Arc::clone(cancel);
    ctrlc::set_handler(move || {
        if cancel.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user asked twice; the store is safe at any instant")]
            std::process::exit(130);
        }
        anstream::eprintln!(
            "stopping: running steps save their progress; press Ctrl-C again to stop at once"
        );
    })
    .map_err(|error| Failure::Internal(format!("no signal handler: {error}")))
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

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

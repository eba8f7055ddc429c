//! Lock files that end with the process that holds them.
//!
//! The operating system releases a file lock when its process ends, however it ends. So the process of a lock
//! file that nobody holds has ended, and what the file guards can be cleaned up.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

/// A lock on an open file, released when dropped.
///
/// Closing the file would not always release it: a process that another thread is just starting has a copy of
/// the file until it executes its program, and the lock lasts as long as the last copy. Unlocking ends it for
/// all.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Locked {
    /// Creates the file if needed and locks it together with others who share it. Waits for an exclusive
    /// holder.
    pub(crate) fn shared(path: &Utf8Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock_shared()?;
        Ok(Self(file))
    }

    /// Creates the file if needed and locks it. `None`: somebody else holds it and `wait` is [`Wait::No`].
    pub(crate) fn exclusive(path: &Utf8Path, wait: Wait) -> io::Result<Option<Self>> {
        Self::lock(open(path)?, wait)
    }

    fn lock(file: File, wait: Wait) -> io::Result<Option<Self>> {
        match wait {
            Wait::Yes => file.lock()?,
            Wait::No => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        Ok(Some(Self(file)))
    }
}

impl Locked {
    /// The locked file.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // If this fails, closing the file releases the lock a moment later.
        let _ = self.0.unlock();
    }
}

/// Opens or creates a lock file. It is not truncated: it may be another process's.
fn open(path: &Utf8Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// An exclusively locked file that is removed when dropped.
#[derive(Debug)]
pub(crate) struct HeldLock {
    path: Utf8PathBuf,
    // Released after the file is removed.
    _locked: Locked,
}

/// Whether to wait for the present holder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Yes,
    No,
}

impl HeldLock {
    /// Creates the file if needed and locks it. `None`: somebody else holds it and `wait` is [`Wait::No`].
    pub(crate) fn acquire(path: &Utf8Path, wait: Wait) -> io::Result<Option<Self>> {
        loop {
            match Self::lock(open(path)?, path, wait)? {
                Attempt::Held(lock) => return Ok(Some(lock)),
                Attempt::Taken => return Ok(None),
                Attempt::Replaced => {}
            }
        }
    }

    /// Locks the file if it exists and nobody holds it.
    pub(crate) fn take_over(path: &Utf8Path) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match Self::lock(file, path, Wait::No)? {
            Attempt::Held(lock) => Ok(Some(lock)),
            Attempt::Taken | Attempt::Replaced => Ok(None),
        }
    }

    fn lock(file: File, path: &Utf8Path, wait: Wait) -> io::Result<Attempt> {
        let Some(locked) = Locked::lock(file, wait)? else { return Ok(Attempt::Taken) };
        // The former holder removes the file before it lets go, so the lock may be on a file without a name,
        // which excludes nobody.
        if is_at(&locked.0, path)? {
            Ok(Attempt::Held(Self { path: path.to_owned(), _locked: locked }))
        } else {
            Ok(Attempt::Replaced)
        }
    }
}

enum Attempt {
    Held(HeldLock),
    Taken,
    Replaced,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // A file that stays behind is harmless: it is unlocked, so the next open of the store removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether some process holds the lock file at `path`.
///
/// It takes a shared lock for an instant, so that two processes that ask do not take each other for the holder.
pub(crate) fn is_held(path: &Utf8Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => {
            drop(Locked(file));
            Ok(false)
        }
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Utf8Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be removed, so the name cannot have changed hands.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Utf8Path) -> io::Result<bool> {
    path.try_exists().map_err(Into::into)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_held_lock_excludes_and_vanishes_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("x.lock");
        assert!(!is_held(&path).unwrap());
        let held = HeldLock::acquire(&path, Wait::No).unwrap().unwrap();
        assert!(is_held(&path).unwrap());
        assert!(HeldLock::acquire(&path, Wait::No).unwrap().is_none());
        assert!(HeldLock::take_over(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        assert!(HeldLock::take_over(&path).unwrap().is_none(), "nothing to take over");
    }

    /// A child process between fork and exec has such copies, made while another thread was at work.
    #[test]
    fn a_copy_of_the_open_file_does_not_prolong_a_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("x.lock");
        let shared = Locked::shared(&path).unwrap();
        let _copy = shared.0.try_clone().unwrap();
        assert!(Locked::exclusive(&path, Wait::No).unwrap().is_none());
        drop(shared);
        let exclusive = Locked::exclusive(&path, Wait::No).unwrap().unwrap();
        let _copy = exclusive.0.try_clone().unwrap();
        drop(exclusive);
        assert!(!is_held(&path).unwrap());
    }

    #[test]
    fn waiters_get_the_lock_one_at_a_time_though_each_holder_removes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("x.lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _held = HeldLock::acquire(&path, Wait::Yes).unwrap().unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        // Long enough for the others to come in if they could.
                        std::thread::sleep(std::time::Duration::from_micros(200));
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}

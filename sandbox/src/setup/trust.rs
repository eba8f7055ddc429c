//! Who may have written compiled code.
//!
//! Compiled code runs with all rights of this process, and the hash beside it can be written by whoever can
//! write the code. So both count only if nobody but the current user and the superuser can have written them.

use std::fs::File;
use std::io;

use camino::Utf8Path;

use super::error::SetupError;

/// Refuses a folder that others can write to. It may be absent.
pub(super) fn check_folder(folder: &Utf8Path) -> Result<(), SetupError> {
    match std::fs::metadata(folder) {
        Ok(metadata) => match distrust(&metadata) {
            Some(why) => Err(SetupError::Untrusted { folder: folder.to_owned(), why }),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SetupError::io("read", folder)(error)),
    }
}

/// Makes the folder if it is not there, and never one that others can write to, whatever the umask.
pub(super) fn create_folder(folder: &Utf8Path) -> Result<(), SetupError> {
    let create = || {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
        match builder.create(folder) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            created => created,
        }
    };
    create().map_err(SetupError::io("create", folder))
}

/// Opens a file that nobody else can have written; `None` if there is none, if it is a symbolic link, or if
/// others can have written it.
pub(super) fn open(path: &Utf8Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        // What `O_NOFOLLOW` says of a symbolic link.
        #[cfg(unix)]
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    // Asked of what was opened, not of the path, which may lead elsewhere by now.
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok((metadata.is_file() && distrust(&metadata).is_none()).then_some(file))
}

/// Why something may have been written by others, if so.
#[cfg(unix)]
fn distrust(metadata: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
    // SAFETY: the call takes nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(format!("it belongs to user {}, not to you (user {user})", metadata.uid()));
    }
    let others = metadata.mode() & 0o022;
    (others != 0).then(|| format!("others may write to it (mode {:o})", metadata.mode() & 0o7777))
}

/// Other systems say nothing of the kind here.
#[cfg(not(unix))]
fn distrust(_: &std::fs::Metadata) -> Option<String> {
    None
}

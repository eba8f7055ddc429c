//! File operations that are on the disk when they return.

use std::fs::{self, File};
use std::io::{self, Write};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Result, StoreError};

/// Writes `bytes` into a new temporary file under `dir`, syncs it and renames it to `dest`.
///
/// Readers see the old file or the whole new one, whatever happens in between. The rename itself is durable
/// only after [`sync_dir`] of the destination's folder.
pub(crate) fn write_and_rename(dir: &Utf8Path, dest: &Utf8Path, bytes: &[u8]) -> Result<()> {
    let mut temporary = read_only_file()
        .tempfile_in(dir)
        .map_err(|error| StoreError::write("create a temporary file in", dir, error))?;
    fill(temporary.as_file_mut(), dest, bytes)?;
    temporary.persist(dest).map_err(|error| StoreError::write("create", dest, error.error))?;
    Ok(())
}

/// Writes and syncs; `name` is for the error.
fn fill(file: &mut File, name: &Utf8Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| StoreError::write("write", name, error))
}

/// A temporary file that everybody may read and nobody may write, except through the handle that made it.
fn read_only_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o444));
    }
    builder
}

/// Makes a finished file read-only, gives it the present time, syncs it and renames it to `dest`.
pub(crate) fn seal_and_rename(path: &Utf8Path, dest: &Utf8Path) -> Result<()> {
    let seal = || {
        let mut permissions = fs::metadata(path)?.permissions();
        if !permissions.readonly() {
            permissions.set_readonly(true);
            fs::set_permissions(path, permissions)?;
        }
        let file = File::open(path)?;
        file.set_modified(SystemTime::now())?;
        file.sync_all()
    };
    seal().map_err(|error| StoreError::write("sync", path, error))?;
    fs::rename(path, dest).map_err(|error| StoreError::write("create", dest, error))
}

/// Makes the entries of a folder durable: what was created in it, renamed into it or removed from it.
pub(crate) fn sync_dir(dir: &Utf8Path) -> Result<()> {
    // Other systems have no such call; their renames are durable on their own.
    if cfg!(unix) {
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| StoreError::write("sync", dir, error))?;
    }
    Ok(())
}

/// Creates a folder and the missing ones above it.
pub(crate) fn create_dir(dir: &Utf8Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|error| StoreError::write("create", dir, error))
}

/// Removes a file if it exists.
pub(crate) fn remove_file(path: &Utf8Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path)).map_err(|error| StoreError::write("remove", path, error))
}

/// Removes a folder with everything in it, if it exists.
pub(crate) fn remove_dir(path: &Utf8Path) -> Result<()> {
    absent_is_fine(fs::remove_dir_all(path)).map_err(|error| StoreError::write("remove", path, error))
}

/// The entries of a folder, sorted by name so that no result depends on the order of the file system. A
/// folder that does not exist has none. Names that are not UTF-8 are an error.
pub(crate) fn entries(dir: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf, fs::FileType)>> {
    let failed = |error| StoreError::read("list", dir, error);
    let mut found = Vec::new();
    let list = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        list => list.map_err(failed)?,
    };
    for entry in list {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string().map_err(|_| StoreError::Unsupported {
            path: entry.path().to_string_lossy().into_owned(),
            reason: "its name is not UTF-8",
        })?;
        let kind = entry.file_type().map_err(failed)?;
        let path = dir.join(&name);
        found.push((name, path, kind));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_reported_as_such() {
        let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = fill(&mut full, Utf8Path::new("objects/ab/cd"), b"some bytes").unwrap_err();
        assert!(matches!(&error, StoreError::DiskFull { path } if path == "objects/ab/cd"), "{error:?}");
    }

    #[test]
    fn entries_are_sorted_and_an_absent_folder_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        for name in ["b", "a", "c"] {
            fs::write(dir.join(name), name).unwrap();
        }
        let names: Vec<_> = entries(dir).unwrap().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(entries(&dir.join("none")).unwrap().is_empty());
    }
}

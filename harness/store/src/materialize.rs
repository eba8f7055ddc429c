//! Giving objects a place outside the store.

use std::fs;
use std::io;

use camino::Utf8Path;

use crate::{Hash, ObjectKind, Result, Store, StoreError, durable};

impl Store {
    /// Puts an object at `dest`, which must not exist yet; missing folders above it are made. All of it is
    /// verified first.
    ///
    /// Files are hard links to the read-only objects where the file system can, so that a model of gigabytes
    /// costs neither time nor space; elsewhere they are reflinks or copies. They must not be modified in
    /// place: replacing or removing them is fine.
    pub fn materialize(&self, hash: &Hash, dest: &Utf8Path) -> Result<()> {
        self.place(hash, dest, &|file, path| self.link(file, path))
    }

    /// The same with files of their own, which may be modified: what a user asked for.
    pub fn copy_out(&self, hash: &Hash, dest: &Utf8Path) -> Result<()> {
        self.place(hash, dest, &|file, path| {
            let written = || {
                let mut object = fs::File::open(self.layout().object(file))?;
                io::copy(&mut object, &mut fs::File::create_new(path)?)
            };
            written().map(drop).map_err(|error| StoreError::write("create", path, error))
        })
    }

    /// Puts an object at `dest`, each file of it by `put`.
    fn place(
        &self,
        hash: &Hash,
        dest: &Utf8Path,
        put: &dyn Fn(&Hash, &Utf8Path) -> Result<()>,
    ) -> Result<()> {
        if fs::symlink_metadata(dest).is_ok() {
            return Err(StoreError::DestinationExists { path: dest.to_owned() });
        }
        let parent = dest.parent().filter(|parent| !parent.as_str().is_empty());
        match self.kind(hash)? {
            ObjectKind::File => {
                self.path(hash)?;
                parent.map_or(Ok(()), durable::create_dir)?;
                put(hash, dest)
            }
            ObjectKind::Tree => {
                let tree = self.tree(hash)?;
                for (path, entry) in tree.iter() {
                    self.path(&entry.hash).map_err(|error| error.reached_through(path))?;
                }
                durable::create_dir(dest)?;
                let linked = tree.iter().try_for_each(|(path, entry)| {
                    let path = dest.join(path);
                    path.parent().map_or(Ok(()), durable::create_dir)?;
                    put(&entry.hash, &path)
                });
                if linked.is_err() {
                    // Half a folder would look like a whole one.
                    let _ = durable::remove_dir(dest);
                }
                linked
            }
        }
    }

    fn link(&self, hash: &Hash, dest: &Utf8Path) -> Result<()> {
        let object = self.layout().object(hash);
        match fs::hard_link(&object, dest) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::DestinationExists { path: dest.to_owned() })
            }
            // Another file system, one without hard links, or too many of them. The copy inherits the
            // permissions.
            Err(_) => reflink_copy::reflink_or_copy(&object, dest)
                .map(|_| ())
                .map_err(|error| StoreError::write("create", dest, error)),
        }
    }
}

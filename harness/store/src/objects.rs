//! Objects: putting bytes, files and folders in, and reading them back verified.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use crate::scratch::Scratch;
use crate::tree::{self, Tree, TreeEntry};
use crate::{Hash, Result, RunId, Store, StoreError, durable};

/// Files up to this size are put through memory; larger ones are linked or copied by the file system.
const SMALL: u64 = 1 << 20;

/// An object that is put again counts as new for garbage collection; its time is renewed when older than
/// this.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// The bytes of a file.
    File,
    /// A folder.
    Tree,
}

impl ObjectKind {
    /// The kind in plain words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Tree => "tree",
        }
    }
}

/// The result of a verification, good while the file's size and time stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    kind: ObjectKind,
    len: u64,
    modified: Option<SystemTime>,
}

impl Verified {
    fn new(kind: ObjectKind, metadata: &Metadata) -> Self {
        Self { kind, len: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Whether a file stays where it is or is moved when it becomes an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Keep,
    Consume,
}

/// The shards that have new entries; to be synced together.
type Shards = BTreeSet<Utf8PathBuf>;

impl Store {
    /// Stores bytes as a file object. Nothing is written if the object is there and sound.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Hash> {
        let hash = Hash::of(bytes);
        let mut shards = Shards::new();
        self.put_hashed(&hash, bytes, &mut shards)?;
        sync(&shards)?;
        Ok(hash)
    }

    /// Stores a file or folder from anywhere, which stays as it is: by reflink where the file system can,
    /// else by copy. A path that is itself a symbolic link is followed; links inside a folder are refused.
    pub fn put_path(&self, path: &Utf8Path) -> Result<Hash> {
        self.put(path, Source::Keep)
    }

    /// Stores a file or folder that lies in a [`Scratch`] or checkpoint folder of this store, by renaming:
    /// the path is gone afterwards. Nobody may have it open for writing.
    pub fn adopt_path(&self, path: &Utf8Path) -> Result<Hash> {
        self.require_writable()?;
        let real = path.canonicalize_utf8().map_err(|error| StoreError::read("open", path, error))?;
        // Strictly below a folder of the store's: `tmp/NAME/x` or `checkpoints/KEY/x`.
        let inside = [self.layout().tmp(), self.layout().checkpoints()]
            .iter()
            .any(|parent| real.strip_prefix(parent).is_ok_and(|rest| rest.components().count() >= 2));
        if !inside {
            return Err(StoreError::NotInScratch { path: path.to_owned() });
        }
        self.put(&real, Source::Consume)
    }

    fn put(&self, path: &Utf8Path, source: Source) -> Result<Hash> {
        let metadata = fs::metadata(path).map_err(|error| StoreError::read("read", path, error))?;
        let mut shards = Shards::new();
        let hash = if metadata.is_dir() {
            self.put_folder(path, source, &mut shards)?
        } else if metadata.is_file() {
            self.put_file(path, source, &mut shards)?.hash
        } else {
            return Err(StoreError::Unsupported {
                path: path.to_string(),
                reason: "it is neither a file nor a folder",
            });
        };
        sync(&shards)?;
        Ok(hash)
    }

    fn put_folder(&self, dir: &Utf8Path, source: Source, shards: &mut Shards) -> Result<Hash> {
        // Listed and checked as a whole before the first file is taken.
        let files = tree::files_below(dir)?;
        let entries = files
            .into_iter()
            .map(|(relative, path)| Ok((relative, self.put_file(&path, source, shards)?)))
            .collect::<Result<_>>()?;
        let manifest = Tree::new(entries).manifest();
        let hash = tree::hash_of(&manifest);
        self.put_hashed(&hash, &manifest, shards)?;
        if source == Source::Consume {
            durable::remove_dir(dir)?;
        }
        Ok(hash)
    }

    fn put_file(&self, path: &Utf8Path, source: Source, shards: &mut Shards) -> Result<TreeEntry> {
        let unreadable = |error| StoreError::read("read", path, error);
        if source == Source::Consume {
            return self.consume_file(path, shards);
        }
        if fs::metadata(path).map_err(unreadable)?.len() < SMALL {
            let bytes = fs::read(path).map_err(unreadable)?;
            let hash = Hash::of(&bytes);
            self.put_hashed(&hash, &bytes, shards)?;
            return Ok(TreeEntry { hash, size: bytes.len() as u64 });
        }
        let (hash, size) = Hash::of_file(path).map_err(unreadable)?;
        if self.keep_existing(&hash)? {
            return Ok(TreeEntry { hash, size });
        }
        // The copy is hashed again, as the file may have changed in between.
        let scratch = Scratch::create(self.session()?)?;
        let copy = scratch.path().join("copy");
        reflink_copy::reflink_or_copy(path, &copy)
            .map_err(|error| StoreError::write("copy to", &copy, error))?;
        self.consume_file(&copy, shards)
    }

    fn consume_file(&self, path: &Utf8Path, shards: &mut Shards) -> Result<TreeEntry> {
        let (hash, size) = Hash::of_file(path).map_err(|error| StoreError::read("read", path, error))?;
        if self.keep_existing(&hash)? {
            durable::remove_file(path)?;
        } else {
            durable::seal_and_rename(path, &self.prepare_place(&hash, shards)?)?;
        }
        Ok(TreeEntry { hash, size })
    }

    fn put_hashed(&self, hash: &Hash, bytes: &[u8], shards: &mut Shards) -> Result<()> {
        if self.keep_existing(hash)? {
            return Ok(());
        }
        let session = self.session()?;
        durable::write_and_rename(session.dir(), &self.prepare_place(hash, shards)?, bytes)
    }

    /// The path of an object that is to be created, its folder made.
    fn prepare_place(&self, hash: &Hash, shards: &mut Shards) -> Result<Utf8PathBuf> {
        let path = self.layout().object(hash);
        let shard = path.parent().unwrap_or(&path).to_owned();
        if !shard.is_dir() {
            durable::create_dir(&shard)?;
            durable::sync_dir(&self.layout().objects())?;
        }
        shards.insert(shard);
        Ok(path)
    }

    /// Whether the object is there and sound, so that it need not be written. A corrupt one is set aside.
    fn keep_existing(&self, hash: &Hash) -> Result<bool> {
        match self.kind(hash) {
            Ok(kind) => self.freshen(hash, kind),
            Err(StoreError::Missing { .. }) => Ok(false),
            Err(StoreError::Corrupt { .. }) => {
                self.forget(hash)?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Renews an object's time, by which garbage collection knows that somebody is about to refer to it. False if the object
    /// must be written: it was collected at this moment, or its time cannot be renewed, because another user owns the file.
    fn freshen(&self, hash: &Hash, kind: ObjectKind) -> Result<bool> {
        let path = self.layout().object(hash);
        let renew = || -> io::Result<bool> {
            let file = File::open(&path)?;
            let now = SystemTime::now();
            let age = now.duration_since(file.metadata()?.modified()?).unwrap_or_default();
            if age > FRESH {
                file.set_modified(now)?;
                // A collection takes the name away first, and looks at the time then.
                let there = fs::metadata(&path)?;
                if there.modified()? != file.metadata()?.modified()? {
                    return Ok(false);
                }
                self.verified().insert(*hash, Verified::new(kind, &there));
            }
            Ok(true)
        };
        renew().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(false),
            // Who cannot write refers to nothing.
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if self.is_read_only() => {
                Ok(true)
            }
            io::ErrorKind::PermissionDenied => Ok(false),
            _ => Err(StoreError::write("renew", &path, error)),
        })
    }

    /// What an object is. Verifies it.
    pub fn kind(&self, hash: &Hash) -> Result<ObjectKind> {
        let path = self.layout().object(hash);
        let unreadable = |error: io::Error| missing_or_unreadable(hash, &path, error);
        let metadata = fs::metadata(&path).map_err(unreadable)?;
        if let Some(&known) = self.verified().get(hash)
            && known == Verified::new(known.kind, &metadata)
        {
            return Ok(known.kind);
        }
        let kind = identify(&path, hash).map_err(unreadable)?.ok_or_else(|| StoreError::Corrupt {
            hash: *hash,
            path: path.clone(),
            member: None,
        })?;
        self.verified().insert(*hash, Verified::new(kind, &metadata));
        Ok(kind)
    }

    /// The bytes of an object, verified; of a tree, its manifest.
    pub fn read(&self, hash: &Hash) -> Result<Vec<u8>> {
        Ok(self.read_with_kind(hash)?.0)
    }

    fn read_with_kind(&self, hash: &Hash) -> Result<(Vec<u8>, ObjectKind)> {
        let path = self.layout().object(hash);
        let bytes = fs::read(&path).map_err(|error| missing_or_unreadable(hash, &path, error))?;
        if Hash::of(&bytes) == *hash {
            Ok((bytes, ObjectKind::File))
        } else if bytes.starts_with(tree::MAGIC) && tree::hash_of(&bytes) == *hash {
            Ok((bytes, ObjectKind::Tree))
        } else {
            Err(StoreError::Corrupt { hash: *hash, path, member: None })
        }
    }

    /// The verified path of a file object. The file is read-only and must stay as it is. What has been
    /// verified once by this process is not hashed again while its size and time stay the same.
    pub fn path(&self, hash: &Hash) -> Result<Utf8PathBuf> {
        match self.kind(hash)? {
            ObjectKind::File => Ok(self.layout().object(hash)),
            ObjectKind::Tree => Err(wrong_kind(hash, ObjectKind::Tree)),
        }
    }

    /// The files of a tree. Verifies the manifest, not the files.
    pub fn tree(&self, hash: &Hash) -> Result<Tree> {
        match self.read_with_kind(hash)? {
            (manifest, ObjectKind::Tree) => Tree::parse(hash, &manifest),
            (_, ObjectKind::File) => Err(wrong_kind(hash, ObjectKind::File)),
        }
    }

    /// The bytes of one file of a tree, verified.
    pub fn read_in_tree(&self, tree: &Hash, path: &str) -> Result<Vec<u8>> {
        let files = self.tree(tree)?;
        let entry =
            files.get(path).ok_or_else(|| StoreError::NotInTree { tree: *tree, path: path.to_owned() })?;
        self.read(&entry.hash).map_err(|error| error.reached_through(path))
    }

    /// The verified path of one file of a tree; as [`Store::path`].
    pub fn path_in_tree(&self, tree: &Hash, path: &str) -> Result<Utf8PathBuf> {
        let files = self.tree(tree)?;
        let entry =
            files.get(path).ok_or_else(|| StoreError::NotInTree { tree: *tree, path: path.to_owned() })?;
        self.path(&entry.hash).map_err(|error| error.reached_through(path))
    }

    /// Whether there is an object of this hash. Its bytes are not looked at.
    pub fn contains(&self, hash: &Hash) -> bool {
        self.layout().object(hash).is_file()
    }

    /// Whether there is an object of this hash and, if it is a tree, every file of it.
    pub(crate) fn is_complete(&self, hash: &Hash) -> Result<bool> {
        match self.tree_if_any(hash) {
            Ok(None) => Ok(true),
            Ok(Some(tree)) => Ok(tree.iter().all(|(_, entry)| self.contains(&entry.hash))),
            Err(StoreError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The tree of a hash; `None` for a file, of which only the first bytes are looked at.
    pub(crate) fn tree_if_any(&self, hash: &Hash) -> Result<Option<Tree>> {
        let path = self.layout().object(hash);
        if !starts_like_tree(&path).map_err(|error| missing_or_unreadable(hash, &path, error))? {
            return Ok(None);
        }
        match self.read_with_kind(hash)? {
            (manifest, ObjectKind::Tree) => Tree::parse(hash, &manifest).map(Some),
            (_, ObjectKind::File) => Ok(None),
        }
    }

    /// Takes a corrupt object out of use: moves it to `corrupt/`, so that it counts as missing and what made
    /// it is repeated. A sound object stays, because another process may just have replaced the corrupt one.
    /// Returns whether the object was set aside.
    pub fn forget(&self, hash: &Hash) -> Result<bool> {
        self.require_writable()?;
        self.verified().remove(hash);
        match self.kind(hash) {
            Ok(_) | Err(StoreError::Missing { .. }) => return Ok(false),
            Err(StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let path = self.layout().object(hash);
        let aside = self.layout().corrupt().join(format!("{hash}-{}", RunId::fresh()));
        match fs::rename(&path, &aside) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::write("set aside", &path, error)),
        }
    }
}

/// What the file at `path` is if it is the object `hash`; `None` if it is not.
pub(crate) fn identify(path: &Utf8Path, hash: &Hash) -> io::Result<Option<ObjectKind>> {
    if starts_like_tree(path)? && tree::hash_of(&fs::read(path)?) == *hash {
        return Ok(Some(ObjectKind::Tree));
    }
    Ok((Hash::of_file(path)?.0 == *hash).then_some(ObjectKind::File))
}

fn starts_like_tree(path: &Utf8Path) -> io::Result<bool> {
    let mut start = Vec::with_capacity(tree::MAGIC.len());
    File::open(path)?.take(tree::MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == tree::MAGIC)
}

fn missing_or_unreadable(hash: &Hash, path: &Utf8Path, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::NotFound {
        StoreError::Missing { hash: *hash, member: None }
    } else {
        StoreError::read("read", path, error)
    }
}

fn wrong_kind(hash: &Hash, found: ObjectKind) -> StoreError {
    let wanted = match found {
        ObjectKind::File => ObjectKind::Tree,
        ObjectKind::Tree => ObjectKind::File,
    };
    StoreError::WrongKind { hash: *hash, found: found.as_str(), wanted: wanted.as_str() }
}

fn sync(shards: &Shards) -> Result<()> {
    shards.iter().try_for_each(|shard| durable::sync_dir(shard))
}

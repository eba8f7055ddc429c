//! The folders of a store and the version of their arrangement.
//!
//! ```text
//! format           "assay-store 3"
//! index.sqlite     actions, values of the memo, runs, events, pins
//! index.damaged    is there from when damage is met in the index until it is made anew
//! journal          the changes of the index, to make it anew from
//! reserve          room that garbage collection needs on a full disk
//! active.lock      locked shared by every active run and while large values of
//!                  the memo are stored, exclusively to make the index and by a gc
//!                  that finds no run active
//! objects/ab/...   one read-only file per object
//! memo/ID.volume   large values of the memo
//! tmp/             unfinished files of living processes
//! checkpoints/KEY  what unfinished actions have saved
//! leases/KEY.lock  which actions are being worked on
//! runs/ID.lock     which runs are alive
//! corrupt/         objects that failed their check, set aside
//! ```

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};

use crate::journal::Journal;
use crate::scratch::Session;
use crate::{Hash, Result, RunId, StoreError, durable};

/// The arrangement that this program writes, and the only one that it reads. Version 1 kept values without
/// hashes, version 2 no journal.
pub(crate) const FORMAT: u64 = 3;

pub(crate) const FORMAT_MAGIC: &str = "assay-store ";
const FORMAT_FILE: &str = "format";
const TMP: &str = "tmp";

/// The longest path of a store in bytes: SQLite opens files with paths of up to 511, and wants to add a suffix of 8.
const LONGEST: usize = 490;

/// The size of the reserve in bytes.
const RESERVE: usize = 256 << 10;

/// The paths inside a store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: Utf8PathBuf,
}

impl Layout {
    /// Finds the store at `root` and checks its format; creates it if `create` and there is nothing yet.
    pub(crate) fn open(root: &Utf8Path, create: bool) -> Result<Self> {
        if create {
            durable::create_dir(root)?;
        }
        // Absolute, so that a later change of the working directory does not move the store.
        let root = match root.canonicalize_utf8() {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotAStore {
                    root: root.to_owned(),
                    reason: "it does not exist".into(),
                });
            }
            Err(error) => return Err(StoreError::read("open", root, error)),
        };
        if root.as_str().len() > LONGEST {
            return Err(StoreError::PathTooLong { root, limit: LONGEST });
        }
        let layout = Self { root };
        match layout.check_format() {
            Ok(true) => return Ok(layout),
            // The journal names the format too.
            _ if Journal::of(&layout).name()?.is_some() => layout.restore_format()?,
            Ok(false) => layout.check_empty(create)?,
            Err(error) => return Err(error),
        }
        Ok(layout)
    }

    /// Makes a store in an empty folder, if `create`.
    fn check_empty(&self, create: bool) -> Result<()> {
        // Whoever creates the store at this moment writes the format first, so a look at the other
        // entries must come before the second look at the format.
        let strangers = durable::entries(&self.root)?.into_iter().find(|(name, ..)| name != TMP);
        if self.check_format()? {
            return Ok(());
        }
        let reason = match strangers {
            Some((name, ..)) => format!("it holds `{name}` but no `{FORMAT_FILE}` file"),
            None if create => return self.create(),
            None => "it is empty".into(),
        };
        Err(StoreError::NotAStore { root: self.root.clone(), reason })
    }

    /// Writes the format file that was lost or damaged, unless the store cannot be written.
    fn restore_format(&self) -> Result<()> {
        match self.create() {
            Err(StoreError::ReadOnly { .. }) => Ok(()),
            written => written,
        }
    }

    /// Writes the format file, then the folders. A kill in between leaves what the next open completes.
    fn create(&self) -> Result<()> {
        durable::create_dir(&self.tmp())?;
        let session = Session::start(&self.tmp())?;
        let text = format!("{FORMAT_MAGIC}{FORMAT}\n");
        durable::write_and_rename(session.dir(), &self.root.join(FORMAT_FILE), text.as_bytes())?;
        durable::sync_dir(&self.root)
    }

    /// Creates the folders that are missing.
    pub(crate) fn complete(&self) -> Result<()> {
        let mut created = false;
        for dir in [
            self.tmp(),
            self.objects(),
            self.checkpoints(),
            self.corrupt(),
            self.leases(),
            self.runs(),
            self.memo(),
        ] {
            if !dir.is_dir() {
                durable::create_dir(&dir)?;
                created = true;
            }
        }
        if created {
            durable::sync_dir(&self.root)?;
        }
        Ok(())
    }

    /// Makes the reserve, if it is not there. A disk that has no room for it has none for anything else.
    pub(crate) fn keep_reserve(&self) {
        let whole = fs::metadata(self.reserve()).is_ok_and(|metadata| metadata.len() == RESERVE as u64);
        if !whole {
            // Bytes that no file system can leave out.
            let mut bytes = vec![0; RESERVE];
            blake3::Hasher::new().finalize_xof().fill(&mut bytes);
            if fs::write(self.reserve(), bytes).is_err() {
                let _ = self.release_reserve();
            }
        }
    }

    /// Gives the room of the reserve back; the next open takes it again.
    pub(crate) fn release_reserve(&self) -> Result<()> {
        durable::remove_file(&self.reserve())
    }

    /// Whether the format file is there and of a version that this program understands.
    fn check_format(&self) -> Result<bool> {
        let path = self.root.join(FORMAT_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(StoreError::NotAStore {
                    root: self.root.clone(),
                    reason: "it is not a folder".into(),
                });
            }
            Err(error) => return Err(StoreError::read("read", &path, error)),
        };
        let version: Option<u64> =
            text.strip_prefix(FORMAT_MAGIC).and_then(|rest| rest.trim_end().parse().ok());
        match version {
            Some(FORMAT) => Ok(true),
            Some(found) if found > FORMAT => Err(StoreError::NewerFormat {
                root: self.root.clone(),
                part: "layout",
                found,
                supported: FORMAT,
            }),
            Some(found @ 1..FORMAT) => Err(StoreError::OlderFormat {
                root: self.root.clone(),
                part: "layout",
                found,
                supported: FORMAT,
            }),
            _ => Err(StoreError::NotAStore {
                root: self.root.clone(),
                reason: format!("its `{FORMAT_FILE}` file is not one of this program"),
            }),
        }
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    pub(crate) fn index(&self) -> Utf8PathBuf {
        self.root.join("index.sqlite")
    }

    pub(crate) fn index_mark(&self) -> Utf8PathBuf {
        self.root.join("index.damaged")
    }

    pub(crate) fn journal(&self) -> Utf8PathBuf {
        self.root.join("journal")
    }

    fn reserve(&self) -> Utf8PathBuf {
        self.root.join("reserve")
    }

    pub(crate) fn active_lock(&self) -> Utf8PathBuf {
        self.root.join("active.lock")
    }

    pub(crate) fn tmp(&self) -> Utf8PathBuf {
        self.root.join(TMP)
    }

    pub(crate) fn objects(&self) -> Utf8PathBuf {
        self.root.join("objects")
    }

    pub(crate) fn object(&self, hash: &Hash) -> Utf8PathBuf {
        let hex = hash.to_string();
        let (shard, rest) = hex.split_at(2);
        let mut path = self.objects();
        path.push(shard);
        path.push(rest);
        path
    }

    pub(crate) fn checkpoints(&self) -> Utf8PathBuf {
        self.root.join("checkpoints")
    }

    pub(crate) fn checkpoint(&self, key: &Hash) -> Utf8PathBuf {
        self.checkpoints().join(key.to_string())
    }

    pub(crate) fn leases(&self) -> Utf8PathBuf {
        self.root.join("leases")
    }

    pub(crate) fn lease(&self, key: &Hash) -> Utf8PathBuf {
        self.leases().join(format!("{key}.lock"))
    }

    pub(crate) fn runs(&self) -> Utf8PathBuf {
        self.root.join("runs")
    }

    pub(crate) fn run_lock(&self, id: &RunId) -> Utf8PathBuf {
        self.runs().join(format!("{id}.lock"))
    }

    pub(crate) fn memo(&self) -> Utf8PathBuf {
        self.root.join("memo")
    }

    pub(crate) fn corrupt(&self) -> Utf8PathBuf {
        self.root.join("corrupt")
    }
}

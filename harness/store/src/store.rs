//! Opening a store.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::Utf8Path;

use crate::index::{Index, Rebuilt};
use crate::layout::Layout;
use crate::objects::Verified;
use crate::runs::ActiveRun;
use crate::scratch::{self, Scratch, Session};
use crate::{Hash, Result, RunId, StoreError};

/// An open store. Threads share it by reference; several processes may have the same one open.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    index: Index,
    /// Made when first needed, so that a reader leaves no trace.
    session: Mutex<Option<Arc<Session>>>,
    /// What this process has verified, so that a large file is hashed once.
    verified: Mutex<HashMap<Hash, Verified>>,
    active_runs: Mutex<BTreeMap<RunId, ActiveRun>>,
    memo_damaged: AtomicU64,
}

impl Store {
    /// Opens the store at `root`, creating it if the folder is empty or not there, and removes what killed
    /// processes left unfinished. A store that this user cannot write opens for reading; attempts to change
    /// it fail with [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`] if a newer version of this program wrote it, [`StoreError::NotAStore`] if
    /// the folder holds something else; both leave it untouched.
    pub fn open(root: &Utf8Path) -> Result<Self> {
        Self::open_with(root, Purpose::Use { create: true })
    }

    /// Opens the store at `root` like [`Store::open`], but creates none.
    pub fn open_existing(root: &Utf8Path) -> Result<Self> {
        Self::open_with(root, Purpose::Use { create: false })
    }

    /// Opens the store at `root` like [`Store::open_existing`], and gives back the room that the store holds in reserve
    /// for garbage collection on a full disk. The next one who opens it otherwise takes it again.
    pub fn open_to_collect(root: &Utf8Path) -> Result<Self> {
        Self::open_with(root, Purpose::Collect)
    }

    fn open_with(root: &Utf8Path, purpose: Purpose) -> Result<Self> {
        let layout = Layout::open(root, purpose == Purpose::Use { create: true })?;
        if purpose == Purpose::Collect {
            layout.release_reserve()?;
        }
        let index = Index::open(&layout)?;
        if !index.read_only() {
            layout.complete()?;
            scratch::sweep(&layout.tmp())?;
            if purpose != Purpose::Collect {
                layout.keep_reserve();
            }
        }
        Ok(Self {
            layout,
            index,
            session: Mutex::default(),
            verified: Mutex::default(),
            active_runs: Mutex::default(),
            memo_damaged: AtomicU64::new(0),
        })
    }

    /// The store's folder, as an absolute path.
    pub fn root(&self) -> &Utf8Path {
        self.layout.root()
    }

    /// Whether this store was opened for reading only, because its files cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.index.read_only()
    }

    /// What happened when the store was opened, if its index was damaged and was made anew.
    pub fn rebuilt(&self) -> Option<&Rebuilt> {
        self.index.rebuilt()
    }

    /// How many damaged values of the memo this open store has met. They were not handed out, and were removed
    /// if the store can be written.
    pub fn memo_damaged(&self) -> u64 {
        self.memo_damaged.load(Ordering::Relaxed)
    }

    pub(crate) fn count_damaged(&self, values: usize) {
        self.memo_damaged.fetch_add(values as u64, Ordering::Relaxed);
    }

    /// A fresh folder for unfinished files, removed on drop.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::create(self.session()?)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        self.require_writable()?;
        let mut session = lock(&self.session);
        if let Some(session) = session.as_ref() {
            return Ok(Arc::clone(session));
        }
        let started = Arc::new(Session::start(&self.layout.tmp())?);
        *session = Some(Arc::clone(&started));
        Ok(started)
    }

    pub(crate) fn verified(&self) -> MutexGuard<'_, HashMap<Hash, Verified>> {
        lock(&self.verified)
    }

    pub(crate) fn active_runs(&self) -> MutexGuard<'_, BTreeMap<RunId, ActiveRun>> {
        lock(&self.active_runs)
    }

    pub(crate) fn require_writable(&self) -> Result<()> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly { path: self.root().to_owned() });
        }
        Ok(())
    }
}

/// What a store is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Use { create: bool },
    Collect,
}

/// The guarded values are consistent at every instant, so a panic of another thread does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

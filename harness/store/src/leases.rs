//! Leases: locks on actions.

use crate::lock::{HeldLock, Wait};
use crate::{Hash, Result, Store, StoreError};

/// The exclusive right to work on an action, among all processes that share the store. It ends when dropped,
/// or with the process.
#[derive(Debug)]
pub struct Lease {
    _lock: HeldLock,
}

impl Store {
    /// Takes the lease of an action, if no other holder has it: two processes that share a store need not do
    /// the same step, and must not write into the same checkpoint folder.
    pub fn try_lease(&self, key: &Hash) -> Result<Option<Lease>> {
        self.take_lease(key, Wait::No)
    }

    /// Takes the lease of an action, waiting for the present holder. Afterwards ask [`Store::action`] again:
    /// the holder may have finished it.
    pub fn lease(&self, key: &Hash) -> Result<Lease> {
        self.take_lease(key, Wait::Yes)?.ok_or_else(|| StoreError::Busy {
            root: self.root().to_owned(),
            what: "another process works on the action",
        })
    }

    fn take_lease(&self, key: &Hash, wait: Wait) -> Result<Option<Lease>> {
        self.require_writable()?;
        let path = self.layout().lease(key);
        let lock = HeldLock::acquire(&path, wait).map_err(|error| StoreError::write("lock", &path, error))?;
        Ok(lock.map(|lock| Lease { _lock: lock }))
    }
}

//! Content-addressed objects, a memo of values by key, and the index of actions, runs and events.
//!
//! A [`Store`] is a folder. It keeps bytes under the name of their BLAKE3 hash and never changes them: a file
//! is an object, a folder is an object that lists its files ([`Tree`]). An SQLite index beside them says
//! which step gave which object ([`Action`]) and records runs with their events. The [`memo`] keeps values one
//! by one under keys: small ones in the index, large ones in files of their own.
//!
//! What the store promises:
//!
//! - **Verified reads.** Bytes are handed out only after their hash has been checked. A damaged object is a
//!   [`StoreError::Corrupt`] that names it; putting it again heals it. A damaged value of the memo counts as
//!   absent. Checkpoints are the exception: whoever writes them verifies them ([`Store::checkpoint_dir`]).
//! - **No half objects.** Objects are written to a temporary name, synced and renamed, so a kill at any
//!   instant loses at most unfinished work. A recorded action is on the disk together with its output.
//! - **An index that can be made anew.** Each of its changes is also a line of a journal, with a hash. An index that is
//!   damaged or gone is made anew from it when the store is opened ([`Store::rebuilt`]).
//! - **Sharing.** Several processes may use a store at once. Index changes are transactions, objects are
//!   immutable, and temporary files belong to a process by a lock that dies with it.
//! - **Nothing needed is deleted.** Garbage collection spares what recorded reports need, and beside a run whatever that
//!   could need; values of
//!   the memo, which can be computed again, go when nobody has used them for long.
//!
//! It knows nothing of recipes or models: keys and descriptions are the caller's. [`Hasher`] makes the keys.
//!
//! ```
//! # fn main() -> assay_store::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let root = camino::Utf8Path::from_path(dir.path()).unwrap().join("store");
//! use assay_store::{Action, Hasher, RunStatus, Store};
//!
//! let store = Store::open(&root)?;
//! let run = store.begin_run("example")?;
//! let key = Hasher::new("example v1").str("input", "abc").finish();
//! if store.action(&key)?.is_none() {
//!     let scratch = store.scratch()?;
//!     let file = scratch.path().join("output");
//!     std::fs::write(&file, "ABC").unwrap();
//!     let output = store.adopt_path(&file)?;
//!     store.record_action(&Action { key, step: "upper".into(), output, description: vec![], run })?;
//! }
//! store.finish_run(&run, RunStatus::Succeeded)?;
//! assert_eq!(store.read(&store.action(&key)?.unwrap().output)?, b"ABC");
//! # Ok(())
//! # }
//! ```

mod actions;
mod change;
mod checkpoints;
mod compare;
mod durable;
mod encode;
mod error;
mod gc;
mod hash;
mod index;
mod inventory;
mod journal;
mod layout;
mod leases;
mod lock;
mod materialize;
pub mod memo;
mod objects;
mod run_id;
mod runs;
mod scratch;
mod store;
mod tree;
mod verify;

pub use actions::Action;
pub use encode::Hasher;
pub use error::{ErrorClass, Result, StoreError};
pub use gc::{Garbage, GcOutcome, GcPlan, GcRules};
pub use hash::{Hash, ParseHashError};
pub use index::Rebuilt;
pub use inventory::Stats;
pub use leases::Lease;
pub use objects::ObjectKind;
pub use run_id::{ParseRunIdError, RunId};
pub use runs::{Run, RunStatus};
pub use scratch::Scratch;
pub use store::Store;
pub use tree::{Tree, TreeEntry};
pub use verify::{Damage, Holder, Reference, VerifyReport};

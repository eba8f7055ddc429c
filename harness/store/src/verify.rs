//! Checking everything: each object against its name, each reference against the objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::time::SystemTime;

use camino::Utf8PathBuf;
use rayon::prelude::*;
use serde::Serialize;

use crate::compare::{self, Faults};
use crate::inventory::Stored;
use crate::memo::MemoReport;
use crate::objects;
use crate::{Hash, ObjectKind, Result, RunId, Store, StoreError, Tree};

/// What [`Store::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// How many objects were hashed.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Objects whose bytes are not those that their hash names, or that cannot be read.
    pub corrupt: Vec<Damage>,
    /// Objects that an action or a report refers to and that are not there.
    pub missing: Vec<Damage>,
    /// Files among the objects that are not objects.
    pub strays: Vec<Utf8PathBuf>,
    /// What is wrong with the index: in its structure, or compared with the journal. It is made anew when the store is
    /// opened again.
    pub index: Vec<String>,
    /// What is wrong with the journal. It has been written anew from the index, unless the store cannot be written.
    pub journal: Vec<String>,
    /// The values of the memo.
    pub memo: MemoReport,
}

impl VerifyReport {
    /// Whether nothing is wrong. Strays do no harm.
    pub fn is_sound(&self) -> bool {
        self.corrupt.is_empty()
            && self.missing.is_empty()
            && self.index.is_empty()
            && self.journal.is_empty()
            && self.memo.is_sound()
    }
}

/// A damaged or missing object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The object.
    pub hash: Hash,
    /// Its file.
    pub path: Utf8PathBuf,
    /// What is wrong, in words.
    pub problem: String,
    /// Who needs it; empty if nobody does.
    pub wanted_by: Vec<Reference>,
}

/// A reference to an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reference {
    /// Who refers to it.
    pub holder: Holder,
    /// The file's path, if what the holder refers to is a tree with the object in it.
    pub member: Option<String>,
}

/// Who can refer to an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    /// It is, or is part of, an action's output.
    Action {
        /// The action's key.
        key: Hash,
        /// The action's step.
        step: String,
    },
    /// A run's report needs it.
    Run {
        /// The run.
        id: RunId,
    },
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.member {
            write!(f, "`{path}` of ")?;
        }
        match &self.holder {
            Holder::Action { step, .. } => write!(f, "the output of step {step}"),
            Holder::Run { id } => write!(f, "the report of run {id}"),
        }
    }
}

enum Checked {
    File,
    Tree(Tree),
    Damaged(String),
    /// It was removed since it was listed.
    Gone,
}

impl Store {
    /// Hashes every object and every value of the memo, on all threads, and checks the index, its journal and every
    /// reference in it. Other processes may go on meanwhile. Checkpoints are verified by whoever wrote them.
    pub fn verify(&self) -> Result<VerifyReport> {
        let mut faults = self.check_index()?;
        // References before objects: what they name was stored before them.
        let roots = or_fault(self.references(), &mut faults)?;
        let inventory = self.inventory()?;
        let checked: Vec<(&Stored, Checked)> =
            inventory.objects.par_iter().map(|object| (object, check(object))).collect();

        let memo = or_fault(self.verify_memo(), &mut faults)?;
        let mut report = VerifyReport {
            strays: inventory.strays,
            index: faults.index,
            journal: faults.journal,
            memo,
            ..Default::default()
        };
        let mut trees = BTreeMap::new();
        let mut damaged = BTreeMap::new();
        for (object, outcome) in checked {
            report.objects += 1;
            report.bytes += object.size;
            match outcome {
                Checked::File | Checked::Gone => {}
                Checked::Tree(tree) => drop(trees.insert(object.hash, tree)),
                Checked::Damaged(problem) => drop(damaged.insert(object.hash, problem)),
            }
        }
        let mut wanted = spread(roots, &trees);
        let damage =
            |hash, problem, wanted_by| Damage { hash, path: self.layout().object(&hash), problem, wanted_by };
        report.corrupt = damaged
            .into_iter()
            .map(|(hash, problem)| damage(hash, problem, wanted.remove(&hash).unwrap_or_default()))
            .collect();
        report.missing = wanted
            .into_iter()
            .filter(|(hash, _)| !self.contains(hash))
            .map(|(hash, wanted_by)| damage(hash, "it is not in the store".into(), wanted_by))
            .collect();
        self.look_again(&mut report);
        Ok(report)
    }

    /// Takes back what is damage no longer: other processes may have repaired it, or collected what refers to it.
    fn look_again(&self, report: &mut VerifyReport) {
        if report.corrupt.is_empty() && report.missing.is_empty() {
            return;
        }
        // If they cannot be read, that is a fault of its own, and what was found stays found.
        let Ok(references) = self.references() else { return };
        let holders: BTreeSet<Holder> = references.into_iter().map(|(_, holder)| holder).collect();
        for damage in report.corrupt.iter_mut().chain(&mut report.missing) {
            damage.wanted_by.retain(|reference| holders.contains(&reference.holder));
        }
        report.missing.retain(|damage| !damage.wanted_by.is_empty() && !self.contains(&damage.hash));
        report.corrupt.retain(|damage| {
            let object =
                Stored { hash: damage.hash, path: damage.path.clone(), size: 0, put: SystemTime::now() };
            matches!(check(&object), Checked::Damaged(_))
        });
    }

    /// Every object that the index names, and who names it.
    fn references(&self) -> Result<Vec<(Hash, Holder)>> {
        self.index().read(|connection| {
            let actions = connection
                .prepare_cached("SELECT output, key, step FROM actions ORDER BY step, key")?
                .query_map([], |row| {
                    Ok((row.get(0)?, Holder::Action { key: row.get(1)?, step: row.get(2)? }))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let pins = connection
                .prepare_cached("SELECT object, run FROM pins ORDER BY run, object")?
                .query_map([], |row| Ok((row.get(0)?, Holder::Run { id: row.get(1)? })))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok([actions, pins].concat())
        })
    }

    /// Compares index and journal, and has the one that is wrong made anew.
    fn check_index(&self) -> Result<Faults> {
        let index = self.index();
        let mut faults = index.read(|connection| {
            // One transaction, so that rows and position belong to the same instant.
            let tx = connection.unchecked_transaction()?;
            Ok(compare::faults(&tx, index.journal()))
        })??;
        if self.is_read_only() || faults == Faults::default() {
            return Ok(faults);
        }
        // The journal may have been written anew between the two looks.
        faults = match index.look_alone(|tx| compare::faults(tx, index.journal())) {
            Err(StoreError::IndexDamaged { .. }) => faults,
            again => again?,
        };
        if !faults.index.is_empty() {
            index.mark_damaged();
        } else if !faults.journal.is_empty() {
            index.replace_journal()?;
        }
        Ok(faults)
    }
}

/// What was read from the index, or nothing and one more fault if that failed because it is damaged.
fn or_fault<T: Default>(read: Result<T>, faults: &mut Faults) -> Result<T> {
    match read {
        Err(StoreError::IndexDamaged { source, .. }) => {
            faults.index.push(source.to_string());
            Ok(T::default())
        }
        read => read,
    }
}

fn check(object: &Stored) -> Checked {
    let unreadable = |error: &dyn fmt::Display| Checked::Damaged(format!("it cannot be read: {error}"));
    match objects::identify(&object.path, &object.hash) {
        Ok(Some(ObjectKind::File)) => Checked::File,
        Ok(Some(ObjectKind::Tree)) => match std::fs::read(&object.path) {
            Ok(manifest) => match Tree::parse(&object.hash, &manifest) {
                Ok(tree) => Checked::Tree(tree),
                Err(error) => Checked::Damaged(error.to_string()),
            },
            Err(error) => unreadable(&error),
        },
        Ok(None) => Checked::Damaged("it holds other bytes than were stored".into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Checked::Gone,
        Err(error) => unreadable(&error),
    }
}

/// Passes references to trees on to the files of the trees.
fn spread(roots: Vec<(Hash, Holder)>, trees: &BTreeMap<Hash, Tree>) -> BTreeMap<Hash, Vec<Reference>> {
    let mut wanted = BTreeMap::<Hash, Vec<Reference>>::new();
    for (root, holder) in roots {
        for (path, entry) in trees.get(&root).into_iter().flat_map(Tree::iter) {
            let member = Some(path.to_owned());
            wanted.entry(entry.hash).or_default().push(Reference { holder: holder.clone(), member });
        }
        wanted.entry(root).or_default().push(Reference { holder, member: None });
    }
    wanted
}

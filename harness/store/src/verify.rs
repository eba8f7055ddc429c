//! Checking everything: each object against its name, each reference against the objects.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use camino::Utf8PathBuf;
use rayon::prelude::*;
use serde::Serialize;

use crate::inventory::Stored;
use crate::memo::MemoReport;
use crate::objects;
use crate::{Hash, ObjectKind, Result, RunId, Store, Tree};

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
    /// What SQLite finds wrong with the index.
    pub index: Vec<String>,
    /// The values of the memo.
    pub memo: MemoReport,
}

impl VerifyReport {
    /// Whether nothing is wrong. Strays do no harm.
    pub fn is_sound(&self) -> bool {
        self.corrupt.is_empty() && self.missing.is_empty() && self.index.is_empty() && self.memo.is_sound()
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
    /// Hashes every object and every value of the memo, on all threads, and checks the index and every
    /// reference in it. Other processes may go on meanwhile. Checkpoints are verified by whoever wrote them.
    pub fn verify(&self) -> Result<VerifyReport> {
        // References first: what they name was stored before them.
        let roots = self.references()?;
        let inventory = self.inventory()?;
        let checked: Vec<(&Stored, Checked)> =
            inventory.objects.par_iter().map(|object| (object, check(object))).collect();

        let mut report = VerifyReport {
            strays: inventory.strays,
            index: self.check_index()?,
            memo: self.verify_memo()?,
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
        Ok(report)
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

    fn check_index(&self) -> Result<Vec<String>> {
        let lines: Vec<String> = self.index().read(|connection| {
            connection.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect()
        })?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
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

//! The problems of a file, and which of them a sample is for.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::error::{Place, RowsError};
use super::file::{TITLE, each_row, read_text};
use super::problem::{Problem, Read, UNKNOWN, problem};
use super::sample::{Naming, Sample};

/// What stands for a key where a problem is named by the number of its row.
const NUMBER: &str = "";

/// The problems of a file, by id.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    by_id: BTreeMap<String, Problem>,
    /// What each id of a row stands for: its key, and the problem's id.
    named: BTreeMap<String, Vec<(&'static str, String)>>,
    /// Ids that have a `/`, by what stands for them in a folder of samples.
    by_file_name: BTreeMap<String, Vec<String>>,
    /// Ids of the problems that have no id but a title, by the number of their row.
    by_number: BTreeMap<String, String>,
    numbered: Numbered,
}

/// Problems that go by the number of their row, from 1, since they have no id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbered {
    /// Those that have none at all.
    pub without_id: usize,
    /// Those that have only a title, which others have too.
    pub with_shared_title: usize,
}

impl Numbered {
    /// All of them.
    pub fn total(self) -> usize {
        self.without_id + self.with_shared_title
    }
}

impl Problems {
    /// Reads the problems of a file in any of the known forms. A row whose tests cannot be decoded is a
    /// problem without tests, and so is a row of unknown form among others.
    ///
    /// # Errors
    /// [`RowsError`] with the place: a file that cannot be read, a line that is no JSON object, no row of a
    /// known form, an id that is neither a text nor an integer, two rows with one id, no row at all.
    pub fn read(path: &Utf8Path) -> Result<Self, RowsError> {
        Self::parse(&read_text(path)?, path)
    }

    /// Reads problems from the text of a file; `path` is its name for messages. See [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, RowsError> {
        let (mut rows, mut unknown, mut is_known) = (Vec::new(), None, false);
        each_row(text, path, |row| {
            let read = problem(&row)?;
            is_known |= read.is_known;
            if !read.is_known && unknown.is_none() {
                unknown = Some(row.error(UNKNOWN));
            }
            rows.push((read, row.place()));
            Ok(())
        })?;
        match unknown {
            Some(error) if !is_known => Err(error),
            _ if rows.is_empty() => Err(RowsError::Empty { path: path.to_owned(), what: "problem" }),
            _ => Self::of(rows),
        }
    }

    fn of(rows: Vec<(Read, Place)>) -> Result<Self, RowsError> {
        let mut titles = BTreeMap::<String, usize>::new();
        for (key, title) in rows.iter().flat_map(|(row, _)| &row.problem.ids) {
            if *key == TITLE {
                *titles.entry(title.clone()).or_default() += 1;
            }
        }
        let (mut problems, mut lines) = (Problems::default(), BTreeMap::new());
        for (Read { mut problem, .. }, place) in rows {
            let is_shared =
                |key: &str, id: &str| key == TITLE && titles.get(id).is_some_and(|count| *count > 1);
            match problem.ids.iter().find(|(key, id)| !is_shared(key, id)) {
                Some((_, id)) => problem.id = id.clone(),
                None => {
                    problem.id = problem.number.to_string();
                    let Numbered { without_id, with_shared_title } = &mut problems.numbered;
                    *if problem.ids.is_empty() { without_id } else { with_shared_title } += 1;
                }
            }
            if problem.ids.iter().all(|(key, _)| *key == TITLE) {
                let number = problem.number.to_string();
                problems.named.entry(number.clone()).or_default().push((NUMBER, problem.id.clone()));
                problems.by_number.insert(number, problem.id.clone());
            }
            if let Some(first) = lines.insert(problem.id.clone(), place.line) {
                return Err(RowsError::Twice { place, what: "problem", id: problem.id, first });
            }
            if problem.id.contains('/') {
                let name = problem.id.replace('/', "_");
                problems.by_file_name.entry(name).or_default().push(problem.id.clone());
            }
            for (key, id) in &problem.ids {
                problems.named.entry(id.clone()).or_default().push((key, problem.id.clone()));
            }
            problems.by_id.insert(problem.id.clone(), problem);
        }
        Ok(problems)
    }

    /// The problem with this id: the first one of its row.
    pub fn get(&self, id: &str) -> Option<&Problem> {
        self.by_id.get(id)
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none; a file without problems is an error, so this is false.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Those that go by the number of their row.
    pub fn numbered(&self) -> Numbered {
        self.numbered
    }

    /// The problem that a sample is for. A sample may name it by any id of its row: by that under the sample's own key,
    /// or, where no row has it so, by any other of a row that lacks the key. One that names none is for the problem of the same number, if
    /// that has no id either but a title. In the name of a file or folder `_` may stand for the `/` of an id, as EvalPlus writes
    /// `HumanEval/0`, where that leaves one problem.
    ///
    /// # Errors
    /// Why there is none, or which ones there are.
    pub fn find(&self, sample: &Sample) -> Result<&Problem, String> {
        let id = &sample.problem;
        let absent = || format!("there is no problem `{id}`");
        let key = match sample.naming {
            Naming::Id => return self.get(id).ok_or_else(absent),
            Naming::Key(key) => key,
            Naming::File => NUMBER,
            Naming::Number => {
                let problem = self.by_number.get(id).and_then(|problem| self.get(problem));
                let why = || {
                    let keys = "`question_id`, `task_id`, ..";
                    format!(
                        "it names no problem: its row has no id of a problem ({keys}), and there is no problem `{id}` without one"
                    )
                };
                return problem.ok_or_else(why);
            }
        };
        let named = self.named.get(id).map_or(&[][..], Vec::as_slice);
        let mut found = self.of_rows(named, |of, _| of == key);
        if found.is_empty() {
            found = self.of_rows(named, |_, problem| problem.ids.iter().all(|(other, _)| *other != key));
        }
        if found.is_empty() && sample.naming == Naming::File {
            found = self.by_file_name.get(id).into_iter().flatten().filter_map(|id| self.get(id)).collect();
        }
        match found.as_slice() {
            [] => Err(absent()),
            [only] => Ok(only),
            several => {
                let places: Vec<&str> = several.iter().map(|problem| problem.place.as_str()).collect();
                Err(format!("`{id}` names several problems: {}", places.join(", ")))
            }
        }
    }

    /// The problems of these keys and ids that are wanted, each once.
    fn of_rows(
        &self,
        named: &[(&'static str, String)],
        is_wanted: impl Fn(&str, &Problem) -> bool,
    ) -> Vec<&Problem> {
        let mut found: Vec<&Problem> = Vec::new();
        for (key, id) in named {
            let Some(problem) = self.get(id) else { continue };
            if is_wanted(key, problem) && found.iter().all(|other| other.id != problem.id) {
                found.push(problem);
            }
        }
        found
    }

    /// Names the problem of each sample by the problem's id, where it is [found](Self::find).
    ///
    /// # Errors
    /// [`RowsError::FromZero`] if samples count the rows from 0.
    pub fn resolve(&self, samples: &mut [Sample]) -> Result<(), RowsError> {
        let counts_from_zero = |sample: &Sample| {
            matches!(sample.naming, Naming::Key(_)) && sample.problem == "0" && self.find(sample).is_err()
        };
        if !self.by_number.is_empty() && samples.iter().any(counts_from_zero) {
            return Err(RowsError::FromZero { rows: self.by_number.len() });
        }
        for sample in samples {
            let found = self.find(sample).ok().map(|problem| problem.id.clone());
            if let Some(id) = found {
                (sample.problem, sample.naming) = (id, Naming::Id);
            }
        }
        Ok(())
    }
}

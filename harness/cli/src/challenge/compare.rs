//! How an artefact that was made again differs from the one in the store.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::compare::ByQuestion;
use assay_claims::interval::{average, paired_difference};
use assay_claims::student::t_upper_tail;
use assay_sandbox::Verdict;
use assay_store::{Hash, Store, StoreError};
use camino::{Utf8Path, Utf8PathBuf};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::scores;

/// What differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Finding {
    /// Verdicts: the share of right answers, each question's mean counting alike.
    Rates {
        /// In percent, of the artefact in the store.
        stored: f64,
        /// In percent, of the repetition.
        repeated: f64,
        /// Questions.
        questions: usize,
        /// The two-sided p value of no difference, question by question; absent where the questions differ.
        #[serde(skip_serializing_if = "Option::is_none")]
        p_value: Option<f64>,
    },
    /// A model: the first tensor, by name, that differs.
    Tensor {
        /// The file in the folder.
        file: String,
        tensor: String,
        /// The largest difference of two numbers over all tensors; absent where types or shapes differ.
        #[serde(skip_serializing_if = "Option::is_none")]
        largest: Option<f64>,
    },
    /// Another file: the first line that differs, from 1.
    Line {
        /// The file in a folder; absent for an artefact that is one file.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        line: usize,
    },
    /// A file that only one of the two folders has.
    File { file: String },
    /// The artefact in the store, or the repetition, could not be read.
    Unreadable { message: String },
}

impl Finding {
    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Rates { stored, repeated, questions, p_value } => {
                let p = p_value.map_or_else(
                    || "other questions".to_owned(),
                    |p| format!("p = {p:.3} over {questions} questions"),
                );
                format!("{stored:.2} % right in the store, {repeated:.2} % repeated, {p}")
            }
            Self::Tensor { file, tensor, largest: Some(largest) } => {
                format!(
                    "{file}: the first tensor that differs is {tensor}; the largest difference is {largest:.3e}"
                )
            }
            Self::Tensor { file, tensor, largest: None } => {
                format!("{file}: tensor {tensor} has another type or shape")
            }
            Self::Line { file: Some(file), line } => format!("{file} differs from line {line} on"),
            Self::Line { file: None, line } => format!("it differs from line {line} on"),
            Self::File { file } => format!("only one of the two has {file}"),
            Self::Unreadable { message } => message.clone(),
        }
    }

    /// Whether the rates of right answers agree; `None` where there are none.
    pub(crate) fn rates_agree(&self, alpha: f64) -> Option<bool> {
        match self {
            Self::Rates { p_value, .. } => Some(p_value.is_some_and(|p| p > alpha)),
            _ => None,
        }
    }
}

/// Compares a repetition with the artefact in the store. `verdicts` says that both are verdicts, one on each line.
pub(super) fn compare(store: &Store, artefact: &Hash, repeated: &Utf8Path, verdicts: bool) -> Finding {
    let found = match (repeated.is_dir(), verdicts) {
        (true, _) => folders(store, artefact, repeated),
        (false, true) => rates(store, artefact, repeated),
        (false, false) => file(store, artefact, repeated),
    };
    found.unwrap_or_else(|message| Finding::Unreadable { message })
}

type Found = Result<Finding, String>;

fn refused(error: StoreError) -> String {
    format!("the artefact in the store cannot be read: {error}")
}

fn bytes(path: &Utf8Path) -> Result<Vec<u8>, String> {
    fs_err::read(path).map_err(|error| format!("the repetition cannot be read: {error}"))
}

fn file(store: &Store, artefact: &Hash, repeated: &Utf8Path) -> Found {
    let stored = store.read(artefact).map_err(refused)?;
    Ok(Finding::Line { file: None, line: line(&stored, &bytes(repeated)?) })
}

/// The first line that differs.
fn line(one: &[u8], other: &[u8]) -> usize {
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    1 + one[..same].iter().filter(|byte| **byte == b'\n').count()
}

fn folders(store: &Store, artefact: &Hash, repeated: &Utf8Path) -> Found {
    let tree = store.tree(artefact).map_err(refused)?;
    let stored: BTreeSet<String> = tree.iter().map(|(path, _)| path.to_owned()).collect();
    let mut made = BTreeSet::new();
    files(repeated, Utf8Path::new(""), &mut made)?;
    if let Some(file) = stored.symmetric_difference(&made).next() {
        return Ok(Finding::File { file: file.clone() });
    }
    let mut first = None;
    for name in stored {
        let (old, new) =
            (store.read_in_tree(artefact, &name).map_err(refused)?, bytes(&repeated.join(&name))?);
        if old == new {
            continue;
        }
        // Numbers say more than whatever else differs.
        if name.ends_with(".safetensors") {
            return tensors(&name, &old, &new);
        }
        first.get_or_insert(Finding::Line { file: Some(name), line: line(&old, &new) });
    }
    first.ok_or_else(|| "the folders hold the same files".to_owned())
}

/// Adds the files of a folder, relative to the first one.
fn files(folder: &Utf8Path, below: &Utf8Path, found: &mut BTreeSet<String>) -> Result<(), String> {
    let refused = |error: std::io::Error| format!("the repetition cannot be read: {error}");
    for entry in folder.read_dir_utf8().map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let name: Utf8PathBuf = below.join(entry.file_name());
        match entry.file_type().map_err(refused)?.is_dir() {
            true => files(entry.path(), &name, found)?,
            false => _ = found.insert(name.into_string()),
        }
    }
    Ok(())
}

fn tensors(file: &str, old: &[u8], new: &[u8]) -> Found {
    let parse = |error: SafeTensorError| format!("{file}: {error}");
    let (old, new) =
        (SafeTensors::deserialize(old).map_err(parse)?, SafeTensors::deserialize(new).map_err(parse)?);
    let names: BTreeSet<&str> = old.names().into_iter().chain(new.names()).collect();
    let (mut first, mut largest) = (None, 0.0_f64);
    for name in names {
        let (Ok(old), Ok(new)) = (old.tensor(name), new.tensor(name)) else {
            return Ok(Finding::Tensor { file: file.to_owned(), tensor: name.to_owned(), largest: None });
        };
        if old.data() == new.data() && old.shape() == new.shape() && old.dtype() == new.dtype() {
            continue;
        }
        first.get_or_insert(name);
        let fits = old.shape() == new.shape() && old.dtype() == new.dtype();
        let numbers = |data: &[u8]| numbers(old.dtype(), data).filter(|_| fits);
        let Some((old, new)) = numbers(old.data()).zip(numbers(new.data())) else {
            return Ok(Finding::Tensor { file: file.to_owned(), tensor: name.to_owned(), largest: None });
        };
        largest = old.iter().zip(&new).map(|(old, new)| (old - new).abs()).fold(largest, f64::max);
    }
    match first {
        Some(name) => {
            Ok(Finding::Tensor { file: file.to_owned(), tensor: name.to_owned(), largest: Some(largest) })
        }
        None => Ok(Finding::Line { file: Some(file.to_owned()), line: 1 }),
    }
}

/// The numbers of a tensor; `None` for another type than `f64`, `f32` and `bf16`.
fn numbers(dtype: Dtype, data: &[u8]) -> Option<Vec<f64>> {
    let of = |size: usize, number: fn(&[u8]) -> f64| Some(data.chunks_exact(size).map(number).collect());
    match dtype {
        Dtype::F64 => of(8, |b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
        Dtype::F32 => of(4, |b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        // The upper half of a single-precision number.
        Dtype::BF16 => of(2, |b| f64::from(f32::from_le_bytes([0, 0, b[0], b[1]]))),
        _ => None,
    }
}

/// What is read of a verdict.
#[derive(Deserialize)]
struct Judged {
    item: String,
    verdict: Verdict,
}

fn rates(store: &Store, artefact: &Hash, repeated: &Utf8Path) -> Found {
    let by_question = |bytes: &[u8]| -> Result<ByQuestion, String> {
        let mut verdicts: BTreeMap<String, BTreeMap<u32, Verdict>> = BTreeMap::new();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Judged { item, verdict } =
                serde_json::from_slice(line).map_err(|error| format!("a verdict cannot be read: {error}"))?;
            let of_item = verdicts.entry(item).or_default();
            let number = u32::try_from(of_item.len()).unwrap_or(u32::MAX);
            of_item.insert(number, verdict);
        }
        // A question that nothing was judged on has no rate.
        verdicts.retain(|_, samples| samples.values().any(|verdict| *verdict != Verdict::JudgeFailure));
        Ok(scores(&verdicts).unwrap_or_default())
    };
    let stored = by_question(&store.read(artefact).map_err(refused)?)?;
    let repeated = by_question(&bytes(repeated)?)?;
    let values = |side: &ByQuestion| side.values().copied().collect::<Vec<f64>>();
    let (old, new) = (values(&stored), values(&repeated));
    let same = stored.keys().eq(repeated.keys());
    let p_value = same.then(|| paired_difference(&new, &old).ok()).flatten().map(|found| {
        match (found.value == 0.0, found.standard_error > 0.0) {
            (true, _) => 1.0,
            (false, false) => 0.0,
            (false, true) => {
                let t = found.value.abs() / found.standard_error;
                (2.0 * t_upper_tail(t, found.degrees_of_freedom)).min(1.0)
            }
        }
    });
    let percent = |side: &[f64]| if side.is_empty() { 0.0 } else { 100.0 * average(side) };
    Ok(Finding::Rates { stored: percent(&old), repeated: percent(&new), questions: old.len(), p_value })
}

//! What a model was asked, as one hash a benchmark: equal hashes, the same questions in the same words.
//!
//! Prompts are no part of any artefact: a step that generates lays them out from its items by its dialect, and the same is done
//! here again.

use std::collections::BTreeMap;

use assay_data::{Dialect, Item};
use assay_flow::{Params, StepError};
use assay_store::Hash;
use camino::Utf8Path;

use crate::records;
use crate::steps::kind::dialect as not_laid_out;

/// The parameter of a step that generates which says how questions are put into words.
const DIALECT: &str = "dialect";

/// How a step that generates puts questions into words.
#[derive(Clone, Debug)]
pub struct Form {
    dialect: Dialect,
}

impl Form {
    /// The form of a step with these parameters.
    ///
    /// # Errors
    /// An internal error: the parameters are none of a step that generates.
    pub fn of(params: &Params) -> Result<Self, StepError> {
        let dialect = params.parse_at(DIALECT).map_err(|error| StepError::internal(error.to_string()))?;
        let dialect = dialect.ok_or_else(|| StepError::internal(format!("a step has no `{DIALECT}`")))?;
        Ok(Self { dialect })
    }
}

/// By benchmark, the hash of all prompts that each form makes of an artefact of items, in the order of the forms.
///
/// A hash is BLAKE3 of the prompts of the benchmark's items, in their order: of each its length in bytes, as a little-endian
/// number of 64 bits, and then its text in UTF-8. What is shown of a thought where an option is chosen is no part of it.
///
/// # Errors
/// The file cannot be read, a line of it is no item, or a form cannot hold a question.
pub fn hashes(items: &Utf8Path, forms: &[Form]) -> Result<Vec<BTreeMap<String, Hash>>, StepError> {
    let mut hashers: Vec<BTreeMap<String, blake3::Hasher>> = vec![BTreeMap::new(); forms.len()];
    for item in records::stream::<Item>(items)? {
        let item = item?.without_tests();
        for (form, hashers) in forms.iter().zip(&mut hashers) {
            let prompt = form.dialect.reasoner_prompt(&item).map_err(not_laid_out)?;
            let length: usize = prompt.iter().map(|segment| segment.text.len()).sum();
            let hasher = hashers.entry(item.benchmark.clone()).or_default();
            hasher.update(&(length as u64).to_le_bytes());
            prompt.iter().for_each(|segment| _ = hasher.update(segment.text.as_bytes()));
        }
    }
    let finished = |hashers: BTreeMap<String, blake3::Hasher>| {
        hashers.into_iter().map(|(benchmark, hasher)| (benchmark, hasher.finalize().into())).collect()
    };
    Ok(hashers.into_iter().map(finished).collect())
}

//! What a model was asked, as one hash a benchmark: equal hashes, the same questions in the same words.
//!
//! Prompts are no part of any artefact: a step that generates lays them out from its items by its dialect, and the same is done
//! here again.

use std::collections::BTreeMap;

use assay_data::{Dialect, Item};
use assay_flow::{Params, StepError};
use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::records;
use crate::steps::kind::{TEMPLATE_ORIGIN, dialect as not_laid_out};

/// The parameter of a step that generates which says how questions are put into words.
const DIALECT: &str = "dialect";

/// How a step that generates puts questions into words.
#[derive(Clone, Debug)]
pub struct Form {
    dialect: Dialect,
}

/// Whether a step that generates, with these parameters, lays out text by the chat template of a checkpoint.
pub fn wants_template(params: &Params) -> bool {
    params.get(TEMPLATE_ORIGIN).is_some()
}

impl Form {
    /// The form of a step with these parameters. Where it wants the chat template of a checkpoint, that is the one in
    /// `template`, or else in the model's folder, whose files `in_model` finds.
    ///
    /// # Errors
    /// There is no such template; an internal error if the parameters are none of a step that generates.
    pub fn of(
        params: &Params,
        template: Option<&Utf8Path>,
        in_model: &dyn Fn(&str) -> Option<Utf8PathBuf>,
    ) -> Result<Self, StepError> {
        let dialect: Option<Dialect> =
            params.parse_at(DIALECT).map_err(|error| StepError::internal(error.to_string()))?;
        let dialect = dialect.ok_or_else(|| StepError::internal(format!("a step has no `{DIALECT}`")))?;
        Ok(Self { dialect: dialect.with_checkpoint(template, in_model).map_err(not_laid_out)? })
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

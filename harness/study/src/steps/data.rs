//! Items and the teacher's rows.

use assay_data::embedded::TaskError;
use assay_data::{DataError, Item, Source};
use assay_flow::{Facts, InputSpec, ParamError, StepContext, StepError, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, ITEMS, Kind, of_class};
use crate::records;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Where they come from: `{ embedded = { seed, questions } }`, or `{ file = "PATH" }` in the workspace. The embedded
    /// world takes `families` (items), `mix` and `styles` (demonstrations) and `answers` besides.
    source: Source,
}

impl Params {
    /// A file is known by its content.
    fn facts(&self, workspace: &Workspace) -> Facts {
        let content = self.source.content_hash(workspace.root()).ok().flatten();
        content.map(|hash| ("file".to_owned(), hash.to_string())).into_iter().collect()
    }
}

/// `items`: the test items of every benchmark.
pub(crate) fn items(workspace: Workspace) -> Kind<Params> {
    let (checked, known) = (workspace.clone(), workspace.clone());
    Kind::new("items", 1, ITEMS, "Test items of every benchmark", move |params: &Params, context| {
        let items = params.source.items(workspace.root()).map_err(data)?;
        records::write(context.output(), &items)
    })
    .check(move |params, _| params.source.check_items(checked.root()).map_err(refused))
    .facts(move |params, _| params.facts(&known))
}

/// `demonstrations`: training items with the teacher's thoughts and answers, none of them a test item.
pub(crate) fn demonstrations(workspace: Workspace) -> Kind<Params> {
    let (checked, known) = (workspace.clone(), workspace.clone());
    let about = "Training items with a teacher's thought and answer, none of them a test item";
    Kind::new("demonstrations", 1, DEMONSTRATIONS, about, move |params: &Params, context| {
        let excluded = excluded(context)?;
        let rows = params.source.demonstrations(workspace.root(), &excluded).map_err(data)?;
        records::write(context.output(), &rows)
    })
    .inputs(const { &[InputSpec::one("excluded", ITEMS).about("items that must not occur")] })
    .check(move |params, _| params.source.check_demonstrations(checked.root()).map_err(refused))
    .facts(move |params, _| params.facts(&known))
}

/// An error of the data as one about the parameter that asks for them.
pub(crate) fn refused(error: DataError) -> ParamError {
    let place = match error.setting() {
        Some(setting) => format!("source.embedded.{setting}"),
        None => "source".to_owned(),
    };
    ParamError::new(place.as_str(), error.to_string()).suggest(error.remedy())
}

/// The test items, which no training data may hold.
pub(crate) fn excluded(context: &StepContext<'_>) -> Result<Vec<Item>, StepError> {
    records::read(context, "excluded")
}

/// An error of the data as that of a step.
pub(crate) fn data(error: DataError) -> StepError {
    let remedy = error.remedy();
    of_class(error.class(), "the data cannot be used").remedy(remedy).caused_by(error)
}

/// An error of the embedded world as that of a step.
pub(crate) fn world(error: TaskError) -> StepError {
    data(error.into())
}

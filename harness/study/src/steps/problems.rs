//! Benchmarks of programs, as their makers publish them.

use assay_flow::InputSpec;
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::data;
use super::kind::{FILE, ITEMS, Kind, counts};
use crate::records;

/// The most problems that a benchmark is cut to.
pub(crate) const MOST_PROBLEMS: u64 = 1 << 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The benchmark's name in columns.
    benchmark: String,
    /// How many of its problems are asked, from the first on; without it, all.
    #[serde(default)]
    first: Option<u32>,
}

/// `problems`: the problems of a file of JSON lines as items, in any form that `assay judge` reads.
pub(crate) fn kind() -> Kind<Params> {
    let about = "Problems with tests as test items, from a file as their benchmark publishes it";
    Kind::new("problems", 1, ITEMS, about, |params: &Params, context| {
        let text = fs_err::read_to_string(&context.input("file")?.path)?;
        let name = Utf8Path::new(&params.benchmark);
        let mut items = assay_data::problems(&text, name, &params.benchmark).map_err(data)?;
        items.truncate(params.first.map_or(usize::MAX, |first| first as usize));
        records::write(context.output(), &items)
    })
    .inputs(const { &[InputSpec::one("file", FILE).about("one JSON object a line")] })
    .check(|params, _| counts(&[("first", params.first.unwrap_or(2).into(), MOST_PROBLEMS)]))
}

//! Benchmarks of questions, as their makers publish them.

use assay_data::Published;
use assay_flow::{InputSpec, ParamError};
use camino::Utf8Path;

use super::data::data;
use super::kind::{FILE, ITEMS, Kind, counts};
use super::problems::MOST_PROBLEMS;
use crate::records;

/// `published-items`: the rows of a published benchmark as items.
pub(crate) fn kind() -> Kind<Published> {
    let about = "The questions of a benchmark as test items, from a file of rows as its makers publish it";
    Kind::new("published-items", 1, ITEMS, about, |params: &Published, context| {
        let file = &context.input("file")?.path;
        let items = params.items(file, Utf8Path::new(&params.benchmark)).map_err(data)?;
        records::write(context.output(), &items)
    })
    .inputs(const { &[InputSpec::one("file", FILE).about("rows with named columns")] })
    .check(|params, _| {
        params.check().map_err(|(path, message)| ParamError::new(path, message))?;
        counts(&[("first", params.first.unwrap_or(2).into(), MOST_PROBLEMS)])
    })
}

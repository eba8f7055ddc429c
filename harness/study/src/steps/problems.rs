//! Benchmarks of programs, as their makers publish them.

use assay_data::PublishedPrograms;
use assay_flow::{InputSpec, ParamError, Resources};
use camino::Utf8Path;

use super::data::data;
use super::kind::{FILE, ITEMS, Kind, counts};
use super::published::{MOST_ASKED, paths};
use crate::records;

/// `problems`: the problems of files of JSON lines as items, in any form that `assay judge` reads.
pub(crate) fn kind() -> Kind<PublishedPrograms> {
    let about = "Problems with tests as test items, from files as their benchmark publishes them";
    Kind::new("problems", 1, ITEMS, about, |params: &PublishedPrograms, context| {
        let items = params.items(&paths(context, "file"), Utf8Path::new(&params.benchmark)).map_err(data)?;
        records::write(context.output(), &items)
    })
    .inputs(const { &[InputSpec::many("file", FILE).about("one JSON object a line")] })
    .check(|params, _| {
        params.check().map_err(|(path, message)| ParamError::new(path, message))?;
        counts(&[("first", params.first.unwrap_or(2).into(), MOST_ASKED)])
    })
    // One row at a time, and its tests: those of one problem of LiveCodeBench are 90 MB.
    .resources(|_| Resources { threads: 1, memory_mb: 500, device: None })
}

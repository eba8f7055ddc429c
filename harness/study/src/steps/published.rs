//! Benchmarks of questions, as their makers publish them, and items joined.

use std::collections::BTreeMap;

use assay_data::{Item, Published, PublishedDemonstrations};
use assay_flow::{InputSpec, ParamError, StepContext, StepError};
use camino::Utf8Path;

use super::data::{data, excluded};
use super::kind::{DEMONSTRATIONS, FILE, ITEMS, Kind, Nothing, counts};
use crate::records;

/// The most rows that a benchmark is cut to.
pub(crate) const MOST_ASKED: u64 = 1 << 20;

/// `published-items`: the rows of a published benchmark as items.
pub(crate) fn kind() -> Kind<Published> {
    let about = "The questions of a benchmark as test items, from files of rows as its makers publish them";
    Kind::new("published-items", 1, ITEMS, about, |params: &Published, context| {
        let items = params.items(&paths(context, "file"), Utf8Path::new(&params.benchmark)).map_err(data)?;
        records::write(context.output(), &items)
    })
    .inputs(const { &[InputSpec::many("file", FILE).about("rows with named columns")] })
    .check(|params, _| {
        params.check().map_err(|(path, message)| ParamError::new(path, message))?;
        counts(&[("first", params.first.unwrap_or(2).into(), MOST_ASKED)])
    })
}

/// `published-demonstrations`: the rows of a published data set with worked answers as what a teacher shows.
pub(crate) fn demonstrations() -> Kind<PublishedDemonstrations> {
    let about = "Training items with their worked answers, from files of rows as their makers publish them; none of them a test item";
    Kind::new(
        "published-demonstrations",
        1,
        DEMONSTRATIONS,
        about,
        |params: &PublishedDemonstrations, context| {
            let (files, name) = (paths(context, "file"), Utf8Path::new(&params.rows.benchmark));
            let rows = params.demonstrations(&files, name, &excluded(context)?).map_err(data)?;
            records::write(context.output(), &rows)
        },
    )
    .inputs(
        const {
            &[
                InputSpec::many("file", FILE).about("rows with named columns"),
                InputSpec::one("excluded", ITEMS).about("items whose questions are left out"),
            ]
        },
    )
    .check(|params, _| {
        params.check().map_err(|(path, message)| ParamError::new(path.as_str(), message))?;
        counts(&[("rows.first", params.rows.first.unwrap_or(2).into(), MOST_ASKED)])
    })
}

/// `joined-items`: the items of several benchmarks, one after the other.
pub(crate) fn joined() -> Kind<Nothing> {
    let about = "The items of several benchmarks in one list";
    Kind::new("joined-items", 1, ITEMS, about, |_: &Nothing, context| {
        let mut benchmark_of: BTreeMap<String, String> = BTreeMap::new();
        let items = context.inputs("items").iter().map(|artifact| records::stream::<Item>(&artifact.path));
        let items = items.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(|item| {
            let item = item?;
            match benchmark_of.insert(item.id.clone(), item.benchmark.clone()) {
                None => Ok(item),
                Some(first) => Err(StepError::user(format!(
                    "{first} and {} have an item of the name {}",
                    item.benchmark, item.id
                ))
                .remedy("give one of them names of its own, by its parameter `id`")),
            }
        });
        records::try_write(context.output(), items)
    })
    .inputs(const { &[InputSpec::many("items", ITEMS)] })
}

/// The files of an input, in order.
pub(crate) fn paths<'c>(context: &'c StepContext<'_>, input: &str) -> Vec<&'c Utf8Path> {
    context.inputs(input).iter().map(|artifact| artifact.path.as_path()).collect()
}

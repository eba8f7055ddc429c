//! Benchmarks of programs, as their makers publish them.

use assay_data::{DataError, PublishedPrograms};
use assay_flow::{InputSpec, ParamError, Resources, StepError};
use camino::Utf8Path;

use super::data::data;
use super::kind::{FILE, ITEMS, Kind, counts};
use super::published::{MOST_ASKED, paths};
use crate::records::Lines;

/// `problems`: the problems of files of JSON lines as items, in any form that `assay judge` reads.
pub(crate) fn kind() -> Kind<PublishedPrograms> {
    let about = "Problems with tests as test items, from files as their benchmark publishes them";
    Kind::new("problems", 1, ITEMS, about, |params: &PublishedPrograms, context| {
        let mut lines = Lines::create(context.output())?;
        let name = Utf8Path::new(&params.benchmark);
        params.each(&paths(context, "file"), name, |item| Ok(lines.write(&item)?)).map_err(Failed::step)?;
        lines.finish()
    })
    .inputs(const { &[InputSpec::many("file", FILE).about("one JSON object a line")] })
    .check(|params, _| {
        params.check().map_err(|(path, message)| ParamError::new(path, message))?;
        counts(&[("first", params.first.unwrap_or(2).into(), MOST_ASKED)])
    })
    // One row at a time, as it is written and with its tests unpacked: those of one problem of LiveCodeBench are 90 MB.
    .resources(|_| Resources { threads: 1, memory_mb: 500, device: None })
}

/// What stops the reading: what is wrong with a row, or that an item could not be written.
enum Failed {
    Row(DataError),
    Write(StepError),
}

impl From<DataError> for Failed {
    fn from(error: DataError) -> Self {
        Self::Row(error)
    }
}

impl From<StepError> for Failed {
    fn from(error: StepError) -> Self {
        Self::Write(error)
    }
}

impl Failed {
    fn step(self) -> StepError {
        match self {
            Self::Row(error) => data(error),
            Self::Write(error) => error,
        }
    }
}

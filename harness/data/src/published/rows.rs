//! Rows of a file, one after the other.

use std::io::{BufRead, BufReader};

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::parquet;
use crate::DataError;

/// How a file of rows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// Values with commas between them, and the names of the columns in the first line. All values are texts.
    Csv,
    /// Apache Parquet, uncompressed or by Snappy, as the hub keeps data sets.
    Parquet,
}

/// A row of a file.
pub(super) struct Row {
    /// Its number, from 1. In JSON lines it is the line.
    pub(super) number: usize,
    pub(super) columns: Map<String, Value>,
}

/// The rows of a file, or what is wrong with one of them.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, DataError>>>;

/// Opens a file of rows; `name` is what messages call it.
pub(super) fn read(format: Format, file: &Utf8Path, name: &Utf8Path) -> Result<Rows, DataError> {
    let open = || {
        let opened = fs_err::File::open(file);
        opened.map_err(|source| DataError::Read { path: name.to_owned(), source })
    };
    match format {
        Format::JsonLines => json_lines(file, name),
        Format::Csv => csv_rows(open()?, name),
        Format::Parquet => parquet::rows(open()?.into_parts().0, name),
    }
}

/// The lines of a file that are not empty, each with its number from 1. A mark at the start of the file is none of its text.
pub(super) fn lines(
    file: &Utf8Path,
    name: &Utf8Path,
) -> Result<impl Iterator<Item = Result<(usize, String), DataError>> + use<>, DataError> {
    let opened = fs_err::File::open(file);
    let opened = opened.map_err(|source| DataError::Read { path: name.to_owned(), source })?;
    let name = name.to_owned();
    let lines = BufReader::new(opened).lines().zip(1..);
    let lines = lines.filter(|(line, _)| line.as_ref().map_or(true, |line| !line.trim().is_empty()));
    Ok(lines.map(move |(line, number)| match line {
        Ok(line) if number == 1 => Ok((number, line.trim_start_matches('\u{feff}').to_owned())),
        Ok(line) => Ok((number, line)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(DataError::Row { path: name.clone(), row: number, message: "it is not UTF-8".to_owned() })
        }
        Err(source) => Err(DataError::Read { path: name.clone(), source }),
    }))
}

fn json_lines(file: &Utf8Path, name: &Utf8Path) -> Result<Rows, DataError> {
    let path = name.to_owned();
    Ok(Box::new(lines(file, name)?.map(move |line| {
        let (number, line) = line?;
        let wrong = |message: String| DataError::Row { path: path.clone(), row: number, message };
        let columns =
            serde_json::from_str(&line).map_err(|error| wrong(format!("it is no JSON object: {error}")))?;
        Ok(Row { number, columns })
    })))
}

fn csv_rows(file: fs_err::File, name: &Utf8Path) -> Result<Rows, DataError> {
    let path = name.to_owned();
    let mut reader = csv::Reader::from_reader(file);
    let broken = |message: String| DataError::Table { path: path.clone(), message };
    let mut names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(str::to_owned).collect(),
        Err(error) => return Err(broken(error.to_string())),
    };
    if let Some(first) = names.first_mut() {
        *first = first.trim_start_matches('\u{feff}').to_owned();
    }
    if let Some((_, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(broken(format!("two columns are called `{name}`")));
    }
    let rows = reader.into_records().zip(1..).map(move |(record, number)| {
        let wrong = |message: String| DataError::Row { path: path.clone(), row: number, message };
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let columns = names.iter().cloned().zip(record.iter().map(Value::from)).collect();
        Ok(Row { number, columns })
    });
    Ok(Box::new(rows))
}

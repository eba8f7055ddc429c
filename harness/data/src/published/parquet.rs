//! Rows of Apache Parquet.

use std::fs::File;

use ::parquet::file::reader::SerializedFileReader;
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;
use camino::Utf8Path;
use serde_json::{Map, Number, Value};

use super::rows::{Row, Rows};
use crate::DataError;

/// The rows of a file.
pub(super) fn rows(file: File, name: &Utf8Path) -> Result<Rows, DataError> {
    let path = name.to_owned();
    let broken = |error: ::parquet::errors::ParquetError| DataError::Table {
        path: path.clone(),
        message: format!("no Parquet that can be read: {error}"),
    };
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let rows = RowIter::from_file_into(Box::new(reader)).zip(1..);
    Ok(Box::new(rows.map(move |(row, number)| {
        let wrong = |message: String| DataError::Row { path: path.clone(), row: number, message };
        let row = row.map_err(|error| wrong(error.to_string()))?;
        Ok(Row { number, columns: object(row.into_columns()).map_err(wrong)? })
    })))
}

fn object(columns: Vec<(String, Field)>) -> Result<Map<String, Value>, String> {
    columns.into_iter().map(|(name, field)| Ok((name, value(&field)?))).collect()
}

/// A value, as JSON has it; dates and decimals are texts.
fn value(field: &Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::from(*value),
        Field::Byte(value) => Value::from(*value),
        Field::Short(value) => Value::from(*value),
        Field::Int(value) => Value::from(*value),
        Field::Long(value) => Value::from(*value),
        Field::UByte(value) => Value::from(*value),
        Field::UShort(value) => Value::from(*value),
        Field::UInt(value) => Value::from(*value),
        Field::ULong(value) => Value::from(*value),
        Field::Float16(value) => float(f64::from(*value)),
        Field::Float(value) => float(f64::from(*value)),
        Field::Double(value) => float(*value),
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => Value::from(text),
            Err(_) => return Err("a value is made of bytes that are no text".to_owned()),
        },
        Field::Group(row) => Value::Object(object(row.clone().into_columns())?),
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().map(value).collect::<Result<_, _>>()?)
        }
        Field::MapInternal(map) => {
            let entry = |(key, held): &(Field, Field)| match value(key)? {
                Value::String(key) => Ok((key, value(held)?)),
                other => Ok((other.to_string(), value(held)?)),
            };
            Value::Object(map.entries().iter().map(entry).collect::<Result<_, String>>()?)
        }
        Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::from(field.to_string()),
    })
}

/// A number; JSON has none that is not finite.
fn float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::from(value.to_string()), Value::Number)
}

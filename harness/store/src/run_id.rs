//! Names of runs.

use std::borrow::Cow;
use std::fmt;
use std::process;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Hasher;

const LEN: usize = 16;

/// The name of a run: 16 letters from `k` to `z`, so that no run can be mistaken for a hexadecimal hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId([u8; LEN]);

impl RunId {
    /// A name that no other run has. It is made of the time, the process and a counter, and is in no key.
    pub(crate) fn fresh() -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = Hasher::new("run id v1")
            .u64("seconds", now.as_secs())
            .u64("nanoseconds", now.subsec_nanos().into())
            .u64("process", process::id().into())
            .u64("counter", COUNTER.fetch_add(1, Ordering::Relaxed))
            .finish();
        let mut letters = [0; LEN];
        for (pair, byte) in letters.chunks_exact_mut(2).zip(seed.as_bytes()) {
            pair.copy_from_slice(&[b'k' + (byte >> 4), b'k' + (byte & 15)]);
        }
        Self(letters)
    }

    /// The 16 letters.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in, so this cannot fail.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

/// A string is not a run id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run id: expected 16 letters from k to z")]
pub struct ParseRunIdError(String);

impl FromStr for RunId {
    type Err = ParseRunIdError;

    fn from_str(text: &str) -> Result<Self, ParseRunIdError> {
        match <[u8; LEN]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(|letter| (b'k'..=b'z').contains(letter)) => Ok(Self(letters)),
            _ => Err(ParseRunIdError(text.to_owned())),
        }
    }
}

impl JsonSchema for RunId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RunId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[k-z]{16}$" })
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RunId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_round_trip() {
        let ids: BTreeSet<_> = (0..1000).map(|_| RunId::fresh()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(serde_json::from_str::<RunId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
        for bad in ["", "kkkk", "kkkkkkkkkkkkkkkj", "kkkkkkkkkkkkkkkkk", "KKKKKKKKKKKKKKKK"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}

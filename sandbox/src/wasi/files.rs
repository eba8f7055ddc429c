//! A read-only tree of files in memory.

use std::collections::{BTreeMap, BTreeSet};

/// Files by their path, without a leading slash; directories are implied by the paths below them.
#[derive(Default)]
pub(crate) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
}

/// What a path leads to.
pub(super) enum Node<'a> {
    File(&'a [u8]),
    Directory,
}

impl Files {
    pub(crate) fn insert(&mut self, path: String, bytes: Vec<u8>) {
        let mut parent = path.as_str();
        while let Some((above, _)) = parent.rsplit_once('/') {
            self.directories.insert(above.to_owned());
            parent = above;
        }
        self.files.insert(path, bytes);
    }

    /// The bytes of the file at `path`.
    #[cfg(test)]
    pub(crate) fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Looks up a path relative to the directory `base` (the empty text is the root).
    pub(super) fn find(&self, base: &str, path: &str) -> Option<(String, Node<'_>)> {
        let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                name => parts.push(name),
            }
        }
        let full = parts.join("/");
        let node = match self.files.get(&full) {
            Some(bytes) => Node::File(bytes),
            None if full.is_empty() || self.directories.contains(&full) => Node::Directory,
            None => return None,
        };
        Some((full, node))
    }

    /// Names in a directory in order, each with whether it is a directory.
    pub(super) fn list(&self, directory: &str) -> Vec<(String, bool)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let child = |path: &String| {
            let name = path.strip_prefix(&prefix)?;
            (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
        };
        let mut names: BTreeMap<String, bool> = BTreeMap::new();
        names.extend(self.files.keys().filter_map(child).map(|name| (name, false)));
        names.extend(self.directories.iter().filter_map(child).map(|name| (name, true)));
        names.into_iter().collect()
    }
}

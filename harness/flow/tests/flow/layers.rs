//! The layers of the crate's sources: each uses only those below it, and no files import each other in a circle.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

/// From the top down.
const LAYERS: [&str; 4] = ["engine", "language", "kind", "values"];

/// The files that each file imports, as `layer/module`; `mod.rs` is `layer`. Unit tests are left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let src = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = BTreeMap::new();
    for layer in LAYERS {
        for entry in src.join(layer).read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = match path.file_stem().unwrap() {
                "mod" => layer.to_owned(),
                module => format!("{layer}/{module}"),
            };
            texts.insert(name, text.split("#[cfg(test)]").next().unwrap().to_owned());
        }
    }
    let imports = |text: &str| -> BTreeSet<String> {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let paths = code.flat_map(|line| line.split("crate::").skip(1));
        let named = paths.map(|path| {
            let mut names = path.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|n| !n.is_empty());
            let layer = names.next().unwrap_or_default();
            let file = format!("{layer}/{}", names.next().unwrap_or_default());
            if texts.contains_key(&file) { file } else { layer.to_owned() }
        });
        named.filter(|name| texts.contains_key(name)).collect()
    };
    texts.iter().map(|(name, text)| (name.clone(), imports(text))).collect()
}

#[test]
fn no_layer_uses_one_above_it() {
    let rank = |name: &str| LAYERS.iter().position(|layer| name.split('/').next() == Some(*layer)).unwrap();
    let imports = imports();
    assert!(imports["engine/plan"].contains("language/graph"), "imports are found: {imports:?}");
    for (name, used) in &imports {
        for other in used {
            assert!(rank(name) <= rank(other), "{name} imports {other}");
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut left = imports();
    // Files that import nothing that is left are in no circle.
    while let Some(name) =
        left.iter().find(|(_, used)| used.iter().all(|u| !left.contains_key(u))).map(|(n, _)| n.clone())
    {
        left.remove(&name);
    }
    assert!(left.is_empty(), "in a circle or above one: {:?}", left.keys());
}

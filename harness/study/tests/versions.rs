//! The version of a step kind stands for its source: changed source fails here until the version is raised or
//! the results are said to be the same (see `versions.toml`).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use assay_flow::Workspace;
use assay_sandbox::{ImageLock, Judging, JudgingSetup, Limits, Tools, grade};
use assay_study::steps::{Setup, registry};
use camino::Utf8PathBuf;
use quote::ToTokens;
use serde::Deserialize;
use syn::UseTree;
use syn::visit_mut::{self, VisitMut};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    sources: BTreeMap<String, Sources>,
    kinds: BTreeMap<String, Recorded>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    paths: Vec<String>,
    packages: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    version: u32,
    file: String,
    sources: Vec<String>,
    hash: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn versions() -> Versions {
    let text = fs::read_to_string(repository().join("harness/study/versions.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Name and version of every step kind.
fn kinds() -> BTreeMap<String, u32> {
    let judging = Judging::new(JudgingSetup {
        images: "images".into(),
        python: ImageLock::built_in().unwrap(),
        packages: None,
        math: ImageLock::built_in_math().unwrap(),
        tools: Tools::with_python("python3"),
        limits: Limits::default(),
        comparison_limits: grade::limits(),
        worker: Box::new(|| Command::new("false")),
        progress: Box::new(|_| {}),
    });
    let workspace = Workspace::new(Utf8PathBuf::from_path_buf(repository()).unwrap());
    let setup = Setup {
        workspace,
        tools: Tools::with_python("python3"),
        hub: assay_fetch::Hub::new(assay_fetch::Hub::ADDRESS, None, None, None).unwrap(),
        servers: Vec::new(),
        judging: Arc::new(judging),
    };
    let registry = registry(&setup).unwrap();
    registry.kinds().map(|kind| (kind.name().to_owned(), kind.version())).collect()
}

#[test]
fn versions_stand_for_the_source() {
    let recorded = versions();
    let kinds = kinds();
    let known: Vec<&String> = recorded.kinds.keys().collect();
    assert_eq!(known, kinds.keys().collect::<Vec<_>>(), "versions.toml lists every step kind once");
    let mut failures = String::new();
    for (name, version) in kinds {
        let entry = &recorded.kinds[&name];
        assert_eq!(entry.version, version, "{name}: the version in the code and in versions.toml differ");
        let found = source_hash(&recorded, entry);
        if found != entry.hash {
            failures.push_str(&format!("\n[kinds.{name}]\nhash = \"{found}\""));
        }
    }
    assert!(
        failures.is_empty(),
        "the source behind these step kinds has changed.\n\
         If a result may differ: raise the version (`Kind::new` and versions.toml), then record the hash.\n\
         If every result is the same to the byte: record the hash alone.\n{failures}\n"
    );
}

/// The hash of a kind's source: code without comments, layout and unit tests, and locked packages.
fn source_hash(versions: &Versions, kind: &Recorded) -> String {
    let mut hasher = blake3::Hasher::new();
    add_file(&mut hasher, &repository().join("harness/study/src").join(&kind.file));
    let lock = fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    for name in &kind.sources {
        let sources = versions.sources.get(name).unwrap_or_else(|| panic!("there is no set `{name}`"));
        for path in &sources.paths {
            let files = files(&repository().join(path));
            assert!(!files.is_empty(), "{path} holds no source");
            files.iter().for_each(|file| add_file(&mut hasher, file));
        }
        for package in &sources.packages {
            hasher.update(locked(&lock, package).as_bytes());
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn add_file(hasher: &mut blake3::Hasher, path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.strip_prefix(repository()).unwrap();
    let code = match path.extension().is_some_and(|extension| extension == "rs") {
        true => code(&text),
        false => text,
    };
    hasher.update(name.to_str().unwrap().as_bytes()).update(&[0]);
    hasher.update(code.as_bytes()).update(&[0]);
}

/// All source files of a path, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        let source = path.extension().is_some_and(|e| ["rs", "py", "wat"].iter().any(|known| e == *known));
        return if source { vec![path.to_owned()] } else { Vec::new() };
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}

/// The tokens of a Rust file without documentation and without what is compiled for tests only.
fn code(text: &str) -> String {
    let mut file = syn::parse_file(text).unwrap();
    Strip.visit_file_mut(&mut file);
    file.to_token_stream().to_string()
}

struct Strip;

impl VisitMut for Strip {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    }

    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !for_tests(item));
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !for_tests(item));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }
}

/// Whether an item stands behind `#[cfg(test)]`.
fn for_tests(item: &syn::Item) -> bool {
    use syn::Item::{Const, Fn, Impl, Mod, Static, Struct, Use};
    let (Const(syn::ItemConst { attrs, .. })
    | Fn(syn::ItemFn { attrs, .. })
    | Impl(syn::ItemImpl { attrs, .. })
    | Mod(syn::ItemMod { attrs, .. })
    | Static(syn::ItemStatic { attrs, .. })
    | Struct(syn::ItemStruct { attrs, .. })
    | Use(syn::ItemUse { attrs, .. })) = item
    else {
        return false;
    };
    attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// Version and checksum of a package, for every version of it that is locked.
fn locked(lock: &str, package: &str) -> String {
    let entry = |entry: &&str| entry.lines().any(|line| line == format!("name = \"{package}\""));
    let lines = lock.split("[[package]]").filter(entry).flat_map(|entry| {
        entry.lines().filter(|line| line.starts_with("version") || line.starts_with("checksum"))
    });
    let found: Vec<&str> = lines.collect();
    assert!(!found.is_empty(), "Cargo.lock has no package {package}");
    found.join("\n")
}

/// The crates of the workspace that results are made with, and where their source is. The other two, `assay_flow`
/// and `assay_store`, carry artefacts and know nothing of what is in them.
const CRATES: [(&str, &str); 4] = [
    ("assay_claims", "harness/claims/src"),
    ("assay_data", "harness/data/src"),
    ("assay_lm", "harness/lm/src"),
    ("assay_sandbox", "sandbox/src"),
];

/// The set whose own uses need not be listed: the shapes of records, and how a kind is put together. A kind that
/// uses what stands behind them names it itself.
const PLUMBING: &str = "records";

/// Every source that a kind's file names is in one of its sets, and so is every source that these name.
#[test]
fn every_source_that_is_used_is_in_a_set() {
    let recorded = versions();
    let mut missing = BTreeSet::new();
    for (name, kind) in &recorded.kinds {
        let own = Path::new("harness/study/src").join(&kind.file);
        let sets = || kind.sources.iter().map(|set| (set, &recorded.sources[set].paths));
        let of_sets = sets().filter(|(set, _)| *set != PLUMBING).flat_map(|(_, paths)| paths);
        let of_sets = of_sets.flat_map(|path| files(&repository().join(path)));
        let rust = of_sets.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
        for file in rust.chain([repository().join(&own)]) {
            let file = file.strip_prefix(repository()).unwrap();
            for used in sources_used(file, &fs::read_to_string(repository().join(file)).unwrap()) {
                let listed = sets().flat_map(|(_, paths)| paths).any(|path| used.starts_with(path));
                if used != own && !listed {
                    missing.insert(format!("{name}: {} uses {}", file.display(), used.display()));
                }
            }
        }
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "versions.toml lacks sources of these kinds:\n{}", missing.join("\n"));
}

#[test]
fn what_a_file_uses_is_read_from_its_paths() {
    let used = |file: &str, text: &str| -> Vec<String> {
        let used = sources_used(Path::new(file), text).into_iter();
        used.map(|path| path.to_str().unwrap().to_owned()).collect()
    };
    let study = "harness/study/src/steps/rows.rs";
    assert_eq!(
        used(
            study,
            "use assay_lm::Part; use assay_flow::Label; use std::fs; use crate::{records, inference::posterior::X};"
        ),
        ["harness/lm/src", "harness/study/src/inference", "harness/study/src/records.rs"]
    );
    assert_eq!(
        used(study, "use super::kind::{A, B}; fn f() -> assay_sandbox::Verdict { crate::steps::train::g() }"),
        ["harness/study/src/steps/kind.rs", "harness/study/src/steps/train.rs", "sandbox/src"]
    );
    // A crate's own paths stay in its set, and tests are no part of a result.
    let text = "use crate::records; #[cfg(test)] mod tests { use assay_lm::Part; }";
    assert_eq!(used("harness/data/src/item.rs", text), Vec::<String>::new());
}

/// The sources outside a file's own crate, or module of the study, that its paths name; relative to the
/// repository.
fn sources_used(file: &Path, text: &str) -> BTreeSet<PathBuf> {
    let mut parsed = syn::parse_file(text).unwrap();
    Strip.visit_file_mut(&mut parsed);
    let mut named = Named(Vec::new());
    named.visit_file_mut(&mut parsed);
    named.0.iter().filter_map(|path| source_of(file, path)).collect()
}

fn source_of(file: &Path, path: &[String]) -> Option<PathBuf> {
    let study = Path::new("harness/study/src");
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let module = |path: PathBuf| {
        let found =
            [path.with_extension("rs"), path].into_iter().find(|path| repository().join(path).exists());
        found.unwrap_or_else(|| panic!("{}: there is no module {}", file.display(), names.join("::")))
    };
    match names.as_slice() {
        [first, ..] if CRATES.iter().any(|(name, _)| name == first) => {
            CRATES.iter().find(|(name, _)| name == first).map(|(_, source)| PathBuf::from(source))
        }
        _ if !file.starts_with(study) || file.starts_with(study.join("inference")) => None,
        ["crate", "steps", step, ..] => Some(module(study.join("steps").join(step))),
        ["crate", first, ..] => Some(module(study.join(first))),
        ["super", step, ..] if file.starts_with(study.join("steps")) => {
            Some(module(study.join("steps").join(step)))
        }
        _ => None,
    }
}

/// All paths of a file: those of `use` and those in the code.
struct Named(Vec<Vec<String>>);

impl VisitMut for Named {
    fn visit_item_use_mut(&mut self, item: &mut syn::ItemUse) {
        fn walk(tree: &UseTree, before: &[String], found: &mut Vec<Vec<String>>) {
            let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
            match tree {
                UseTree::Path(path) => walk(&path.tree, &with(&path.ident), found),
                UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, before, found)),
                UseTree::Name(name) => found.push(with(&name.ident)),
                UseTree::Rename(name) => found.push(with(&name.ident)),
                UseTree::Glob(_) => found.push(before.to_owned()),
            }
        }
        walk(&item.tree, &[], &mut self.0);
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit_mut::visit_path_mut(self, path);
    }
}

#[test]
fn comments_layout_and_tests_do_not_count_and_code_does() {
    let plain = code("fn f() -> u32 { 1 }");
    for same in [
        "/// Says one.\nfn f() -> u32 {\n    // one\n    1\n}\n",
        "fn f() -> u32 { 1 }\n#[cfg(test)]\nmod tests { fn g() {} }",
        "#[cfg(test)]\nuse std::fs;\nfn f() -> u32 { 1 }",
    ] {
        assert_eq!(code(same), plain, "{same}");
    }
    // Code after a module of tests counts.
    assert_ne!(code("#[cfg(test)]\nmod tests {}\nfn f() -> u32 { 2 }"), plain);
    assert_ne!(code("#[cfg(not(test))]\nfn g() {}\nfn f() -> u32 { 1 }"), plain);
}

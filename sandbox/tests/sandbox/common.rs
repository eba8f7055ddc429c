//! The image that tests share, kept in the workspace's cache so that it is made once.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::process::Command;
use std::sync::LazyLock;

use assay_sandbox::{
    Entry, Image, ImageLock, Input, Judging, JudgingSetup, Limits, Prelude, Program, Run, RunOutcome,
    Sandbox, Tools,
};
use assay_store::Store;
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

static IMAGE: LazyLock<Option<Image>> = LazyLock::new(|| prepare(&lock()));

/// The image that compares answers.
static MATH_IMAGE: LazyLock<Option<Image>> = LazyLock::new(|| prepare(&math_lock()));

/// The image with numpy.
static NUMPY_IMAGE: LazyLock<Option<Image>> = LazyLock::new(|| {
    if std::env::var_os("ASSAY_NUMPY").is_none() {
        eprintln!("skipped: the image with numpy is a large download; ASSAY_NUMPY=1 has it made");
        return None;
    }
    prepare(&numpy_lock())
});

fn prepare(lock: &ImageLock) -> Option<Image> {
    match Image::prepare(&cache(), lock, &Tools::with_python("python3"), &mut |event| eprintln!("{event:?}"))
    {
        Ok(image) => Some(image),
        Err(error) if error.is_out_of_reach() => {
            eprintln!("skipped, there is no Python image: {error}; {}", error.remedy());
            None
        }
        Err(error) => panic!("{error}; {}", error.remedy()),
    }
}

pub(crate) fn workspace() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn cache() -> Utf8PathBuf {
    workspace().join("target/images")
}

pub(crate) fn lock_text() -> String {
    fs_err::read_to_string(workspace().join("lockfiles/python-image.lock")).unwrap()
}

pub(crate) fn lock() -> ImageLock {
    ImageLock::parse(&lock_text(), "lockfiles/python-image.lock").unwrap()
}

fn math_lock() -> ImageLock {
    lock().with_packages(&math_lock_text(), "lockfiles/math-image.lock").unwrap()
}

pub(crate) fn numpy_lock_text() -> String {
    fs_err::read_to_string(workspace().join("lockfiles/numpy-image.lock")).unwrap()
}

pub(crate) fn numpy_lock() -> ImageLock {
    ImageLock::parse(&numpy_lock_text(), "lockfiles/numpy-image.lock").unwrap()
}

/// The image with numpy, or `None` where it is not wanted or cannot be had.
pub(crate) fn numpy_image() -> Option<&'static Image> {
    NUMPY_IMAGE.as_ref()
}

/// Judging with workers that this command starts. Only where there is an image it can judge.
pub(crate) fn judging(worker: impl Fn() -> Command + Send + Sync + 'static) -> Judging {
    judging_with(None, worker)
}

/// The same with an image for programs that import packages.
pub(crate) fn judging_with(
    packages: Option<ImageLock>,
    worker: impl Fn() -> Command + Send + Sync + 'static,
) -> Judging {
    Judging::new(JudgingSetup {
        images: cache(),
        python: lock(),
        packages,
        math: math_lock(),
        tools: Tools::with_python("python3"),
        limits: limits(),
        comparison_limits: assay_sandbox::grade::limits(),
        worker: Box::new(worker),
        progress: Box::new(|event| eprintln!("{event:?}")),
    })
}

/// An empty store.
pub(crate) fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Utf8Path::from_path(folder.path()).unwrap().join("store")).unwrap();
    (folder, store)
}

pub(crate) fn math_lock_text() -> String {
    fs_err::read_to_string(workspace().join("lockfiles/math-image.lock")).unwrap()
}

/// The image that compares answers, or `None` where it cannot be had.
pub(crate) fn math_image() -> Option<&'static Image> {
    MATH_IMAGE.as_ref()
}

/// Rows of test data that lie beside the repository, or `None` where they do not.
pub(crate) fn shared_rows(name: &str) -> Option<Vec<serde_json::Value>> {
    let path = workspace().join("../shared/data").join(name);
    let Ok(text) = fs_err::read_to_string(&path) else {
        eprintln!("skipped: there is no {path}");
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The image, or `None` where it cannot be had (then the test says so and passes).
pub(crate) fn image() -> Option<&'static Image> {
    IMAGE.as_ref()
}

/// Limits that end a hostile program within a second.
pub(crate) fn limits() -> Limits {
    Limits { fuel: 2_000_000_000, memory_bytes: 176 << 20, output_bytes: 1 << 20, ..Limits::default() }
}

pub(crate) fn sandbox() -> Option<Sandbox> {
    image().map(|image| Sandbox::new(image, limits()))
}

pub(crate) fn script(source: &str) -> Program {
    Program { source: source.to_owned(), entry: Entry::Stdin, prelude: Prelude::None }
}

pub(crate) fn function(source: &str, name: &str) -> Program {
    Program { source: source.to_owned(), entry: Entry::Function(name.to_owned()), prelude: Prelude::None }
}

pub(crate) fn text(input: &str) -> Input {
    Input::Text(input.to_owned())
}

pub(crate) fn run(sandbox: &Sandbox, source: &str, input: &str) -> Run {
    sandbox.run(&script(source), &[text(input)]).remove(0)
}

/// Runs each program on its input; it writes this.
pub(crate) fn write(cases: &[(&str, &str, &str)]) {
    let Some(sandbox) = sandbox() else { return };
    for (source, input, expected) in cases {
        let expected = RunOutcome::Completed { output: (*expected).to_owned() };
        assert_eq!(run(&sandbox, source, input).outcome, expected, "{source}");
    }
}

/// Runs each program; it ends in this way.
pub(crate) fn end(sandbox: &Sandbox, sources: &[&str], is_expected: fn(&RunOutcome) -> bool) {
    for source in sources {
        let outcome = run(sandbox, source, "").outcome;
        assert!(is_expected(&outcome), "{source}: {outcome:?}");
    }
}

//! The image with numpy: a large download, so these tests run only where `ASSAY_NUMPY` is set, and say so elsewhere.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use assay_sandbox::rows::{Problems, read_samples};
use assay_sandbox::{Image, Input, Judge, Limits, RunOutcome, SampleSet, Sandbox, Verdict, VerdictRow};

use crate::checks;
use crate::common::{function, image, judging_with, numpy_image, numpy_lock, run, script, store, text};

fn limits() -> Limits {
    Limits { memory_bytes: 512 << 20, ..Limits::default() }
}

static SANDBOX: LazyLock<Option<Sandbox>> =
    LazyLock::new(|| numpy_image().map(|image: &Image| Sandbox::new(image, limits())));

/// Each program writes this.
fn write(cases: &[(&str, &str, &str)]) {
    let Some(sandbox) = &*SANDBOX else { return };
    for (source, input, expected) in cases {
        let source = format!("import numpy as np\n{source}");
        let expected = RunOutcome::Completed { output: format!("{expected}\n") };
        assert_eq!(run(sandbox, &source, input).outcome, expected, "{source}");
    }
}

#[test]
fn the_versions_are_those_of_the_lock() {
    let lock = numpy_lock();
    let numpy = &lock.packages()["numpy"];
    let expected = format!("{} {numpy}", lock.cpython_version());
    write(&[("import sys\nprint(sys.version.split()[0], np.__version__)", "", &expected)]);
}

/// numpy's whole numbers are those of 64 bits wherever programs see them.
#[test]
fn whole_numbers_have_64_bits() {
    write(&[
        (
            "print(np.array([1]).dtype, np.arange(3).dtype, np.array([True, 2]).dtype)",
            "",
            "int64 int64 int64",
        ),
        (
            "print(np.zeros(2, dtype=int).dtype, np.array([1.5]).astype(int).dtype, np.dtype('int'))",
            "",
            "int64 int64 int64",
        ),
        (
            "print(np.array([10**6, 10**6]).prod(), (np.arange(10**6) ** 2).sum())",
            "",
            "1000000000000 333332833333500000",
        ),
        ("print(np.arange(5, dtype=np.int32).sum().dtype, np.array([True]).sum().dtype)", "", "int64 int64"),
        (
            "print(np.arange(9, dtype=np.uint8).cumsum().dtype, np.int_(2) ** 40, np.iinfo(int).max)",
            "",
            "uint64 1099511627776 9223372036854775807",
        ),
        (
            "a = np.array([3, 1])\nprint(a.argsort() * 10**10, a.argmax() + 2**40, np.argsort(-a).dtype)",
            "",
            "[10000000000           0] 1099511627776 int64",
        ),
        (
            "print(np.nonzero([1, 0])[0].dtype, np.where([0, 1])[0].dtype, np.bincount([1, 1]).dtype)",
            "",
            "int64 int64 int64",
        ),
        (
            "print(np.searchsorted([1, 5], 3).dtype, np.unique([2, 2], return_counts=True)[1].dtype)",
            "",
            "int64 int64",
        ),
        (
            "i = np.array([0, 1])\nprint(np.take([5, 6], i), np.repeat([7, 8], i), np.bincount(i))",
            "",
            "[5 6] [8] [1 1]",
        ),
        (
            "print(repr(np.array([1, 2])), [np.int64(3)], np.intp is np.int64)",
            "",
            "array([1, 2]) [np.int64(3)] True",
        ),
        ("print(np.array(input().split(), dtype=np.int64).sum())", "3000000000 4", "3000000004"),
    ]);
}

#[test]
fn numbers_are_those_of_a_native_numpy() {
    write(&[
        ("print(np.linalg.solve([[2., 1], [1, 3]], [3, 5]))", "", "[0.8 1.4]"),
        (
            "print(np.rint(np.fft.ifft(np.fft.fft([1, 2, 0, 0]) * np.fft.fft([3, 4, 0, 0])).real).astype(int))",
            "",
            "[ 3 10  8  0]",
        ),
        (
            "np.random.seed(42)\nprint(np.random.rand(), np.random.randint(0, 100, 3))",
            "",
            "0.3745401188473625 [92 14 71]",
        ),
        ("print(np.random.default_rng(3).integers(0, 100, 5))", "", "[81  8 17 23 18]"),
        (
            "print(sum([0.1] * 10), sum([2**40, 1]), sum([[1], [2]], []))",
            "",
            "0.9999999999999999 1099511627777 [1, 2]",
        ),
        (
            "a = np.arange(6).reshape(2, 3)\nprint(np.einsum('ij,kj->ik', a, a).tolist(), (a @ a.T).trace())",
            "",
            "[[5, 14], [14, 50]] 55",
        ),
    ]);
}

/// What a function returns and what a test in Python compares may be numpy's.
#[test]
fn numbers_of_numpy_are_answers() {
    let Some(sandbox) = &*SANDBOX else { return };
    let source = "import numpy as np\ndef f(x):\n    return [np.sum(x), np.mean(x), np.any(x)]";
    let run = sandbox.run(&function(source, "f"), &[Input::Lines("[1, 2]".to_owned())]).remove(0);
    assert_eq!(run.outcome, RunOutcome::Completed { output: "[3, 1.5, true]".to_owned() });
    let source = "import numpy as np\ndef total(x): return np.array(x).sum()";
    for (code, verdict) in
        [("assert total([1, 2]) == 3", Verdict::Pass), ("assert total([1, 2]) == 4", Verdict::WrongAnswer)]
    {
        let (found, detail) = checks::verdict(sandbox, source, checks::plain(code));
        assert_eq!(found, verdict, "{code}: {detail}");
    }
}

/// What programs find without numpy, they find beside it.
#[test]
fn sorted_containers_are_there_too() {
    write(&[(
        "from sortedcontainers import SortedList\nprint(SortedList(np.array([3, 1]).tolist())[0])",
        "",
        "1",
    )]);
}

/// A program that wants too much, or that fails inside of C++, ends alone.
#[test]
fn what_fails_in_numpy_is_the_programs_failure() {
    let Some(sandbox) = &*SANDBOX else { return };
    let small = Sandbox::new(sandbox.image(), Limits { fuel: 2_000_000_000, ..limits() });
    type Expected = fn(&RunOutcome) -> bool;
    let cases: [(&str, Expected); 7] = [
        ("a = np.ones((3000, 3000))\nwhile True: a = a @ a", |o| matches!(o, RunOutcome::TimeLimit)),
        ("np.sort(np.arange(10**7) % 1000 * 7919)\nwhile True: pass", |o| matches!(o, RunOutcome::TimeLimit)),
        ("np.ones(10**8)", |o| matches!(o, RunOutcome::MemoryLimit)),
        ("[np.ones(10**6) for _ in range(10**6)]", |o| matches!(o, RunOutcome::MemoryLimit)),
        ("np.load('/etc/passwd')", |o| matches!(o, RunOutcome::RuntimeError { .. })),
        ("np.save('/tmp/x', [1])", |o| matches!(o, RunOutcome::UnsupportedPlatform { .. })),
        ("import pandas", |o| matches!(o, RunOutcome::UnsupportedImport { .. })),
    ];
    for (source, is_expected) in cases {
        let outcome = run(&small, &format!("import numpy as np\n{source}"), "").outcome;
        assert!(is_expected(&outcome), "{source}: {outcome:?}");
    }
    let twice: Vec<_> = (0..2).map(|_| sandbox.run(&script(RANDOM), &[text("")]).remove(0)).collect();
    assert_eq!(twice[0], twice[1]);
    assert!(matches!(twice[0].outcome, RunOutcome::Completed { .. }), "{:?}", twice[0]);
}

const RANDOM: &str =
    "import numpy as np, time\nprint(np.random.rand(3), np.random.default_rng().random(), time.time())";

/// Only programs that import numpy run in its image, and their verdicts say so.
#[test]
fn verdicts_name_the_image_that_a_program_ran_in() {
    if image().is_none() || numpy_image().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = camino::Utf8Path::from_path(folder.path()).unwrap().join(name);
        fs_err::write(&path, text).unwrap();
        path
    };
    let problems = write("p.jsonl", "{\"id\": \"p\", \"tests\": [{\"input\": \"\", \"output\": \"3\"}]}\n");
    let sample =
        |id: &str, code: &str| serde_json::json!({ "sample_id": id, "question_id": "p", "code": code });
    let lines = [sample("a", "import numpy\nprint(numpy.sum([1, 2]))"), sample("b", "print(3)")];
    let samples = write("s.jsonl", &lines.map(|line| format!("{line}\n")).concat());
    let (problems, samples) = (Problems::read(&problems).unwrap(), read_samples(&samples).unwrap());
    let (_guard, store) = store();
    let set = SampleSet { problems: &problems, samples: &samples, judges: &[Judge::Assay] };
    let mut images = Vec::new();
    for packages in [Some(numpy_lock()), None] {
        let judging = judging_with(packages, crate::judging::worker);
        let judged = judging.judge_samples(&store, set, 1, &|| false, &|_| {}).unwrap();
        let row = |index: usize| {
            VerdictRow::new(&samples[index], &judged[index][0], judging.limits(), &judging.describe())
        };
        images.push((row(0), row(1)));
    }
    let (with, without) = (&images[0], &images[1]);
    assert_eq!((with.0.verdict, with.1.verdict), (Verdict::Pass, Verdict::Pass), "{}", with.0.detail);
    assert_eq!(without.0.verdict, Verdict::UnsupportedImport);
    assert_eq!(with.1, without.1, "what does not import numpy is judged as ever");
    assert_eq!(with.0.python, numpy_lock().cpython_version());
    assert_eq!(with.0.packages, *numpy_lock().packages());
    assert_eq!(with.0.image, numpy_lock().identity());
    assert!(without.0.packages.is_empty() && without.0.image != with.0.image);
}

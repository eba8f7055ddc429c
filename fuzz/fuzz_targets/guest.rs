//! Bytes as requests to a real interpreter and as programs and tests: it never fails the judge, and the same
//! again gives the same.
//!
//! It needs the Python image that the tests make in `target/images`.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use assay_sandbox::rows::{Case, Check, Tests};
use assay_sandbox::{
    Image, ImageLock, Judge, Limits, Prelude, Sandbox, Task, TestResult, Tools, Until, Verdict, fuzzing, judge_task,
};
use libfuzzer_sys::fuzz_target;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("lockfiles/python-image.lock")).unwrap();
    let lock = ImageLock::parse(&text, "python-image.lock").unwrap();
    let tools = Tools { python: "python3".into() };
    let image = Image::prepare(&root.join("target/images"), &lock, &tools, &mut |_| {}).unwrap();
    let wall = Duration::from_secs(600);
    Sandbox::new(&image, Limits { fuel: 200_000_000, memory_bytes: 128 << 20, output_bytes: 1 << 16, wall })
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    if choice % 4 == 0 {
        let requests: Vec<&[u8]> = rest.split(|byte| *byte == 0xff).take(8).collect();
        let replies = fuzzing::session(&SANDBOX, &requests).unwrap();
        assert!(replies.iter().all(|(reply, _)| !reply.contains("JudgeFailure")), "{replies:?}");
        assert_eq!(fuzzing::session(&SANDBOX, &requests).unwrap(), replies);
        return;
    }
    let text = String::from_utf8_lossy(rest);
    let mut texts = text.splitn(3, '\0').map(str::to_owned);
    let [program, input, output] = [(); 3].map(|()| texts.next().unwrap_or_default());
    let judge = Judge::ALL[usize::from(choice / 4) % 3];
    let cases = |input, output| vec![Case::new(input, output, false)];
    let tests = match choice % 4 {
        1 => Tests::Scripts(cases(input, output)),
        2 => Tests::Calls { function: "f".to_owned(), cases: cases(input, output) },
        _ => Tests::Checks(vec![Check {
            setup: input,
            code: output,
            entry: Some("f".to_owned()),
            prelude: Prelude::Benchmark, functions: Vec::new() }]),
    };
    let is_check = matches!(tests, Tests::Checks(_));
    let task = Task { judge, program, tests, until: Until::Every };
    let results = judged(&task);
    assert_eq!(results.len(), 1);
    // A test that is Python may be broken itself.
    assert!(is_check || results[0].verdict != Verdict::JudgeFailure, "{results:?}");
    assert_eq!(judged(&task), results);
});

fn judged(task: &Task) -> Vec<TestResult> {
    let mut results = Vec::new();
    judge_task(&SANDBOX, task, &mut |result| results.push(result));
    results
}

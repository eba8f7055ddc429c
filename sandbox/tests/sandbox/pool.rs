//! The pool, with workers that are none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::sync::atomic::AtomicBool;

use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{Judge, Judgement, Limits, Pool, Task, Verdict};

use crate::common::lock;

/// What a pool makes of one test if its worker writes these lines for it and dies.
fn judged_by(lines: &str) -> Judgement {
    let script = format!("echo '\"ready\"'; read hello; read task; printf '{lines}'");
    let command = move || {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    let cases = vec![Case { input: String::new(), output: String::new(), public: false }];
    let task = Task { judge: Judge::Assay, program: String::new(), tests: Tests::Scripts(cases) };
    let pool = Pool::new(command, "images".into(), &lock(), &Limits::default(), 1);
    let mut judgements = Vec::new();
    pool.judge([task].into_iter(), &AtomicBool::new(false), &mut |_, judgement| judgements.push(judgement))
        .unwrap();
    judgements.remove(0)
}

#[test]
fn a_worker_that_says_too_much_is_one_that_died() {
    let pass = r#"{"test":{"verdict":"pass","fuel":1,"peak_memory":1,"detail":""}}\n"#;
    let judged = judged_by(&format!("{pass}\"end\"\\n"));
    assert_eq!((judged.verdict, judged.tests.len()), (Verdict::Pass, 1));
    for lines in [
        pass.repeat(3),
        format!("{}\"end\"\\n", pass.repeat(2)),
        "no line\\n".to_owned(),
        "\"end\"\\n".to_owned(),
    ] {
        let judged = judged_by(&lines);
        assert_eq!(judged.tests.len(), 1, "{lines}");
    }
    assert_eq!(judged_by("").verdict, Verdict::JudgeFailure);
}

//! The judges of published numbers, run inside the sandbox with their flaws.

use crate::judge::{TestResult, Verdict};
use crate::program::{Run, RunOutcome};
use crate::rows::{Case, Tests};
use crate::sandbox::Sandbox;
use crate::session::{Reply, Session, broken_interpreter};
use crate::wasi::Stdin;

use super::Judge;

/// Runs all tests in one interpreter, and after a test that failed goes on in a new one.
pub(super) fn run(
    sandbox: &Sandbox,
    judge: Judge,
    program: &str,
    tests: &Tests,
    tell: &mut (dyn FnMut(TestResult) + Send),
) {
    let (function, cases) = match tests {
        Tests::Scripts(cases) => (None, cases),
        Tests::Calls { function, cases } => (Some(function.as_str()), cases),
        Tests::Checks(_) => return,
    };
    let load = serde_json::json!([judge.name(), program, function]).to_string();
    let load = ["R", &load].concat();
    let mut told = 0;
    let judged = sandbox.on_guest_thread(1, || {
        while told < cases.len() {
            let before = told;
            one_interpreter(sandbox, judge, &load, &cases[before..], &mut |result| {
                told += 1;
                tell(result);
            });
            if told == before {
                return;
            }
        }
    });
    let message = judged.err().unwrap_or_else(|| "a test gave no result".to_owned());
    for _ in told..cases.len() {
        tell(TestResult::failure(message.clone()));
    }
}

/// Tests up to the first that fails.
fn one_interpreter(
    sandbox: &Sandbox,
    judge: Judge,
    load: &str,
    cases: &[Case],
    tell: &mut dyn FnMut(TestResult),
) {
    let mut session = match Session::start(sandbox, Stdin::default()) {
        Ok(session) => session,
        Err(outcome) => return tell(TestResult::of_failed(Run { outcome, fuel: 0, peak_memory: 0 })),
    };
    if let Err(outcome) = session.ask(load.as_bytes()) {
        // A program that cannot be loaded fails every test in the same way: what one new interpreter says,
        // all say.
        let result = TestResult::of_failed(session.run(outcome));
        session.end();
        return cases.iter().for_each(|_| tell(result.clone()));
    }
    if judge == Judge::SkyThought
        && let Err(outcome) = session.start_tests(cases.len() as u64)
    {
        return tell(TestResult::of_failed(session.run(outcome)));
    }
    for (index, case) in cases.iter().enumerate() {
        let started = if judge == Judge::Lcb { session.start_test() } else { Ok(()) };
        let before = session.used();
        let request = serde_json::json!([case.input, case.output]).to_string();
        let reply = started.and_then(|()| session.ask(["r", &request].concat().as_bytes()));
        let mut result = match reply {
            Ok(Reply::Done(_)) => {
                let run = session.run(RunOutcome::Completed { output: String::new() });
                TestResult::of(run, Verdict::Pass, String::new())
            }
            Ok(Reply::Wrong(output)) => {
                let run = session.run(RunOutcome::Completed { output: String::new() });
                TestResult::of(run, Verdict::WrongAnswer, output.chars().take(crate::judge::SHOWN).collect())
            }
            // These judges have no such tests: the program forged the reply.
            Ok(Reply::BrokenTest(_)) => TestResult::of_failed(session.run(broken_interpreter())),
            Err(outcome) => TestResult::of_failed(session.run(outcome)),
        };
        result.fuel = result.fuel.saturating_sub(before);
        let stop = session.is_over() || (judge == Judge::Lcb && result.verdict != Verdict::Pass);
        if judge == Judge::SkyThought && result.verdict == Verdict::TimeLimit {
            // One limit for all tests is its rule: when it is used up, there is none left for the others. How
            // far beyond it this one would have gone, nobody knows.
            result.fuel = sandbox.limits().hard_fuel();
            (index..cases.len()).for_each(|_| tell(result.clone()));
            break;
        }
        tell(result);
        if stop {
            break;
        }
    }
    session.end();
}

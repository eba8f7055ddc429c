//! The judges of published numbers, run inside the sandbox with their flaws.

use std::ops::ControlFlow;

use crate::judge::SHOWN;
use crate::program::{Run, RunOutcome};
use crate::rows::{Case, Tests};
use crate::sandbox::Sandbox;
use crate::session::{Reply, Session, Sizes, broken_interpreter};
use crate::verdict::{TestResult, Verdict};
use crate::wasi::Stdin;

use super::{Judge, Tell};

/// Runs all tests in one interpreter, and after a test that failed goes on in a new one.
pub(super) fn run(
    sandbox: &Sandbox,
    judge: Judge,
    program: &str,
    tests: &Tests,
    tell: &mut Tell<'_>,
) -> Result<ControlFlow<()>, String> {
    let (function, cases) = match tests {
        Tests::Scripts(cases) => (None, cases),
        Tests::Calls { function, cases } => (Some(function.as_str()), cases),
        Tests::Checks(_) => return Ok(ControlFlow::Continue(())),
    };
    let program = serde_json::json!([judge.name(), program, function]).to_string();
    let mut sizes = Sizes::Narrow;
    let mut told = 0;
    sandbox.on_guest_thread(1, || {
        while told < cases.len() {
            let before = told;
            let load = ["R", sizes.flag(), &program].concat();
            let sizes_before = sizes;
            one_interpreter(sandbox, judge, &load, &cases[before..], &mut sizes, &mut |result| {
                told += 1;
                tell(result)
            })?;
            if told == before && sizes == sizes_before {
                break;
            }
        }
        ControlFlow::Continue(())
    })
}

/// Tests up to the first that fails. One that fails for the size of a number is not told, but to be run again with wide
/// `sizes`.
fn one_interpreter(
    sandbox: &Sandbox,
    judge: Judge,
    load: &str,
    cases: &[Case],
    sizes: &mut Sizes,
    tell: &mut dyn FnMut(TestResult) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut session = match sandbox.session(Stdin::default()) {
        Ok(session) => session,
        Err(outcome) => return tell(TestResult::of_failed(Run { outcome, fuel: 0, peak_memory: 0 })),
    };
    let may_widen = *sizes == Sizes::Narrow;
    if let Err(outcome) = session.ask(load.as_bytes()) {
        if may_widen && session.is_too_narrow() {
            *sizes = Sizes::Wide;
            session.end();
            return ControlFlow::Continue(());
        }
        // A program that cannot be loaded fails every test in the same way: what one new interpreter says,
        // all say.
        let result = TestResult::of_failed(session.run(outcome));
        session.end();
        return cases.iter().try_for_each(|_| tell(result.clone()));
    }
    if judge == Judge::SkyThought
        && let Err(outcome) = session.start_tests(cases.len() as u64)
    {
        return tell(TestResult::of_failed(session.run(outcome)));
    }
    let judged = in_turn(&mut session, sandbox, judge, cases, may_widen, tell);
    if may_widen && session.is_too_narrow() {
        *sizes = Sizes::Wide;
    }
    session.end();
    judged
}

/// Asks for one test after the other, up to one after which nothing more can be asked.
fn in_turn(
    session: &mut Session<'_>,
    sandbox: &Sandbox,
    judge: Judge,
    cases: &[Case],
    may_widen: bool,
    tell: &mut dyn FnMut(TestResult) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (index, case) in cases.iter().enumerate() {
        let started = if judge == Judge::Lcb { session.start_test() } else { Ok(()) };
        let before = session.used();
        let request = serde_json::json!([case.input, case.output]).to_string();
        let reply = started.and_then(|()| session.ask(["r", &request].concat().as_bytes()));
        if may_widen && session.is_too_narrow() {
            break;
        }
        let mut result = result(session, reply);
        result.fuel = result.fuel.saturating_sub(before);
        let over = session.is_over() || (judge == Judge::Lcb && result.verdict != Verdict::Pass);
        if judge == Judge::SkyThought && result.verdict == Verdict::TimeLimit {
            // One limit for all tests is its rule: when it is used up, there is none left for the others. How
            // far beyond it this one would have gone, nobody knows.
            result.fuel = sandbox.limits().hard_fuel();
            return (index..cases.len()).try_for_each(|_| tell(result.clone()));
        }
        tell(result)?;
        if over {
            break;
        }
    }
    ControlFlow::Continue(())
}

fn result(session: &Session<'_>, reply: Result<Reply, RunOutcome>) -> TestResult {
    let completed = || session.run(RunOutcome::Completed { output: String::new() });
    match reply {
        Ok(Reply::Done(_)) => TestResult::of(completed(), Verdict::Pass, String::new()),
        Ok(Reply::Wrong(output)) => {
            TestResult::of(completed(), Verdict::WrongAnswer, output.chars().take(SHOWN).collect())
        }
        // These judges have no such tests: the program forged the reply.
        Ok(Reply::BrokenTest(_)) => TestResult::of_failed(session.run(broken_interpreter())),
        Err(outcome) => TestResult::of_failed(session.run(outcome)),
    }
}

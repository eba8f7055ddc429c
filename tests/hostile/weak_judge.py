"""A judge as they are often written, weak on purpose: it runs the program inside itself, test after test, and compares there.

    python3 weak_judge.py PROGRAM TESTS

TESTS is a file of JSON: the name of the function (null for a script, "check" for tests that are Python) and a list of pairs
of input and expected answer.
It prints a verdict and the answer for each test.
"""

import contextlib
import io
import json
import sys


def run(source, function, given):
    scope = {"__name__": "__main__"}
    code = compile(source, "program.py", "exec")
    if function == "check":
        exec(code, scope)
        return exec(given, scope)
    if function is not None:
        exec(code, scope)
        return scope[function](*given)
    written = io.StringIO()
    sys.stdin = io.StringIO(given)
    with contextlib.redirect_stdout(written):
        exec(code, scope)
    return written.getvalue().strip()


def line_of(error):
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_lineno


def judge(source, function, tests):
    lines = []
    for given, expected in tests:
        answer = None
        try:
            answer = run(source, function, given)
            verdict = "pass" if answer == expected else "wrong-answer"
        except Exception as error:
            verdict = f"runtime-error {type(error).__name__}: {error} (line {line_of(error)})"
        lines += [f"verdict: {verdict}", "answer: " + json.dumps(answer, ensure_ascii=False, default=repr)]
    return lines


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        source = file.read()
    with open(sys.argv[2], encoding="utf-8") as file:
        function, tests = json.load(file)
    lines = judge(source, function, tests)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

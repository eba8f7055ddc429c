//! Replies as models write them: which part is the program.

use assay_sandbox::rows::{Extraction, Problems, Source, extract};
use serde_json::json;

const PROGRAM: &str = "n = int(input())\nprint(n * 2)";
const DRAFT: &str = "n = int(input())\nprint(n + 2)";

/// The program in a reply, `R` and `D` of which stand for the program and a draft.
fn found(reply: &str) -> String {
    let reply = reply.replace("{R}", PROGRAM).replace("{D}", DRAFT);
    extract(&reply, Extraction::Assay).unwrap_or_default().trim_end().to_owned()
}

fn assert_found(replies: &[&str]) {
    for reply in replies {
        assert_eq!(found(reply), PROGRAM, "{reply}");
    }
}

#[test]
fn a_program_without_a_fence_stands_in_tags_or_behind_marks() {
    assert_found(&[
        "<think>\nx\n</think>\n<answer>\n{R}\n</answer>",
        "Here:\n<code>\n{R}\n</code>\nDone.",
        "<code>{R}</code>",
        "<python>\n{R}\n</python>",
        "Reasons.\n<solution>\n{R}\n</solution>\n",
        "<answer>\n<code>\n{R}\n</code>\n</answer>",
        "First:\n<code>\n{D}\n</code>\nBetter:\n<code>\n{R}\n</code>\nand <code>n</code> is read.",
        "<p>So:</p>\n<pre><code class=\"language-python\">{R}\n</code></pre>\n<p>Done</p>",
        "[PYTHON]\n{R}\n[/PYTHON]\n[TESTS]\nassert 1\n[/TESTS]",
        "[BEGIN]\n{R}\n[DONE]",
        "{R}\n[DONE]\nYou are an expert.\n[BEGIN]\n{D}\n[DONE]",
        "{R}\n</answer>\nThat is it.",
        "<|begin_of_thought|>\n\nhm\n<|end_of_thought|>\n\n<|begin_of_solution|>\n{R}\n<|end_of_solution|>",
        "<|im_start|>assistant\n{R}<|im_end|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n{R}<|eot_id|>",
        "<s>{R}</s>",
        "<start_of_turn>model\n{R}<end_of_turn>",
        "Assistant:\n{R}",
        "<|channel|>analysis<|message|>Twice.<|end|><|start|>assistant<|channel|>final<|message|>{R}<|return|>",
        "python\n{R}",
        "Python\nCopy code\n{R}",
        "pythonCopy code\n{R}",
        "'''python\n{R}\n'''\n",
        "So:\n'''py\n{R}\n'''\nDone.",
        ">>> n = int(input())\n>>> print(n * 2)\n8\n",
        "```python\n>>> n = int(input())\n>>> print(n * 2)\n8\n```",
    ]);
    let html = "<pre><code>if 1 &lt; 2 &amp;&amp; &quot;&amp;lt;&quot;:\n    pass\n</code></pre>";
    assert_eq!(found(html), "if 1 < 2 && \"&lt;\":\n    pass");
    // A program that has such a mark in a text is a program.
    for program in
        ["s = '''\n<code>\nx\n</code>\n'''\nprint(s)", "s = '<|im_start|>user'\nprint(s, '</answer>')"]
    {
        assert_eq!(found(program), program);
    }
}

#[test]
fn raw_text_loses_the_indentation_that_its_lines_share() {
    for indent in ["    ", "\t", " "] {
        assert_eq!(found(&format!("{indent}{}", PROGRAM.replace('\n', &format!("\n{indent}")))), PROGRAM);
    }
    assert_eq!(found(&format!(" {PROGRAM}")), PROGRAM);
    let half = format!("  {PROGRAM}");
    assert_eq!(found(&half), half);
}

#[test]
fn nothing_of_anothers_turn_counts() {
    assert_found(&[
        "```\n{R}\n```<|im_end|>\n<|im_start|>user\nNow add<|im_end|>\n<|im_start|>assistant\n```\n{D}\n```",
        "```\n{R}\n```<|eot_id|><|start_header_id|>user<|end_header_id|>\n```\n{D}\n```",
        "<|im_start|>assistant\n```\n{R}\n```\n<|im_start|>user\n```\n{D}\n```",
        "```\n{R}\n```</s>[INST] Add. [/INST]\n```\n{D}\n```",
        "{R}\n<|endoftext|>Human: again\n```\n{D}\n```",
        // A whole conversation.
        "<|im_start|>system\nx<|im_end|>\n<|im_start|>user\n```\n{D}\n```<|im_end|>\n<|im_start|>assistant\n```\n{R}\n```<|im_end|>",
        "<s>[INST] Double it. [/INST] ```\n{R}\n```</s>",
    ]);
    for end in ["<file_sep>", "[end of text]", "<turn|>"] {
        assert_found(&[&format!("{{R}}{end}"), &format!("```python\n{{R}}\n{end}")]);
    }
}

#[test]
fn thoughts_end_with_many_tags() {
    for (start, end) in [
        ("◁think▷", "◁/think▷"),
        ("<seed:think>", "</seed:think>"),
        ("<scratchpad>", "</scratchpad>"),
        ("<analysis>", "</analysis>"),
        ("<THINK>", "</THINK>"),
        ("[think]", "[/think]"),
    ] {
        assert_found(&[&format!("{start}\n```\n{{D}}\n```\n{end}\n{{R}}")]);
    }
}

#[test]
fn what_shows_something_beside_the_program_does_not_count() {
    let program = "```python\n{R}\n```\n";
    for after in [
        "```python\n>>> 4 * 2\n8\n```",
        "```\n>>> print(4 * 2)\n8\n```",
        "```python\n# that is all\n\n# really\n```",
        "```python\n...\n```",
    ] {
        assert_found(&[&format!("{program}{after}"), &format!("{after}\n{program}")]);
    }
    assert_found(&["````\nHere it is:\n```python\n{R}\n```\n````\n"]);
    // A block of four that is a program has no others in it.
    let doc = "def f(n):\n    \"\"\"\n    ```\n    f(4)\n    ```\n    \"\"\"\n    return n";
    assert_eq!(found(&format!("````\n{doc}\n````")), doc);
}

/// The program in a reply to a problem with these keys.
fn found_for(problem: &serde_json::Value, reply: &str) -> String {
    let problems = Problems::parse(&problem.to_string(), "p.jsonl".into()).unwrap_or_default();
    let problem = problems
        .get("a")
        .map(|problem| Source::Generation(reply.to_owned()).program(problem, Extraction::Assay));
    problem.flatten().unwrap_or_default()
}

#[test]
fn the_last_block_that_defines_what_is_called_is_the_program() {
    let case = json!([{ "input": "1", "output": "2" }]);
    let calls = json!({ "id": "a", "function": "f", "tests": case });
    let hub = json!({ "id": "a", "metadata": { "func_name": "f" }, "public_test_cases": case, "private_test_cases": [] });
    let human = json!({ "id": "a", "entry_point": "f", "test": "def check(c): c(1)" });
    let method = json!({ "id": "a", "entry_point": "Solution().f", "test": "def check(c): c(1)" });
    let class =
        json!({ "id": "a", "class_name": "f", "test": "import unittest\nclass T(unittest.TestCase): pass" });
    let begun = json!({ "id": "a", "starter_code": "class f:\n    ", "tests": case });
    let function = "def f(x):\n    return x + 1";
    let others = [
        "class Solution:\n    def f(self, x):\n        return x",
        "f = lambda x: x",
        "class f:\n    x = 1",
        "async def f(x):\n    pass",
    ];
    let after = [
        "print(f(1))",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        f(1)",
        "x = f(1)\nassert x == 2",
    ];
    for problem in [&calls, &hub, &human, &method, &class, &begun] {
        for program in [&[function][..], &others].concat() {
            for after in after {
                let reply = format!("```python\n{program}\n```\nUsage:\n```python\n{after}\n```\n");
                assert_eq!(found_for(problem, &reply), program, "{problem}");
                assert_eq!(found_for(problem, &reply.replace("```python", "```")), program, "{problem}");
            }
        }
        let two = format!(
            "```python\ndef f(x): pass\n```\nBetter:\n```python\n{function}\n```\n```cpp\nclass f {{}};\n```"
        );
        assert_eq!(found_for(problem, &two), function);
    }
    // Where nothing is called, the last program counts.
    let script = json!({ "id": "a", "tests": case });
    assert_eq!(
        found_for(&script, &format!("```python\n{function}\n```\n```python\nprint(f(1))\n```")),
        "print(f(1))"
    );
}

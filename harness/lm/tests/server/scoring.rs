//! Log-probabilities of given texts.

use std::ops::ControlFlow;

use assay_lm::{EndpointKind, Engine, EngineKind, Result, Scorer, ServerKind};
use serde_json::{Value, json};

use crate::answers::{World, at, llama_cpp, loss, ok, part, vllm};
use crate::serving::Listening;

/// A server whose answers are `log_probs` with one entry for each token of the prompt.
fn scoring(log_probs: impl Fn(&[Value]) -> Value + Send + Sync + 'static) -> Listening {
    vllm(move |asked| {
        let tokens = asked.body["prompt"].as_array().unwrap();
        let choice = json!({ "index": 0, "text": "x", "finish_reason": "length", "prompt_logprobs": log_probs(tokens) });
        ok(&json!({ "choices": [choice], "usage": { "completion_tokens": 1 } }))
    })
}

/// The log-probability of a token is its number, below 0; the likeliest token is there beside it.
fn honest(tokens: &[Value]) -> Value {
    let of = |(at, token): (usize, &Value)| match at {
        0 => Value::Null,
        _ => {
            json!({ token.to_string(): { "logprob": -token.as_f64().unwrap(), "rank": 9 }, "7": { "logprob": -0.5, "rank": 1 } })
        }
    };
    tokens.iter().enumerate().map(of).collect()
}

fn scores(listening: &Listening) -> Result<Vec<Vec<f32>>> {
    let engine = World::new(ServerKind::Vllm, listening).open()?;
    let rows =
        [vec![part("ab"), loss("c"), loss("d"), part("e")], vec![part("f")], vec![part("g"), loss("h")]];
    let mut found = vec![Vec::new(); rows.len()];
    let flow = engine.score(&rows, &|| false, &mut |index, row| {
        found[index] = row;
        ControlFlow::Continue(())
    })?;
    assert_eq!(flow, ControlFlow::Continue(()));
    Ok(found)
}

#[test]
fn the_tokens_with_loss_are_scored_and_no_others() {
    let listening = scoring(honest);
    assert_eq!(scores(&listening).unwrap(), [vec![-99.0, -100.0], vec![], vec![-104.0]]);
    let asked = &at(&listening, "/v1/completions")[0];
    assert_eq!((&asked["prompt_logprobs"], &asked["max_tokens"]), (&json!(0), &json!(1)));
}

#[test]
fn every_token_must_have_come_back() {
    let problem = |log_probs: fn(&[Value]) -> Value| {
        let listening = scoring(log_probs);
        let error = scores(&listening).unwrap_err();
        assert_eq!(error.class(), assay_lm::ErrorClass::Environment);
        let said = error.to_string();
        let start = format!("the answer of {} to /v1/completions cannot be used: ", listening.address);
        said.strip_prefix(&start).map(str::to_owned).unwrap_or(said)
    };
    // A server that ignores what it is asked for.
    assert_eq!(problem(|_| Value::Null), "it has no `prompt_logprobs`");
    let short = problem(|tokens| honest(&tokens[1..]));
    assert!(short.starts_with("it has log-probabilities of "), "{short}");
    // Other tokens than those that were sent.
    let other = problem(|tokens| honest(&tokens.iter().map(|_| json!(3)).collect::<Vec<_>>()));
    assert!(other.starts_with("it has no log-probability of token "), "{other}");
    let none = problem(|tokens| {
        tokens.iter().map(|token| json!({ token.to_string(): { "logprob": null } })).collect()
    });
    assert!(none.starts_with("it has no log-probability of token "), "{none}");
}

#[test]
fn an_answer_with_another_number_of_choices_is_refused() {
    let listening = vllm(|_| ok(&json!({ "choices": [], "usage": {} })));
    let error = scores(&listening).unwrap_err().to_string();
    assert!(error.ends_with("it has 0 choices, not one"), "{error}");
}

#[test]
fn a_server_that_gives_no_log_probabilities_of_prompts_does_not_score() {
    let listening = llama_cpp(|_| unreachable!("nothing is asked of it"));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    assert!(world.open().unwrap().scorer().is_none());
    let kind = EndpointKind { server: ServerKind::LlamaCpp, servers: world.servers.clone() };
    assert!(kind.capabilities().generate && !kind.capabilities().score && !kind.capabilities().choose);
    let kind = EndpointKind { server: ServerKind::Vllm, servers: world.servers.clone() };
    assert!(kind.capabilities().score);
}

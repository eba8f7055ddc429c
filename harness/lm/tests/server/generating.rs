//! Completions.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use assay_lm::{Completion, Generator, Request, Sampling, ServerKind};
use serde_json::{Value, json};

use crate::answers::{World, at, completed, llama_cpp, ok, part, vllm};
use crate::serving::Reply;

pub(crate) fn sampling(max_new_tokens: usize) -> Sampling {
    Sampling {
        temperature: 0.7,
        top_p: 0.9,
        max_new_tokens,
        stop: vec!["END".to_owned()],
        ignore_eos: false,
        seed: 5,
    }
}

pub(crate) fn all(world: &World, requests: &[Request<'_>]) -> Vec<Completion> {
    with(world, requests, &sampling(20))
}

fn with(world: &World, requests: &[Request<'_>], sampling: &Sampling) -> Vec<Completion> {
    let mut found = vec![None; requests.len()];
    let engine = world.open().unwrap();
    let flow = engine.generate(requests, sampling, &|| false, &mut |index, completion| {
        found[index] = Some(completion);
        ControlFlow::Continue(())
    });
    assert_eq!(flow.unwrap(), ControlFlow::Continue(()));
    found.into_iter().map(Option::unwrap).collect()
}

#[test]
fn a_prompt_is_sent_as_the_tokens_of_its_parts_with_nothing_but_the_settings() {
    let listening = llama_cpp(|_| ok(&completed("x", 20, "limit", "")));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let request = |text, index| Request { prompt: vec![part("ab"), part(text)], index };
    all(&world, &[request("<|end|>c", 0), request("<|end|>c", 1), request("d", 0)]);
    // A text that occurs in several parts is tokenised once.
    let mut texts: Vec<Value> =
        at(&listening, "/tokenize").iter().map(|body| body["content"].clone()).collect();
    texts.sort_by_key(Value::to_string);
    assert_eq!(texts, ["<|end|>c", "END", "ab", "d"]);
    let mut asked = at(&listening, "/completion");
    asked.sort_by_key(|body| (body["prompt"].to_string(), body["seed"].as_u64()));
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0]["prompt"], json!([97, 98, 1, 99]));
    assert_eq!(asked[2]["prompt"], json!([97, 98, 100]));
    let seeds: BTreeSet<u64> = asked.iter().map(|body| body["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds.len(), 3, "samples and prompts have their own noise");
    assert!(seeds.iter().all(|seed| *seed < 1 << 31));
    let mut rest = asked[0].clone();
    rest.as_object_mut().unwrap().retain(|key, _| key != "prompt" && key != "seed");
    let expected = json!({
        "model": "/models/m-Q4_1.gguf", "n_predict": 20, "temperature": 0.7, "top_p": 0.9,
        "samplers": ["temperature", "top_p"], "dynatemp_range": 0.0, "mirostat": 0, "grammar": "", "stop": ["END"], "ignore_eos": false, "cache_prompt": false,
        "stream": false,
    });
    assert_eq!(rest, expected);
    // The same request is the same to the last byte.
    let before = at(&listening, "/completion").len();
    all(&world, &[request("d", 0)]);
    assert_eq!(at(&listening, "/completion")[before], asked[2]);
}

#[test]
fn what_ended_a_completion_is_told_apart() {
    let listening = llama_cpp(|asked| match asked.body["prompt"][0].as_u64() {
        Some(119) => ok(&completed("by a word ", 3, "word", "END")),
        Some(101) => ok(&completed("by itself", 3, "eos", "")),
        _ => ok(&completed("not at all", 20, "limit", "")),
    });
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let requests = ["w", "e", "l"].map(|text| Request { prompt: vec![part(text)], index: 0 });
    let completion = |text: &str, stop: Option<&str>| Completion {
        text: text.to_owned(),
        tokens: if stop.is_some() { 3 } else { 20 },
        stop: stop.map(str::to_owned),
    };
    let expected = [
        completion("by a word ", Some("END")),
        completion("by itself", Some("<|im_end|>")),
        completion("not at all", None),
    ];
    assert_eq!(all(&world, &requests), expected);

    let listening = vllm(|asked| {
        let (text, tokens, finish, stop, ids) = match asked.body["prompt"][0].as_u64() {
            Some(119) => ("by a word ", 3, "stop", json!("END"), json!([7, 8, 9])),
            Some(101) => ("by itself", 3, "stop", Value::Null, json!([7, 8, 2])),
            Some(115) => ("by a special token", 3, "stop", Value::Null, json!([7, 8, 1])),
            _ => ("not at all", 20, "length", Value::Null, json!([7])),
        };
        let choice = json!({ "index": 0, "text": text, "logprobs": null, "finish_reason": finish, "stop_reason": stop, "token_ids": ids });
        ok(
            &json!({ "object": "text_completion", "choices": [choice], "usage": { "completion_tokens": tokens } }),
        )
    });
    let world = World::new(ServerKind::Vllm, &listening);
    // vLLM does not say which token ended a completion.
    let expected = [expected[0].clone(), completion("by itself", Some("")), expected[2].clone()];
    assert_eq!(all(&world, &requests), expected);
    // A stop string that is a special token ends a completion as this token.
    let mut special = sampling(20);
    special.stop.push("<|end|>".to_owned());
    let request = [Request { prompt: vec![part("s")], index: 0 }];
    let ended = with(&world, &request, &special).remove(0);
    assert_eq!(ended, completion("by a special token", Some("<|end|>")));
    let asked = &at(&listening, "/v1/completions")[0];
    // What the model's own `generation_config.json` says must not count.
    assert_eq!(
        (&asked["top_k"], &asked["repetition_penalty"], &asked["n"]),
        (&json!(-1), &json!(1.0), &json!(1))
    );
}

#[test]
fn completions_are_told_as_they_come_and_a_stop_waits_for_none() {
    let listening = llama_cpp(|asked| {
        if asked.body["prompt"][0] == 115 {
            std::thread::sleep(Duration::from_secs(120));
        }
        ok(&completed("x", 20, "limit", ""))
    });
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let engine = world.open().unwrap();
    let requests = ["s", "a", "b", "c"].map(|text| Request { prompt: vec![part(text)], index: 0 });
    let (mut told, begun) = (Vec::new(), Instant::now());
    let over = std::sync::atomic::AtomicBool::new(false);
    let stopped = || over.load(std::sync::atomic::Ordering::Relaxed);
    let flow = engine.generate(&requests, &sampling(1), &stopped, &mut |index, _| {
        told.push(index);
        over.store(told.len() == 3, std::sync::atomic::Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    assert_eq!(flow.unwrap(), ControlFlow::Break(()));
    told.sort_unstable();
    assert_eq!(told, [1, 2, 3]);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_request_that_the_server_refuses_ends_the_step_at_once() {
    let listening =
        llama_cpp(|_| Reply::Answer(400, &[], r#"{"error":{"message":"bad","code":400}}"#.to_owned()));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let requests = [Request { prompt: vec![part("a")], index: 0 }];
    let engine = world.open().unwrap();
    let error = engine
        .generate(&requests, &sampling(1), &|| false, &mut |_, _| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(error.to_string(), format!("{}/completion refuses the request (400): bad", listening.address));
    assert_eq!(error.class(), assay_lm::ErrorClass::User);
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let broken = std::sync::atomic::AtomicBool::new(false);
    let listening = llama_cpp(move |_| match broken.swap(true, std::sync::atomic::Ordering::Relaxed) {
        false => Reply::Cut(200, "{".to_owned(), 100),
        true => ok(&completed("x", 20, "limit", "")),
    });
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let requests = [Request { prompt: vec![part("a")], index: 0 }];
    assert_eq!(all(&world, &requests)[0].text, "x");
    let asked = at(&listening, "/completion");
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
}

/// A server with a limit of its own cuts replies off, and does not say so.
#[test]
fn a_completion_that_was_cut_off_early_is_refused() {
    let listening = llama_cpp(|_| ok(&completed("x", 19, "limit", "")));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let refused = |world: &World| {
        let requests = [Request { prompt: vec![part("a")], index: 0 }];
        let engine = world.open().unwrap();
        let run = engine.generate(&requests, &sampling(20), &|| false, &mut |_, _| ControlFlow::Continue(()));
        run.unwrap_err().to_string()
    };
    assert!(
        refused(&world).contains("cut off after 19 tokens, of 20 that were asked for"),
        "{}",
        refused(&world)
    );
    let listening = vllm(|_| {
        let choice = json!({ "text": "x", "finish_reason": "length", "stop_reason": null });
        ok(&json!({ "choices": [choice], "usage": { "completion_tokens": 19 } }))
    });
    let world = World::new(ServerKind::Vllm, &listening);
    assert!(
        refused(&world).contains("cut off after 19 tokens, of 20 that were asked for"),
        "{}",
        refused(&world)
    );
}

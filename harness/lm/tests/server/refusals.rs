//! What is said of a server that cannot be used.

use std::ops::ControlFlow;

use assay_fetch::Server;
use assay_lm::{EndpointError, ErrorClass, Generator, LmError, Request, Served, ServerKind};
use serde_json::json;

use crate::answers::{World, at, completed, llama_cpp, ok, part, vllm};
use crate::generating::sampling;
use crate::serving::{Asked, Reply, serve};

fn ask(address: &[&str], kind: ServerKind, name: &str) -> assay_lm::Result<Served> {
    let servers: Vec<Server> = address.iter().map(|address| Server::new(address, None).unwrap()).collect();
    Served::ask(&servers, kind, name, &|| false)
}

#[test]
fn what_a_server_says_of_a_model_is_recorded_without_its_address() {
    let listening = llama_cpp(|_| ok(&json!({})));
    for name in ["m", "m-Q4_1.gguf"] {
        let served = ask(&[&listening.address], ServerKind::LlamaCpp, name).unwrap();
        let said = format!(
            "`{name}` by llama.cpp b6700-abc (file m-Q4_1.gguf, ftype Q4_1, n_params 134515008, n_vocab 49152, size 96576768)"
        );
        assert_eq!(served.to_string(), said);
    }
    let listening = vllm(|_| ok(&json!({})));
    let served = ask(&[&listening.address], ServerKind::Vllm, "m").unwrap();
    assert_eq!(served.to_string(), "`m` by vllm 0.32.0 (root maker/model)");
    let written = serde_json::to_string(&served).unwrap();
    assert!(!written.contains("127.0.0.1"), "{written}");
}

#[test]
fn a_model_is_looked_for_at_every_server() {
    let nothing = |_: &Asked| Reply::Answer(404, &[], "{}".to_owned());
    let (llama, other) = (llama_cpp(nothing), vllm(nothing));
    let both = [other.address.as_str(), llama.address.as_str()];
    assert!(ask(&both, ServerKind::Vllm, "m").is_ok());
    assert!(ask(&both, ServerKind::LlamaCpp, "m").is_ok());

    let error = ask(&[&llama.address], ServerKind::LlamaCpp, "other").unwrap_err();
    let said = format!("no server has a model `other`; {} has `m`", llama.address);
    assert_eq!((error.to_string(), error.class()), (said, ErrorClass::Environment));
    let error = ask(&[], ServerKind::LlamaCpp, "m").unwrap_err();
    let said = "`m` is to be had of a server, and no server was named".to_owned();
    assert_eq!((error.to_string(), error.class()), (said, ErrorClass::User));
}

#[test]
fn a_server_of_another_kind_is_refused() {
    let llama = serve(|asked, _| match asked.path.as_str() {
        "/v1/models" => ok(&json!({ "data": [{ "id": "m", "meta": {} }] })),
        _ => Reply::Answer(404, &[], r#"{"error":{"message":"File Not Found"}}"#.to_owned()),
    });
    for (kind, path) in [(ServerKind::Vllm, "/version"), (ServerKind::LlamaCpp, "/props")] {
        let error = ask(&[&llama.address], kind, "m").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} is no server of the kind {kind}: it has no {path}", llama.address)
        );
        assert!(error.remedy().unwrap().contains("engine.server"));
    }
}

#[test]
fn a_model_that_is_another_one_by_now_is_refused() {
    let listening = llama_cpp(|_| ok(&json!({})));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    assert!(world.open().is_ok());
    let mut recorded = Served::load(&world.folder).unwrap();
    recorded.version = "b6000-old".to_owned();
    recorded.save(&world.folder).unwrap();
    let error = world.open().unwrap_err();
    assert!(matches!(&error, LmError::Endpoint(EndpointError::OtherModel { .. })), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("serves `m` by llama.cpp b6700-abc")
            && said.contains("made by `m` by llama.cpp b6000-old"),
        "{said}"
    );
    assert!(error.remedy().unwrap().contains("revision"));
}

#[test]
fn a_folder_of_weights_is_no_served_model() {
    let listening = llama_cpp(|_| ok(&json!({})));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    std::fs::remove_file(world.folder.join(Served::FILE)).unwrap();
    let error = world.open().unwrap_err();
    assert!(error.to_string().contains("does not say which model of a server is meant"), "{error}");
    std::fs::write(world.folder.join(Served::FILE), "{}").unwrap();
    assert_eq!(world.open().unwrap_err().class(), ErrorClass::User);
}

#[test]
fn a_missing_special_token_is_found_before_anything_is_generated() {
    let listening = llama_cpp(|_| ok(&completed("x", 20, "limit", "")));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let open = |special: &str| {
        assay_lm::Endpoint::open(&world.folder, world.kind, &world.servers, &[special.to_owned()], &|| false)
    };
    assert!(open("<|end|>").is_ok());
    let error = open("<|im_end|>").unwrap_err();
    assert_eq!(error.to_string(), format!("m at {} has no token \"<|im_end|>\"", listening.address));
}

#[test]
fn a_prompt_that_could_only_be_cut_is_refused_before_anything_is_generated() {
    let listening = llama_cpp(|_| ok(&completed("x", 20, "limit", "")));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let engine = world.open().unwrap();
    let long = "a".repeat(2040);
    let requests = [vec![part("a")], vec![part(&long)]].map(|prompt| Request { prompt, index: 0 });
    let run =
        |max_new_tokens| {
            engine.generate(&requests, &sampling(max_new_tokens), &|| false, &mut |_, _| {
                ControlFlow::Continue(())
            })
        };
    let error = run(8).unwrap_err();
    let said = format!(
        "prompt 1 has 2040 tokens; with 8 new ones that is more than the 2047 tokens that {} allows",
        listening.address
    );
    assert_eq!((error.to_string(), error.class()), (said, ErrorClass::User));
    assert_eq!(at(&listening, "/completion").len(), 0);
    assert!(run(7).is_ok());
}

#[test]
fn a_context_that_was_full_all_the_same_gives_no_completion() {
    let cut = json!({ "content": "x", "tokens_predicted": 1, "truncated": true, "stop_type": "limit", "stopping_word": "" });
    let listening = llama_cpp(move |_| ok(&cut));
    let world = World::new(ServerKind::LlamaCpp, &listening);
    let requests = [Request { prompt: vec![part("a")], index: 0 }];
    let engine = world.open().unwrap();
    let error = engine
        .generate(&requests, &sampling(1), &|| false, &mut |_, _| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(error.to_string().ends_with("the context was full before the completion ended"), "{error}");
}

/// While llama.cpp's server loads a model, it lists it without what it is.
#[test]
fn a_model_that_is_still_being_loaded_is_waited_for() {
    let listening = serve(|asked, before| match (asked.path.as_str(), before) {
        ("/props", 0) => {
            Reply::Answer(503, &["retry-after: 0"], r#"{"error":{"message":"Loading model"}}"#.to_owned())
        }
        ("/props", _) => ok(&json!({
            "default_generation_settings": { "n_ctx": 64 }, "total_slots": 1, "build_info": "b1", "model_path": "/x/m.gguf",
        })),
        (_, 0 | 1) => ok(&json!({ "data": [{ "id": "m", "meta": null }] })),
        _ => ok(&json!({ "data": [{ "id": "m", "meta": { "n_params": 7 } }] })),
    });
    let served = ask(&[&listening.address], ServerKind::LlamaCpp, "m").unwrap();
    assert_eq!(served.to_string(), "`m` by llama.cpp b1 (file m.gguf, n_params 7)");
}

#[test]
fn a_server_that_is_down_does_not_hide_another() {
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let llama = llama_cpp(|_| ok(&json!({})));
    let begun = std::time::Instant::now();
    assert!(ask(&[&format!("http://{down}"), &llama.address], ServerKind::LlamaCpp, "m").is_ok());
    assert!(begun.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn a_search_that_is_stopped_is_no_failure() {
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let servers = [Server::new(&format!("http://{down}"), None).unwrap()];
    let begun = std::time::Instant::now();
    let stopped = || begun.elapsed() > std::time::Duration::from_millis(200);
    let error = Served::ask(&servers, ServerKind::LlamaCpp, "m", &stopped).unwrap_err();
    assert!(error.is_stopped(), "{error}");
}

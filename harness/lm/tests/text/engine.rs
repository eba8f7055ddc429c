//! The engine against its own token-level functions, and its stops, scores and choices on text.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use assay_lm::sample::{Prompt, SampleConfig, Sampler, forced_choice};
use assay_lm::{
    Candle, CandleKind, Capabilities, Chooser, Completion, Config, EngineKind, Family, Generator, Kernels,
    LmError, Model, Part, Placement, Request, Sampling, Scorer, Tokenizer, score,
};
use camino::Utf8Path;

use crate::models::{lively, shape};
use crate::vocabularies::{SPECIALS, byte_level, characters};

/// A model with random weights in a folder of its own.
struct World {
    engine: Candle,
    folder: tempfile::TempDir,
}

impl World {
    /// With end-of-sequence token `<eos>`, as the embedded model has.
    fn new(tokenizer: Tokenizer, spare_ids: usize) -> Self {
        let vocabulary = tokenizer.vocabulary_size() + spare_ids;
        let eos = tokenizer.id("<eos>").unwrap();
        let config = Config { eos_token_ids: vec![eos], ..shape(Family::Qwen3, vocabulary) };
        let decoder = lively(&config, 7, Kernels::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        Model::new(decoder, tokenizer).unwrap().save(path).unwrap();
        let engine = Candle::open(path, &Placement::cpu(Kernels::Cpu)).unwrap();
        Self { engine, folder }
    }

    fn embedded() -> Self {
        Self::new(characters(), 0)
    }

    fn byte_level() -> Self {
        Self::new(byte_level(), 9)
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.engine.model().tokenizer
    }

    /// All completions, in the order of the requests.
    fn complete(&self, requests: &[Request<'_>], sampling: &Sampling) -> Vec<Completion> {
        let mut completions = BTreeMap::new();
        let flow = self.engine.generate(requests, sampling, &|| false, &mut |index, completion| {
            assert!(completions.insert(index, completion).is_none());
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        assert_eq!(completions.len(), requests.len());
        completions.into_values().collect()
    }
}

fn sampling(max_new_tokens: usize, stop: &[&str]) -> Sampling {
    let stop = stop.iter().map(|stop| (*stop).to_owned()).collect();
    // The models' logits are far apart: at this temperature every token comes up.
    Sampling { temperature: 6.0, top_p: 1.0, max_new_tokens, stop, ignore_eos: true, seed: 3 }
}

fn part(text: &str) -> Part<'_> {
    Part { text, loss: false }
}

fn loss(text: &str) -> Part<'_> {
    Part { text, loss: true }
}

/// `count` requests of three prompts.
fn requests(count: u64) -> Vec<Request<'static>> {
    let prompts = [&["<bos>", "1+2?", "<think>"][..], &["<bos>12"], &["<bos>", "1+2?<think>"]];
    let prompt = |i: u64| prompts[i as usize % 3].iter().map(|text| part(text)).collect();
    (0..count).map(|index| Request { prompt: prompt(index), index }).collect()
}

/// The samples of the same requests, with tokens as stops.
fn samples(world: &World, sampling: &Sampling, stop: &[&str], count: u64) -> Vec<assay_lm::sample::Sample> {
    let Sampling { temperature, top_p, max_new_tokens, seed, .. } = *sampling;
    let stop = stop.iter().map(|token| world.tokenizer().id(token).unwrap()).collect();
    let config = SampleConfig { temperature, top_p, max_new_tokens, stop, seed };
    let prompts: Vec<Prompt> = requests(count)
        .iter()
        .map(|request| {
            let text: String = request.prompt.iter().map(|part| part.text).collect();
            Prompt { tokens: world.tokenizer().encode(&text).unwrap(), sample_index: request.index }
        })
        .collect();
    Sampler::new(&world.engine.model().decoder, config).unwrap().all(&prompts).unwrap()
}

#[test]
fn completions_are_the_samples_that_stop_tokens_give() {
    let world = World::embedded();
    for stops in [&["</think>"][..], &["</think>", "<bos>", "7"], &[]] {
        let sampling = sampling(40, stops);
        let completions = world.complete(&requests(60), &sampling);
        let samples = samples(&world, &sampling, stops, 60);
        assert!(stops.is_empty() || samples.iter().any(|sample| sample.stopped()));
        assert!(stops.len() > 1 || samples.iter().any(|sample| !sample.stopped()));
        for (completion, sample) in completions.iter().zip(&samples) {
            let text = world.tokenizer().decode(&sample.tokens).unwrap();
            let stop = completion.stop.clone();
            assert_eq!(format!("{}{}", completion.text, stop.unwrap_or_default()), text);
            assert_eq!(completion.tokens as usize, sample.tokens.len());
            assert_eq!(completion.stop.is_some(), sample.stopped());
        }
        assert!(completions.windows(2).any(|pair| pair[0].text != pair[1].text));
    }
}

#[test]
fn end_of_sequence_tokens_end_a_completion_unless_they_are_ignored() {
    let world = World::embedded();
    let ignoring = sampling(60, &["</think>"]);
    let ending = Sampling { ignore_eos: false, ..ignoring.clone() };
    let mut ended = 0;
    let ignored = world.complete(&requests(40), &ignoring);
    for (whole, cut) in ignored.iter().zip(world.complete(&requests(40), &ending)) {
        let Some(at) = whole.text.find("<eos>") else {
            assert_eq!(*whole, cut);
            continue;
        };
        assert_eq!((cut.text.as_str(), cut.stop.as_deref()), (&whole.text[..at], Some("<eos>")));
        let written = world.tokenizer().encode(&whole.text[..at]).unwrap();
        assert_eq!(cut.tokens as usize, written.len() + 1);
        ended += 1;
    }
    assert!(ended > 5, "{ended}");
}

#[test]
fn a_generation_config_may_name_more_end_of_sequence_tokens() {
    let world = World::embedded();
    let sampling = Sampling { ignore_eos: false, ..sampling(60, &[]) };
    let file = world.path().join("generation_config.json");
    let open = || Candle::open(world.path(), &Placement::cpu(Kernels::Cpu));
    let ends = |engine: Candle| {
        let world = World { engine, folder: tempfile::tempdir().unwrap() };
        let completions = world.complete(&requests(60), &sampling);
        let mut stops: Vec<_> = completions.into_iter().filter_map(|completion| completion.stop).collect();
        stops.sort();
        stops.dedup();
        stops
    };
    for (text, expected) in [
        (r#"{ "temperature": 0.6, "eos_token_id": [2, 3] }"#, &["</think>", "<eos>"][..]),
        (r#"{ "eos_token_id": 2 }"#, &["</think>", "<eos>"]),
        (r#"{ "eos_token_id": null }"#, &["<eos>"]),
        ("{}", &["<eos>"]),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(ends(open().unwrap()), expected, "{text}");
    }
    for text in ["[", r#"{ "eos_token_id": "<eos>" }"#] {
        std::fs::write(&file, text).unwrap();
        let error = open().unwrap_err();
        assert!(matches!(error, LmError::GenerationConfig { .. }), "{error}");
        assert!(error.to_string().contains("generation_config.json"), "{error}");
    }
}

#[test]
fn a_stop_string_is_found_across_tokens_and_a_cut_leaves_its_beginning() {
    let world = World::byte_level();
    let request = &requests(1);
    let whole = &world.complete(request, &sampling(160, &[]))[0];
    assert_eq!((whole.tokens, &whole.stop), (160, &None));
    // A stretch of the text that is longer than one token: no part of a special token, and not "12" alone.
    let text: Vec<char> = whole.text.chars().collect();
    let plain = |c: &char| c.is_ascii() && !SPECIALS.concat().contains(*c);
    let stop = text.windows(3).skip(5).find(|stretch| stretch.iter().all(plain)).unwrap();
    let stop: String = stop.iter().collect();
    let ended = &world.complete(request, &sampling(160, &["no such text", &stop]))[0];
    assert_eq!(ended.stop.as_deref(), Some(stop.as_str()));
    assert_eq!(ended.text, whole.text[..whole.text.find(&stop).unwrap()]);
    assert!(ended.tokens < 160);

    let cut = &world.complete(request, &sampling(ended.tokens as usize - 1, &[&stop]))[0];
    assert_eq!((cut.tokens, &cut.stop), (ended.tokens - 1, &None));
    let (before, beginning) = cut.text.split_at(ended.text.len());
    assert_eq!(before, ended.text);
    assert!(stop.starts_with(beginning) && !beginning.is_empty(), "{beginning:?} of {stop:?}");
}

#[test]
fn a_completion_is_what_the_tokenizer_decodes_even_within_a_character() {
    let world = World::byte_level();
    let sampling = sampling(25, &[]);
    let completions = world.complete(&requests(30), &sampling);
    let samples = samples(&world, &sampling, &[], 30);
    let known = world.tokenizer().vocabulary_size() as u32;
    let mut broken = 0;
    for (completion, sample) in completions.iter().zip(&samples) {
        let tokens: Vec<u32> = sample.tokens.iter().copied().filter(|token| *token < known).collect();
        assert_eq!(completion.text, world.tokenizer().decode(&tokens).unwrap());
        broken += usize::from(completion.text.ends_with('\u{fffd}'));
    }
    assert!(broken > 0, "no completion was cut within a character");
    assert!(samples.iter().flat_map(|sample| &sample.tokens).any(|token| *token >= known));
}

#[test]
fn scores_are_those_of_the_tokens_with_loss() {
    let world = World::embedded();
    let rows = vec![
        vec![part("<bos>1+2"), loss("=3"), loss("<eos>")],
        vec![part("<bos>12<think>"), loss("1+1=2"), part("</think>9")],
        vec![part("<bos>"), part("12")],
        vec![],
        vec![part("<bos>"), loss(""), part("1"), loss("2+3=5?A"), loss("")],
    ];
    let mut told = BTreeMap::new();
    let flow = world.engine.score(&rows, &|| false, &mut |index, scores| {
        assert!(told.insert(index, scores).is_none());
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    let items: Vec<_> = rows.iter().map(|row| world.tokenizer().scored(row).unwrap()).collect();
    let decoder = &world.engine.model().decoder;
    for (index, item) in items.iter().enumerate() {
        let alone = score(decoder, std::slice::from_ref(item)).unwrap();
        assert_eq!(told[&index], alone[0], "row {index}");
        assert_eq!(told[&index].len(), item.range.len());
    }
    assert_eq!(told.values().map(Vec::len).collect::<Vec<_>>(), [3, 5, 0, 0, 7]);
}

#[test]
fn scoring_and_sampling_end_when_told() {
    let world = World::embedded();
    let rows = vec![vec![part("<bos>1+2"), loss("=3")]; 9];
    let mut told = 0;
    let flow = world.engine.score(&rows, &|| false, &mut |_, _| {
        told += 1;
        if told == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(flow.unwrap().is_break());
    assert_eq!(told, 4);
    let flow = world.engine.score(&rows, &|| true, &mut |_, _| panic!("was stopped before the first row"));
    assert!(flow.unwrap().is_break());

    let mut told = 0;
    let mut tell = |_, _| {
        told += 1;
        if told == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let flow = world.engine.generate(&requests(9), &sampling(5, &[]), &|| false, &mut tell);
    assert!(flow.unwrap().is_break());
    assert_eq!(told, 2);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let stopped = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 3;
    let flow =
        world.engine.generate(&requests(9), &sampling(5, &[]), &stopped, &mut |_, _| panic!("too late"));
    assert!(flow.unwrap().is_break());
}

/// Prompts whose choices differ.
fn prompts() -> Vec<Vec<Part<'static>>> {
    let texts =
        ["<bos>", "<bos>1+1=", "<bos>?", "<bos>A", "<bos>9-", "<bos>1+1=", "<bos>CC?", "<think>8", "<bos>0"];
    texts.iter().map(|text| vec![part(text)]).collect()
}

#[test]
fn a_choice_among_tokens_is_the_forced_choice() {
    let world = World::embedded();
    let options = ["C", "A", "D", "B"];
    let tokens = |text: &str| world.tokenizer().encode(text).unwrap();
    let rows: Vec<_> = prompts().iter().map(|prompt| tokens(prompt[0].text)).collect();
    let ids = options.map(|option| tokens(option)[0]);
    let forced = forced_choice(&world.engine.model().decoder, &rows, &ids).unwrap();
    let chosen = world.engine.choose(&prompts(), &options).unwrap();
    assert_eq!(chosen.iter().map(|index| ids[*index]).collect::<Vec<_>>(), forced);
    assert!(chosen.iter().any(|index| *index != chosen[0]));

    // What all options begin with, and what follows the first difference, do not matter.
    let longer = ["=C1", "=A", "=D77", "=B?"];
    let with_prefix: Vec<_> = rows.iter().map(|row| [row.clone(), tokens("=")].concat()).collect();
    let forced = forced_choice(&world.engine.model().decoder, &with_prefix, &ids).unwrap();
    let chosen = world.engine.choose(&prompts(), &longer).unwrap();
    assert_eq!(chosen.iter().map(|index| ids[*index]).collect::<Vec<_>>(), forced);
}

#[test]
fn options_that_share_a_token_are_compared_by_the_sums_of_their_log_probabilities() {
    let world = World::embedded();
    let options = ["=13?", "=7", "=12", "=135"];
    let chosen = world.engine.choose(&prompts(), &options).unwrap();
    for (prompt, chosen) in prompts().iter().zip(&chosen) {
        let sum = |option: &&str| {
            let row = world.tokenizer().scored(&[prompt[0], part("="), loss(&option[1..])]).unwrap();
            score(&world.engine.model().decoder, &[row]).unwrap()[0]
                .iter()
                .map(|s| f64::from(*s))
                .sum::<f64>()
        };
        let sums: Vec<f64> = options.iter().map(sum).collect();
        let best = (0..4).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap();
        assert_eq!(*chosen, best, "{sums:?}");
    }
    assert_eq!(world.engine.choose(&prompts(), &["123"]).unwrap(), [0; 9]);
    assert!(world.engine.choose(&[], &["1", "2"]).unwrap().is_empty());
}

#[test]
fn options_that_cannot_be_compared_are_refused() {
    let world = World::embedded();
    let error = |options: &[&str]| world.engine.choose(&prompts(), options).unwrap_err();
    assert!(matches!(error(&["7", "12", "1"]), LmError::NestedOptions { option: 2, longer: 1 }));
    assert!(matches!(error(&["7", "7"]), LmError::NestedOptions { .. }));
    assert!(matches!(error(&["7", ""]), LmError::NestedOptions { option: 1, longer: 0 }));
    assert!(matches!(error(&[]), LmError::Setting { field: "options", .. }));
    let error = error(&["7", "x"]);
    assert!(matches!(&error, LmError::At { what: "option", index: 1, .. }), "{error}");
    assert!(error.remedy().is_some());
}

#[test]
fn a_special_token_that_the_tokenizer_lacks_is_named_before_anything_runs() {
    let world = World::byte_level();
    let specials = SPECIALS.map(String::from);
    let kind = CandleKind(Placement::cpu(Kernels::Cpu));
    kind.requires(world.path(), &specials).unwrap();
    // Weights are not needed to tell.
    std::fs::remove_file(world.path().join("model.safetensors")).unwrap();
    let more = [&specials[..], &["<|im_end|>".to_owned()]].concat();
    let error = kind.requires(world.path(), &more).unwrap_err();
    assert!(matches!(&error, LmError::MissingSpecial { token, .. } if token == "<|im_end|>"), "{error}");
    assert_eq!(error.class(), assay_lm::ErrorClass::User);
    let tokenizer = world.path().join("tokenizer.json");
    assert_eq!(error.to_string(), format!("{tokenizer} has no token \"<|im_end|>\""));
    assert!(error.remedy().is_some());
}

#[test]
fn what_is_wrong_with_a_request_or_a_row_is_said_with_its_index() {
    let world = World::embedded();
    let mut bad = requests(3);
    bad[2].prompt.push(part("é"));
    let tell = &mut |_: usize, _: Completion| ControlFlow::Continue(());
    let error = world.engine.generate(&bad, &sampling(5, &[]), &|| false, tell).unwrap_err();
    assert!(error.to_string().starts_with("request 2: "), "{error}");
    let error = world.engine.generate(&bad[..1], &sampling(5, &[""]), &|| false, tell).unwrap_err();
    assert!(matches!(error, LmError::Setting { field: "stop", .. }), "{error}");
    let rows = [vec![part("1"), loss("2")], vec![loss("1"), part("2")]];
    let error = world.engine.score(&rows, &|| false, &mut |_, _| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().starts_with("row 1: "), "{error}");
}

#[test]
fn an_engine_says_what_it_is() {
    let world = World::embedded();
    let isa = assay_lm::instruction_set();
    assert!(!isa.is_empty());
    let kind = CandleKind(Placement::cpu(Kernels::Cpu));
    let identity = format!("candle {}, cpu/f32/cpu-kernels, {isa}", assay_lm::VERSION);
    assert_eq!((kind.name(), kind.identity()), ("candle", identity));
    // What the kind says is what the engine is.
    let engine = kind.open(world.path(), &[], &|| false).unwrap();
    let is = Capabilities {
        generate: engine.generator().is_some(),
        score: engine.scorer().is_some(),
        choose: engine.chooser().is_some(),
    };
    assert_eq!(kind.capabilities(), is);
    let chosen = std::thread::scope(|scope| {
        let chosen = scope.spawn(|| engine.chooser().unwrap().choose(&[vec![part("1")]], &["7", "8"]));
        chosen.join().unwrap()
    });
    assert_eq!(chosen.unwrap().len(), 1);
}

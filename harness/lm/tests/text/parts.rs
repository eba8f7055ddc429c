//! Parts of a text, joined to rows.

use assay_lm::{ErrorClass, Family, Kernels, LmError, Model, Part, Scored, Tokenizer};

use crate::models::{lively, shape};
use crate::vocabularies::{byte_level, characters};

/// Texts in parts; the parts after `!` count for the loss.
fn parts<'a>(texts: &[&'a str]) -> Vec<Part<'a>> {
    let part = |text: &&'a str| match text.strip_prefix('!') {
        Some(text) => Part { text, loss: true },
        None => Part { text, loss: false },
    };
    texts.iter().map(part).collect()
}

fn model(tokenizer: Tokenizer) -> Model {
    Model::new(lively(&shape(Family::Qwen3, 280), 1, Kernels::Cpu).unwrap(), tokenizer).unwrap()
}

#[test]
fn no_token_reaches_over_the_border_of_two_parts() {
    let tokenizer = byte_level();
    let whole = tokenizer.encode("12").unwrap();
    assert_eq!(whole.len(), 1);
    let joined = tokenizer.join(&parts(&["1", "2"])).unwrap();
    assert_eq!(joined, [tokenizer.encode("1").unwrap(), tokenizer.encode("2").unwrap()].concat());
    assert!(tokenizer.join(&[]).unwrap().is_empty());
}

#[test]
fn the_loss_of_a_row_is_on_the_tokens_of_its_loss_parts() {
    let tokenizer = characters();
    let tokens = tokenizer.encode("<bos>1+2<think>12</think>3<eos>=").unwrap();
    for (texts, range) in [
        (&["<bos>1+2<think>", "!12</think>", "!3<eos>", "="][..], 5..10),
        (&["<bos>1+2<think>", "!12</think>", "", "!3<eos>", "!", "="], 5..10),
        (&["!", "<bos>", "!1+2<think>12</think>3<eos>="], 1..11),
        (&["<bos>1+2<think>12</think>3<eos>=", "!"], 11..11),
        (&["<bos>1+2<think>12</think>3<eos>="], 11..11),
    ] {
        let expected = Scored { tokens: tokens.clone(), range };
        assert_eq!(tokenizer.scored(&parts(texts)).unwrap(), expected, "{texts:?}");
    }
    let model = model(tokenizer);
    let example = model.example(&parts(&["<bos>1+2<think>", "!12</think>", "!3<eos>", "="])).unwrap();
    assert_eq!((example.tokens, example.supervised, example.weight), (tokens, 5..10, 1.0));
}

#[test]
fn rows_that_cannot_be_learned_from_are_errors_that_say_what_to_do() {
    let model = model(characters());
    let error = |texts: &[&str]| model.example(&parts(texts)).unwrap_err();
    assert!(matches!(error(&["1", "!2", "3", "!4"]), LmError::ScatteredLoss { part: 3 }));
    assert!(matches!(error(&["!2", "3"]), LmError::LossAtStart));
    assert!(matches!(error(&["", "!2"]), LmError::LossAtStart));
    assert!(matches!(error(&["2", "!", "3"]), LmError::NoLoss));
    assert!(matches!(error(&["2", "!x"]), LmError::UnknownCharacter { character: 'x', .. }));
    for texts in [&["1", "!2", "3", "!4"][..], &["!2"], &["2"], &[]] {
        let error = error(texts);
        assert_eq!(error.class(), ErrorClass::User);
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("loss")), "{error}");
        assert!(error.to_string().contains("loss"), "{error}");
    }
}

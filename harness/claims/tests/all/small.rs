//! A small table of invented numbers: three models, two groups, three benchmarks of twelve questions.

use std::collections::BTreeMap;

use assay_claims::scores::SampleScore;
use assay_claims::table::{ClaimLayout, Column, Evaluation, Group, Layout, Measurements, RowLayout};

/// The outcomes of a fixed sequence, the same on every machine.
struct Sequence(u64);

impl Sequence {
    /// The next number, in `[0, 1)`.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

fn column(id: &str, group: &str, benchmark: &str) -> Column {
    Column {
        id: id.into(),
        group: Some(group.into()),
        benchmark: Some(benchmark.into()),
        paper_questions: Some(30),
        paper_samples: Some(4),
        ..Column::default()
    }
}

fn pairs<const N: usize>(names: [&str; N], values: [&str; N]) -> BTreeMap<String, String> {
    names.into_iter().zip(values).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn row(id: &str, printed: [&str; 3], averages: [&str; 2]) -> RowLayout {
    RowLayout {
        stand_in: None,
        id: id.into(),
        label: id.to_uppercase(),
        model: Some(format!("the-{id}-model")),
        printed: pairs(["A", "B", "C"], printed),
        averages: pairs(["one", "two"], averages),
        ..RowLayout::default()
    }
}

pub(crate) fn claim(id: &str, expression: &str) -> ClaimLayout {
    ClaimLayout {
        id: id.into(),
        text: format!("claim {id}"),
        expression: expression.into(),
        primary: false,
        gates: Vec::new(),
    }
}

pub(crate) fn layout() -> Layout {
    let group = |id: &str, label: &str| Group { id: id.into(), label: label.into(), columns: Vec::new() };
    Layout {
        caption: "Three models.".into(),
        groups: vec![group("one", "One"), group("two", "Two")],
        columns: vec![column("A", "one", "a"), column("B", "one", "b"), column("C", "two", "c")],
        rows: vec![
            row("base", ["10.00", "20.83", "30.01"], ["15.42", "30.01"]),
            row("old", ["40.00", "50.00", "60.00"], ["45.00", "60.00"]),
            row("new", ["50.83", "60.00", "70.00"], ["57.00", "70.00"]),
        ],
        claims: vec![
            claim("1", "new.one > old.one"),
            claim("2", "new.C ~ old.C within 20"),
            claim("3", "new.two > base.two and old.two > base.two"),
            claim("4", "old.A < base.A"),
        ],
        ..Layout::default()
    }
}

/// Tokens of four samples a question, one to two dozens.
fn tokens(ids: &[String], at: f64) -> BTreeMap<String, Vec<u32>> {
    let least = 10 + (10.0 * at) as u32;
    let of = |index: usize| (0..4).map(|sample| least + (index as u32 * (sample + 1)) % 5).collect();
    ids.iter().enumerate().map(|(index, id)| (id.clone(), of(index))).collect()
}

/// Four samples a question, one of them without a verdict for each model and seed.
pub(crate) fn measurements() -> Measurements {
    let mut sequence = Sequence(7);
    let questions: BTreeMap<String, Vec<String>> = ["a", "b", "c"]
        .into_iter()
        .map(|name| (name.to_owned(), (0..12).map(|index| format!("{name}{index:02}")).collect()))
        .collect();
    let models: [(&str, &[Option<u64>], f64); 3] =
        [("base", &[None], 0.2), ("old", &[Some(1), Some(2)], 0.4), ("new", &[Some(1), Some(2)], 0.7)];
    let mut evaluations = Vec::new();
    for (model, seeds, skill) in models {
        for seed in seeds {
            let mut scores = BTreeMap::new();
            for (benchmark, ids) in &questions {
                let mut judged = BTreeMap::new();
                for id in ids {
                    let ease = 0.5 + sequence.next();
                    let samples =
                        (0..4).map(|_| SampleScore::from(sequence.next() < skill * ease)).collect::<Vec<_>>();
                    judged.insert(id.clone(), samples);
                }
                scores.insert(benchmark.clone(), judged);
            }
            scores.get_mut("b").unwrap().get_mut("b03").unwrap().pop();
            evaluations.push(Evaluation {
                model: format!("the-{model}-model"),
                seed: *seed,
                scores,
                tokens: questions
                    .iter()
                    .map(|(name, ids)| (name.clone(), tokens(ids, sequence.next())))
                    .collect(),
                failures: BTreeMap::from([("b".to_owned(), BTreeMap::from([("b03".to_owned(), 1)]))]),
            });
        }
    }
    let samples = questions.keys().map(|name| (name.clone(), 4)).collect();
    Measurements {
        questions,
        samples,
        evaluations,
        figures: Default::default(),
        sections: Vec::new(),
        notes: vec!["Small.".into()],
    }
}

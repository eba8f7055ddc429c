//! Baselines that learn from their own samples: GRPO on verdicts, and a teacher on the dense reward of RLT.
//!
//! Both draw a group of completions for each item of a step from the model as it stands, reward them, and make one
//! policy-gradient step with the advantages within each group. A group is used once, right after it was drawn, so the
//! ratio of new and old probabilities is 1 and its clipping never binds; there is no penalty for leaving a reference
//! model.

use std::sync::Arc;
use std::time::Duration;

use assay_data::{Demonstration, Dialect, Hint, Item, Segment};
use assay_flow::{InputSpec, ParamError, StepContext, StepError};
use assay_lm::train::{Checkpoints, Every, Example, Learner, Rewards, Unit};
use assay_lm::{CandleKind, EngineKind, Model, Request, Rollout, roll_out};
use assay_sandbox::{Judging, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::judge::{judged, judges};
use super::kind::{DEMONSTRATIONS, Kind, MODEL, MOST_ITEMS, bug, counts, dialect, in_pool, lm, too_few};
use super::train::{Training, write_model};
use crate::engines::{self, EngineParams, SamplingParams, Servers, parts};
use crate::inference::posterior::objective::Advantage;
use crate::inference::posterior::{AnswerLikelihood, LogRatio};
use crate::records;

/// Time between two checkpoints: what a kill can cost.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// The most completions of a group.
const MOST_IN_GROUP: u64 = 4096;

/// After so many steps, or all if there are fewer, some group must have had different rewards.
const STEPS_WITHOUT_REWARD: u64 = 25;

/// What both kinds take.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of the order of the items and of the random streams of all samples.
    seed: u64,
    /// How question, hint, thought and answer are laid out as text.
    dialect: Dialect,
    /// Where the policy sees the answer: `A` or `B`; left out where it sees the question alone.
    #[serde(default)]
    hint: Option<Hint>,
    /// How many of the teacher's items, from the first; all if left out.
    #[serde(default)]
    limit: Option<usize>,
    /// The optimiser's settings. A batch is a number of items; `dr-sft` divides token losses by the longest
    /// completion that is allowed, as Dr. GRPO does, and `per-response` by each completion's own length, as GRPO does.
    training: Training,
    /// Completions of an item, at least 2.
    group: u64,
    /// What the rewards of a group become.
    advantage: Advantage,
    /// How tokens are drawn. Temperature and `top_p` must be 1: the gradient is that of the distribution drawn from.
    sampling: SamplingParams,
    /// What computes: the policy on its placement, and what scores for it.
    engine: EngineParams,
}

/// `grpo`: a model folder, trained with rewards of 1 for a right answer and 0 for any other (group-relative policy
/// optimisation; Shao et al. 2024). The training log is beside the weights, with the mean reward of each step and the
/// share of groups that had both.
pub(crate) fn grpo(judging: Arc<Judging>) -> Kind<Params> {
    let about = "Trains a model on its own samples with verdicts as rewards, relative to each group";
    let facts = judges(&judging);
    Kind::new("grpo", 1, MODEL, about, move |params: &Params, context| {
        let form = &params.dialect;
        let policy = Policy {
            params,
            context,
            prompt: &|item| form.reasoner_prompt(item),
            stops: form.solution_stops(),
            reward: &|samples| by_verdict(context, &judging, form, samples),
        };
        policy.train("base", &[])
    })
    .inputs(const { &[InputSpec::one("base", MODEL), InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| match params.hint {
        Some(_) => Err(ParamError::of_key("hint", "is for kinds that see the answer; this one does not")),
        None => params.check(),
    })
    .facts(move |params, known| {
        let mut all = params.engine.facts(known);
        all.extend(facts.clone());
        all
    })
    .resources(|params| params.engine.resources(1, 500))
}

/// `rlt`: a posterior, trained by policy gradient on the dense reward of reinforcement-learning teachers (equation 34):
/// `log pi(y|x,z) - log q(z|x,y')/pi(z|x)`, whose mean is the evidence lower bound. A thought that did not end counts
/// as the worst of its group.
pub(crate) fn rlt() -> Kind<Params> {
    let about = "Trains a posterior on its own thoughts with the evidence lower bound as reward";
    Kind::new("rlt", 1, MODEL, about, |params: &Params, context| {
        let (form, hint) = (&params.dialect, params.hint.unwrap_or(Hint::B));
        let reasoner = engines::Model::of_input(
            context,
            "reasoner",
            &params.engine,
            &Servers::from([]),
            form.requires(),
        )?;
        let policy = Policy {
            params,
            context,
            prompt: &|item| form.posterior_prompt(hint, item, item.reference()),
            stops: form.posterior_stops(hint),
            reward: &|samples| by_evidence(form, &reasoner, samples),
        };
        policy.train("posterior", form.requires())
    })
    .inputs(
        const {
            &[
                InputSpec::one("posterior", MODEL).about("q_phi, from which training starts"),
                InputSpec::one("reasoner", MODEL).about("pi_theta0, which scores"),
                InputSpec::one("demonstrations", DEMONSTRATIONS),
            ]
        },
    )
    .check(|params, _| match params.hint {
        None => Err(ParamError::new("hint", "is missing, but the posterior sees the answer at `A` or `B`")),
        Some(_) => params.engine.check("score", |can| can.score).and(params.check()),
    })
    .facts(|params, known| params.engine.facts(known))
    .resources(|params| params.engine.resources(1, 500))
}

impl Params {
    fn check(&self) -> Result<(), ParamError> {
        let limit = self.limit.map(|limit| ("limit", limit as u64, MOST_ITEMS));
        counts(&limit.into_iter().chain([("group", self.group, MOST_IN_GROUP)]).collect::<Vec<_>>())?;
        if self.group < 2 {
            return Err(ParamError::new(
                "group",
                "is 1, but a reward is relative to those of others: at least 2",
            ));
        }
        self.training.check().map_err(|error| error.under("training"))?;
        self.sampling.check()?;
        self.sampling.check_unchanged()?;
        self.engine.placement()?;
        self.engine.check("generate", |can| can.generate)
    }
}

/// A sample with the item that it is for.
type Sample<'a> = (&'a Item, &'a Rollout);
/// What all samples of a step earned, group after group.
type RewardOf<'a> = dyn Fn(&[Sample<'_>]) -> Result<Vec<Earned>, StepError> + Send + Sync + 'a;
type PromptOf<'a> = dyn Fn(&Item) -> Result<Vec<Segment>, assay_data::DialectError> + Send + Sync + 'a;

/// What a sample earned.
#[derive(Clone, Copy)]
enum Earned {
    /// This reward.
    Reward(f64),
    /// The worst reward of its group.
    Worst,
    /// Nothing is known.
    Unknown,
}

/// The rewards of a group. Nothing is known of a group whose samples all earned the worst.
fn rewards_of(group: &[Earned]) -> Vec<Option<f64>> {
    let known = group.iter().filter_map(|earned| match earned {
        Earned::Reward(reward) => Some(*reward),
        Earned::Worst | Earned::Unknown => None,
    });
    let worst = known.reduce(f64::min);
    let reward = |earned: &Earned| match *earned {
        Earned::Reward(reward) => Some(reward),
        Earned::Worst => worst,
        Earned::Unknown => None,
    };
    group.iter().map(reward).collect()
}

/// A run of policy-gradient training.
struct Policy<'a, 'c> {
    params: &'a Params,
    context: &'a StepContext<'c>,
    prompt: &'a PromptOf<'a>,
    stops: Vec<String>,
    reward: &'a RewardOf<'a>,
}

impl Policy<'_, '_> {
    /// Trains the model of an input and writes it, with its log.
    fn train(&self, start: &str, required: &[String]) -> Result<(), StepError> {
        let Self { params, context, .. } = *self;
        let artifact = context.input(start)?;
        let placement = params.engine.placement().map_err(|error| StepError::user(error.to_string()))?;
        CandleKind(*placement).requires(&artifact.path, required).map_err(lm)?;
        let Model { decoder, tokenizer } = Model::load(&artifact.path, placement).map_err(lm)?;
        let items = self.items()?;
        let longest = params.sampling.max_new_tokens() as f64;
        let config = params.training.config(longest, params.seed);
        let data = context.input("demonstrations")?.hash.to_string();
        let dir = context.checkpoint()?;
        let sampling = params.sampling.sampling(params.seed, &params.dialect, self.stops.clone());
        let learner = in_pool(context, || {
            let (mut learner, _) =
                Learner::resume(decoder, items.len(), data.as_bytes(), config, &dir).map_err(lm)?;
            let total = learner.total_steps();
            while let Some((step, chosen)) = learner.chosen() {
                self.check_mixed(&learner)?;
                let chosen: Vec<&Item> = chosen.iter().map(|item| &items[*item]).collect();
                let draw = |requests: &[Request<'_>]| {
                    roll_out(learner.decoder(), &tokenizer, requests, &sampling, &|| context.cancelled())
                };
                let Some(rollouts) = self.roll_out(step, &chosen, draw)? else {
                    learner.save(&dir).map_err(lm)?;
                    return Err(StepError::cancelled());
                };
                let (units, rewards) = self.units(&chosen, rollouts)?;
                learner.learn(&units, Some(rewards)).map_err(lm)?;
                context.progress(step + 1, total, &format!("reward {:.3}", rewards.mean));
                learner
                    .save_if_due(Checkpoints { dir: &dir, every: Every::Elapsed(CHECKPOINT_INTERVAL) })
                    .map_err(lm)?;
            }
            self.check_mixed(&learner)?;
            Ok(learner)
        })?;
        let history = learner.history().to_vec();
        write_model(context, Model { decoder: learner.into_decoder(), tokenizer }, &history, 1)
    }

    /// Refuses a run in which no group had different rewards in its first steps: its gradient was zero, and nothing that
    /// it does later would change that.
    fn check_mixed(&self, learner: &Learner) -> Result<(), StepError> {
        let mixed = |rewards: Option<Rewards>| rewards.is_some_and(|rewards| rewards.mixed > 0.0);
        let (steps, all) = (learner.history().len() as u64, learner.total_steps());
        if steps < STEPS_WITHOUT_REWARD.min(all) || learner.history().iter().any(|stats| mixed(stats.rewards))
        {
            return Ok(());
        }
        Err(StepError::user(format!(
            "in the first {steps} of {all} steps no group of {} completions earned different rewards: there was nothing to learn from",
            self.params.group
        ))
        .remedy("start from a model that solves some of the items, take easier items, or larger groups"))
    }

    fn items(&self) -> Result<Vec<Item>, StepError> {
        let rows = records::stream::<Demonstration>(&self.context.input("demonstrations")?.path)?;
        let limit = self.params.limit;
        let items = rows.take(limit.unwrap_or(usize::MAX)).map(|row| Ok(row?.item));
        let items = items.collect::<Result<Vec<Item>, StepError>>()?;
        let least = limit.unwrap_or(1);
        if items.len() < least { Err(too_few(least, items.len())) } else { Ok(items) }
    }

    /// A group of completions for each chosen item; `None` when the run is to stop.
    fn roll_out(
        &self,
        step: u64,
        chosen: &[&Item],
        draw: impl Fn(&[Request<'_>]) -> assay_lm::Result<Option<Vec<Rollout>>>,
    ) -> Result<Option<Vec<Rollout>>, StepError> {
        let group = self.params.group;
        let prompts = chosen.iter().map(|item| (self.prompt)(item).map_err(dialect));
        let prompts = prompts.collect::<Result<Vec<_>, StepError>>()?;
        let requests: Vec<Request<'_>> = prompts
            .iter()
            // Later steps draw other completions for the same item.
            .flat_map(|prompt| {
                (0..group).map(move |i| Request { prompt: parts(prompt), index: step * group + i })
            })
            .collect();
        draw(&requests).map_err(lm)
    }

    /// What the samples of a step teach: a unit for each group, with the advantages as weights, averaged over the group.
    fn units(&self, chosen: &[&Item], rollouts: Vec<Rollout>) -> Result<(Vec<Unit>, Rewards), StepError> {
        let group = self.params.group as usize;
        let samples = chosen.iter().flat_map(|item| std::iter::repeat_n(*item, group)).zip(&rollouts);
        let all_earned = (self.reward)(&samples.collect::<Vec<_>>())?;
        let (mut units, mut earned, mut mixed) = (Vec::new(), Vec::new(), 0);
        let mut rollouts = rollouts.into_iter();
        for group in all_earned.chunks(group) {
            let rewards = rewards_of(group);
            let weights = self.params.advantage.weights(&rewards);
            mixed += usize::from(weights.iter().any(|weight| *weight != 0.0));
            earned.extend(rewards.iter().flatten());
            let weighted = |(weight, Rollout { example, .. })| Example { weight: weight as f32, ..example };
            units.push(weights.into_iter().zip(rollouts.by_ref()).map(weighted).collect());
        }
        let mean = earned.iter().sum::<f64>() / earned.len().max(1) as f64;
        Ok((units, Rewards { mean, mixed: mixed as f64 / chosen.len().max(1) as f64 }))
    }
}

/// 1 for a right answer, 0 for a wrong one and for a reply without an answer; nothing where the judge failed.
fn by_verdict(
    context: &StepContext<'_>,
    judging: &Judging,
    form: &Dialect,
    samples: &[Sample<'_>],
) -> Result<Vec<Earned>, StepError> {
    let answers = samples.iter().map(|(item, Rollout { completion, .. })| {
        let solution = form.read_solution(&completion.text, completion.stop.as_deref()).ok();
        (*item, solution.map(|(_, answer)| answer))
    });
    let verdicts = judged(context, judging, &answers.collect::<Vec<_>>(), &|_, _| {})?;
    let earned = |verdict| match verdict {
        Verdict::Pass => Earned::Reward(1.0),
        Verdict::JudgeFailure => Earned::Unknown,
        _ => Earned::Reward(0.0),
    };
    Ok(verdicts.into_iter().map(earned).collect())
}

/// `log pi(y|x,z) - log q(z|x,y')/pi(z|x)` of each thought; the worst of its group for one that did not end.
fn by_evidence(
    form: &Dialect,
    reasoner: &engines::Model,
    samples: &[Sample<'_>],
) -> Result<Vec<Earned>, StepError> {
    let read = |(at, (item, rollout)): (usize, &Sample<'_>)| {
        let Rollout { completion, .. } = rollout;
        let thought = form.read_thought(&completion.text, completion.stop.as_deref()).ok()?;
        Some((at, form.thought_row(item, thought), form.answer_row(item, thought, item.reference())))
    };
    let mut rows = Vec::new();
    let mut places = Vec::new();
    for (at, thought, answer) in samples.iter().enumerate().filter_map(read) {
        places.push(at);
        rows.extend([thought.map_err(dialect)?, answer.map_err(dialect)?]);
    }
    let scores = reasoner.score_now(&rows)?;
    let (pairs, _) = scores.as_chunks::<2>();
    let mut earned = vec![Earned::Worst; samples.len()];
    for (at, [thought, answer]) in places.into_iter().zip(pairs) {
        let ratio = LogRatio::of(thought, &samples[at].1.log_probs).map_err(bug)?;
        earned[at] = Earned::Reward(AnswerLikelihood::of(answer).map_err(bug)?.sum + ratio.sum);
    }
    Ok(earned)
}

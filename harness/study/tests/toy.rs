//! Two questions with four traces each, small enough to enumerate: every formula of the method against exact
//! values and against the identities that the paper derives.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_study::inference::posterior::Advantage;
use assay_study::inference::posterior::finite::{kl, policy_gradient};
use assay_study::inference::posterior::trace::variance;
use assay_study::inference::posterior::weights::{phi_forward_coefficients, theta_coefficients};
use assay_study::inference::posterior::{FallbackReason, FiniteQuestion, FormatReward, Objective, Weights};

const LENGTHS: [usize; 4] = [1, 2, 3, 4];
/// Bounds are compared at K = 1, 2, 4, ... 32.
const TRACES: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// A question: `pi(z|x)`, `q(z|x,y')`, and `pi(y|x,z)` for five answers of which the first two are correct
/// and the first four well-formed.
struct Toy {
    pi: [f64; 4],
    q: [f64; 4],
    answers: [[f64; 5]; 4],
}

const EASY: Toy = Toy {
    pi: [0.5, 0.3, 0.15, 0.05],
    q: [0.4, 0.3, 0.2, 0.1],
    answers: [
        [0.60, 0.20, 0.10, 0.05, 0.05],
        [0.40, 0.30, 0.10, 0.10, 0.10],
        [0.10, 0.10, 0.30, 0.30, 0.20],
        [0.05, 0.05, 0.30, 0.30, 0.30],
    ],
};

const HARD: Toy = Toy {
    pi: [0.6, 0.25, 0.1, 0.05],
    q: [0.1, 0.2, 0.3, 0.4],
    answers: [
        [0.01, 0.01, 0.50, 0.28, 0.20],
        [0.05, 0.05, 0.40, 0.30, 0.20],
        [0.30, 0.10, 0.30, 0.20, 0.10],
        [0.70, 0.20, 0.05, 0.03, 0.02],
    ],
};

impl Toy {
    fn mass(&self, answers: usize) -> Vec<f64> {
        self.answers.iter().map(|row| row[..answers].iter().sum()).collect()
    }

    fn success(&self) -> Vec<f64> {
        self.mass(2)
    }

    fn question(&self) -> FiniteQuestion {
        self.with_proposal(&self.q)
    }

    fn with_proposal(&self, q: &[f64]) -> FiniteQuestion {
        FiniteQuestion::new(self.pi.to_vec(), q.to_vec(), self.success()).unwrap()
    }
}

/// Expected values are printed to six digits.
#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 6e-7, "{what}: found {found:?}, expected {expected:?}");
    }
}

#[track_caller]
fn equal(what: &str, left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len(), "{what}: {left:?}");
    for (l, r) in left.iter().zip(right) {
        assert!((l - r).abs() < 1e-9, "{what}: {left:?} and {right:?}");
    }
}

fn normalised(rho: &[f64]) -> Vec<f64> {
    theta_coefficients(&rho.iter().map(|r| r.ln()).collect::<Vec<_>>())
}

#[test]
fn marginal_and_posterior() {
    close("a, easy", &EASY.success(), &[0.8, 0.7, 0.2, 0.1]);
    close("a, hard", &HARD.success(), &[0.02, 0.1, 0.4, 0.9]);
    let (easy, hard) = (EASY.question(), HARD.question());
    close("P, easy", &[easy.marginal(), easy.marginal().ln()], &[0.645, -0.438505]);
    close("P, hard", &[hard.marginal(), hard.marginal().ln()], &[0.122, -2.103734]);
    close("posterior, easy", &easy.posterior(), &[0.620155, 0.325581, 0.046512, 0.007752]);
    close("posterior, hard", &hard.posterior(), &[0.098361, 0.204918, 0.327869, 0.368852]);
}

#[test]
fn evidence_lower_bound_in_its_forms() {
    for (toy, elbo, reverse, forward) in
        [(EASY, -0.786000, 0.347495, 0.210917), (HARD, -2.106306, 0.002572, 0.002575)]
    {
        let question = toy.question();
        let posterior = question.posterior();
        let divergences = [kl(&toy.q, &posterior), kl(&posterior, &toy.q)];
        close("divergences", &divergences, &[reverse, forward]);
        close("ELBO, equation 4", &[question.elbo()], &[elbo]);
        equal("ELBO = log P - KL", &[question.elbo()], &[question.marginal().ln() - divergences[0]]);
        // Equation 13: the expected log of the single-trace weight.
        let joint: f64 = toy.q.iter().zip(question.rho()).map(|(q, rho)| q * rho.ln()).sum();
        equal("ELBO = E log rho", &[question.elbo()], &[joint]);
    }
}

#[test]
fn trace_weights() {
    let (easy, hard) = (EASY.question(), HARD.question());
    close("rho, easy", &easy.rho(), &[1.0, 0.7, 0.15, 0.05]);
    close("rho, hard", &hard.rho(), &[0.12, 0.125, 0.133333, 0.1125]);
    close("rho~, easy", &normalised(&easy.rho()), &[0.526316, 0.368421, 0.078947, 0.026316]);
    close("rho~, hard", &normalised(&hard.rho()), &[0.244482, 0.254669, 0.271647, 0.229202]);
    let (easy, hard) = (easy.rho_per_token(&LENGTHS), hard.rho_per_token(&LENGTHS));
    close("per token, easy", &easy, &[1.0, 0.7, 0.181712, 0.084090]);
    close("per token, hard", &hard, &[0.12, 0.111803, 0.277345, 0.535143]);
    close("per token, normalised, easy", &normalised(&easy), &[0.508698, 0.356089, 0.092437, 0.042776]);
    close("per token, normalised, hard", &normalised(&hard), &[0.114910, 0.107062, 0.265582, 0.512446]);
}

#[test]
fn the_geometric_mean_is_another_objective() {
    let question = HARD.question();
    let (full, per_token) = (question.rho(), question.rho_per_token(&LENGTHS));
    let worst = |rho: &[f64]| (0..4).min_by(|&a, &b| rho[a].total_cmp(&rho[b]));
    let best = |rho: &[f64]| (0..4).max_by(|&a, &b| rho[a].total_cmp(&rho[b]));
    assert_eq!(worst(&full), Some(3), "the full ratio ranks the most accurate trace last");
    assert_eq!(best(&per_token), Some(3), "the per-token ratio ranks it first");
}

#[test]
fn multi_trace_bounds() {
    let bounds = |question: &FiniteQuestion| TRACES.map(|k| question.multi_trace_bound(k)).to_vec();
    let easy_q = [-0.786000, -0.570671, -0.489236, -0.460958, -0.449176, -0.443717];
    let hard_q = [-2.106306, -2.105024, -2.104379, -2.104057, -2.103896, -2.103815];
    let easy_pi = [-0.575119, -0.487869, -0.458733, -0.447800, -0.442979, -0.440702];
    let hard_pi = [-3.019757, -2.730510, -2.480111, -2.304504, -2.203234, -2.152186];
    close("easy, q", &bounds(&EASY.question()), &easy_q);
    close("hard, q", &bounds(&HARD.question()), &hard_q);
    close("easy, pi", &bounds(&EASY.with_proposal(&EASY.pi)), &easy_pi);
    close("hard, pi", &bounds(&HARD.with_proposal(&HARD.pi)), &hard_pi);
}

/// Identity 1: the bound grows with K, never passes log P, and meets it for the posterior.
#[test]
fn the_bound_grows_towards_the_evidence() {
    for toy in [EASY, HARD] {
        let question = toy.question();
        let evidence = question.marginal().ln();
        let mut previous = f64::NEG_INFINITY;
        for k in 1..=32 {
            let bound = question.multi_trace_bound(k);
            assert!(
                bound > previous && bound < evidence,
                "K = {k}: {bound} after {previous}, log P = {evidence}"
            );
            previous = bound;
        }
        let perfect = toy.with_proposal(&question.posterior());
        for k in TRACES {
            equal("posterior as proposal", &[perfect.multi_trace_bound(k)], &[evidence]);
        }
    }
}

/// A proposal pays where P is small, and need not pay where it is large.
#[test]
fn a_better_proposal_matters_on_hard_questions() {
    assert!(HARD.question().multi_trace_bound(1) > HARD.with_proposal(&HARD.pi).multi_trace_bound(32));
    for k in TRACES {
        assert!(EASY.question().multi_trace_bound(k) < EASY.with_proposal(&EASY.pi).multi_trace_bound(k));
    }
}

#[test]
fn gradients_of_the_two_trace_bound() {
    let (easy, hard) = (EASY.question(), HARD.question());
    close("theta, easy", &easy.theta_gradient(2), &[0.016497, 0.043647, -0.037954, -0.022190]);
    close("theta, hard", &hard.theta_gradient(2), &[-0.500697, -0.047317, 0.213684, 0.334330]);
    close("phi, easy", &easy.phi_reverse_gradient(2), &[0.160944, 0.034020, -0.118872, -0.076092]);
    close("phi, hard", &hard.phi_reverse_gradient(2), &[-0.000822, 0.002469, 0.013978, -0.015625]);
}

/// Moves one logit of a categorical distribution by `step`.
fn nudge(p: &[f64], z: usize, step: f64) -> Vec<f64> {
    let mut moved = p.to_vec();
    moved[z] *= step.exp();
    let total: f64 = moved.iter().sum();
    moved.iter().map(|v| v / total).collect()
}

fn central_difference(p: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-5;
    (0..p.len()).map(|z| (f(&nudge(p, z, step)) - f(&nudge(p, z, -step))) / (2.0 * step)).collect()
}

/// Identity 3: equations 6 and A.2 against central differences.
#[test]
fn gradients_agree_with_central_differences() {
    for toy in [EASY, HARD] {
        for traces in [1, 2, 3, 5] {
            let bound = |pi: &[f64], q: &[f64]| {
                FiniteQuestion::new(pi.to_vec(), q.to_vec(), toy.success()).unwrap().multi_trace_bound(traces)
            };
            let theta = central_difference(&toy.pi, |pi| bound(pi, &toy.q));
            let phi = central_difference(&toy.q, |q| bound(&toy.pi, q));
            for (exact, numeric) in [
                (toy.question().theta_gradient(traces), theta),
                (toy.question().phi_reverse_gradient(traces), phi),
            ] {
                for (e, n) in exact.iter().zip(&numeric) {
                    assert!((e - n).abs() < 1e-8, "K = {traces}: {exact:?} and {numeric:?}");
                }
            }
        }
    }
}

/// Identity 4: weights sum to 1; with nothing correct there is a defined answer and no NaN.
#[test]
fn weights_sum_to_one_and_zero_over_zero_is_defined() {
    for toy in [EASY, HARD] {
        let weights = normalised(&toy.question().rho());
        equal("sum", &[weights.iter().sum()], &[1.0]);
    }
    let hopeless = FiniteQuestion::new(EASY.pi.to_vec(), EASY.q.to_vec(), vec![0.0; 4]).unwrap();
    let log_rho: Vec<_> = hopeless.rho().iter().map(|r| Some(r.ln())).collect();
    assert_eq!(Weights::normalise(&log_rho), Weights::Fallback { reason: FallbackReason::AllZero });
    assert_eq!(phi_forward_coefficients(&[0.0; 4]), None);
    assert_eq!(hopeless.theta_gradient(2), vec![0.0; 4]);
    assert_eq!(hopeless.phi_reverse_gradient(2), vec![0.0; 4]);
    assert_eq!(hopeless.phi_forward_step(2), vec![0.0; 4]);
    assert_eq!(hopeless.multi_trace_bound(2), f64::NEG_INFINITY);
}

/// Identity 7: one trace gives the plain ELBO; traces from pi give the normalised VeriFree weights.
#[test]
fn one_trace_is_the_elbo_and_q_equal_to_pi_is_verifree() {
    for (toy, expected) in [(EASY, [0.5, 0.4375, 0.0625]), (HARD, [0.019608, 0.098039, 0.882353])] {
        let question = toy.question();
        equal("bound", &[question.multi_trace_bound(1)], &[question.elbo()]);
        // Equation 27: theta ascends E_q[log pi(z)], that is q - pi; phi ascends the ELBO as a policy
        // gradient.
        let difference: Vec<f64> = toy.q.iter().zip(&toy.pi).map(|(q, p)| q - p).collect();
        equal("theta", &question.theta_gradient(1), &difference);
        let elbo = policy_gradient(&toy.q, &question.reverse_kl_reward());
        equal("phi", &question.phi_reverse_gradient(1), &elbo);
        // Equation 26, for the draw z = (0, 1, 3).
        let rho = toy.with_proposal(&toy.pi).rho();
        close("VeriFree", &normalised(&[rho[0], rho[1], rho[3]]), &expected);
        equal("rho = a", &rho, &toy.success());
    }
}

#[test]
fn forward_kl_steps_and_their_bias() {
    let (easy, hard) = (EASY.question(), HARD.question());
    close("limit, easy", &easy.phi_forward_limit(), &[0.220155, 0.025581, -0.153488, -0.092248]);
    close("limit, hard", &hard.phi_forward_limit(), &[-0.001639, 0.004918, 0.027869, -0.031148]);
    close("M = 2, easy", &easy.phi_forward_step(2), &[0.174444, 0.026250, -0.117500, -0.083194]);
    close("M = 2, hard", &hard.phi_forward_step(2), &[0.317019, 0.125000, -0.132637, -0.309381]);
    // The update ascends: its limit is the negative gradient of KL(posterior || q).
    for toy in [EASY, HARD] {
        let question = toy.question();
        let posterior = question.posterior();
        let gradient = central_difference(&toy.q, |q| -kl(&posterior, q));
        for (limit, numeric) in question.phi_forward_limit().iter().zip(gradient) {
            assert!((limit - numeric).abs() < 1e-8);
        }
    }
    // With few traces per success the fixed point of equation 9 stays near pi; more traces remove the bias.
    let distance = |traces: usize| {
        let step = hard.phi_forward_step(traces);
        step.iter().zip(hard.phi_forward_limit()).map(|(s, l)| (s - l).abs()).sum::<f64>()
    };
    assert!(distance(2) > 0.7 && distance(32) < 0.2, "{} and {}", distance(2), distance(32));
}

/// Identity 6: rejection sampling, binary rewards and group-relative rewards rescale the same direction.
#[test]
fn question_weights_of_related_objectives() {
    for (toy, gradient, p, grpo) in [
        (EASY, [0.077500, 0.016500, -0.066750, -0.027250], 0.645, 1.347925),
        (HARD, [-0.061200, -0.005500, 0.027800, 0.038900], 0.122, 0.372763),
    ] {
        let question = toy.question();
        let reinforce = policy_gradient(&toy.pi, &toy.success());
        close("binary reward", &reinforce, &gradient);
        let direction: Vec<f64> =
            question.posterior().iter().zip(&toy.pi).map(|(post, pi)| post - pi).collect();
        let scaled = |weight: f64| direction.iter().map(|d| weight * d).collect::<Vec<_>>();
        let marginal = question.marginal();
        equal("P (posterior - pi)", &reinforce, &scaled(Objective::BinaryReward.question_weight(marginal)));
        // Rejection sampling maximises E[a log pi], whose gradient in the logits is P (posterior - pi) as
        // well.
        let rejection = central_difference(&toy.pi, |pi| {
            toy.pi.iter().zip(toy.success()).zip(pi).map(|((old, a), new)| old * a * new.ln()).sum()
        });
        let expected = scaled(Objective::RejectionSampling.question_weight(marginal));
        rejection.iter().zip(expected).for_each(|(r, e)| assert!((r - e).abs() < 1e-8));
        // The group-relative reward is the binary one, standardised: sd = sqrt(P (1 - P)).
        let sd = (marginal * (1.0 - marginal)).sqrt();
        let advantage: Vec<f64> = toy.success().iter().map(|a| (a - marginal) / sd).collect();
        let clip = 1.0 / 64.0;
        equal(
            "sqrt(P / (1 - P)) (posterior - pi)",
            &policy_gradient(&toy.pi, &advantage),
            &scaled(Objective::Grpo { clip }.question_weight(marginal)),
        );
        let weights = [
            Objective::MaximumLikelihood.question_weight(p),
            Objective::RejectionSampling.question_weight(p),
            Objective::Grpo { clip }.question_weight(p),
        ];
        close("weights", &weights, &[1.0, p, grpo]);
    }
}

/// The group formula diverges where a finite group has nothing to learn from.
#[test]
fn a_uniform_group_has_no_gradient_although_the_formula_diverges() {
    assert_eq!(Advantage::Normalised.of(&[1.0; 8]), vec![0.0; 8]);
    assert_eq!(Advantage::Normalised.of(&[0.0; 8]), vec![0.0; 8]);
    let clip = 1.0 / 64.0;
    assert!(Objective::Grpo { clip: f64::MIN_POSITIVE }.question_weight(1.0) > 1e7);
    close("clipped", &[Objective::Grpo { clip }.question_weight(1.0)], &[63f64.sqrt()]);
    close("one of four", &Advantage::Normalised.of(&[1.0, 0.0, 0.0, 0.0])[..1], &[3f64.sqrt()]);
}

/// The expectation over all groups of `size` of draws (probability, reward, trace) of what the product's weights make of
/// them: the policy gradient with respect to the logits of the traces.
fn expected_over_groups(
    advantage: Advantage,
    size: u32,
    logits_of: &[f64],
    draws: &[(f64, f64, usize)],
) -> Vec<f64> {
    let mut expected = vec![0.0; logits_of.len()];
    for number in 0..draws.len().pow(size) {
        let group: Vec<(f64, f64, usize)> =
            (0..size).map(|place| draws[number / draws.len().pow(place) % draws.len()]).collect();
        let probability: f64 = group.iter().map(|(probability, _, _)| probability).product();
        let rewards: Vec<Option<f64>> = group.iter().map(|(_, reward, _)| Some(*reward)).collect();
        for (weight, (_, _, trace)) in advantage.weights(&rewards).into_iter().zip(&group) {
            for (z, (sum, p)) in expected.iter_mut().zip(logits_of).enumerate() {
                *sum += probability * weight * (f64::from(z == *trace) - p);
            }
        }
    }
    expected
}

/// Steps of GRPO as they are made: centred advantages give the gradient of the expected reward times (n - 1) / n;
/// normalised ones a question weight that tends to that of equation 12 as groups grow.
#[test]
fn groups_of_samples_give_the_gradients_of_the_paper() {
    for toy in [EASY, HARD] {
        let right = |z: usize, y: usize| (toy.pi[z] * toy.answers[z][y], f64::from(y < 2), z);
        let draws: Vec<_> = (0..4).flat_map(|z| (0..5).map(move |y| right(z, y))).collect();
        let posterior = toy.question().posterior();
        let p: f64 = toy.pi.iter().zip(toy.success()).map(|(pi, a)| pi * a).sum();
        let towards = |weight: f64| -> Vec<f64> {
            posterior.iter().zip(toy.pi).map(|(post, pi)| weight * (post - pi)).collect()
        };
        for size in [2, 3] {
            let n = f64::from(size);
            let centred = expected_over_groups(Advantage::Centred, size, &toy.pi, &draws);
            equal("centred", &centred, &towards(p * (n - 1.0) / n));
            // With k of n right: a right sample weighs sqrt((n - k) / k) / n, a wrong one -sqrt(k / (n - k)) / n.
            let choose = |k: u32| (0..k).map(|i| (n - f64::from(i)) / f64::from(i + 1)).product::<f64>();
            let weight = |k: u32| {
                let right = f64::from(k);
                choose(k) * p.powf(right) * (1.0 - p).powf(n - right) * (right * (n - right)).sqrt()
            };
            let expected = (0..=size).map(weight).sum::<f64>() / (n * (1.0 - p));
            let normalised = expected_over_groups(Advantage::Normalised, size, &toy.pi, &draws);
            equal("normalised", &normalised, &towards(expected));
        }
    }
}

/// Steps of RLT as they are made: centred advantages of the dense reward give the gradient of the evidence lower bound.
#[test]
fn groups_of_thoughts_give_the_gradient_of_the_bound() {
    for toy in [EASY, HARD] {
        let question = toy.question();
        let reward = question.reverse_kl_reward();
        let draws: Vec<_> = (0..4).map(|z| (toy.q[z], reward[z], z)).collect();
        let gradient: Vec<f64> =
            policy_gradient(&toy.q, &reward).iter().map(|exact| exact * 2.0 / 3.0).collect();
        equal("centred", &expected_over_groups(Advantage::Centred, 3, &toy.q, &draws), &gradient);
    }
}

/// A sample without a reward is not in its group.
#[test]
fn a_sample_without_a_reward_teaches_nothing() {
    let weights = Advantage::Centred.weights(&[Some(1.0), None, Some(0.0)]);
    assert_eq!(weights, [0.25, 0.0, -0.25]);
    assert_eq!(Advantage::Normalised.weights(&[Some(0.1 + 0.2), Some(0.1 + 0.2), None]), [0.0; 3]);
    assert_eq!(Advantage::Normalised.weights(&[None, Some(1.0)]), [0.0; 2]);
}

/// Identity 8: the expected reverse-KL reward is the ELBO, and its policy gradient is the ELBO's.
#[test]
fn reverse_kl_as_a_dense_reward() {
    for (toy, reward, gradient) in [
        (EASY, [0.0, -0.356675, -1.897120, -2.995732], [0.314400, 0.128797, -0.222224, -0.220973]),
        (HARD, [-2.120264, -2.079442, -2.014903, -2.184802], [-0.001396, 0.005373, 0.027421, -0.031398]),
    ] {
        let question = toy.question();
        close("reward", &question.reverse_kl_reward(), &reward);
        let expected: f64 = toy.q.iter().zip(question.reverse_kl_reward()).map(|(q, r)| q * r).sum();
        equal("E_q[reward]", &[expected], &[question.elbo()]);
        let policy = policy_gradient(&toy.q, &question.reverse_kl_reward());
        close("policy gradient", &policy, &gradient);
        let numeric = central_difference(&toy.q, |q| toy.with_proposal(q).elbo());
        policy.iter().zip(numeric).for_each(|(p, n)| assert!((p - n).abs() < 1e-8));
    }
}

/// Identity 5: Theorem 1, with the case in which the accuracy estimator is the worse one.
#[test]
fn worst_case_variances() {
    for (toy, expected, accuracy_wins) in
        [(EASY, [0.16, 0.64, 0.16], true), (HARD, [0.0, 0.0004, 0.0196], false)]
    {
        let correct = &toy.answers[0][..2];
        let p: f64 = correct.iter().sum();
        let worst = variance::worst_likelihood(p, 2);
        close("variances", &[variance::likelihood(correct), worst, variance::accuracy(p)], &expected);
        equal("attained on one answer", &[variance::likelihood(&[p, 0.0])], &[worst]);
        assert!(variance::likelihood(correct) <= worst);
        assert_eq!(worst >= variance::accuracy(p), accuracy_wins);
        assert_eq!(p >= 1.0 / 2.0, accuracy_wins);
    }
}

#[test]
fn rewards_with_a_format_term() {
    let reward = FormatReward { alpha: 1.0, beta: 0.2, gamma: 0.0 };
    for (toy, share, gradient) in [
        (EASY, 0.9, [0.067000, 0.013200, -0.056400, -0.023800]),
        (HARD, 0.819, [-0.051240, -0.005350, 0.023860, 0.032730]),
    ] {
        let format = toy.mass(4);
        let marginal: f64 = toy.pi.iter().zip(&format).map(|(p, f)| p * f).sum();
        close("P_format", &[marginal], &[share]);
        let expected: Vec<f64> =
            toy.success().iter().zip(&format).map(|(&a, &f)| reward.expected(a, f)).collect();
        close("gradient", &policy_gradient(&toy.pi, &expected), &gradient);
    }
}

#[test]
fn the_posterior_is_the_behaviour_of_least_variance() {
    for (toy, under_pi, under_q) in [(EASY, 0.057475, 0.135725), (HARD, 0.044356, 0.000077)] {
        let question = toy.question();
        let posterior = question.posterior();
        let found = [toy.pi.to_vec(), toy.q.to_vec(), posterior].map(|b| question.behaviour_variance(&b));
        close("variances", &found, &[under_pi, under_q, 0.0]);
    }
}

//! How engines and sampling are written in recipes.

use std::sync::Arc;

use assay_data::Dialect;
use assay_fetch::Server;
use assay_flow::{Facts, ParamError, Resources};
use assay_lm::Placement;
use assay_lm::engine::{CandleKind, Capabilities, EndpointKind, EngineKind, Sampling, ServerKind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::steps::kind::{counts, float_facts, placed, within};

/// The highest temperature: from here on all tokens are nearly equally likely.
const MOST_TEMPERATURE: f64 = 100.0;
/// The longest completion: a million tokens, as the longest contexts have.
const MOST_NEW_TOKENS: u64 = 1 << 20;
/// What steps hold that ask a server: one of them at a time.
const ENDPOINT: &str = "endpoint";

/// The servers that the user named.
pub(crate) type Servers = Arc<[Server]>;

/// Which engine a step uses and where it computes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineParams {
    kind: EngineName,
    /// Where `candle` computes: device, float type, kernels.
    #[serde(default)]
    placement: Option<Placement>,
    /// What kind of server `endpoint` asks. Where it is, the user says at each run.
    #[serde(default)]
    server: Option<ServerKind>,
}

/// The engines by name. What each of them can do, and how it is opened, is said by its kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum EngineName {
    /// The decoder of this program.
    Candle,
    /// A server, which has the model.
    Endpoint,
}

impl EngineParams {
    /// The engine's kind, with its settings.
    pub(crate) fn kind(&self, servers: &Servers) -> Result<Box<dyn EngineKind>, ParamError> {
        match (self.kind, self.server) {
            (EngineName::Candle, None) => Ok(Box::new(CandleKind(*self.placement()?))),
            (EngineName::Candle, Some(_)) => Err(ParamError::of_key("engine.server", "is for `endpoint`")),
            (EngineName::Endpoint, None) => {
                Err(ParamError::new("engine", "needs `server`, the kind of the server"))
            }
            (EngineName::Endpoint, Some(_)) if self.placement.is_some() => {
                Err(ParamError::of_key("engine.placement", "is for `candle`: a server computes where it is"))
            }
            (EngineName::Endpoint, Some(server)) => {
                Ok(Box::new(EndpointKind { server, servers: Arc::clone(servers) }))
            }
        }
    }

    /// Refuses an engine that cannot do what a step needs of it.
    pub(crate) fn check(&self, need: &str, can: impl Fn(Capabilities) -> bool) -> Result<(), ParamError> {
        let kind = self.kind(&Servers::from([]))?;
        if !can(kind.capabilities()) {
            let name = match self.server {
                Some(server) => format!("`{}` with a server of the kind `{server}`", kind.name()),
                None => format!("`{}`", kind.name()),
            };
            let message = format!("{name} cannot {need}, which this step needs");
            return Err(ParamError::new("engine.kind", message));
        }
        let check = |placement: &Placement| placement.check();
        let checked = self.placement.as_ref().map_or(Ok(()), check);
        checked.map_err(|error| ParamError::new("engine.placement", error.to_string()))
    }

    /// Where the engine of this program computes, which alone trains.
    pub(crate) fn placement(&self) -> Result<&Placement, ParamError> {
        match (self.kind, &self.placement) {
            (EngineName::Candle, Some(placement)) => Ok(placement),
            (EngineName::Candle, None) => {
                Err(ParamError::new("engine", "needs `placement`: device, float type and kernels"))
            }
            (EngineName::Endpoint, _) => {
                Err(ParamError::new("engine.kind", "is `endpoint`, which cannot train"))
            }
        }
    }

    /// The facts that change its results.
    pub(crate) fn facts(&self, known: &Facts) -> Facts {
        self.placement.as_ref().map_or_else(Facts::new, |placement| float_facts(placement, known))
    }

    /// What its work needs: `threads` and `memory_mb` where this machine does it.
    pub(crate) fn resources(&self, threads: usize, memory_mb: u64) -> Resources {
        match &self.placement {
            Some(placement) => placed(placement, threads, memory_mb),
            // Prompts and answers of requests in flight, as JSON.
            None => Resources { threads: 1, memory_mb: 1000, device: Some(ENDPOINT.to_owned()) },
        }
    }
}

/// How tokens are drawn, as a scale gives it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplingParams {
    /// Divides the logits, at most 100; 0 takes the likeliest token.
    temperature: f64,
    /// Share of probability, above 0 and at most 1, that the likeliest tokens must reach; others are never
    /// drawn.
    top_p: f64,
    /// The most tokens of a completion, at most 1,048,576.
    max_new_tokens: usize,
}

impl SamplingParams {
    /// Refuses settings with which nothing can be drawn.
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        within(&[
            ("temperature", self.temperature, 0.0..=MOST_TEMPERATURE),
            ("top_p", self.top_p, f64::MIN_POSITIVE..=1.0),
        ])
        .and(counts(&[("max_new_tokens", self.max_new_tokens as u64, MOST_NEW_TOKENS)]))
        .map_err(|error| error.under("sampling"))
    }

    /// Refuses settings that draw from another distribution than the model's own.
    pub(crate) fn check_unchanged(&self) -> Result<(), ParamError> {
        within(&[("temperature", self.temperature, 1.0..=1.0), ("top_p", self.top_p, 1.0..=1.0)])
            .map_err(|error| error.under("sampling"))
    }

    /// The most tokens of a completion.
    pub(crate) fn max_new_tokens(&self) -> usize {
        self.max_new_tokens
    }

    /// With what ends a completion in a dialect.
    pub(crate) fn sampling(&self, seed: u64, dialect: &Dialect, stop: Vec<String>) -> Sampling {
        let Self { temperature, top_p, max_new_tokens } = *self;
        let ignore_eos = dialect.ignores_end_of_sequence();
        Sampling { temperature, top_p, max_new_tokens, stop, ignore_eos, seed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_lm::Kernels;

    /// The checks of the steps' parameters, which a plan makes: what an engine cannot do is refused by its kind,
    /// without a model and without a server.
    #[test]
    fn what_an_engine_cannot_do_is_refused_by_its_kind() {
        let engine = |kind, server| EngineParams {
            kind,
            placement: (kind == EngineName::Candle).then(|| Placement::cpu(Kernels::Cpu)),
            server,
        };
        let candle = engine(EngineName::Candle, None);
        let llama = engine(EngineName::Endpoint, Some(ServerKind::LlamaCpp));
        let vllm = engine(EngineName::Endpoint, Some(ServerKind::Vllm));
        let score = |engine: &EngineParams| engine.check("score", |can| can.score);
        let message = |result: Result<(), ParamError>| result.err().map(|error| error.to_string());
        let refusal = "`engine.kind`: `endpoint` with a server of the kind `llama.cpp` cannot score, which this step needs";
        assert_eq!(message(score(&llama)).as_deref(), Some(refusal));
        assert_eq!((score(&candle), score(&vllm)), (Ok(()), Ok(())));
        for engine in [&candle, &llama, &vllm] {
            assert_eq!(engine.check("generate", |can| can.generate), Ok(()));
        }
        assert!(candle.placement().is_ok());
        let refusal = "`engine.kind`: is `endpoint`, which cannot train";
        assert_eq!(message(vllm.placement().map(drop)).as_deref(), Some(refusal));
    }

    #[test]
    fn settings_of_another_engine_are_refused() {
        let given = |kind, placement: Option<Placement>, server| {
            let refused = EngineParams { kind, placement, server }.check("generate", |can| can.generate);
            refused.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let placement = Some(Placement::cpu(Kernels::Cpu));
        assert_eq!(
            given(EngineName::Candle, placement, Some(ServerKind::Vllm)),
            "`engine.server`: is for `endpoint`"
        );
        assert_eq!(
            given(EngineName::Candle, None, None),
            "`engine`: needs `placement`: device, float type and kernels"
        );
        assert_eq!(
            given(EngineName::Endpoint, None, None),
            "`engine`: needs `server`, the kind of the server"
        );
        assert_eq!(
            given(EngineName::Endpoint, placement, Some(ServerKind::Vllm)),
            "`engine.placement`: is for `candle`: a server computes where it is"
        );
    }
}

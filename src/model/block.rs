//! One transformer block for decoders and encoders.

use candle_core::Tensor;

use super::attention::Attention;
use super::config::ModelConfig;
use super::linear::Linear;
use super::norm::Norm;
use super::recipe::Recipe;
use super::sight::{Rows, Sight};
use super::switch::{Activation, MlpKind, NormPlace, Role};
use super::weights::Weights;
use crate::Result;

/// Attention and feed-forward part, each with its norms and its residual.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) attention: Attention,
    pub(crate) attention_norms: Norms,
    pub(crate) mlp: Mlp,
    pub(crate) mlp_norms: Norms,
    /// Whether both parts are given the same x and added to it together.
    pub(crate) parallel: bool,
}

/// The norms around a part f of a block: sum(x + outcome(f(before(x)))).
#[derive(Clone, Debug)]
pub(crate) struct Norms {
    pub(crate) before: Option<Norm>,
    pub(crate) outcome: Option<Norm>,
    pub(crate) sum: Option<Norm>,
}

/// The feed-forward part.
#[derive(Clone, Debug)]
pub(crate) struct Mlp {
    /// To the inner width, or to twice of it where it is gated: first the gate.
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) gated: bool,
    pub(crate) activation: Activation,
}

/// `norm` of `x`, or `x` itself.
fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor> {
    match norm {
        Some(norm) => norm.forward(x),
        None => Ok(x.clone()),
    }
}

/// `x` + outcome(map of `y`)
fn added(x: &Tensor, map: &Linear, y: &Tensor, outcome: Option<&Norm>) -> Result<Tensor> {
    match outcome {
        Some(norm) => Ok((x + norm.forward(&map.forward(y)?)?)?),
        None => map.added_to(x, y),
    }
}

impl Block {
    /// (B, T, D) → (B, `rows.count`, D): the tokens outside `rows` serve as keys and values only.
    pub(crate) fn forward(&self, x: &Tensor, sight: &Sight, rows: Rows) -> Result<Tensor> {
        let kept = x.narrow(1, rows.start, rows.count)?.contiguous()?;
        self.around(x, &kept, |x| self.attention.forward(x, sight, rows))
    }

    /// What attention is given.
    pub(crate) fn before_attention(&self, x: &Tensor) -> Result<Tensor> {
        normed(self.attention_norms.before.as_ref(), x)
    }

    /// The block around `attend`, which turns what attention is given, for all tokens `x` (…, D), into what those that are
    /// `kept` see (…, H·d).
    pub(crate) fn around(
        &self,
        x: &Tensor,
        kept: &Tensor,
        attend: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let (attention, mlp) = (&self.attention_norms, &self.mlp_norms);
        let seen = attend(&self.before_attention(x)?)?;
        let sum = added(
            kept,
            &self.attention.output,
            &seen,
            attention.outcome.as_ref(),
        )?;
        let sum = normed(attention.sum.as_ref(), &sum)?;
        let fed = if self.parallel { kept } else { &sum };
        let fed = normed(mlp.before.as_ref(), fed)?;
        let inner = self
            .mlp
            .up
            .activated(&fed, self.mlp.activation, self.mlp.gated)?;
        let sum = added(&sum, &self.mlp.down, &inner, mlp.outcome.as_ref())?;
        normed(mlp.sum.as_ref(), &sum)
    }
}

impl Block {
    pub(crate) fn load(
        weights: &mut Weights<'_>,
        recipe: &Recipe,
        config: &ModelConfig,
        layer: usize,
    ) -> Result<Self> {
        let mut norms = |first: Role, outcome: Role| -> Result<Norms> {
            let mut norm = |role| weights.norm(role, layer, config.hidden).map(Some);
            let [mut before, mut behind, mut sum] = [None, None, None];
            match recipe.block.norm_at {
                NormPlace::Before => before = norm(first)?,
                NormPlace::After => sum = norm(first)?,
                NormPlace::Outcome => behind = norm(outcome)?,
                NormPlace::Around => (before, behind) = (norm(first)?, norm(outcome)?),
            }
            Ok(Norms {
                before,
                outcome: behind,
                sum,
            })
        };
        Ok(Self {
            attention_norms: norms(Role::AttentionNorm, Role::AttentionOutcomeNorm)?,
            mlp_norms: norms(Role::MlpNorm, Role::MlpOutcomeNorm)?,
            attention: Attention::load(weights, recipe, config, layer)?,
            mlp: Mlp::load(weights, recipe, config, layer)?,
            parallel: config.parallel,
        })
    }
}

impl Mlp {
    fn load(
        weights: &mut Weights<'_>,
        recipe: &Recipe,
        config: &ModelConfig,
        layer: usize,
    ) -> Result<Self> {
        let (hidden, inner) = (config.hidden, config.intermediate);
        let kind = recipe.block.mlp;
        let maps: &[(Role, usize)] = match kind {
            MlpKind::Gated => &[(Role::Gate, inner), (Role::Up, inner)],
            MlpKind::GatedStacked => &[(Role::GateUp, 2 * inner)],
            MlpKind::Plain => &[(Role::Up, inner)],
        };
        Ok(Self {
            up: weights.stacked(maps, layer, hidden)?.laid_out()?,
            down: weights
                .linear(Role::Down, layer, hidden, inner)?
                .times(config.factors.residual)?
                .laid_out()?,
            gated: kind != MlpKind::Plain,
            activation: config.activation,
        })
    }
}

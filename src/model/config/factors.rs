//! Numbers that a network is multiplied and capped by.

use super::source::Source;
use crate::Result;
use crate::model::{BlockRecipe, Factor};

/// What a network is multiplied and capped by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Embeddings are multiplied by this.
    pub embedding: f64,
    /// Scores are multiplied by this.
    pub attention: f64,
    /// What is added to the residual stream is multiplied by this first.
    pub residual: f64,
    /// Logits are multiplied by this.
    pub logits: f64,
    /// Scores s become c·tanh(s/c).
    pub score_cap: Option<f64>,
    /// Logits z become c·tanh(z/c).
    pub logit_cap: Option<f64>,
}

impl Factors {
    pub(super) fn new(
        source: &Source<'_>,
        block: &BlockRecipe,
        hidden: usize,
        head_dim: usize,
    ) -> Result<Self> {
        let mut factors = Self {
            embedding: 1.0,
            attention: 1.0 / (head_dim as f64).sqrt(),
            residual: 1.0,
            logits: 1.0,
            score_cap: None,
            logit_cap: None,
        };
        let set = |slot: &mut f64, key: &str, of: fn(f64) -> f64| -> Result<()> {
            if let Some(number) = source.optional_positive(key)? {
                *slot = of(number);
            }
            Ok(())
        };
        for factor in &block.factors {
            match factor {
                Factor::RootWidth => factors.embedding = (hidden as f64).sqrt(),
                Factor::EmbeddingMultiplier => {
                    set(&mut factors.embedding, "embedding_multiplier", |x| x)?;
                }
                Factor::AttentionMultiplier => {
                    set(&mut factors.attention, "attention_multiplier", |x| x)?;
                }
                Factor::QueryPreAttnScalar => {
                    let key = "query_pre_attn_scalar";
                    set(&mut factors.attention, key, |x| 1.0 / x.sqrt())?;
                }
                Factor::ResidualMultiplier => {
                    set(&mut factors.residual, "residual_multiplier", |x| x)?;
                }
                Factor::LogitsScaling => set(&mut factors.logits, "logits_scaling", f64::recip)?,
                Factor::AttnLogitSoftcapping => {
                    factors.score_cap = source.optional_positive("attn_logit_softcapping")?;
                }
                Factor::FinalLogitSoftcapping => {
                    factors.logit_cap = source.optional_positive("final_logit_softcapping")?;
                }
            }
        }
        Ok(factors)
    }
}

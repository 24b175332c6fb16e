//! A target, resolved against the network's answer on the full sample.

use candle_core::IndexOp;

use super::check_length;
use super::fill::fill;
use crate::input::baseline::Absence;
use crate::input::{Features, Players, Target, TextTokenizer, TokenizedText};
use crate::model::{Family, FeatureModel, Model, TokenBatch};
use crate::{Coalition, Error, Result};

/// What is read out: outputs, and for a decoder the tokens between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The class, or the target's tokens in order: one output is read for each.
    pub outputs: Vec<u32>,
    /// The class's name, or the target's text.
    pub text: String,
    /// Whether the outputs are classes rather than tokens.
    pub is_class: bool,
}

impl Aim {
    /// Finds the outputs that `target` means for `model` on `text`.
    ///
    /// # Errors
    /// [`Error::Input`] for a class that the model does not have, tokens where it answers classes or the other way round, a
    /// target that is no token; whatever the forward pass of `auto` meets.
    pub fn resolve(
        target: &Target,
        model: &Model,
        tokenizer: &TextTokenizer,
        text: &TokenizedText,
    ) -> Result<Self> {
        match (model.family(), target) {
            (Family::Encoder, target) => {
                Self::of_class(target, &model.config().classes, || strongest(model, text))
            }
            (Family::Decoder, Target::Class(_)) => Err(Error::Input(
                "this model answers tokens, not classes; name a token or a continuation".into(),
            )),
            (Family::Decoder, Target::Auto) => Ok(Self::tokens(
                tokenizer,
                vec![strongest(model, text)? as u32],
            )),
            (Family::Decoder, Target::Tokens(ids)) => {
                let known = |id: &u32| tokenizer.token(&id.to_string());
                Ok(Self::tokens(
                    tokenizer,
                    ids.iter().map(known).collect::<Result<_>>()?,
                ))
            }
            (Family::Decoder, Target::Continuation(continuation)) => Ok(Self::tokens(
                tokenizer,
                tokenizer.encode_continuation(text, continuation)?,
            )),
        }
    }

    /// Finds the class of `classes` that `target` means; `strongest` tells the network's own answer.
    ///
    /// # Errors
    /// [`Error::Input`] for a class that is not there, or tokens in place of one; whatever `strongest` meets.
    fn of_class(
        target: &Target,
        classes: &[String],
        strongest: impl FnOnce() -> Result<usize>,
    ) -> Result<Self> {
        let class = match target {
            Target::Auto => strongest()?,
            Target::Class(name) => {
                let named = classes
                    .iter()
                    .position(|class| class.eq_ignore_ascii_case(name));
                let number = || name.parse().ok().filter(|&class| class < classes.len());
                named.or_else(number).ok_or_else(|| {
                    Error::Input(format!(
                        "the model has no class `{name}`; known: {}",
                        classes.join(", ")
                    ))
                })?
            }
            target => {
                return Err(Error::Input(format!(
                    "`{target}` is no class; this model answers classes: {}",
                    classes.join(", ")
                )));
            }
        };
        Ok(Self {
            outputs: vec![class as u32],
            text: classes[class].clone(),
            is_class: true,
        })
    }

    /// Finds the class that `target` means for `model` on the image or row `features`.
    ///
    /// # Errors
    /// [`Error::Input`] for a class that the model does not have, or tokens in place of one; features that are not what the
    /// network takes.
    pub fn of_features(target: &Target, model: &FeatureModel, features: &Features) -> Result<Self> {
        Self::of_class(target, model.classes(), || {
            let [c, h, w] = model.shape(0);
            if features.present.len() != c * h * w {
                return Err(super::features::misfit([c, h, w], features));
            }
            largest(&model.logits(&features.present, 0)?)
        })
    }

    fn tokens(tokenizer: &TextTokenizer, ids: Vec<u32>) -> Self {
        let text = match ids.as_slice() {
            // The vocabulary's spelling shows the space that decoding a first token would swallow.
            [id] => tokenizer.token_name(*id).replace(['▁', 'Ġ'], " "),
            ids => tokenizer.decode(ids),
        };
        Self {
            outputs: ids,
            text,
            is_class: false,
        }
    }

    /// The target tokens that the network is fed: all but the last, which it only has to answer.
    pub fn suffix(&self) -> &[u32] {
        &self.outputs[..self.outputs.len() - 1]
    }
}

/// The output with the largest logit on the full sample.
fn strongest(model: &Model, text: &TokenizedText) -> Result<usize> {
    check_length(model, text.ids.len())?;
    let nobody = Players {
        owner: vec![None; text.ids.len()],
        labels: Vec::new(),
    };
    let nothing = Absence::Dropped {
        keep_positions: false,
    };
    let sequence = fill(
        text,
        &nobody,
        nothing,
        model.config().vocabulary,
        &[],
        &Coalition::EMPTY,
    );
    let tokens = sequence.ids.len();
    let batch = TokenBatch {
        ids: sequence.ids,
        positions: sequence.positions,
        tokens,
        read: 1,
        extra: None,
    };
    let logits = model.logits(&batch)?.i((0, 0))?.to_vec1::<f32>()?;
    largest(&logits)
}

/// The place of the largest logit.
fn largest(logits: &[f32]) -> Result<usize> {
    match logits.iter().find(|logit| !logit.is_finite()) {
        Some(logit) => Err(Error::Input(format!(
            "the network answers {logit} on the full sample; its logits must be finite"
        ))),
        None => Ok((0..logits.len())
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap_or(0)),
    }
}

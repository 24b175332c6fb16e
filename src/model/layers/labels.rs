//! Classes that are texts: a tower of its own turns each into a vector, and an image belongs to the one that it is most like.
//!
//! logit_c = e^s · ⟨x, t_c⟩ / (‖x‖ ‖t_c‖) + b, with the image's vector x, that of the text t_c, and learned s and b.
//!
//! # Source
//! Radford et al. 2021, *Learning transferable visual models from natural language supervision*; Zhai et al. 2023, *Sigmoid loss
//! for language image pre-training*.

use candle_core::{D, DType, Device, IndexOp, Tensor};
use serde::Deserialize;

use super::builder::Builder;
use super::token_block::BlockNames;
use crate::model::Activation;
use crate::{Error, Result};

/// The classes of a network that compares images with texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Each text, and its tokens as the network's tokenizer makes them.
    pub texts: Vec<(String, Vec<u32>)>,
    /// The token that fills a text up, where the network was trained on texts of one length.
    pub padding: Option<u32>,
}

/// Where the tensors of the texts' tower stand; `{i}` is the block.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsRecipe {
    /// The part of `config.json` that speaks of it.
    pub part: String,
    /// A row for each token of the vocabulary.
    pub embedding: String,
    /// A row for each place in a text.
    pub positions: String,
    /// What the names of a block begin with.
    pub block: String,
    /// The norms before the attention and before the feed-forward part.
    pub norms: [String; 2],
    /// Query, key and value.
    pub attention: Vec<String>,
    /// The map behind the attention.
    pub output: String,
    /// The two maps of the feed-forward part.
    pub mlp: [String; 2],
    /// The norm behind the last block, whose last token is read.
    pub norm: String,
    /// ε of the norms where `config.json` has no `layer_norm_eps`.
    pub epsilon: f64,
    /// The activation where `config.json` names no other.
    pub activation: Activation,
    /// Whether a token sees only those before it; else all texts are filled up to the full length.
    pub causal: bool,
    /// The map from the last token to the vector.
    pub head: String,
    /// s
    pub scale: String,
    /// b, where there is one.
    pub bias: Option<String>,
}

/// x ↦ e^s · ⟨x, t_c⟩ / (‖x‖ ‖t_c‖) + b
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    /// (D, C), each column of length e^s
    texts: Tensor,
    bias: f64,
}

impl Likeness {
    /// (B, D) or (B, D, 1, 1) → (B, C)
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.flatten_from(1)?;
        let length = x
            .to_dtype(DType::F32)?
            .sqr()?
            .sum_keepdim(D::Minus1)?
            .sqrt()?;
        let x = x.broadcast_div(&length.to_dtype(x.dtype())?)?;
        Ok((x.matmul(&self.texts)? + self.bias)?)
    }
}

impl Builder<'_> {
    /// Encodes `labels` once, for images as `self.shape` says.
    pub(super) fn likeness(&mut self, recipe: &LabelsRecipe, labels: &Labels) -> Result<Likeness> {
        let embedding = format!("{}.weight", recipe.embedding);
        let found = self.files.shape(&embedding).unwrap_or_default();
        let &[vocabulary, width] = found.as_slice() else {
            return Err(self.files.wrong(format!(
                "tensor `{embedding}` has shape {found:?}; expected one of tokens"
            )));
        };
        let embedding = self.files.tensor(&embedding, &[vocabulary, width])?;
        let positions = self.table(&format!("{}.weight", recipe.positions), width)?;
        let positions = self.moved(&positions)?;
        let epsilon = self.config["layer_norm_eps"]
            .as_f64()
            .unwrap_or(recipe.epsilon);
        let names = BlockNames {
            block: &recipe.block,
            norms: &recipe.norms,
            attention: &recipe.attention,
            output: &recipe.output,
            mlp: &recipe.mlp,
            scales: None,
            epsilon,
            activation: recipe.activation,
        };
        let blocks = self.token_blocks(names, width)?;
        let norm = self.layer_norm(&recipe.norm, width, epsilon)?;
        let head = format!("{}.weight", recipe.head);
        let outputs = self
            .files
            .shape(&head)
            .and_then(|shape| shape.first().copied());
        let outputs = outputs.unwrap_or(0);
        let [images, ..] = self.shape;
        if outputs != images {
            return Err(self.files.wrong(format!(
                "images become vectors of {images} components, texts of {outputs}"
            )));
        }
        let head = self.map(&recipe.head, outputs, width)?;
        let mut texts = Vec::new();
        for (text, ids) in &labels.texts {
            let ids = self.fitted(
                text,
                ids,
                labels.padding,
                recipe,
                [positions.dim(0)?, vocabulary],
            )?;
            let tokens = ids.len();
            let ids = Tensor::new(ids, self.device)?;
            let mut x = (embedding.index_select(&ids, 0)? + positions.narrow(0, 0, tokens)?)?;
            x = x.unsqueeze(0)?;
            let mask = match recipe.causal {
                true => Some(causal(tokens, self.device)?),
                false => None,
            };
            for block in &blocks {
                x = block.forward(&x, mask.as_ref())?;
            }
            let last = norm.forward(&x)?.i((.., tokens - 1))?.contiguous()?;
            let vector = head.forward(&last)?.to_dtype(DType::F32)?;
            let length = vector.sqr()?.sum_all()?.sqrt()?;
            texts.push(vector.broadcast_div(&length)?);
        }
        let scale = self.number(&recipe.scale)?.exp();
        let bias = match &recipe.bias {
            Some(name) => self.number(name)?,
            None => 0.0,
        };
        let texts = (Tensor::cat(&texts, 0)?.t()?.contiguous()? * scale)?;
        self.shape = [labels.texts.len(), 1, 1];
        Ok(Likeness {
            texts: texts.to_dtype(self.dtype)?,
            bias,
        })
    }

    /// The tokens of a text, filled up where the network needs that.
    fn fitted(
        &self,
        text: &str,
        ids: &[u32],
        padding: Option<u32>,
        recipe: &LabelsRecipe,
        [most, vocabulary]: [usize; 2],
    ) -> Result<Vec<u32>> {
        if ids.is_empty() || ids.len() > most {
            return Err(Error::Input(format!(
                "the class `{text}` has {} tokens; this network takes from 1 to {most}",
                ids.len()
            )));
        }
        if let Some(beyond) = ids.iter().find(|&&id| id as usize >= vocabulary) {
            return Err(Error::Input(format!(
                "token {beyond} of the class `{text}` is not below the network's vocabulary of {vocabulary}"
            )));
        }
        let mut ids = ids.to_vec();
        if !recipe.causal {
            let Some(padding) = padding.filter(|&id| (id as usize) < vocabulary) else {
                return Err(self.files.wrong(
                    "the tokenizer has no padding token of the network, which fills texts up"
                        .into(),
                ));
            };
            ids.resize(most, padding);
        }
        Ok(ids)
    }

    /// The single number in tensor `name`.
    fn number(&mut self, name: &str) -> Result<f64> {
        let shape = match self.files.shape(name).as_deref() {
            Some([1]) => vec![1],
            _ => vec![],
        };
        let tensor = self.files.single(name, &shape)?.flatten_all()?;
        Ok(f64::from(tensor.to_vec1::<f32>()?[0]))
    }
}

/// (T, T): 0 where a token may look, −∞ ahead of it.
fn causal(tokens: usize, device: &Device) -> Result<Tensor> {
    let ahead = |at: usize| at % tokens > at / tokens;
    let mask: Vec<f32> = (0..tokens * tokens)
        .map(|at| if ahead(at) { f32::NEG_INFINITY } else { 0.0 })
        .collect();
    Ok(Tensor::from_vec(mask, (tokens, tokens), device)?)
}

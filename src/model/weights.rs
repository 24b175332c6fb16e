//! Tensors of a checkpoint by the role that a recipe gives them.

use candle_core::{DType, Device, Tensor};

use super::checkpoint::Checkpoint;
use super::config::ModelConfig;
use super::linear::Linear;
use super::norm::Norm;
use super::recipe::Recipe;
use super::switch::{NormKind, Role};
use super::tensors::TensorFiles;
use crate::Result;

/// Loads the tensors of one checkpoint in the roles that its recipe gives them.
pub(crate) struct Weights<'a> {
    files: TensorFiles<'a>,
    recipe: &'a Recipe,
    config: &'a ModelConfig,
}

impl<'a> Weights<'a> {
    pub(crate) fn open(
        checkpoint: &Checkpoint,
        recipe: &'a Recipe,
        config: &'a ModelConfig,
        device: &'a Device,
        dtype: DType,
    ) -> Result<Self> {
        Ok(Self {
            files: TensorFiles::open(checkpoint, device, dtype)?,
            recipe,
            config,
        })
    }

    /// Numbers loaded so far.
    pub(crate) fn parameters(&self) -> usize {
        self.files.parameters
    }

    /// The name of `role` in layer `layer`.
    fn name(&self, role: Role, layer: usize) -> Result<String> {
        let name = self
            .recipe
            .tensors
            .get(&role)
            .ok_or_else(|| self.files.wrong(format!("the recipe has no {role:?}")))?;
        let name = name.replace("{i}", &layer.to_string());
        let without = name.strip_prefix(&self.recipe.optional_prefix);
        let stands = |name: &str| self.files.has(&format!("{name}.weight"));
        Ok(match without {
            Some(without) if !stands(&name) && stands(without) => without.into(),
            _ => name,
        })
    }

    /// An embedding table (rows, D).
    pub(crate) fn table(&mut self, role: Role, rows: usize) -> Result<Tensor> {
        let name = format!("{}.weight", self.name(role, 0)?);
        self.files.tensor(&name, &[rows, self.config.hidden])
    }

    /// A linear map, with its bias where the configuration says that it has one.
    pub(crate) fn linear(
        &mut self,
        role: Role,
        layer: usize,
        out: usize,
        width: usize,
    ) -> Result<Linear> {
        let name = self.name(role, layer)?;
        let file = format!("{name}.weight");
        // The maps of a block may lie the other way round; the embedding and the head never do.
        let weight = match self.recipe.block.transposed && role != Role::Head {
            true => self.files.tensor(&file, &[width, out])?.t()?.contiguous()?,
            false => self.files.tensor(&file, &[out, width])?,
        };
        let has_bias = self.config.has_bias(role);
        let bias = has_bias
            .then(|| self.files.tensor(&format!("{name}.bias"), &[out]))
            .transpose()?;
        Ok(Linear { weight, bias })
    }

    /// Several maps of one input as one, their outputs in order: one product instead of some.
    pub(crate) fn stacked(
        &mut self,
        roles: &[(Role, usize)],
        layer: usize,
        width: usize,
    ) -> Result<Linear> {
        let parts: Vec<Linear> = roles
            .iter()
            .map(|&(role, out)| self.linear(role, layer, out, width))
            .collect::<Result<_>>()?;
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let weight = Tensor::cat(&weights, 0)?;
        let bias = match parts.iter().any(|part| part.bias.is_some()) {
            true => {
                let bias = |part: &Linear| match &part.bias {
                    Some(bias) => Ok(bias.clone()),
                    None => Tensor::zeros(part.weight.dim(0)?, weight.dtype(), weight.device()),
                };
                let biases = parts
                    .iter()
                    .map(bias)
                    .collect::<candle_core::Result<Vec<_>>>()?;
                Some(Tensor::cat(&biases, 0)?)
            }
            false => None,
        };
        Ok(Linear { weight, bias })
    }

    /// A norm over `width` components.
    pub(crate) fn norm(&mut self, role: Role, layer: usize, width: usize) -> Result<Norm> {
        let (name, kind) = (self.name(role, layer)?, self.recipe.block.norm);
        // The first BERT checkpoints call scale and shift gamma and beta.
        let old = self.files.has(&format!("{name}.gamma"));
        let (scale, shift) = if old {
            ("gamma", "beta")
        } else {
            ("weight", "bias")
        };
        let mut scale = self.files.tensor(&format!("{name}.{scale}"), &[width])?;
        if kind == NormKind::RmsOnePlus {
            scale = (scale + 1.0)?;
        }
        let shift = match kind {
            NormKind::Rms | NormKind::RmsOnePlus => None,
            NormKind::Layer => Some(self.files.tensor(&format!("{name}.{shift}"), &[width])?),
        };
        Ok(Norm {
            scale,
            shift,
            epsilon: self.config.norm_epsilon as f32,
        })
    }
}

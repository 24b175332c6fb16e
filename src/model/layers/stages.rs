//! Stages of residual blocks, and numbered lists of convolutions.

use super::builder::Builder;
use super::{ConvRecipe, ShortcutRecipe, StageRecipe};
use super::{Layer, Shape, Shortcut};
use crate::Result;
use crate::model::Activation;

impl Builder<'_> {
    /// The convolutions of a numbered list, with what stands between them.
    pub(super) fn sequence(
        &mut self,
        name: &str,
        padding: usize,
        pool: usize,
        mut add: impl FnMut(Layer, Shape, &str),
    ) -> Result<()> {
        let own = |i: usize| name.replace("{i}", &i.to_string());
        let mut next = 0;
        loop {
            let norm = own(next + 1);
            let norm = self
                .files
                .has(&format!("{norm}.running_mean"))
                .then_some(norm);
            let behind = next + 1 + usize::from(norm.is_some());
            let conv = self.conv(&ConvRecipe {
                name: own(next),
                norm,
                stride: 1,
                padding,
                depthwise: false,
            })?;
            add(Layer::Conv(conv), self.shape, &own(next));
            add(self.activate(Activation::Relu), self.shape, ".activation");
            // The ReLU has the number `behind`; where the one after it has tensors there is no pool.
            let follows = |i: usize| self.files.has(&format!("{}.weight", own(i)));
            let (direct, pooled) = (follows(behind + 1), follows(behind + 2));
            if !direct {
                let layer = self.max_pool(pool, pool, 0)?;
                add(layer, self.shape, ".pool");
            }
            match (direct, pooled) {
                (true, _) => next = behind + 1,
                (false, true) => next = behind + 2,
                (false, false) => return Ok(()),
            }
        }
    }

    /// One residual block.
    pub(super) fn block(
        &mut self,
        recipe: &StageRecipe,
        name: &str,
        stride: usize,
    ) -> Result<Layer> {
        let entry = self.shape;
        let activation = self.activation.unwrap_or(Activation::Relu);
        let mut branch = Vec::new();
        let mut left = stride;
        for (conv, norm) in recipe.convs.iter().zip(&recipe.norms) {
            let conv = format!("{name}.{conv}");
            let found = self.files.shape(&format!("{conv}.weight"));
            // The list is as long as that of the longest kind of block.
            if found.is_none() && !branch.is_empty() {
                continue;
            }
            let size = found.and_then(|shape| shape.get(2).copied()).unwrap_or(1);
            let stride = if size > 1 {
                std::mem::replace(&mut left, 1)
            } else {
                1
            };
            if !branch.is_empty() {
                branch.push(Layer::Activation(activation));
            }
            let own = ConvRecipe {
                name: conv,
                norm: Some(format!("{name}.{norm}")),
                stride,
                padding: size.saturating_sub(1) / 2,
                depthwise: false,
            };
            branch.push(Layer::Conv(self.conv(&own)?));
        }
        if branch.len() < 2 {
            return Err(self
                .files
                .wrong(format!("the block `{name}` has only one convolution")));
        }
        let exit = std::mem::replace(&mut self.shape, entry);
        let shortcut = match &recipe.shortcut {
            ShortcutRecipe::Conv { name: conv, norm }
                if entry != exit || self.files.has(&format!("{name}.{conv}.weight")) =>
            {
                let own = ConvRecipe {
                    name: format!("{name}.{conv}"),
                    norm: Some(format!("{name}.{norm}")),
                    stride,
                    padding: 0,
                    depthwise: false,
                };
                Shortcut::Conv(self.conv(&own)?)
            }
            ShortcutRecipe::Pad if entry != exit => {
                let more = exit[0].saturating_sub(entry[0]);
                self.shape = [
                    entry[0] + more,
                    entry[1].div_ceil(stride),
                    entry[2].div_ceil(stride),
                ];
                Shortcut::Pad {
                    stride,
                    before: more / 2,
                    behind: more - more / 2,
                }
            }
            _ => Shortcut::Identity,
        };
        if self.shape != exit {
            return Err(self.files.wrong(format!(
                "the block `{name}` adds maps of shape {exit:?} and {:?}",
                self.shape
            )));
        }
        Ok(Layer::Residual {
            branch,
            shortcut,
            activation,
        })
    }
}

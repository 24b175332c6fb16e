//! A recipe and a checkpoint → layers whose shapes fit.

use candle_core::{DType, Device};
use serde_json::Value;

use super::builder::Builder;
use super::{FeatureModel, Labels, Layer, LayerRecipe, Shape, wrong};
use crate::model::tensors::TensorFiles;
use crate::model::{Activation, Checkpoint};
use crate::{Error, Result};

/// ε of a batch norm where `config.json` does not carry it: PyTorch's own.
const NORM_EPSILON: f64 = 1e-5;

/// More rows, columns or channels than any image that a network takes.
const LONGEST: u64 = 1 << 14;

pub(super) fn load(
    checkpoint: &Checkpoint,
    labels: Option<&Labels>,
    device: &Device,
    dtype: DType,
) -> Result<FeatureModel> {
    let config = &checkpoint.config;
    let input = input_shape(checkpoint)?;
    let files = TensorFiles::open(checkpoint, device, dtype)?;
    let recipe = choose(checkpoint, &files)?;
    let towers = match (&recipe.labels, labels) {
        (Some(recipe), Some(labels)) if labels.texts.len() > 1 => Some((recipe, labels)),
        (Some(_), Some(_)) => {
            let must = "at least two texts to choose between";
            return Err(Error::Input(format!("the classes must be {must}")));
        }
        (None, None) => None,
        (Some(_), None) => {
            let reason = "this network compares images with texts, so its classes must be given";
            return Err(Error::Input(reason.into()));
        }
        (None, Some(_)) => {
            let reason = "this network has classes of its own and reads no text";
            return Err(Error::Input(reason.into()));
        }
    };
    let own = match &recipe.part {
        Some(part) => &config[part],
        None => config,
    };
    let mut builder = Builder {
        files,
        activation: activation(checkpoint, own)?,
        epsilon: config["bn_eps"].as_f64().unwrap_or(NORM_EPSILON),
        config: own,
        device,
        dtype,
        shape: input,
    };
    let (mut layers, mut shapes, mut names) = (Vec::new(), vec![input], Vec::<String>::new());
    for kind in &recipe.layers {
        builder.kind(kind, |layer, shape, name| {
            // What has no tensors is called after what it follows.
            let before = names.last().map(|before| format!("{before}."));
            names.push(match name.strip_prefix('.') {
                Some(own) => before.unwrap_or_default() + own,
                None => name.to_owned(),
            });
            layers.push(layer);
            shapes.push(shape);
        })?;
    }
    if let Some((recipe, labels)) = towers {
        builder.config = &config[&recipe.part];
        builder.activation = activation(checkpoint, builder.config)?;
        let likeness = builder.likeness(recipe, labels)?;
        layers.push(Layer::Likeness(Box::new(likeness)));
        shapes.push(builder.shape);
        names.push("likeness".into());
    }
    let [outputs, 1, 1] = builder.shape else {
        let [c, h, w] = builder.shape;
        return Err(wrong(
            checkpoint,
            format!("the network ends in {c} maps of {h} × {w}, not in classes"),
        ));
    };
    Ok(FeatureModel {
        layers,
        shapes,
        names,
        architecture: config["architecture"]
            .as_str()
            .or(config["model_type"].as_str())
            .unwrap_or_default()
            .into(),
        classes: match labels {
            Some(labels) => labels.texts.iter().map(|(text, _)| text.clone()).collect(),
            None => classes(checkpoint, outputs)?,
        },
        parameters: builder.files.parameters,
        device: device.clone(),
        dtype,
    })
}

/// The activation that `part` of a configuration names.
fn activation(checkpoint: &Checkpoint, part: &Value) -> Result<Option<Activation>> {
    let named = ["activation", "hidden_act"]
        .into_iter()
        .find_map(|key| part.get(key));
    let known = |name: &Value| {
        serde_json::from_value(name.clone())
            .map_err(|_| wrong(checkpoint, format!("activation {name} is not supported")))
    };
    named.map(known).transpose()
}

/// The recipe whose names the checkpoint uses.
fn choose(checkpoint: &Checkpoint, files: &TensorFiles<'_>) -> Result<LayerRecipe> {
    let config = &checkpoint.config;
    let fits = |recipe: &LayerRecipe| recipe.needs.as_ref().is_none_or(|name| files.has(name));
    let Some(recipe) = LayerRecipe::find(config).into_iter().find(fits) else {
        let name = config["architecture"]
            .as_str()
            .or(config["model_type"].as_str());
        return Err(Error::UnknownModel {
            found: name.unwrap_or("(none)").into(),
            known: LayerRecipe::all()
                .iter()
                .flat_map(LayerRecipe::names)
                .collect::<Vec<_>>()
                .join(", "),
        });
    };
    match recipe
        .unless
        .iter()
        .find(|key| config[key.as_str()] == Value::Bool(true))
    {
        Some(key) => Err(wrong(
            checkpoint,
            format!("`{key}` = true is not supported"),
        )),
        None => Ok(recipe),
    }
}

/// What the network takes: `input.size` (C, H, W) or as many columns as `input.columns` names; else the keys of timm and
/// transformers.
fn input_shape(checkpoint: &Checkpoint) -> Result<Shape> {
    let config = &checkpoint.config;
    let size = |value: &Value| {
        value
            .as_u64()
            .filter(|size| (1..=LONGEST).contains(size))
            .map(|size| size as usize)
    };
    let triple = |value: &Value| -> Option<Shape> {
        let sizes: Option<Vec<usize>> = value.as_array()?.iter().map(size).collect();
        sizes?.try_into().ok()
    };
    if let Some(columns) = config["input"]["columns"].as_array() {
        return Ok([columns.len().max(1), 1, 1]);
    }
    let own = [
        &config["input"]["size"],
        &config["pretrained_cfg"]["input_size"],
        &config["input_size"],
    ];
    if let Some(shape) = own.into_iter().find_map(triple) {
        return Ok(shape);
    }
    let channels = [
        &config["num_channels"],
        &config["vision_config"]["num_channels"],
    ];
    let channels = channels.into_iter().find_map(size).unwrap_or(3);
    let prepared = checkpoint.preprocessor.as_ref().unwrap_or(&Value::Null);
    let crops = prepared["do_center_crop"] != Value::Bool(false);
    let crop = if crops {
        &prepared["crop_size"]
    } else {
        &Value::Null
    };
    let square = |value: &Value| size(value).map(|side| (side, side));
    let sides = |value: &Value| match (size(&value["height"]), size(&value["width"])) {
        (Some(height), Some(width)) => Some((height, width)),
        _ => square(value).or_else(|| square(&value["shortest_edge"])),
    };
    // What images are cut to counts, not what a network was first trained on.
    let found = [
        crop,
        &prepared["size"],
        &config["image_size"],
        &config["vision_config"]["image_size"],
    ];
    match found.into_iter().find_map(sides) {
        Some((height, width)) => Ok([channels, height, width]),
        None => Err(wrong(
            checkpoint,
            "the configuration does not say what goes in; expected `input` with `size` [C, H, W] or `columns`".into(),
        )),
    }
}

/// `classes`, `label_names` or `id2label` by index, else numbered ones.
fn classes(checkpoint: &Checkpoint, outputs: usize) -> Result<Vec<String>> {
    let config = &checkpoint.config;
    let listed = ["classes", "label_names"]
        .into_iter()
        .find_map(|key| config[key].as_array());
    let names: Option<Vec<String>> = match (listed, config["id2label"].as_object()) {
        (Some(names), _) => names
            .iter()
            .map(|name| name.as_str().map(String::from))
            .collect(),
        (None, Some(names)) => (0..names.len())
            .map(|class| {
                names
                    .get(&class.to_string())
                    .and_then(Value::as_str)
                    .map(String::from)
            })
            .collect(),
        (None, None) => Some((0..outputs).map(|class| class.to_string()).collect()),
    };
    let names = names.ok_or_else(|| wrong(checkpoint, "the classes are not all named".into()))?;
    match names.len() == outputs {
        true => Ok(names),
        false => Err(wrong(
            checkpoint,
            format!(
                "the configuration names {} classes; the network answers {outputs}",
                names.len()
            ),
        )),
    }
}

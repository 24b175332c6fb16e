//! A sample on a network, with its players, target and baseline resolved: ready for games on it.

use std::ops::Range;

use base64::Engine as _;
use harsanyi::input::baseline::Absence;
use harsanyi::input::{
    Baseline, Features, Image, Material, Picture, PlayerRule, Players, RawSample, Row, Target,
    TextTokenizer, TokenizedText,
};
use harsanyi::model::{FeatureModel, Model};
use harsanyi::report::{GridInfo, ImageInfo, MapInfo, PlayerInfo, Record, RowInfo, SampleKind};
use harsanyi::sampling::context::Grid;
use harsanyi::value::{Aim, FeatureGame, NetworkGame, NetworkOptions, SampleGame};
use harsanyi::{Error, Result};
use serde_json::json;

use super::args::{Batch, SampleArgs};
use super::network::{Loaded, Network};

/// A sample on a network.
pub(crate) struct Prepared<'a> {
    pub(crate) players: Players,
    pub(crate) aim: Aim,
    network: &'a Network,
    pub(crate) args: &'a SampleArgs,
    name: String,
    own: Own<'a>,
}

/// What differs between the kinds of samples.
enum Own<'a> {
    Text {
        model: &'a Model,
        text: TokenizedText,
        absence: Absence,
        baseline: String,
    },
    Image {
        model: &'a FeatureModel,
        image: Image,
        map: Option<FeatureMap>,
    },
    Row {
        model: &'a FeatureModel,
        row: Row,
    },
}

/// What a layer puts out for an image, in place of the image itself.
struct FeatureMap {
    /// The layer that it enters.
    layer: usize,
    features: Features,
}

impl FeatureMap {
    /// The map behind the layer called `name`, with the players that own its cells.
    fn new(
        model: &FeatureModel,
        name: &str,
        image: &Image,
        args: &SampleArgs,
    ) -> Result<(Self, Players)> {
        let layer = model.behind(name)?;
        let [channels, height, width] = model.shape(layer);
        let (rows, columns) = match args.players {
            PlayerRule::Auto => (3, 4),
            PlayerRule::Grid(rows, columns) => (rows, columns),
            ref other => {
                return Err(Error::Parameter {
                    parameter: "the players",
                    must: "grid:ROWSxCOLUMNS for the map of a layer",
                    got: format!("`{other}`"),
                });
            }
        };
        let present = model.features(&image.features.present, layer)?;
        let absent = match args.baseline {
            // A map has no normalization; what the published experiments put there is zero.
            Baseline::Auto | Baseline::Zero => vec![0.0; present.len()],
            _ => model.features(&image.features.absent, layer)?,
        };
        let features = Features {
            channels,
            height,
            width,
            present,
            absent,
        };
        let players = Players::grid(height, width, rows, columns)?.without(&args.background)?;
        Ok((Self { layer, features }, players))
    }
}

impl<'a> Prepared<'a> {
    /// Puts `sample` before `network` as `args` say.
    pub(crate) fn new(
        network: &'a Network,
        sample: &RawSample,
        args: &'a SampleArgs,
    ) -> Result<Self> {
        if let (Some(_), Loaded::Text { .. } | Loaded::Row { .. }) = (&args.layer, &network.model) {
            let takes = network.model.takes();
            return Err(Error::Input(format!(
                "only layers of networks of images put out maps, and this model takes {takes}"
            )));
        }
        let (own, players, aim) = match (&network.model, &sample.material) {
            (Loaded::Text { model, tokenizer }, Material::Text(text)) => {
                let text = tokenizer.encode(text)?;
                let players = Players::new(&text, &args.players, &args.background)?;
                let absence = args.baseline.resolve(tokenizer)?;
                let aim = Aim::resolve(&args.target, model, tokenizer, &text)?;
                let baseline = describe(absence, tokenizer);
                (
                    Own::Text {
                        model,
                        text,
                        absence,
                        baseline,
                    },
                    players,
                    aim,
                )
            }
            (Loaded::Image { model, form }, Material::Picture(_) | Material::PictureFile(_)) => {
                let picture = match &sample.material {
                    Material::Picture(picture) => picture.clone(),
                    Material::PictureFile(path) => Picture::read(path)?,
                    _ => unreachable!("matched above"),
                };
                let image = Image::new(picture, form, &args.baseline)?;
                let aim = Aim::of_features(&args.target, model, &image.features)?;
                let (map, players) = match &args.layer {
                    Some(name) => {
                        let (map, players) = FeatureMap::new(model, name, &image, args)?;
                        (Some(map), players)
                    }
                    None => (
                        None,
                        Players::of_image(&image, form, &args.players, &args.background)?,
                    ),
                };
                (Own::Image { model, image, map }, players, aim)
            }
            (Loaded::Row { model, form }, Material::Row(table, number)) => {
                let row = Row::new(table, *number, form, &args.baseline)?;
                let players = Players::of_row(&row, &args.players, &args.background)?;
                let aim = Aim::of_features(&args.target, model, &row.features)?;
                (Own::Row { model, row }, players, aim)
            }
            (_, material) => {
                let sample = match material {
                    Material::Text(_) => "a text",
                    Material::Picture(_) | Material::PictureFile(_) => "an image",
                    Material::Row(..) => "a row",
                };
                return Err(Error::Input(format!(
                    "this model takes {}, and the sample is {sample}",
                    network.model.takes()
                )));
            }
        };
        Ok(Self {
            players,
            aim,
            network,
            args,
            name: sample.name.clone(),
            own,
        })
    }

    /// A game on the sample, with the batches that the options ask for.
    pub(crate) fn game(&self) -> Result<SampleGame<'_>> {
        let batch = match self.args.batch {
            Batch::Auto => None,
            Batch::Rows(rows) => Some(rows),
        };
        let game = self.game_in(batch, true)?;
        Ok(game.with_memory(self.args.memory))
    }

    /// A game on the sample with `batch` rows at a time, prefixes shared or not.
    pub(crate) fn game_in(
        &self,
        batch: Option<usize>,
        share_prefixes: bool,
    ) -> Result<SampleGame<'_>> {
        let readout = self.args.readout;
        let (players, aim) = (&self.players, &self.aim);
        let of_features = |model, layer, features| {
            let game = FeatureGame::at_layer(model, layer, features, players, aim, readout, batch);
            game.map(SampleGame::Features)
        };
        match &self.own {
            Own::Text {
                model,
                text,
                absence,
                ..
            } => {
                let options = NetworkOptions {
                    absence: *absence,
                    readout,
                    batch,
                    share_prefixes,
                };
                NetworkGame::new(model, text, players, aim, options).map(SampleGame::Text)
            }
            Own::Image {
                model,
                map: Some(map),
                ..
            } => of_features(model, map.layer, &map.features),
            Own::Image {
                model,
                image,
                map: None,
            } => of_features(model, 0, &image.features),
            Own::Row { model, row } => of_features(model, 0, &row.features),
        }
    }

    /// How the players lie, where they are the cells of a grid.
    pub(crate) fn grid(&self) -> Option<Grid> {
        let (rows, columns) = match (&self.own, &self.args.players) {
            (Own::Image { .. }, PlayerRule::Auto) => (3, 4),
            (Own::Image { .. }, &PlayerRule::Grid(rows, columns)) => (rows, columns),
            _ => return None,
        };
        Some(Grid { rows, columns })
    }

    /// What stands where all players are present, and where all are absent; nothing for a text.
    pub(crate) fn numbers(&self) -> [&[f32]; 2] {
        let features = match &self.own {
            Own::Text { .. } => return [&[], &[]],
            Own::Image { map: Some(map), .. } => &map.features,
            Own::Image { image, .. } => &image.features,
            Own::Row { row, .. } => &row.features,
        };
        [&features.present, &features.absent]
    }

    /// Writes what the sample is, and how it is cut and masked, into `record`.
    pub(crate) fn tell(&self, record: &mut Record) -> Result<()> {
        let players = &self.players;
        let chars = |spans: &[Range<usize>]| match &self.own {
            Own::Text { text, .. } => {
                let bytes = spans.iter().filter_map(|span| text.bytes_of(span.clone()));
                bytes.map(|bytes| [bytes.start, bytes.end]).collect()
            }
            _ => Vec::new(),
        };
        let info = |(index, label): (usize, &String)| {
            let spans = players.token_spans(index);
            PlayerInfo {
                index,
                label: label.clone(),
                chars: chars(&spans),
                spans: spans.iter().map(|span| [span.start, span.end]).collect(),
            }
        };
        record.players = players.labels.iter().enumerate().map(info).collect();
        record.background = (0..players.owner.len())
            .filter(|&element| players.owner[element].is_none())
            .collect();
        record.sample = Some(self.name.clone());
        record.model = Some(self.network.info.clone());
        (record.device, record.dtype) = self.network.place();
        record.seconds.insert("load".into(), self.network.seconds);
        let info = &self.network.info;
        let revision = info.revision.iter().map(|revision| format!("@{revision}"));
        record.config["model"] = json!(info.source.clone() + &revision.collect::<String>());
        record.config["device"] = json!(record.device);
        record.config["target"] = json!(
            match self.aim.is_class {
                true => Target::Class(self.aim.outputs[0].to_string()),
                false => Target::Tokens(self.aim.outputs.clone()),
            }
            .to_string()
        );
        record.config["players"] = json!(match (&self.args.players, &self.own) {
            (PlayerRule::Auto, Own::Text { .. }) => "word".into(),
            (PlayerRule::Auto, Own::Image { .. }) => "grid:3x4".into(),
            (PlayerRule::Auto, Own::Row { .. }) => "column".into(),
            (rule, _) => rule.to_string(),
        });
        record.readout = Some(self.args.readout.to_string());
        record.target = Some(match self.aim.is_class {
            true => json!({ "text": self.aim.text, "class": self.aim.outputs[0] }),
            false => json!({ "text": self.aim.text, "ids": self.aim.outputs }),
        });
        match &self.own {
            Own::Text {
                baseline, absence, ..
            } => {
                record.config["baseline"] = json!(option(*absence));
                record.kind = Some(SampleKind::Text);
                record.baseline = Some(baseline.clone());
            }
            Own::Image { image, map, .. } => {
                record.kind = Some(SampleKind::Image);
                let zero = match map {
                    Some(_) => "zero",
                    None => "the colour that the normalization makes zero",
                };
                record.baseline = Some(self.baseline(zero));
                // Cells of a map are no cells of the image.
                let grid = self.grid().filter(|_| map.is_none());
                record.image = Some(image_info(image, grid)?);
                record.map = map.as_ref().map(|map| MapInfo {
                    layer: self.args.layer.clone().unwrap_or_default(),
                    channels: map.features.channels,
                    height: map.features.height,
                    width: map.features.width,
                    grid: self.grid().map(|cells| grid_info(&map.features, cells)),
                });
            }
            Own::Row { row, .. } => {
                record.kind = Some(SampleKind::Row);
                record.baseline = Some(self.baseline("zero behind the normalization"));
                record.row = Some(RowInfo {
                    columns: row.columns.clone(),
                    values: row.raw.clone(),
                    present: row.features.present.clone(),
                    absent: row.features.absent.clone(),
                });
            }
        }
        Ok(())
    }

    /// What stands where numbers are absent, as words; `zero` says what the zero is.
    fn baseline(&self, zero: &str) -> String {
        match &self.args.baseline {
            Baseline::Auto | Baseline::Zero => zero.into(),
            Baseline::Mean => "the mean".into(),
            Baseline::Blur => "the image, blurred".into(),
            other => other.to_string(),
        }
    }
}

/// What an option says for `absence`.
fn option(absence: Absence) -> String {
    match absence {
        Absence::Token(id) => format!("token:{id}"),
        Absence::MeanEmbedding => "mean".into(),
        Absence::Dropped {
            keep_positions: false,
        } => "remove".into(),
        Absence::Dropped {
            keep_positions: true,
        } => "ignore".into(),
    }
}

fn grid_info(features: &Features, Grid { rows, columns }: Grid) -> GridInfo {
    let bounds =
        |length: usize, cells: usize| (0..=cells).map(|cell| cell * length / cells).collect();
    GridInfo {
        rows: bounds(features.height, rows),
        columns: bounds(features.width, columns),
    }
}

fn image_info(image: &Image, grid: Option<Grid>) -> Result<ImageInfo> {
    let features = &image.features;
    let png = base64::engine::general_purpose::STANDARD.encode(image.prepared.png()?);
    Ok(ImageInfo {
        height: features.height,
        width: features.width,
        channels: features.channels,
        original: [image.original.height, image.original.width],
        grid: grid.map(|cells| grid_info(features, cells)),
        png: format!("data:image/png;base64,{png}"),
    })
}

/// What `absence` puts in place of a token, as words.
fn describe(absence: Absence, tokenizer: &TextTokenizer) -> String {
    match absence {
        Absence::Token(id) => format!("token {id} ({})", tokenizer.token_name(id)),
        Absence::MeanEmbedding => "mean embedding".into(),
        Absence::Dropped {
            keep_positions: false,
        } => "removed".into(),
        Absence::Dropped {
            keep_positions: true,
        } => "not attended to".into(),
    }
}

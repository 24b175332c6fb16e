//! A sample on a network, with its players, target and baseline resolved: ready for games on it.

use base64::Engine as _;
use harsanyi::input::baseline::Absence;
use harsanyi::input::{
    Features, Image, Material, PlayerRule, Players, RawSample, Row, TextTokenizer, TokenizedText,
};
use harsanyi::model::{FeatureModel, Model};
use harsanyi::report::{GridInfo, ImageInfo, PlayerInfo, Record, RowInfo};
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
    args: &'a SampleArgs,
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
    },
    Row {
        model: &'a FeatureModel,
        row: Row,
    },
}

impl<'a> Prepared<'a> {
    /// Puts `sample` before `network` as `args` say.
    pub(crate) fn new(
        network: &'a Network,
        sample: &RawSample,
        args: &'a SampleArgs,
    ) -> Result<Self> {
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
            (Loaded::Image { model, form }, Material::Picture(picture)) => {
                let image = Image::new(picture.clone(), form, &args.baseline)?;
                let players = Players::of_image(&image, form, &args.players, &args.background)?;
                let aim = Aim::of_features(&args.target, model, &image.features)?;
                (Own::Image { model, image }, players, aim)
            }
            (Loaded::Row { model, form }, Material::Row(table, number)) => {
                let row = Row::new(table, *number, form, &args.baseline)?;
                let players = Players::of_row(&row, &args.players, &args.background)?;
                let aim = Aim::of_features(&args.target, model, &row.features)?;
                (Own::Row { model, row }, players, aim)
            }
            (network, material) => {
                let sample = match material {
                    Material::Text(_) => "a text",
                    Material::Picture(_) => "an image",
                    Material::Row(..) => "a row",
                };
                return Err(Error::Input(format!(
                    "this model takes {}, and the sample is {sample}",
                    network.takes()
                )));
            }
        };
        Ok(Self {
            players,
            aim,
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
        self.game_in(batch, true)
    }

    /// A game on the sample with `batch` rows at a time, prefixes shared or not.
    pub(crate) fn game_in(
        &self,
        batch: Option<usize>,
        share_prefixes: bool,
    ) -> Result<SampleGame<'_>> {
        let readout = self.args.readout;
        let (players, aim) = (&self.players, &self.aim);
        let of_features = |model, features| {
            FeatureGame::new(model, features, players, aim, readout, batch)
                .map(SampleGame::Features)
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
            Own::Image { model, image } => of_features(model, &image.features),
            Own::Row { model, row } => of_features(model, &row.features),
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

    /// Writes what the sample is, and how it is cut and masked, into `record`.
    pub(crate) fn tell(&self, record: &mut Record) -> Result<()> {
        let players = &self.players;
        let info = |(index, label): (usize, &String)| PlayerInfo {
            index,
            label: label.clone(),
            spans: players
                .token_spans(index)
                .into_iter()
                .map(|span| [span.start, span.end])
                .collect(),
        };
        record.players = players.labels.iter().enumerate().map(info).collect();
        record.background = (0..players.owner.len())
            .filter(|&element| players.owner[element].is_none())
            .collect();
        record.sample = Some(self.name.clone());
        record.readout = Some(self.args.readout.to_string());
        record.target = Some(match self.aim.is_class {
            true => json!({ "text": self.aim.text, "class": self.aim.outputs[0] }),
            false => json!({ "text": self.aim.text, "ids": self.aim.outputs }),
        });
        match &self.own {
            Own::Text { baseline, .. } => {
                record.kind = Some("text");
                record.baseline = Some(baseline.clone());
            }
            Own::Image { image, .. } => {
                record.kind = Some("image");
                record.baseline =
                    Some(self.baseline("the colour that the normalization makes zero"));
                record.image = Some(image_info(image, &self.args.players)?);
            }
            Own::Row { row, .. } => {
                record.kind = Some("row");
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
        use harsanyi::input::Baseline;
        match &self.args.baseline {
            Baseline::Auto | Baseline::Zero => zero.into(),
            Baseline::Mean => "the mean".into(),
            Baseline::Blur => "the image, blurred".into(),
            other => other.to_string(),
        }
    }
}

fn image_info(image: &Image, rule: &PlayerRule) -> Result<ImageInfo> {
    let Features {
        height,
        width,
        channels,
        ..
    } = image.features;
    let bounds =
        |length: usize, cells: usize| (0..=cells).map(|cell| cell * length / cells).collect();
    let grid = match rule {
        PlayerRule::Auto => Some((3, 4)),
        &PlayerRule::Grid(rows, columns) => Some((rows, columns)),
        _ => None,
    };
    let png = base64::engine::general_purpose::STANDARD.encode(image.prepared.png()?);
    Ok(ImageInfo {
        height,
        width,
        channels,
        original: [image.original.height, image.original.width],
        grid: grid.map(|(rows, columns)| GridInfo {
            rows: bounds(height, rows),
            columns: bounds(width, columns),
        }),
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

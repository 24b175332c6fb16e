//! What an absent player's tokens, pixels or columns become.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::text::TextTokenizer;
use crate::{Error, Result};

/// What stands where a player is absent, as a user names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// For a text the mask token where the model has one, else the unknown token, else `remove`; for an image or a row `zero`.
    #[default]
    Auto,
    /// The mask token.
    Mask,
    /// The padding token, which the network never attends to: positions are kept.
    Pad,
    /// The unknown token.
    Unknown,
    /// A token by id or by its text.
    Token(String),
    /// The mean of all token embeddings, of the image's pixels, or of the table's rows.
    Mean,
    /// Nothing: the tokens are dropped and the rest moves up.
    Remove,
    /// Nothing: the tokens are never attended to, the rest keeps its positions.
    Ignore,
    /// Zero as the network sees it, behind the normalization: the mean of what it was trained on.
    Zero,
    /// The image itself, blurred.
    Blur,
    /// Another image, or the first row of another table.
    File(PathBuf),
}

/// What the network is given where a player is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// This token.
    Token(u32),
    /// The mean embedding.
    MeanEmbedding,
    /// No token; `keep_positions` says whether the others stay where they were.
    Dropped {
        /// Whether the others stay where they were.
        keep_positions: bool,
    },
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "mask" => Ok(Self::Mask),
            "pad" => Ok(Self::Pad),
            "unk" => Ok(Self::Unknown),
            "mean" => Ok(Self::Mean),
            "remove" => Ok(Self::Remove),
            "ignore" => Ok(Self::Ignore),
            "zero" => Ok(Self::Zero),
            "blur" => Ok(Self::Blur),
            _ => match text.split_once(':') {
                Some(("token", token)) if !token.is_empty() => Ok(Self::Token(token.into())),
                Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
                _ => Err(
                    "expected auto, mask, pad, unk, token:ID-or-STRING, mean, remove, ignore, zero, blur or file:PATH"
                        .into(),
                ),
            },
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Mask => f.write_str("mask"),
            Self::Pad => f.write_str("pad"),
            Self::Unknown => f.write_str("unk"),
            Self::Token(token) => write!(f, "token:{token}"),
            Self::Mean => f.write_str("mean"),
            Self::Remove => f.write_str("remove"),
            Self::Ignore => f.write_str("ignore"),
            Self::Zero => f.write_str("zero"),
            Self::Blur => f.write_str("blur"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Baseline {
    /// What the network is given, for the model that `tokenizer` belongs to.
    ///
    /// # Errors
    /// [`Error::Input`] when the model has no such token.
    pub fn resolve(&self, tokenizer: &TextTokenizer) -> Result<Absence> {
        let missing = |name: &str| Error::Input(format!("this model has no {name} token"));
        let named = |id: Option<u32>, name: &str| {
            let id = id.ok_or_else(|| missing(name))?;
            tokenizer.check(id).map(|()| Absence::Token(id))
        };
        Ok(match self {
            Self::Auto => match tokenizer.mask.or(tokenizer.unknown) {
                Some(id) => tokenizer.check(id).map(|()| Absence::Token(id))?,
                None => Absence::Dropped {
                    keep_positions: false,
                },
            },
            Self::Mask => named(tokenizer.mask, "mask")?,
            Self::Unknown => named(tokenizer.unknown, "unknown")?,
            Self::Token(token) => Absence::Token(tokenizer.token(token)?),
            Self::Mean => Absence::MeanEmbedding,
            Self::Remove => Absence::Dropped {
                keep_positions: false,
            },
            // Padding is never attended to, so that its token does not matter, only that it is there.
            Self::Pad => named(tokenizer.pad, "padding").map(|_| Absence::Dropped {
                keep_positions: true,
            })?,
            Self::Ignore => Absence::Dropped {
                keep_positions: true,
            },
            Self::Zero | Self::Blur | Self::File(_) => {
                return Err(Error::Parameter {
                    parameter: "the baseline",
                    must: "one of a text here, not a baseline of images and rows",
                    got: format!("`{self}`"),
                });
            }
        })
    }
}

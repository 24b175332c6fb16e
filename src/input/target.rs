//! What of the network's answer is explained.

use std::fmt;
use std::str::FromStr;

use crate::Result;

/// A target as a user names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The network's own answer on the full sample.
    #[default]
    Auto,
    /// A class by name or number.
    Class(String),
    /// Token ids, one behind the other.
    Tokens(Vec<u32>),
    /// A text of one or more tokens that continues the sample.
    Continuation(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(class) = text.strip_prefix("class:") {
            return Ok(Self::Class(class.into()));
        }
        let Some(ids) = text.strip_prefix("token:") else {
            return if text.is_empty() {
                Err("a target cannot be empty".into())
            } else {
                Ok(Self::Continuation(text.into()))
            };
        };
        let ids: Option<Vec<u32>> = ids.split(',').map(|id| id.trim().parse().ok()).collect();
        ids.map(Self::Tokens)
            .ok_or("expected token ids, as in token:12 or token:12,7".into())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Class(class) => write!(f, "class:{class}"),
            Self::Tokens(ids) => {
                f.write_str("token:")?;
                f.write_str(&ids.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
            }
            Self::Continuation(text) => f.write_str(text),
        }
    }
}

//! Text as the model's own tokens, each with the bytes it came from.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::{Error, Result};

/// A checkpoint's tokenizer, with its special tokens looked up.
#[derive(Clone, Debug)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    vocabulary: usize,
    /// The mask token's id, where there is one.
    pub mask: Option<u32>,
    /// The padding token's id, where there is one.
    pub pad: Option<u32>,
    /// The unknown token's id, where there is one.
    pub unknown: Option<u32>,
}

/// A text as a sequence of tokens.
#[derive(Clone, Debug)]
pub struct TokenizedText {
    /// The text itself.
    pub text: String,
    /// One id per token, special tokens included.
    pub ids: Vec<u32>,
    /// The bytes of the text that each token came from; empty for special tokens.
    pub bytes: Vec<Range<usize>>,
    /// Whether the tokenizer put the token there itself.
    pub special: Vec<bool>,
}

impl TextTokenizer {
    /// Reads `tokenizer.json`; `config` is `tokenizer_config.json`, `vocabulary` the model's, `path` what errors name.
    ///
    /// # Errors
    /// [`Error::Parse`] for a file that is no tokenizer.
    pub fn new(
        json: &[u8],
        config: Option<&Value>,
        vocabulary: usize,
        path: &Path,
    ) -> Result<Self> {
        let mut tokenizer =
            Tokenizer::from_bytes(json).map_err(Error::parse(path, "tokenizer file"))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(Error::parse(path, "tokenizer file"))?;
        let special = |key: &str, customary: &[&str]| {
            let entry = config.map_or(&Value::Null, |config| &config[key]);
            let named = entry.as_str().or_else(|| entry["content"].as_str());
            named
                .into_iter()
                .chain(customary.iter().copied())
                .find_map(|token| tokenizer.token_to_id(token))
        };
        let mask = special("mask_token", &["[MASK]", "<mask>"]);
        let pad = special("pad_token", &["[PAD]", "<pad>"]);
        let unknown = special("unk_token", &["[UNK]", "<unk>"]);
        Ok(Self {
            tokenizer,
            vocabulary,
            mask,
            pad,
            unknown,
        })
    }

    /// The tokens of `text`, with the special tokens that the model expects around it.
    ///
    /// # Errors
    /// [`Error::Input`] for an empty text, and for a token that the model does not have.
    pub fn encode(&self, text: &str) -> Result<TokenizedText> {
        if text.trim().is_empty() {
            return Err(Error::Input(
                "the text is empty; expected at least one word".into(),
            ));
        }
        let encoding = self
            .tokenizer
            .encode(text, true)
            .map_err(|reason| Error::Input(reason.to_string()))?;
        let ids = self.known(encoding.get_ids().to_vec())?;
        if ids.is_empty() {
            return Err(Error::Input(
                "the tokenizer makes no token of the text".into(),
            ));
        }
        let bytes = encoding
            .get_offsets()
            .iter()
            .map(|&(start, end)| start..end)
            .collect();
        let special = encoding
            .get_special_tokens_mask()
            .iter()
            .map(|&special| special == 1)
            .collect();
        Ok(TokenizedText {
            text: text.into(),
            ids,
            bytes,
            special,
        })
    }

    /// The tokens that `continuation` adds behind `text`.
    ///
    /// A continuation that would run into the last word of the text without a space gets one.
    ///
    /// # Errors
    /// [`Error::Input`] for a continuation without a token, and for a token that the model does not have.
    pub fn encode_continuation(
        &self,
        text: &TokenizedText,
        continuation: &str,
    ) -> Result<Vec<u32>> {
        let glued = |word: Option<char>| word.is_some_and(char::is_alphanumeric);
        let space = glued(text.text.chars().last()) && glued(continuation.chars().next());
        let continuation = if space {
            format!(" {continuation}")
        } else {
            continuation.to_owned()
        };
        let encode = |text: &str, special: bool| {
            let encoding = self
                .tokenizer
                .encode(text, special)
                .map_err(|reason| Error::Input(reason.to_string()))?;
            Ok::<_, Error>(encoding.get_ids().to_vec())
        };
        // In context, where the text's own tokens stay as they are; alone, where the two would merge.
        let own = encode(&text.text, false)?;
        let together = encode(&format!("{}{continuation}", text.text), false)?;
        let ids = match together.strip_prefix(own.as_slice()) {
            Some(rest) => rest.to_vec(),
            None => encode(&continuation, false)?,
        };
        if ids.is_empty() {
            return Err(Error::Input(format!(
                "the target `{continuation}` has no token"
            )));
        }
        self.known(ids)
    }

    /// The id of a token named by number or by its text.
    ///
    /// # Errors
    /// [`Error::Input`] when it is no token of this model.
    pub fn token(&self, name: &str) -> Result<u32> {
        if let Ok(id) = name.parse::<u32>() {
            return self.check(id).map(|()| id);
        }
        let alone = || {
            self.tokenizer
                .encode(name, false)
                .ok()
                .filter(|e| e.get_ids().len() == 1)
                .map(|e| e.get_ids()[0])
        };
        let id = self.tokenizer.token_to_id(name).or_else(alone);
        let id =
            id.ok_or_else(|| Error::Input(format!("`{name}` is no single token of this model")))?;
        self.check(id).map(|()| id)
    }

    /// The text of `ids`, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids, false).unwrap_or_default()
    }

    /// The name of one token as the vocabulary spells it.
    pub fn token_name(&self, id: u32) -> String {
        self.tokenizer
            .id_to_token(id)
            .unwrap_or_else(|| format!("#{id}"))
    }

    /// Refuses an id that the model has no embedding for.
    ///
    /// # Errors
    /// [`Error::Input`], naming the id and the model's vocabulary.
    pub fn check(&self, id: u32) -> Result<()> {
        if (id as usize) < self.vocabulary {
            return Ok(());
        }
        let vocabulary = self.vocabulary;
        Err(Error::Input(format!(
            "token {id} is not below the model's vocabulary of {vocabulary}"
        )))
    }

    /// Refuses what the tokenizer made where the model cannot take it.
    fn known(&self, ids: Vec<u32>) -> Result<Vec<u32>> {
        match ids.iter().find_map(|&id| self.check(id).err()) {
            Some(beyond) => Err(Error::Input(format!(
                "{beyond}; the tokenizer does not belong to this model"
            ))),
            None => Ok(ids),
        }
    }
}

impl TokenizedText {
    /// The text behind token `token`; empty for special tokens.
    pub fn slice(&self, token: usize) -> &str {
        self.text.get(self.bytes[token].clone()).unwrap_or_default()
    }

    /// Where in the text the tokens of `span` stand, without the white space around them; `None` where they have no text.
    pub fn bytes_of(&self, span: Range<usize>) -> Option<Range<usize>> {
        let bytes = self.bytes.get(span)?;
        let bytes = bytes.iter().filter(|bytes| !bytes.is_empty());
        let start = bytes.clone().map(|bytes| bytes.start).min()?;
        let end = bytes.map(|bytes| bytes.end).max()?;
        let text = self.text.get(start..end)?;
        let start = start + (text.len() - text.trim_start().len());
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| start..start + trimmed.len())
    }
}

//! The symbols of the notation: numbers, words and signs, and where they stand.

/// What was expected where.
pub(super) type Reason = String;

/// The text and how far it has been read.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The place of the next symbol, to go back to.
    pub(super) fn place(&mut self) -> usize {
        self.rest();
        self.at
    }

    /// Goes back to a place, to read on from there or to complain about it.
    pub(super) fn back_to(&mut self, place: usize) {
        self.at = place;
    }

    /// What is left, after blanks.
    pub(super) fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    pub(super) fn accept(&mut self, symbol: char) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: char) -> Result<(), Reason> {
        if self.accept(symbol) {
            return Ok(());
        }
        Err(self.expected(&format!("`{symbol}`")))
    }

    pub(super) fn sign(&mut self) -> Option<f64> {
        if self.accept('+') {
            return Some(1.0);
        }
        self.accept('-').then_some(-1.0)
    }

    /// The letters ahead, none if something else stands there.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let len = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// The digits ahead as a whole number.
    pub(super) fn whole(&mut self, wanted: &str) -> Result<u64, Reason> {
        let rest = self.rest();
        let len = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number = rest[..len].parse().map_err(|_| self.expected(wanted))?;
        self.at += len;
        Ok(number)
    }

    /// The unsigned decimal number ahead; `None` if none stands there.
    pub(super) fn number(&mut self) -> Result<Option<f64>, Reason> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| {
            bytes[from..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count()
        };
        let mut len = digits(0);
        // `0..5` is a range, not a number followed by a point.
        if bytes.get(len) == Some(&b'.') && bytes.get(len + 1) != Some(&b'.') {
            len += 1 + digits(len + 1);
        }
        if len == 0 || &rest[..len] == "." {
            return Ok(None);
        }
        if matches!(bytes.get(len), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
            if digits(len + 1 + signed) > 0 {
                len += 1 + signed + digits(len + 1 + signed);
            }
        }
        match rest[..len].parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += len;
                Ok(Some(number))
            }
            _ => Err(self.expected("a number below 1.8e308")),
        }
    }

    /// `expected X at character N, got Y`, where Y is the next word or symbol.
    pub(super) fn expected(&mut self, wanted: &str) -> Reason {
        let rest = self.rest();
        let place = self.text[..self.at].chars().count() + 1;
        let alike = |c: char| c.is_alphanumeric() || c == '.';
        let len = match rest.chars().next() {
            None => return format!("expected {wanted} at the end"),
            Some(first) if alike(first) => rest.find(|c| !alike(c)).unwrap_or(rest.len()),
            Some(first) => first.len_utf8(),
        };
        format!(
            "expected {wanted} at character {place}, got `{}`",
            &rest[..len]
        )
    }
}

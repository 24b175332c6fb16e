//! The notation of synthetic games, read.

use std::str::FromStr;

use super::symbols::{Reader, Reason};
use super::{Shape, Synthetic, Term};
use crate::{Coalition, Error, Result};

/// Reads a game from its notation.
///
/// ```text
/// game    = [ "n=" PLAYERS ";" ] term { ("+" | "-") term }
/// term    = { NUMBER "*" } ( NUMBER | shape ) { "*" NUMBER }       one shape at most
/// shape   = "and(" set ")" | "or(" set ")" | "majority(" set ")" | "parity(" set ")" | "noise(" SIGMA "," SEED ")"
/// set     = item { "," item }          item = PLAYER | FIRST ".." END      END itself is left out
/// ```
///
/// Players count from 0. Without `n=` the game has as many players as its highest one calls for. Blanks may stand between
/// any two symbols.
///
/// # Errors
/// [`Error::Expression`], which says what was expected and where, counting characters from 1.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, tabulate};
/// let table = tabulate(&mut synthetic::parse("n=3; and(0,1)*2 - or(0..3)*0.5 + 1")?, |_| ())?;
/// assert_eq!(table.values(), [1.0, 0.5, 0.5, 2.5, 0.5, 0.5, 0.5, 2.5]);
/// let error = synthetic::parse("and(0,1)*2 - xor(1,2)").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cannot read the game `and(0,1)*2 - xor(1,2)`: expected a number or one of `and`, `or`, `majority`, `parity`, \
///      `noise` at character 14, got `xor`"
/// );
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn parse(expression: &str) -> Result<Synthetic> {
    Reader::new(expression)
        .game()
        .map_err(|reason| Error::Expression {
            expression: expression.to_owned(),
            reason,
        })
}

impl FromStr for Synthetic {
    type Err = Error;

    fn from_str(expression: &str) -> Result<Self> {
        parse(expression)
    }
}

impl Reader<'_> {
    fn game(&mut self) -> Result<Synthetic, Reason> {
        let declared = self.declared_players()?;
        let mut terms = Vec::new();
        let mut sign = self.sign().unwrap_or(1.0);
        loop {
            terms.push(self.term(sign)?);
            if self.rest().is_empty() {
                break;
            }
            sign = self
                .sign()
                .ok_or_else(|| self.expected("`+`, `-`, `*` or the end"))?;
        }
        // A constant 0 is how a game without terms is written.
        terms.retain(|term| term.coefficient != 0.0 || term.shape != Shape::Constant);
        let named = terms
            .iter()
            .filter_map(|term| term.shape.players()?.players().last())
            .max()
            .map_or(0, |last| last + 1);
        let players = match declared {
            Some(players) if players < named => {
                return Err(format!(
                    "player {} is named, but `n={players}` allows players 0 to {}",
                    named - 1,
                    players - 1
                ));
            }
            Some(players) => players,
            None if named == 0 => {
                return Err(
                    "no player is named; say how many there are with `n=…;` in front".into(),
                );
            }
            None => named,
        };
        Synthetic::new(players, terms).map_err(|error| error.to_string())
    }

    fn declared_players(&mut self) -> Result<Option<usize>, Reason> {
        let start = self.place();
        if self.word() != "n" {
            self.back_to(start);
            return Ok(None);
        }
        self.expect('=')?;
        let wanted = "a number of players from 1 to 1024";
        let at = self.place();
        let players = self.whole(wanted)?;
        if players == 0 || players > Coalition::MAX_PLAYERS as u64 {
            self.back_to(at);
            return Err(self.expected(wanted));
        }
        self.expect(';')?;
        Ok(Some(players as usize))
    }

    fn term(&mut self, sign: f64) -> Result<Term, Reason> {
        let mut coefficient = sign;
        let mut shape = None;
        loop {
            match self.number()? {
                Some(number) => coefficient *= number,
                None if shape.is_none() => shape = Some(self.shape()?),
                None => {
                    return Err(self.expected("a number, since a product holds one game at most"));
                }
            }
            if !self.accept('*') {
                break;
            }
        }
        if !coefficient.is_finite() {
            return Err("a product of numbers overflows".into());
        }
        Ok(Term {
            coefficient,
            shape: shape.unwrap_or(Shape::Constant),
        })
    }

    fn shape(&mut self) -> Result<Shape, Reason> {
        let start = self.place();
        let of_set: fn(Coalition) -> Shape = match self.word() {
            "and" => Shape::And,
            "or" => Shape::Or,
            "majority" => Shape::Majority,
            "parity" => Shape::Parity,
            "noise" => return self.noise(),
            _ => {
                self.back_to(start);
                return Err(
                    self.expected("a number or one of `and`, `or`, `majority`, `parity`, `noise`")
                );
            }
        };
        self.expect('(')?;
        let mut players = Vec::new();
        loop {
            let first = self.player()?;
            let after = self.place();
            if self.accept('.') && self.accept('.') {
                let end = self.whole("the end of a range of players")? as usize;
                if end <= first || end > Coalition::MAX_PLAYERS {
                    self.back_to(after);
                    return Err(self.expected(&format!(
                        "an end from {} to {}, which is itself left out",
                        first + 1,
                        Coalition::MAX_PLAYERS
                    )));
                }
                players.extend(first..end);
            } else {
                self.back_to(after);
                players.push(first);
            }
            if self.accept(')') {
                return Ok(of_set(Coalition::from_players(players)));
            }
            if !self.accept(',') {
                return Err(self.expected("`,`, `..` or `)`"));
            }
        }
    }

    fn noise(&mut self) -> Result<Shape, Reason> {
        self.expect('(')?;
        let sigma = self
            .number()?
            .ok_or_else(|| self.expected("a standard deviation"))?;
        self.expect(',')?;
        let seed = self.whole("a whole number as seed")?;
        self.expect(')')?;
        Ok(Shape::Noise { sigma, seed })
    }

    fn player(&mut self) -> Result<usize, Reason> {
        let wanted = "a player, a number from 0 to 1023";
        let start = self.place();
        let player = self.whole(wanted)?;
        if player >= Coalition::MAX_PLAYERS as u64 {
            self.back_to(start);
            return Err(self.expected(wanted));
        }
        Ok(player as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_game_may_be_written_in_several_ways() {
        let game = parse("and(0,1)*2 - or(3..6)*1.5 + 0.3").expect("a game");
        for other in [
            "  2*and( 1 , 0 )-1.5 * or(3,4,5)+.3",
            "n = 6; and(0..2)*4*0.5 - or(5,3..5,4)*15e-1 + 3E-1",
            "+and(0,1,1)*2 - or(3,4,5)*1.5 + 0.1*3*1",
        ] {
            let other = parse(other).expect("a game");
            assert_eq!(other.terms()[..2], game.terms()[..2]);
            assert!((other.terms()[2].coefficient - 0.3).abs() < 1e-15);
        }
    }

    #[test]
    fn a_wrong_expression_says_what_was_expected_where() {
        for (text, reason) in [
            (
                "",
                "expected a number or one of `and`, `or`, `majority`, `parity`, `noise` at the end",
            ),
            ("and(0,1", "expected `,`, `..` or `)` at the end"),
            (
                "and()",
                "expected a player, a number from 0 to 1023 at character 5, got `)`",
            ),
            (
                "and(0,1024)",
                "expected a player, a number from 0 to 1023 at character 7, got `1024`",
            ),
            (
                "and(0,-1)",
                "expected a player, a number from 0 to 1023 at character 7, got `-`",
            ),
            (
                "or(3..3)",
                "expected an end from 4 to 1024, which is itself left out at character 5, got `..3`",
            ),
            (
                "and(0) or(1)",
                "expected `+`, `-`, `*` or the end at character 8, got `or`",
            ),
            (
                "and(0)*or(1)",
                "expected a number, since a product holds one game at most at character 8, got `or`",
            ),
            ("noise(0.1)", "expected `,` at character 10, got `)`"),
            (
                "noise(0.1, 7)",
                "no player is named; say how many there are with `n=…;` in front",
            ),
            (
                "0.3",
                "no player is named; say how many there are with `n=…;` in front",
            ),
            (
                "n=2; and(0,4)",
                "player 4 is named, but `n=2` allows players 0 to 1",
            ),
            (
                "n=0; 1",
                "expected a number of players from 1 to 1024 at character 3, got `0`",
            ),
            (
                "n=1025; 1",
                "expected a number of players from 1 to 1024 at character 3, got `1025`",
            ),
            (
                "and(0)*1e999",
                "expected a number below 1.8e308 at character 8, got `1e999`",
            ),
            ("and(0)*1e300*1e300", "a product of numbers overflows"),
            (
                "and(0) + ∞",
                "expected a number or one of `and`, `or`, `majority`, `parity`, `noise` at character 10, got `∞`",
            ),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert_eq!(message, format!("cannot read the game `{text}`: {reason}"));
        }
    }
}

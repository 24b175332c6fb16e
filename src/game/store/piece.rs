//! One piece of a table as bytes, with everything that is needed to believe it.
//!
//! ```text
//! harsanyi piece 1\n    magic
//! u32   checksum of the game's identity      all numbers little-endian
//! u32   number of the piece
//! u32   how many values
//! u32   bytes of the note
//! note  JSON
//! f64 … the values
//! u32   CRC-32 of all bytes before
//! ```

use serde_json::Value;

const MAGIC: &[u8] = b"harsanyi piece 1\n";

/// Bytes in front of the note.
const FRONT: usize = MAGIC.len() + 16;

/// The longest note.
const LONGEST_NOTE: usize = 1 << 16;

/// The values of one piece, and what is noted beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// v of its coalitions, in the order of [`Pieces::indices`](crate::game::Pieces::indices).
    pub values: Vec<f64>,
    /// What it took to compute them, in the words of whoever did.
    pub note: Value,
}

impl Piece {
    pub(super) fn to_bytes(&self, game: u32, number: usize) -> Vec<u8> {
        let note = match self.note.to_string() {
            note if note.len() <= LONGEST_NOTE => note,
            _ => Value::Null.to_string(),
        };
        let mut bytes = Vec::with_capacity(FRONT + note.len() + 8 * self.values.len() + 4);
        bytes.extend(MAGIC);
        for field in [
            game,
            number as u32,
            self.values.len() as u32,
            note.len() as u32,
        ] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(note.as_bytes());
        for value in &self.values {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// The piece in `bytes`, if they are whole and are piece `number` of `len` values of this game.
    pub(super) fn from_bytes(bytes: &[u8], game: u32, number: usize, len: usize) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if u32::from_le_bytes(*sum) != crc32fast::hash(body) {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        let (fields, rest) = rest.split_first_chunk::<16>()?;
        let field = |at: usize| {
            let four: [u8; 4] = fields[4 * at..4 * at + 4].try_into().ok()?;
            Some(u32::from_le_bytes(four) as usize)
        };
        let note_len = field(3)?;
        let fits = field(0)? == game as usize
            && field(1)? == number
            && field(2)? == len
            && note_len <= LONGEST_NOTE
            && rest.len() == note_len + 8 * len;
        if !fits {
            return None;
        }
        let (note, values) = rest.split_at(note_len);
        let (values, _) = values.as_chunks::<8>();
        let values: Vec<f64> = values
            .iter()
            .map(|eight| f64::from_le_bytes(*eight))
            .collect();
        let finite = values.iter().all(|value| value.is_finite());
        let note = serde_json::from_slice(note).ok()?;
        finite.then_some(Self { values, note })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    #[test]
    fn a_piece_reads_back_and_no_damage_goes_unnoticed() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let piece = Piece {
            values: (0..64).map(|_| rng.random_range(-5.0..5.0)).collect(),
            note: serde_json::json!({ "seconds": 0.25 }),
        };
        let bytes = piece.to_bytes(7, 3);
        let read = |bytes: &[u8]| Piece::from_bytes(bytes, 7, 3, 64);
        assert_eq!(read(&bytes), Some(piece.clone()));
        // Of another game, another place, another length.
        assert_eq!(Piece::from_bytes(&bytes, 8, 3, 64), None);
        assert_eq!(Piece::from_bytes(&bytes, 7, 4, 64), None);
        assert_eq!(Piece::from_bytes(&bytes, 7, 3, 32), None);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut after {end} bytes");
        }
        assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), None);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << rng.random_range(0..8);
            assert_eq!(read(&damaged), None, "byte {at}");
        }
        let poisoned = Piece {
            values: vec![f64::NAN; 64],
            ..piece
        };
        assert_eq!(read(&poisoned.to_bytes(7, 3)), None);
    }
}

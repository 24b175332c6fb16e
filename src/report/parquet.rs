//! `interactions.parquet`: every interaction that is not exactly zero, for data frames.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::folder;
use crate::Result;
use crate::interaction::{AndOr, Interaction, Threshold};

const SCHEMA: &str = "message interactions {
    required binary kind (STRING);
    required int64 mask (INTEGER(64, false));
    required int32 order;
    required double effect;
}";

/// Writes one row per interaction, strongest first: `kind` (`and`, `or`), `mask` (bit i is player i), `order`, `effect`.
///
/// # Errors
/// [`crate::Error::Write`] naming the file.
pub fn write_interactions(path: &Path, found: &AndOr) -> Result<()> {
    let all = found.salient(Threshold::Abs(0.0));
    folder::write(path, |file| {
        let mut bytes = Vec::new();
        rows(&mut bytes, &all).map_err(std::io::Error::other)?;
        file.write_all(&bytes)
    })
}

fn rows(out: &mut Vec<u8>, all: &[Interaction]) -> ParquetResult<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(kind) => {
                let kinds = all
                    .iter()
                    .map(|one| ByteArray::from(one.kind.to_string().to_lowercase().as_str()));
                kind.write_batch(&kinds.collect::<Vec<_>>(), None, None)?;
            }
            ColumnWriter::Int64ColumnWriter(mask) => {
                let masks = all
                    .iter()
                    .map(|one| one.players.index().unwrap_or_default() as i64);
                mask.write_batch(&masks.collect::<Vec<_>>(), None, None)?;
            }
            ColumnWriter::Int32ColumnWriter(order) => {
                order.write_batch(
                    &all.iter().map(|one| one.order() as i32).collect::<Vec<_>>(),
                    None,
                    None,
                )?;
            }
            ColumnWriter::DoubleColumnWriter(effect) => {
                effect.write_batch(
                    &all.iter().map(|one| one.effect).collect::<Vec<_>>(),
                    None,
                    None,
                )?;
            }
            _ => {
                return Err(ParquetError::General(
                    "a column that the schema does not have".into(),
                ));
            }
        }
        column.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

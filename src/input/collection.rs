//! Samples as files hold them, before it is known what a network makes of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{NumberTable, Picture, RowForm};
use crate::{Error, Result};

/// What a sample is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Material {
    /// A text.
    Text(String),
    /// An image.
    Picture(Picture),
    /// The image in a PNG or JPEG file.
    PictureFile(PathBuf),
    /// A row of a table, the first behind the header being 0.
    Row(Arc<NumberTable>, usize),
}

/// A sample of a data set, or one that was named alone.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSample {
    /// What its results are filed under.
    pub id: String,
    /// What it is called: the text itself, the file of the image, the table and the row.
    pub name: String,
    /// What it is made of.
    pub material: Material,
    /// The class that the data set says it has, by name or number.
    pub label: Option<String>,
}

impl RawSample {
    /// A text of its own.
    pub fn text(text: &str) -> Self {
        Self {
            id: "text".into(),
            name: text.into(),
            material: Material::Text(text.into()),
            label: None,
        }
    }

    /// The image in the PNG or JPEG file at `path`.
    pub fn image(path: &Path) -> Self {
        Self {
            id: plain(&stem(path)),
            name: path.display().to_string(),
            material: Material::PictureFile(path.into()),
            label: None,
        }
    }

    /// The row that `place` names as `FILE:N`, the first behind the header being 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a place that is none; whatever [`RowForm::read`] meets.
    pub fn row(place: &str, form: &RowForm) -> Result<Self> {
        let (path, number) = place.rsplit_once(':').unwrap_or((place, ""));
        let number: usize = number.parse().map_err(|_| Error::Parameter {
            parameter: "the row",
            must: "FILE:N, N being 0 for the first row behind the header",
            got: format!("`{place}`"),
        })?;
        let table = Arc::new(form.read(Path::new(path))?);
        Ok(Self::of_row(path, table, number))
    }

    /// Row `number` of `table`, which was read from `path`.
    pub fn of_row(path: &str, table: Arc<NumberTable>, number: usize) -> Self {
        Self {
            id: format!("{number:05}"),
            name: format!("row {number} of {path}"),
            label: table.labels.get(number).cloned(),
            material: Material::Row(table, number),
        }
    }

    /// The rows of the table at `path`, the first `limit` of them.
    ///
    /// # Errors
    /// Whatever [`RowForm::read`] meets.
    pub fn rows(path: &Path, form: &RowForm, limit: Option<usize>) -> Result<Vec<Self>> {
        let table = Arc::new(form.read(path)?);
        let count = table.rows.len().min(limit.unwrap_or(usize::MAX));
        let shown = path.display().to_string();
        Ok((0..count)
            .map(|number| Self::of_row(&shown, Arc::clone(&table), number))
            .collect())
    }
}

/// What of `text` can be the name of a folder.
fn plain(text: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let safe: String = text.chars().map(safe).take(100).collect();
    match safe.starts_with('.') || safe.is_empty() {
        true => format!("_{safe}"),
        false => safe,
    }
}

/// The name of a file without its ending.
fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

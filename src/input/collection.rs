//! Samples as files hold them, before it is known what a network makes of them.

use std::path::Path;
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
}

impl RawSample {
    /// A text of its own.
    pub fn text(text: &str) -> Self {
        Self {
            id: "text".into(),
            name: text.into(),
            material: Material::Text(text.into()),
        }
    }

    /// The image in the PNG or JPEG file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no such image.
    pub fn image(path: &Path) -> Result<Self> {
        Ok(Self {
            id: stem(path),
            name: path.display().to_string(),
            material: Material::Picture(Picture::read(path)?),
        })
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
            material: Material::Row(table, number),
        }
    }
}

/// The name of a file without its ending.
fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

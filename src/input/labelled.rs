//! Data sets whose samples have a class.

use std::path::Path;
use std::sync::Arc;

use super::{Material, RawSample, RowForm, dataset, idx};
use crate::{Error, Result};

/// A sample, and its class where the data set tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The sample.
    pub sample: RawSample,
    /// The number of its class.
    pub class: Option<usize>,
}

/// The texts of [`dataset::read`], without classes.
///
/// # Errors
/// As [`dataset::read`].
pub fn texts(path: &Path) -> Result<Vec<Labelled>> {
    let texts = dataset::read(path, None)?;
    let labelled = texts.into_iter().map(|text| Labelled {
        sample: RawSample {
            id: text.id,
            name: text.text.clone(),
            material: Material::Text(text.text),
        },
        class: None,
    });
    Ok(labelled.collect())
}

/// The rows of a table, in the form that a network takes.
///
/// # Errors
/// As [`RowForm::read`].
pub fn rows(path: &Path, form: &RowForm) -> Result<Vec<Labelled>> {
    let table = Arc::new(form.read(path)?);
    let shown = path.display().to_string();
    let row = |number| Labelled {
        sample: RawSample::of_row(&shown, Arc::clone(&table), number),
        class: None,
    };
    Ok((0..table.rows.len()).map(row).collect())
}

/// Images: an IDX file with the labels beside it, or a CSV file with a header of `file` (relative to it) and `label`.
///
/// # Errors
/// A file that cannot be read, a header without these columns, a label that is no number of a class, no image at all.
pub fn images(path: &Path) -> Result<Vec<Labelled>> {
    let is_table = path.extension().is_some_and(|extension| extension == "csv");
    let found = match is_table {
        true => listed(path)?,
        false => idx::labelled(path)?
            .into_iter()
            .enumerate()
            .map(|(number, (picture, class))| Labelled {
                sample: RawSample {
                    id: format!("{number:05}"),
                    name: format!("image {number} of {}", path.display()),
                    material: Material::Picture(picture),
                },
                class: Some(class),
            })
            .collect(),
    };
    match found.is_empty() {
        true => Err(Error::Input(format!("`{}` holds no image", path.display()))),
        false => Ok(found),
    }
}

fn listed(path: &Path) -> Result<Vec<Labelled>> {
    let mut reader = csv::Reader::from_path(path).map_err(Error::parse(path, "table"))?;
    let header = reader
        .headers()
        .map_err(Error::parse(path, "table"))?
        .clone();
    let column = |name: &str| {
        let place = header.iter().position(|own| own.trim() == name);
        place.ok_or_else(|| Error::Input(format!("`{}` has no column `{name}`", path.display())))
    };
    let (file, label) = (column("file")?, column("label")?);
    let folder = path.parent().unwrap_or(Path::new(""));
    reader
        .records()
        .map(|row| {
            let row = row.map_err(Error::parse(path, "table"))?;
            let class = row[label].trim().parse().map_err(|_| {
                Error::Input(format!(
                    "`{}` labels `{}` with `{}`; expected the number of a class",
                    path.display(),
                    &row[file],
                    &row[label]
                ))
            })?;
            Ok(Labelled {
                sample: RawSample::image(&folder.join(&row[file]))?,
                class: Some(class),
            })
        })
        .collect()
}

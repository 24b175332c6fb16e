//! IDX files: arrays of bytes with their sizes in front, plain or under gzip.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Picture;
use crate::{Error, Result};

/// No array that this program reads is larger, so that a small file cannot ask for all memory.
const LARGEST: u64 = 1 << 31;

/// The numbers of a file, with their sizes, slowest first.
fn read(path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let wrong = |reason: &str| Error::parse(path, "IDX file of bytes")(reason.to_owned());
    let mut bytes = std::fs::read(path).map_err(Error::read(path))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(LARGEST)
            .read_to_end(&mut plain)
            .map_err(Error::read(path))?;
        bytes = plain;
    }
    let [0, 0, 8, dimensions, rest @ ..] = bytes.as_slice() else {
        return Err(wrong("it does not begin with 0, 0, 8"));
    };
    let (sizes, values) = rest
        .split_at_checked(4 * usize::from(*dimensions))
        .ok_or_else(|| wrong("it ends before its sizes"))?;
    let sizes: Vec<usize> = sizes
        .chunks_exact(4)
        .map(|size| {
            size.iter()
                .fold(0, |sum, &byte| sum << 8 | usize::from(byte))
        })
        .collect();
    let count = sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    match count == Some(values.len()) {
        true => Ok((sizes, values.to_vec())),
        false => Err(wrong(&format!(
            "its sizes are {sizes:?}, and {} bytes follow",
            values.len()
        ))),
    }
}

/// The grey images of a file of three dimensions.
///
/// # Errors
/// A file that cannot be read, is no IDX file of bytes, or holds something else than images.
pub fn images(path: &Path) -> Result<Vec<Picture>> {
    let (sizes, bytes) = read(path)?;
    match sizes.as_slice() {
        &[_, height, width] if height * width > 0 => Ok(bytes
            .chunks_exact(height * width)
            .map(|bytes| Picture {
                width,
                height,
                channels: 1,
                bytes: bytes.to_vec(),
            })
            .collect()),
        sizes => Err(Error::parse(path, "IDX file of images")(format!(
            "its sizes are {sizes:?}, expected images, rows and columns"
        ))),
    }
}

/// The classes of a file of one dimension.
///
/// # Errors
/// As [`images`].
pub fn labels(path: &Path) -> Result<Vec<usize>> {
    let (sizes, bytes) = read(path)?;
    match sizes.as_slice() {
        [_] => Ok(bytes.into_iter().map(usize::from).collect()),
        sizes => Err(Error::parse(path, "IDX file of labels")(format!(
            "its sizes are {sizes:?}, expected one"
        ))),
    }
}

/// The file of labels that belongs to a file of images by its name: `train-labels-idx1-ubyte.gz` to
/// `train-images-idx3-ubyte.gz`.
pub fn labels_beside(images: &Path) -> PathBuf {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    images.with_file_name(name.replace("images", "labels").replace("idx3", "idx1"))
}

/// Images and their classes, from a file of images and the one of labels beside it.
///
/// # Errors
/// As [`images`]; another number of labels than of images.
pub fn labelled(path: &Path) -> Result<Vec<(Picture, usize)>> {
    let beside = labels_beside(path);
    let (pictures, classes) = (images(path)?, labels(&beside)?);
    match pictures.len() == classes.len() {
        true => Ok(pictures.into_iter().zip(classes).collect()),
        false => Err(Error::Input(format!(
            "`{}` holds {} images and `{}` {} labels",
            path.display(),
            pictures.len(),
            beside.display(),
            classes.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn images_and_labels_come_plain_and_under_gzip() {
        let dir = tempfile::tempdir().expect("a folder");
        let (plain, packed) = (
            dir.path().join("a-images-idx3-ubyte"),
            dir.path().join("b-images-idx3-ubyte.gz"),
        );
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];
        bytes.extend(1..=6);
        let mut classes = vec![0, 0, 8, 1, 0, 0, 0, 2];
        classes.extend([7, 9]);
        std::fs::write(&plain, &bytes).expect("written");
        std::fs::write(labels_beside(&plain), &classes).expect("written");
        for (path, bytes) in [(&packed, &bytes), (&labels_beside(&packed), &classes)] {
            let file = std::fs::File::create(path).expect("a file");
            let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packer.write_all(bytes).expect("written");
            packer.finish().expect("finished");
        }
        assert_eq!(
            labels_beside(&packed),
            dir.path().join("b-labels-idx1-ubyte.gz")
        );
        let found = labelled(&plain).expect("read");
        assert_eq!(
            (found[1].0.bytes.as_slice(), found[1].1),
            ([4, 5, 6].as_slice(), 9)
        );
        assert_eq!(labelled(&packed).expect("read"), found);
        // One label too few, a byte too few, and something else.
        std::fs::write(labels_beside(&plain), [0, 0, 8, 1, 0, 0, 0, 1, 7]).expect("written");
        assert!(
            labelled(&plain)
                .expect_err("refused")
                .to_string()
                .contains("2 images and")
        );
        std::fs::write(&plain, &bytes[..bytes.len() - 1]).expect("written");
        assert!(
            images(&plain)
                .expect_err("refused")
                .to_string()
                .ends_with("is not a valid IDX file of bytes")
        );
        assert!(images(&labels_beside(&packed)).is_err() && labels(&packed).is_err());
    }
}

//! Many images: folders of files, and the packed files of MNIST and CIFAR as they are downloaded.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Picture;
use super::collection::{Material, RawSample};
use crate::{Error, Result};

/// Rows, columns and channels of the CIFAR sets.
const CIFAR: usize = 32 * 32 * 3;

/// More bytes than the largest such set has, since a few of a packed file may stand for any number.
const UNPACKED: u64 = 1 << 30;

impl RawSample {
    /// The images at `path`, the first `limit` of them: the PNG and JPEG files of a folder, in the order of its `labels.csv`
    /// (columns `file` and perhaps `label`) where there is one, else by name, folders in it being classes; an IDX file, packed
    /// with gzip or not, with the labels of the file beside it; a CIFAR-10 or CIFAR-100 binary.
    ///
    /// # Errors
    /// A file that cannot be read or is none of these, or is shorter than it says; no image at all.
    pub fn images(path: &Path, limit: Option<usize>) -> Result<Vec<Self>> {
        let limit = limit.unwrap_or(usize::MAX);
        let images = match path.is_dir() {
            true => folder(path, limit)?,
            false => packed(path, limit)?,
        };
        match images.is_empty() {
            true => Err(Error::Input(format!("`{}` holds no image", path.display()))),
            false => Ok(images),
        }
    }
}

fn folder(path: &Path, limit: usize) -> Result<Vec<RawSample>> {
    let listed = path.join("labels.csv");
    let mut found = match listed.exists() {
        true => listing(path, &listed)?,
        false => files(path)?,
    };
    found.truncate(limit);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for sample in &mut found {
        let times = times.entry(sample.id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            sample.id = format!("{}.{times}", sample.id);
        }
    }
    Ok(found)
}

/// The files that a table names, relative to its folder.
fn listing(dir: &Path, table: &Path) -> Result<Vec<RawSample>> {
    let mut reader =
        csv::Reader::from_path(table).map_err(Error::parse(table, "table with a header"))?;
    let header = reader
        .headers()
        .map_err(Error::parse(table, "table with a header"))?
        .clone();
    let column = |names: &[&str]| header.iter().position(|name| names.contains(&name.trim()));
    let file = column(&["file", "filename", "image", "path"])
        .ok_or_else(|| Error::Input(format!("`{}` has no column `file`", table.display())))?;
    let label = column(&["label", "class"]);
    let mut samples = Vec::new();
    for record in reader.records() {
        let record = record.map_err(Error::parse(table, "table"))?;
        let name = Path::new(record.get(file).unwrap_or_default());
        // A list may name what lies in its folder, and nothing else on the disk.
        let inside = name
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside || name.as_os_str().is_empty() {
            return Err(Error::Input(format!(
                "`{}` names `{}`, which is no file of its folder",
                table.display(),
                name.display()
            )));
        }
        samples.push(RawSample {
            label: label.and_then(|label| record.get(label)).map(String::from),
            ..RawSample::image(&dir.join(name))
        });
    }
    Ok(samples)
}

/// The image files of a folder and of the folders in it, whose names are then classes.
fn files(dir: &Path) -> Result<Vec<RawSample>> {
    let entries = |dir: &Path| -> Result<Vec<PathBuf>> {
        let listed = std::fs::read_dir(dir).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()
        });
        let mut paths = listed.map_err(Error::read(dir))?;
        paths.sort();
        Ok(paths)
    };
    let is_image = |path: &PathBuf| {
        let ending = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        ["png", "jpg", "jpeg"].contains(&ending.as_str())
    };
    let mut samples: Vec<RawSample> = entries(dir)?
        .iter()
        .filter(|path| is_image(path))
        .map(|path| RawSample::image(path))
        .collect();
    for class in entries(dir)?.iter().filter(|path| path.is_dir()) {
        let name = class
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let inside = entries(class)?;
        samples.extend(
            inside
                .iter()
                .filter(|path| is_image(path))
                .map(|path| RawSample {
                    label: Some(name.clone()),
                    ..RawSample::image(path)
                }),
        );
    }
    Ok(samples)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(Error::read(path))?;
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => unpacked(path, &bytes, UNPACKED),
        false => Ok(bytes),
    }
}

/// What `bytes` were packed from with gzip, no more than `most` bytes.
fn unpacked(path: &Path, bytes: &[u8], most: u64) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(most + 1)
        .read_to_end(&mut unpacked)
        .map_err(Error::parse(path, "gzip file"))?;
    match unpacked.len() as u64 > most {
        true => Err(Error::Input(format!(
            "`{}` unpacks to more than {most} bytes",
            path.display()
        ))),
        false => Ok(unpacked),
    }
}

fn packed(path: &Path, limit: usize) -> Result<Vec<RawSample>> {
    let bytes = read(path)?;
    let wrong = |reason: String| Error::Input(format!("`{}` {reason}", path.display()));
    if let Some(size) = idx_sizes(&bytes, 3) {
        let [count, height, width] = [size[0], size[1], size[2]];
        let places = height * width;
        let pixels = &bytes[16..];
        if places == 0 || pixels.len() != count.saturating_mul(places) {
            return Err(wrong(format!(
                "holds {} bytes of pixels; {count} images of {height} × {width} are expected",
                pixels.len()
            )));
        }
        let labels = idx_labels(path, count)?;
        let images = pixels.chunks_exact(places).take(limit).enumerate();
        return Ok(images
            .map(|(number, bytes)| {
                let picture = Picture {
                    width,
                    height,
                    channels: 1,
                    bytes: bytes.to_vec(),
                };
                let label = labels.as_ref().map(|labels| labels[number].to_string());
                numbered(path, number, picture, label)
            })
            .collect());
    }
    let labels = match bytes.len() {
        0 => 0,
        length if length % (CIFAR + 1) == 0 => 1,
        length if length % (CIFAR + 2) == 0 => 2,
        _ => 0,
    };
    if labels == 0 {
        return Err(wrong(
            "is no data set of images: expected a folder, an IDX file or a CIFAR binary".into(),
        ));
    }
    let images = bytes.chunks_exact(CIFAR + labels).take(limit).enumerate();
    Ok(images
        .map(|(number, entry)| {
            // CIFAR-100 has a coarse label before the fine one.
            let (labels, planes) = entry.split_at(labels);
            let places = CIFAR / 3;
            let bytes = (0..CIFAR)
                .map(|at| planes[at % 3 * places + at / 3])
                .collect();
            let picture = Picture {
                width: 32,
                height: 32,
                channels: 3,
                bytes,
            };
            numbered(path, number, picture, labels.last().map(u8::to_string))
        })
        .collect())
}

fn numbered(path: &Path, number: usize, picture: Picture, label: Option<String>) -> RawSample {
    RawSample {
        id: format!("{number:05}"),
        name: format!("image {number} of {}", path.display()),
        material: Material::Picture(picture),
        label,
    }
}

/// The sizes in the head of an IDX file of bytes with so many axes: two zeros, the kind 8, the number of axes, then a size for
/// each, all big-endian.
fn idx_sizes(bytes: &[u8], axes: u8) -> Option<Vec<usize>> {
    let head = bytes.get(..4 + 4 * usize::from(axes))?;
    let size = |four: &[u8]| {
        four.iter()
            .fold(0, |size, &byte| size << 8 | usize::from(byte))
    };
    (head[..4] == [0, 0, 8, axes]).then(|| head[4..].chunks_exact(4).map(size).collect())
}

/// The labels in the file that belongs to a file of images, where there is one.
fn idx_labels(path: &Path, count: usize) -> Result<Option<Vec<u8>>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(
        name.replace("images-idx3", "labels-idx1")
            .replace("images.idx3", "labels.idx1"),
    );
    if beside == path || !beside.exists() {
        return Ok(None);
    }
    let bytes = read(&beside)?;
    match idx_sizes(&bytes, 1) {
        Some(size) if size == [count] && bytes.len() == 8 + count => Ok(Some(bytes[8..].to_vec())),
        _ => Err(Error::Input(format!(
            "`{}` does not hold the labels of {count} images",
            beside.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Result<Vec<RawSample>> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        RawSample::images(&path, Some(2))
    }

    #[test]
    fn a_packed_file_does_not_unpack_without_bound() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[7; 1000]).expect("written");
        let packed = packed.finish().expect("finished");
        assert!(packed.len() < 100);
        let of = |most| unpacked(Path::new("x.gz"), &packed, most);
        assert_eq!(of(1000).expect("fits"), [7; 1000]);
        let refused = of(999).expect_err("too long").to_string();
        assert_eq!(refused, "`x.gz` unpacks to more than 999 bytes");
    }

    fn picture(sample: &RawSample) -> &Picture {
        match &sample.material {
            Material::Picture(picture) => picture,
            other => panic!("{other:?} is no picture"),
        }
    }

    #[test]
    fn idx_files_are_read_with_their_labels_packed_or_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2];
        images.extend([10, 20, 30, 40, 50, 60]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&images).expect("packed");
        let path = dir.path().join("t-images-idx3-ubyte.gz");
        std::fs::write(&path, packed.finish().expect("packed")).expect("written");
        std::fs::write(
            dir.path().join("t-labels-idx1-ubyte.gz"),
            [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9],
        )
        .expect("written");
        let read = RawSample::images(&path, Some(2)).expect("read");
        assert_eq!(read.len(), 2);
        assert_eq!(picture(&read[1]).bytes, [30, 40]);
        assert_eq!(
            (picture(&read[1]).width, read[1].label.as_deref()),
            (2, Some("8"))
        );
        let short = of("x", &images[..20]).expect_err("short").to_string();
        assert!(
            short.ends_with("holds 4 bytes of pixels; 3 images of 1 × 2 are expected"),
            "{short}"
        );
    }

    #[test]
    fn cifar_planes_become_pixels() {
        for labels in [1, 2] {
            let mut bytes = Vec::new();
            for image in 0..3u32 {
                bytes.extend([3, 77][2 - labels..].iter());
                bytes.extend(
                    (0..CIFAR as u32).map(|at| (at / 1024 * 100 + at % 1024 % 50 + image) as u8),
                );
            }
            let read = of("c.bin", &bytes).expect("read");
            assert_eq!((read.len(), read[0].label.as_deref()), (2, Some("77")));
            assert_eq!(picture(&read[1]).bytes[..6], [1, 101, 201, 2, 102, 202]);
        }
        let message = of("c.bin", &[1; 3000])
            .expect_err("no data set")
            .to_string();
        assert!(message.contains("is no data set of images"), "{message}");
    }

    #[test]
    fn folders_give_their_files_in_order_and_nothing_outside() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("cat")).expect("made");
        for name in ["b.png", "a.JPG", "cat/b.png", "c.txt"] {
            std::fs::write(path(name), "").expect("written");
        }
        let found = RawSample::images(dir.path(), None).expect("listed");
        let found: Vec<_> = found
            .iter()
            .map(|sample| (sample.id.as_str(), sample.label.as_deref()))
            .collect();
        assert_eq!(found, [("a", None), ("b", None), ("b.2", Some("cat"))]);
        std::fs::write(path("labels.csv"), "file,label\nb.png,4\n").expect("written");
        let listed = RawSample::images(dir.path(), None).expect("listed");
        assert_eq!((listed.len(), listed[0].label.as_deref()), (1, Some("4")));
        std::fs::write(path("labels.csv"), "file\n../b.png\n").expect("written");
        let message = RawSample::images(dir.path(), None)
            .expect_err("outside")
            .to_string();
        assert!(message.contains("is no file of its folder"), "{message}");
    }
}

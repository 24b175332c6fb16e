//! Readers of images, of packed sets of them, of segments and of tables of numbers.

use std::io::{Cursor, Write as _};
use std::path::Path;

use harsanyi::input::{
    Baseline, Image, ImageForm, Picture, PlayerRule, Players, RawSample, RowForm,
};
use serde_json::{Value, json};

use super::{folder, fuzz, fuzz_file, npy};

fn picture(height: usize, width: usize, channels: usize) -> Picture {
    let bytes = (0..height * width * channels).map(|at| (at % 7) as u8);
    Picture {
        width,
        height,
        channels,
        bytes: bytes.collect(),
    }
}

/// What a network of 4 × 4 pixels takes, by its `preprocessor_config.json`.
fn form(prepared: &Value) -> harsanyi::Result<ImageForm> {
    ImageForm::new(&json!({}), Some(prepared), [3, 4, 4], Path::new("x"))
}

fn jpeg() -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(12, 9, |x, y| image::Rgb([x as u8 * 9, y as u8 * 9, 40]));
    let mut file = Cursor::new(Vec::new());
    pixels
        .write_to(&mut file, image::ImageFormat::Jpeg)
        .expect("encoded");
    file.into_inner()
}

#[test]
fn images() {
    let png = |channels| picture(9, 12, channels).png().expect("encoded");
    let form = form(&json!({ "size": { "shortest_edge": 5 } })).expect("a form");
    fuzz_file(40, 2000, "a.png", &[png(1), png(3), jpeg()], |path| {
        Picture::read(path).is_ok_and(|picture| form.prepare(&picture).is_ok())
    });
}

#[test]
fn what_images_become() {
    let tall = [picture(40, 3, 3), picture(6, 6, 1)];
    let seeds = [
        br#"{"size": {"shortest_edge": 5}, "do_center_crop": true, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.1], "resample": 3}"#.to_vec(),
        br#"{"size": 8, "crop_pct": 0.9, "rescale_factor": 0.00392, "do_normalize": false}"#.to_vec(),
    ];
    fuzz(41, 2000, &seeds, |bytes| {
        let Ok(prepared) = serde_json::from_slice::<Value>(bytes) else {
            return false;
        };
        // A configuration that enlarges a hundred times is honest, and slow.
        let side = |value: &Value| {
            value
                .as_u64()
                .is_some_and(|side| (65..1 << 20).contains(&side))
        };
        let size = &prepared["size"];
        if side(size) || side(&size["shortest_edge"]) {
            return true;
        }
        form(&prepared).is_ok_and(|form| {
            let images = tall.iter().filter_map(|one| form.prepare(one).ok());
            images
                .map(|one| form.numbers(&one).len())
                .all(|numbers| numbers == 48)
        })
    });
}

/// An IDX file of two images of 2 × 3 pixels, or of their labels.
fn idx(sizes: &[u32], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    sizes
        .iter()
        .for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(content);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("written");
    packed.finish().expect("finished")
}

#[test]
fn sets_of_images() {
    let set = idx(&[2, 2, 3], &[7; 12]);
    let cifar = vec![3; 3 * 1024 + 1];
    let read = |path: &Path| RawSample::images(path, Some(3)).is_ok();
    fuzz_file(
        42,
        2000,
        "images-idx3-ubyte",
        &[set.clone(), gzip(&set), cifar],
        read,
    );
    let dir = folder();
    let images = dir.path().join("images-idx3-ubyte");
    std::fs::write(&images, &set).expect("written");
    let labels = dir.path().join("labels-idx1-ubyte");
    fuzz(
        43,
        2000,
        &[idx(&[2], &[4, 9]), gzip(&idx(&[2], &[4, 9]))],
        |bytes| {
            std::fs::write(&labels, bytes).expect("written");
            read(&images)
        },
    );
    let dir = folder();
    let list = dir.path().join("labels.csv");
    let seeds = [b"file,label\na.png,cat\nb/c.png,dog\n".to_vec()];
    fuzz(44, 2000, &seeds, |bytes| {
        std::fs::write(&list, bytes).expect("written");
        read(dir.path())
    });
}

#[test]
fn segments_of_an_image() {
    let form = form(&json!({})).expect("a form");
    let image = Image::new(picture(4, 8, 3), &form, &Baseline::Zero).expect("an image");
    let mut numbers = npy(&[], "|u1", 1);
    let shape = numbers
        .windows(4)
        .position(|four| four == b"(0,)")
        .expect("a shape");
    numbers.splice(shape..shape + 4, *b"(4, 8)");
    numbers[8] += 2;
    numbers.extend((0..32).map(|at| at / 8));
    let read = |path: &Path| {
        Players::of_image(&image, &form, &PlayerRule::Segments(path.into()), &[]).is_ok()
    };
    fuzz_file(45, 3000, "s.npy", &[numbers], read);
    let mut grey = picture(4, 4, 1);
    grey.bytes.iter_mut().for_each(|byte| *byte %= 3);
    fuzz_file(46, 1000, "s.png", &[grey.png().expect("encoded")], read);
}

#[test]
fn tables_of_numbers() {
    let config = json!({ "input": { "columns": ["a", "b"], "mean": [0, 1], "std": [1, 2] } });
    let form = RowForm::new(&config, 2, Path::new("x")).expect("a form");
    let seeds = [b"a,b,target\n1,2.5,x\n-3e2,\"4\",y\n".to_vec()];
    fuzz_file(47, 3000, "rows.csv", &seeds, |path| form.read(path).is_ok());
}

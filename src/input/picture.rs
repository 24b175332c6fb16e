//! Images as files hold them, and the size and colours in which a network takes them.

use std::path::Path;

use ::image::imageops::{self, FilterType};
use ::image::{DynamicImage, GrayImage, ImageReader, RgbImage};
use serde_json::Value;

use super::features::Scale;
use crate::{Error, Result};

/// More rows or columns than any image that this program opens, so that a file cannot ask for all memory.
const LONGEST: u32 = 1 << 14;

/// More pixels than any image has when it is resized, before what the network does not see is cut off.
const MOST_RESIZED: usize = 1 << 26;

/// Pixels of 8 bits: (H, W, C), C being 1 for grey and 3 for red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 or 3.
    pub channels: usize,
    /// (H, W, C)
    pub bytes: Vec<u8>,
}

impl Picture {
    /// Reads a PNG or JPEG file; transparency is dropped, 16 bits become 8.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no such image.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::read(path))?;
        let broken = |reason: image::ImageError| Error::parse(path, "PNG or JPEG image")(reason);
        let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
            .with_guessed_format()
            .map_err(Error::read(path))?;
        let mut limits = image::Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(LONGEST), Some(LONGEST));
        reader.limits(limits);
        let decoded = reader.decode().map_err(broken)?;
        Ok(Self::new(&decoded))
    }

    fn new(decoded: &DynamicImage) -> Self {
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let (channels, bytes) = match decoded.color().has_color() {
            true => (3, decoded.to_rgb8().into_raw()),
            false => (1, decoded.to_luma8().into_raw()),
        };
        Self {
            width,
            height,
            channels,
            bytes,
        }
    }

    fn decoded(&self) -> DynamicImage {
        let (width, height) = (self.width as u32, self.height as u32);
        let bytes = self.bytes.clone();
        let whole = match self.channels {
            1 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, bytes).map(DynamicImage::from),
        };
        whole.expect("as many bytes as pixels")
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// [`Error::Input`], should the encoder fail.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut file = std::io::Cursor::new(Vec::new());
        self.decoded()
            .write_to(&mut file, image::ImageFormat::Png)
            .map_err(|reason| Error::Input(format!("could not encode the image: {reason}")))?;
        Ok(file.into_inner())
    }
}

/// How an image becomes as large as the network takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    /// Both sides are stretched.
    Stretch,
    /// The shorter side becomes so long, and the middle is cut out.
    Crop(usize),
}

/// What a network takes: channels, size, and how pixels become numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageForm {
    /// 1 or 3.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    fit: Fit,
    filter: FilterType,
    /// What a byte is multiplied by.
    factor: f64,
    /// The normalization behind that.
    scale: Scale,
}

impl ImageForm {
    /// Reads the `config.json` of a network that takes (C, H, W): its `input`, as our own nets have it, its `pretrained_cfg`,
    /// as timm's do, or its `preprocessor_config.json`, as those of transformers do.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for means or deviations that do not fit, naming `path`.
    pub fn new(
        config: &Value,
        preprocessor: Option<&Value>,
        [channels, height, width]: [usize; 3],
        path: &Path,
    ) -> Result<Self> {
        let wrong = |reason: String| Error::Checkpoint {
            path: path.into(),
            reason,
        };
        if channels != 1 && channels != 3 {
            return Err(wrong(format!(
                "the network takes {channels} channels; images have 1 or 3"
            )));
        }
        let nothing = Value::Null;
        let (own, timm) = (&config["input"], &config["pretrained_cfg"]);
        let prepared = preprocessor.unwrap_or(&nothing);
        let off = |key: &str| prepared[key] == Value::Bool(false);
        let (mean, std) = if own.is_object() {
            (&own["mean"], &own["std"])
        } else if timm.is_object() {
            (&timm["mean"], &timm["std"])
        } else if off("do_normalize") {
            (&nothing, &nothing)
        } else {
            (&prepared["image_mean"], &prepared["image_std"])
        };
        let scale = Scale::new(mean, std, channels).map_err(wrong)?;
        let factor = match own["scale"].as_str() {
            Some("pixel") => 1.0,
            _ if off("do_rescale") => 1.0,
            _ => prepared["rescale_factor"].as_f64().unwrap_or(1.0 / 255.0),
        };
        let side = height.min(width) as f64;
        let share = timm["crop_pct"].as_f64().or(prepared["crop_pct"].as_f64());
        let size = &prepared["size"];
        let shortest = size["shortest_edge"].as_u64().or(size.as_u64());
        let fit = match (share, shortest) {
            (Some(share), _) if share > 0.1 && share <= 1.0 => Fit::Crop((side / share) as usize),
            (_, Some(shortest)) if shortest >= side as u64 && !off("do_center_crop") => {
                Fit::Crop(shortest as usize)
            }
            _ => Fit::Stretch,
        };
        let cubic = timm["interpolation"] == "bicubic" || prepared["resample"] == 3;
        let filter = if cubic {
            FilterType::CatmullRom
        } else {
            FilterType::Triangle
        };
        Ok(Self {
            channels,
            height,
            width,
            fit,
            filter,
            factor,
            scale,
        })
    }

    /// `picture` in the size and with the channels that the network takes.
    ///
    /// # Errors
    /// [`Error::Input`] for a coloured picture where the network takes grey ones, and for one so long and thin that it
    /// cannot be resized.
    pub fn prepare(&self, picture: &Picture) -> Result<Picture> {
        if picture.channels > self.channels {
            return Err(Error::Input(format!(
                "the network takes images of {} channel, and this one has {}",
                self.channels, picture.channels
            )));
        }
        let mut whole = picture.decoded();
        if self.channels == 3 {
            whole = DynamicImage::from(whole.to_rgb8());
        }
        let (width, height) = self.before_crop(picture);
        if width.saturating_mul(height) > MOST_RESIZED {
            return Err(Error::Input(format!(
                "the image of {} × {} pixels would have to be resized to {width} × {height}, of which the network sees {} × {}",
                picture.width, picture.height, self.width, self.height
            )));
        }
        if (width, height) != (picture.width, picture.height) {
            let (width, height) = (width as u32, height as u32);
            whole = match whole {
                DynamicImage::ImageLuma8(grey) => {
                    imageops::resize(&grey, width, height, self.filter).into()
                }
                other => imageops::resize(&other.to_rgb8(), width, height, self.filter).into(),
            };
        }
        let (left, top) = ((width - self.width) / 2, (height - self.height) / 2);
        let cut = whole.crop_imm(
            left as u32,
            top as u32,
            self.width as u32,
            self.height as u32,
        );
        Ok(Picture::new(&cut))
    }

    /// Columns and rows behind the resizing.
    fn before_crop(&self, picture: &Picture) -> (usize, usize) {
        match self.fit {
            Fit::Stretch => (self.width, self.height),
            Fit::Crop(side) => {
                let shorter = picture.width.min(picture.height);
                let along = |length: usize, least: usize| {
                    (side.saturating_mul(length) / shorter).max(least)
                };
                (
                    along(picture.width, self.width),
                    along(picture.height, self.height),
                )
            }
        }
    }

    /// Where in `picture` the pixel at (row, column) of the prepared image comes from, as its nearest pixel.
    pub fn origin(&self, picture: &Picture, row: usize, column: usize) -> (usize, usize) {
        let (width, height) = self.before_crop(picture);
        let back = |place: usize, margin: usize, own: usize, whole: usize| {
            ((2 * (place + margin) + 1) * own / (2 * whole)).min(own - 1)
        };
        (
            back(row, (height - self.height) / 2, picture.height, height),
            back(column, (width - self.width) / 2, picture.width, width),
        )
    }

    /// The numbers (C, H, W) of a prepared picture.
    pub fn numbers(&self, prepared: &Picture) -> Vec<f32> {
        let places = self.height * self.width;
        let of = |c: usize, place: usize| {
            let byte = prepared.bytes[place * self.channels + c];
            self.scale.apply(f64::from(byte) * self.factor, c)
        };
        (0..self.channels)
            .flat_map(|c| (0..places).map(move |place| (c, place)))
            .map(|(c, place)| of(c, place))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(config: Value, prepared: Option<Value>, shape: [usize; 3]) -> ImageForm {
        ImageForm::new(&config, prepared.as_ref(), shape, Path::new("x")).expect("a form")
    }

    #[test]
    fn pixels_become_the_numbers_that_the_configuration_calls_for() {
        let input = json!({ "input": { "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.1] } });
        let form = form(input, None, [3, 1, 2]);
        let picture = Picture {
            width: 2,
            height: 1,
            channels: 3,
            bytes: vec![255, 0, 51, 102, 204, 0],
        };
        let prepared = form.prepare(&picture).expect("as large as it must be");
        assert_eq!(prepared, picture);
        let expected = [2.5, (0.4 - 0.5) / 0.2, -2.0, 2.0, -1.0, -3.0];
        for (got, expected) in form.numbers(&prepared).iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn the_shorter_side_is_fitted_and_the_middle_is_cut_out() {
        let prepared =
            json!({ "size": { "shortest_edge": 4 }, "do_center_crop": true, "crop_size": 2 });
        let form = form(json!({}), Some(prepared), [1, 2, 2]);
        let bytes = (0..8 * 16)
            .map(|place| if place % 16 >= 8 { 200 } else { 0 })
            .collect();
        let picture = Picture {
            width: 16,
            height: 8,
            channels: 1,
            bytes,
        };
        // 8 × 16 becomes 4 × 8, whose middle is 2 × 2 across the edge.
        let small = form.prepare(&picture).expect("fits");
        assert_eq!((small.width, small.height), (2, 2));
        assert!(
            small.bytes[0] < 60 && small.bytes[1] > 140,
            "{:?}",
            small.bytes
        );
        assert_eq!(form.origin(&picture, 0, 0), (3, 7));
        assert_eq!(form.origin(&picture, 1, 1), (5, 9));
    }

    #[test]
    fn neither_a_thread_of_pixels_nor_a_configuration_asks_for_all_memory() {
        let picture = |height, width| Picture {
            width,
            height,
            channels: 1,
            bytes: vec![0; height * width],
        };
        let size = |side: u64| json!({ "size": { "shortest_edge": side } });
        let refused = form(json!({}), Some(size(256)), [1, 224, 224])
            .prepare(&picture(1, 16_384))
            .expect_err("too thin");
        assert_eq!(
            refused.to_string(),
            "the image of 16384 × 1 pixels would have to be resized to 4194304 × 256, of which the network sees 224 × 224"
        );
        for side in [1 << 20, u64::MAX] {
            let form = form(json!({}), Some(size(side)), [1, 2, 2]);
            assert!(form.prepare(&picture(3, 2)).is_err());
        }
    }

    #[test]
    fn grey_becomes_coloured_and_not_the_other_way_round() {
        let grey = Picture {
            width: 1,
            height: 1,
            channels: 1,
            bytes: vec![7],
        };
        let coloured = form(json!({}), None, [3, 1, 1])
            .prepare(&grey)
            .expect("fits");
        assert_eq!(coloured.bytes, [7, 7, 7]);
        let refused = form(json!({}), None, [1, 1, 1])
            .prepare(&coloured)
            .expect_err("no");
        assert_eq!(
            refused.to_string(),
            "the network takes images of 1 channel, and this one has 3"
        );
        assert_eq!(
            Picture::new(&image::load_from_memory(&grey.png().expect("a file")).expect("read")),
            grey
        );
    }
}

//! Images with classes as a training set, drawn in batches and shifted a little.

use candle_core::{DType, Device, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::input::{ImageForm, Picture};
use crate::{Error, Result};

/// Normalized images with their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSet {
    shape: [usize; 3],
    /// (B, C, H, W)
    values: Vec<f32>,
    classes: Vec<u32>,
}

impl ImageSet {
    /// Puts `samples`, images with their classes, into the form that the network takes.
    ///
    /// # Errors
    /// [`Error::Input`] for an image with more channels than the network takes, and for no image at all.
    pub fn new(samples: &[(Picture, usize)], form: &ImageForm) -> Result<Self> {
        let shape = [form.channels, form.height, form.width];
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        for (picture, class) in samples {
            values.extend(form.numbers(&form.prepare(picture)?));
            classes.push(*class as u32);
        }
        match classes.is_empty() {
            true => Err(Error::Input("there is no image to train on".into())),
            false => Ok(Self {
                shape,
                values,
                classes,
            }),
        }
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Never, since a set without images is refused.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// (C, H, W)
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// One more than the largest class.
    pub fn class_count(&self) -> usize {
        self.classes
            .iter()
            .max()
            .map_or(0, |&class| class as usize + 1)
    }

    /// The images numbered `chosen` (B, C, H, W), moved and mirrored as `shifts` says, and their classes (B).
    ///
    /// # Errors
    /// What the device refuses.
    pub(super) fn batch(
        &self,
        chosen: &[usize],
        shifts: Option<(&Augmentation, &mut ChaCha8Rng)>,
        device: &Device,
        dtype: DType,
    ) -> Result<(Tensor, Tensor)> {
        let [c, h, w] = self.shape;
        let size = c * h * w;
        let mut values = Vec::with_capacity(chosen.len() * size);
        let mut draw = shifts;
        for &image in chosen {
            let image = &self.values[image * size..][..size];
            match &mut draw {
                None => values.extend_from_slice(image),
                Some((augmentation, rng)) => {
                    augmentation.apply(image, self.shape, rng, &mut values)
                }
            }
        }
        let classes: Vec<u32> = chosen.iter().map(|&image| self.classes[image]).collect();
        let images = Tensor::from_vec(values, (chosen.len(), c, h, w), device)?.to_dtype(dtype)?;
        Ok((images, Tensor::new(classes, device)?))
    }
}

/// How images are varied while they are learned; the default is not at all. Published for CIFAR-10: padding 4 and mirrors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// The image is moved by up to so many pixels along both axes; zeros come in.
    pub padding: usize,
    /// Half of the images are mirrored left to right.
    pub mirror: bool,
}

impl Augmentation {
    /// Writes `image` (C, H, W), moved and mirrored by chance, behind `out`.
    fn apply(
        &self,
        image: &[f32],
        [c, h, w]: [usize; 3],
        rng: &mut ChaCha8Rng,
        out: &mut Vec<f32>,
    ) {
        let mut shift = || rng.random_range(0..=2 * self.padding);
        let (down, right) = (shift(), shift());
        let mirrored = self.mirror && rng.random::<bool>();
        for plane in 0..c {
            for row in 0..h {
                for column in 0..w {
                    let column = if mirrored { w - 1 - column } else { column };
                    // The place in the image with zeros around it, less the zeros.
                    let from = |at: usize, shift: usize, length: usize| {
                        (at + shift)
                            .checked_sub(self.padding)
                            .filter(|&at| at < length)
                    };
                    out.push(match (from(row, down, h), from(column, right, w)) {
                        (Some(row), Some(column)) => image[(plane * h + row) * w + column],
                        _ => 0.0,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn images_are_moved_and_mirrored_and_otherwise_as_they_were() {
        let image: Vec<f32> = (1..=12).map(|x| x as f32).collect();
        let augmentation = Augmentation {
            padding: 1,
            mirror: true,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..400 {
            let mut out = Vec::new();
            augmentation.apply(&image, [1, 3, 4], &mut rng, &mut out);
            assert_eq!(out.len(), 12);
            // Every pixel that is left keeps its neighbour to one side.
            for row in out.chunks(4) {
                for pair in row.windows(2).filter(|pair| pair[0] > 0.0 && pair[1] > 0.0) {
                    assert_eq!((pair[1] - pair[0]).abs(), 1.0);
                }
            }
            seen.insert(out.iter().map(|x| *x as u8).collect::<Vec<_>>());
        }
        // Nine places, either way round.
        assert_eq!(seen.len(), 18);
        let mut same = Vec::new();
        Augmentation::default().apply(&image, [1, 3, 4], &mut rng, &mut same);
        assert_eq!(same, image);
    }
}

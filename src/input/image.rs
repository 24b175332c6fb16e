//! An image as a sample: its numbers, its baseline, and players that own cells or segments of it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::features::Features;
use super::picture::{ImageForm, Picture};
use super::{Baseline, PlayerRule, Players};
use crate::npy;
use crate::{Error, Result};

/// An image, prepared for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// As the file holds it.
    pub original: Picture,
    /// As the network takes it.
    pub prepared: Picture,
    /// The numbers that it is given.
    pub features: Features,
}

impl Image {
    /// Prepares `picture` in the `form` that the network takes, with `baseline` where pixels are absent.
    ///
    /// # Errors
    /// [`Error::Input`] for a picture with other channels; a baseline that images do not have or that cannot be read.
    pub fn new(picture: Picture, form: &ImageForm, baseline: &Baseline) -> Result<Self> {
        let prepared = form.prepare(&picture)?;
        let present = form.numbers(&prepared);
        let places = form.height * form.width;
        let absent = match baseline {
            Baseline::Auto | Baseline::Zero => vec![0.0; present.len()],
            Baseline::Mean => means(&present, places),
            Baseline::Blur => blurred(&present, form.height, form.width),
            Baseline::File(path) => form.numbers(&form.prepare(&Picture::read(path)?)?),
            other => {
                return Err(Error::Parameter {
                    parameter: "the baseline",
                    must: "zero, mean, blur or file:PATH for an image",
                    got: format!("`{other}`"),
                });
            }
        };
        let features = Features {
            channels: form.channels,
            height: form.height,
            width: form.width,
            present,
            absent,
        };
        Ok(Self {
            original: picture,
            prepared,
            features,
        })
    }
}

/// The mean of each channel, at every pixel.
fn means(values: &[f32], places: usize) -> Vec<f32> {
    let mean = |plane: &[f32]| plane.iter().map(|&x| f64::from(x)).sum::<f64>() / places as f64;
    values
        .chunks_exact(places)
        .flat_map(|plane| std::iter::repeat_n(mean(plane) as f32, places))
        .collect()
}

/// Each channel under a Gaussian whose σ is a tenth of the shorter side, cut off at 3σ; the border pixels go on outside.
fn blurred(values: &[f32], height: usize, width: usize) -> Vec<f32> {
    let sigma = height.min(width) as f64 / 10.0;
    let reach = (3.0 * sigma).ceil() as isize;
    let weights: Vec<f64> = (-reach..=reach)
        .map(|at| (-0.5 * (at as f64 / sigma).powi(2)).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    let along =
        |plane: &[f64], length: usize, step: usize, lines: usize, next: usize| -> Vec<f64> {
            let mut out = vec![0.0; plane.len()];
            for line in 0..lines {
                for at in 0..length {
                    let sum: f64 = (-reach..=reach)
                        .zip(&weights)
                        .map(|(off, weight)| {
                            let from = at.saturating_add_signed(off).min(length - 1);
                            weight * plane[line * next + from * step]
                        })
                        .sum();
                    out[line * next + at * step] = sum / total;
                }
            }
            out
        };
    values
        .chunks_exact(height * width)
        .flat_map(|plane| {
            let plane: Vec<f64> = plane.iter().map(|&x| f64::from(x)).collect();
            let rows = along(&plane, width, 1, height, width);
            along(&rows, height, width, width, 1)
        })
        .map(|x| x as f32)
        .collect()
}

impl Players {
    /// Cuts `image` by `rule`; `background` names players, by label or by number, that are none after all. Elements are the
    /// pixels of the prepared image, row by row.
    ///
    /// # Errors
    /// A rule for other samples, more cells than pixels, segments of another size or with a number that no pixel has.
    pub fn of_image(
        image: &Image,
        form: &ImageForm,
        rule: &PlayerRule,
        background: &[String],
    ) -> Result<Self> {
        let players = match rule {
            PlayerRule::Auto => Self::grid(form.height, form.width, 3, 4)?,
            &PlayerRule::Grid(rows, columns) => Self::grid(form.height, form.width, rows, columns)?,
            PlayerRule::Segments(path) => segments(path, image, form)?,
            other => {
                return Err(Error::Parameter {
                    parameter: "the players",
                    must: "grid:ROWSxCOLUMNS or segments:FILE for an image",
                    got: format!("`{other}`"),
                });
            }
        };
        players.without(background)
    }

    /// A player per cell, in reading order: cell i of R along a side of length L reaches from ⌊i·L/R⌋ to ⌊(i + 1)·L/R⌋.
    ///
    /// # Errors
    /// [`Error::Input`] for more cells along a side than pixels.
    pub fn grid(height: usize, width: usize, rows: usize, columns: usize) -> Result<Self> {
        if rows == 0 || columns == 0 || rows > height || columns > width {
            return Err(Error::Input(format!(
                "a grid of {rows} × {columns} cells does not fit into {height} × {width} pixels"
            )));
        }
        // The last cell that begins at or before a pixel.
        let cell = |place: usize, length: usize, cells: usize| ((place + 1) * cells - 1) / length;
        let owner = (0..height * width)
            .map(|place| {
                let (row, column) = (
                    cell(place / width, height, rows),
                    cell(place % width, width, columns),
                );
                Some(row * columns + column)
            })
            .collect();
        let labels = (0..rows * columns)
            .map(|cell| format!("r{}c{}", cell / columns, cell % columns))
            .collect();
        Ok(Self { owner, labels })
    }
}

/// A player per number in the file, which has the size of the image as it is in its own file or as the network takes it.
fn segments(path: &Path, image: &Image, form: &ImageForm) -> Result<Players> {
    let (original, prepared) = (&image.original, &image.prepared);
    let (width, numbers) = segment_numbers(path, image)?;
    let height = numbers.len() / width;
    let at: Box<dyn Fn(usize, usize) -> (usize, usize)> =
        match (height, width) == (prepared.height, prepared.width) {
            true => Box::new(|row, column| (row, column)),
            false => Box::new(|row, column| form.origin(original, row, column)),
        };
    let owner: Vec<Option<usize>> = (0..form.height * form.width)
        .map(|place| {
            let (row, column) = at(place / form.width, place % form.width);
            numbers[row * width + column]
        })
        .collect();
    let count = owner.iter().flatten().max().map_or(0, |most| most + 1);
    let mut seen = vec![false; count];
    owner
        .iter()
        .flatten()
        .for_each(|&player| seen[player] = true);
    if let Some(missing) = seen.iter().position(|seen| !seen) {
        return Err(Error::Input(format!(
            "no pixel of `{}` belongs to segment {missing}, and one belongs to segment {}",
            path.display(),
            count - 1
        )));
    }
    let labels = (0..count).map(|player| format!("s{player}")).collect();
    Ok(Players { owner, labels })
}

/// The width, that of `image` before or after it was prepared, and the player of each pixel.
fn segment_numbers(path: &Path, image: &Image) -> Result<(usize, Vec<Option<usize>>)> {
    let (original, prepared) = (&image.original, &image.prepared);
    // Before a number is read: an array may claim any size.
    let fits = |height: usize, width: usize| {
        let size = (height, width);
        let known = [original, prepared].map(|one| (one.height, one.width));
        known.contains(&size).then_some(size).ok_or_else(|| {
            Error::Input(format!(
                "the segments of `{}` are {height} × {width} pixels; the image is {} × {}",
                path.display(),
                original.height,
                original.width
            ))
        })
    };
    if path.extension().is_none_or(|extension| extension != "npy") {
        let picture = Picture::read(path)?;
        if picture.channels != 1 {
            let path = path.display();
            return Err(Error::Input(format!(
                "the segments of `{path}` are coloured; expected a grey image whose values are numbers of players"
            )));
        }
        let number = |&byte: &u8| (byte != u8::MAX).then_some(usize::from(byte));
        let (_, width) = fits(picture.height, picture.width)?;
        return Ok((width, picture.bytes.iter().map(number).collect()));
    }
    let mut file = BufReader::new(File::open(path).map_err(Error::read(path))?);
    let header = npy::header(&mut file).map_err(Error::parse(path, "NumPy array"))?;
    let array = npyz::NpyFile::with_header(header, file);
    let &[height, width] = array.shape() else {
        let axes = array.shape().len();
        return Err(Error::Input(format!(
            "the segments of `{}` have {axes} axes; expected rows and columns",
            path.display()
        )));
    };
    let (height, width) = fits(height as usize, width as usize)?;
    let by_rows = array.order() == npyz::Order::C;
    let numbers = integers(array).map_err(Error::parse(path, "NumPy array of integers"))?;
    let place = |at: usize| {
        if by_rows {
            at
        } else {
            at % width * height + at / width
        }
    };
    let numbers: Option<Vec<Option<usize>>> = (0..numbers.len())
        .map(|at| match numbers[place(at)] {
            -1 | 255 => Some(None),
            number @ 0..=1023 => Some(Some(number as usize)),
            _ => None,
        })
        .collect();
    let numbers = numbers.ok_or_else(|| {
        Error::Input(format!(
            "the segments of `{}` hold a number that is neither a player (0 to 1023) nor background (255 or -1)",
            path.display()
        ))
    })?;
    Ok((width, numbers))
}

fn integers(array: npyz::NpyFile<BufReader<File>>) -> std::io::Result<Vec<i64>> {
    let kind = array.dtype().descr();
    fn all<T: npyz::Deserialize + Into<i64>>(
        array: npyz::NpyFile<BufReader<File>>,
    ) -> std::io::Result<Vec<i64>> {
        Ok(array.into_vec::<T>()?.into_iter().map(Into::into).collect())
    }
    match kind
        .trim_matches('\'')
        .trim_start_matches(['<', '>', '|', '='])
    {
        "u1" => all::<u8>(array),
        "i1" => all::<i8>(array),
        "u2" => all::<u16>(array),
        "i2" => all::<i16>(array),
        "u4" => all::<u32>(array),
        "i4" => all::<i32>(array),
        _ => array.into_vec::<i64>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_cells_begin_at_the_rounded_down_bounds() {
        let grid = Players::grid(32, 10, 3, 4).expect("fits");
        let bounds = |cell: usize, length: usize, cells: usize| {
            cell * length / cells..(cell + 1) * length / cells
        };
        for (player, label) in grid.labels.iter().enumerate() {
            let (row, column) = (player / 4, player % 4);
            assert_eq!(*label, format!("r{row}c{column}"));
            for y in 0..32 {
                for x in 0..10 {
                    let inside =
                        bounds(row, 32, 3).contains(&y) && bounds(column, 10, 4).contains(&x);
                    assert_eq!(
                        grid.owner[y * 10 + x] == Some(player),
                        inside,
                        "player {player} at {y}, {x}"
                    );
                }
            }
        }
        assert!(Players::grid(2, 9, 3, 3).is_err());
    }

    #[test]
    fn a_blur_keeps_a_flat_image_and_spreads_a_point() {
        let flat = blurred(&[2.5; 20 * 30], 20, 30);
        assert!(flat.iter().all(|x| (x - 2.5).abs() < 1e-6));
        let mut point = vec![0.0; 21 * 21];
        point[10 * 21 + 10] = 1.0;
        let spread = blurred(&point, 21, 21);
        // σ = 2.1: the peak of the Gaussian is 1/(2πσ²), and one pixel beside it lies e^(−1/2σ²) lower.
        let peak = 1.0 / (2.0 * std::f32::consts::PI * 2.1 * 2.1);
        assert!((spread[10 * 21 + 10] - peak).abs() < 0.01 * peak);
        assert!(
            (spread[10 * 21 + 11] / spread[10 * 21 + 10] - (-0.5f32 / (2.1 * 2.1)).exp()).abs()
                < 1e-4
        );
        assert!((spread.iter().sum::<f32>() - 1.0).abs() < 1e-2);
        assert_eq!(means(&[1.0, 3.0, 5.0, 9.0], 2), [2.0, 2.0, 7.0, 7.0]);
    }
}

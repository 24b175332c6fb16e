//! Networks of images and rows: every recipe against logits that its own library computed in float64 on tiny seeded checkpoints
//! (`scripts/make_tiny_vision.py`), and games on them.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use harsanyi::input::{
    Baseline, Image, ImageForm, Picture, PlayerRule, Players, Target, TextTokenizer,
};
use harsanyi::model::{Checkpoint, FeatureModel, Labels};
use harsanyi::value::{Aim, FeatureGame, Readout};
use harsanyi::{Coalition, Game};
use serde_json::Value;

/// f32 against f64, relative to the largest logit.
const TOLERANCE: f64 = 2e-5;

pub(crate) fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vision")
        .join(name)
}

fn load(name: &str, device: &Device, dtype: DType) -> (FeatureModel, ImageForm) {
    let checkpoint = Checkpoint::open(&tiny(name)).expect("opens");
    let model = match checkpoint.compares_texts() {
        true => FeatureModel::of_labels(&checkpoint, &labels(name, &checkpoint), device, dtype),
        false => FeatureModel::load(&checkpoint, device, dtype),
    };
    let model = model.expect("loads");
    let (config, path) = (&checkpoint.config, &checkpoint.path);
    let form = ImageForm::new(
        config,
        checkpoint.preprocessor.as_ref(),
        model.shape(0),
        path,
    );
    (model, form.expect("a form"))
}

/// The texts of the script.
fn labels(name: &str, checkpoint: &Checkpoint) -> Labels {
    let text = std::fs::read(tiny(name).join("golden.json")).expect("golden");
    let golden: Value = serde_json::from_slice(&text).expect("json");
    let texts: Vec<String> = serde_json::from_value(golden["classes"].clone()).expect("texts");
    let config = checkpoint.tokenizer_config.as_ref();
    let tokenizer = TextTokenizer::new(&checkpoint.tokenizer, config, 11, &tiny(name));
    let tokenizer = tokenizer.expect("a tokenizer");
    let encoded = |text: String| {
        let ids = tokenizer.encode(&text).expect("words").ids;
        (text, ids)
    };
    Labels {
        texts: texts.into_iter().map(encoded).collect(),
        padding: tokenizer.pad,
    }
}

/// The image `k` of the script.
fn picture([channels, height, width]: [usize; 3], k: usize) -> Picture {
    let byte = |place: usize, c: usize| {
        let (y, x) = (place / width, place % width);
        (37 * y + 61 * x + 101 * c + 17 * k + y * x) as u8
    };
    let bytes = (0..height * width).flat_map(|place| (0..channels).map(move |c| byte(place, c)));
    Picture {
        width,
        height,
        channels,
        bytes: bytes.collect(),
    }
}

fn image(form: &ImageForm, model: &FeatureModel, k: usize, baseline: &Baseline) -> Image {
    Image::new(picture(model.shape(0), k), form, baseline).expect("an image")
}

fn golden(name: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read(tiny(name).join("golden.json")).expect("golden");
    let json: Value = serde_json::from_slice(&text).expect("json");
    serde_json::from_value(json["logits"].clone()).expect("logits")
}

fn check(name: &str, dtype: DType, tolerance: f64) {
    let (model, form) = load(name, &Device::Cpu, dtype);
    let golden = golden(name);
    let most = golden
        .iter()
        .flatten()
        .fold(0.0f64, |most, logit| most.max(logit.abs()));
    let mut together = Vec::new();
    for (k, expected) in golden.iter().enumerate() {
        let image = image(&form, &model, k, &Baseline::Zero);
        let got = model.logits(&image.features.present, 0).expect("logits");
        assert_eq!(got.len(), model.classes().len());
        for (got, expected) in got.iter().zip(expected) {
            let off = (f64::from(*got) - expected).abs() / most;
            assert!(
                off < tolerance,
                "{name} image {k}: {got} instead of {expected} ({off:e})"
            );
        }
        together.extend(image.features.present);
    }
    let all = model.logits(&together, 0).expect("logits");
    for (got, expected) in all.iter().zip(golden.iter().flatten()) {
        assert!(
            (f64::from(*got) - expected).abs() / most < tolerance,
            "{name} in a batch"
        );
    }
}

macro_rules! families {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), DType::F32, TOLERANCE);
        })*

        /// Every fixture has its test.
        #[test]
        fn every_tiny_network_is_tested() {
            let mut tested = vec![$(stringify!($name)),*];
            tested.sort_unstable();
            let entries = std::fs::read_dir(tiny("")).expect("fixtures");
            let mut there: Vec<_> = entries
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            there.sort_unstable();
            assert_eq!(there, tested);
        }
    };
}

families!(
    alexnet,
    cifar_resnet,
    clip,
    convnext,
    convnext_transformers,
    convnextv2,
    deit,
    deit_teacher,
    deit_timm,
    dinov2,
    efficientnet,
    lenet,
    mlp,
    resnet,
    resnet_transformers,
    siglip,
    vgg_bn,
    vgg_timm,
    vit,
    vit_timm,
);

/// Half precision keeps some three digits, whatever the layers.
#[test]
fn every_kind_of_layer_runs_in_half_precision() {
    for name in [
        "alexnet",
        "cifar_resnet",
        "clip",
        "convnextv2",
        "efficientnet",
        "siglip",
        "vgg_bn",
        "vit",
    ] {
        check(name, DType::BF16, 0.1);
        check(name, DType::F16, 0.02);
    }
}

#[test]
fn texts_that_cannot_be_classes_are_refused() {
    let checkpoint = Checkpoint::open(&tiny("clip")).expect("opens");
    let refused = |change: fn(&mut Labels)| {
        let mut labels = labels("clip", &checkpoint);
        change(&mut labels);
        let model = FeatureModel::of_labels(&checkpoint, &labels, &Device::Cpu, DType::F32);
        model.expect_err("refused").to_string()
    };
    assert!(refused(|labels| labels.texts.truncate(1)).contains("at least two"));
    assert!(refused(|labels| labels.texts[0].1 = vec![5; 8]).contains("from 1 to 7"));
    assert!(refused(|labels| labels.texts[0].1.clear()).contains("0 tokens"));
    assert!(refused(|labels| labels.texts[0].1 = vec![11]).contains("vocabulary of 11"));
    assert!(FeatureModel::load(&checkpoint, &Device::Cpu, DType::F32).is_err());
    let other = Checkpoint::open(&tiny("lenet")).expect("opens");
    let labels = labels("clip", &checkpoint);
    let model = FeatureModel::of_labels(&other, &labels, &Device::Cpu, DType::F32);
    assert!(
        model
            .expect_err("refused")
            .to_string()
            .contains("reads no text")
    );
    let siglip = Checkpoint::open(&tiny("siglip")).expect("opens");
    let unpadded = Labels {
        padding: None,
        ..labels
    };
    let model = FeatureModel::of_labels(&siglip, &unpadded, &Device::Cpu, DType::F32);
    assert!(model.expect_err("refused").to_string().contains("padding"));
}

#[test]
fn a_network_cut_at_any_layer_answers_the_same() {
    for name in ["cifar_resnet", "lenet", "resnet", "convnext"] {
        let (model, form) = load(name, &Device::Cpu, DType::F32);
        let image = image(&form, &model, 1, &Baseline::Zero);
        let whole = model.logits(&image.features.present, 0).expect("logits");
        for layer in 1..=model.names().len() {
            let map = model
                .features(&image.features.present, layer)
                .expect("a map");
            assert_eq!(map.len(), model.shape(layer).iter().product::<usize>());
            let cut = if layer == model.names().len() {
                map
            } else {
                model.logits(&map, layer).expect("logits")
            };
            for (a, b) in cut.iter().zip(&whole) {
                assert!((a - b).abs() < 1e-5, "{name} cut at {layer}: {a} and {b}");
            }
        }
    }
}

/// v(S) with the image written down pixel by pixel, one coalition at a time.
#[test]
fn games_on_images_equal_images_masked_by_hand() {
    let (model, form) = load("cifar_resnet", &Device::Cpu, DType::F32);
    for baseline in [Baseline::Zero, Baseline::Mean, Baseline::Blur] {
        let image = image(&form, &model, 2, &baseline);
        let players = Players::of_image(&image, &form, &PlayerRule::Grid(2, 3), &["r1c1".into()])
            .expect("players");
        let aim = Aim::of_features(&Target::Auto, &model, &image.features).expect("an aim");
        let mut game = FeatureGame::new(
            &model,
            &image.features,
            &players,
            &aim,
            Readout::LogOdds,
            Some(3),
        )
        .expect("a game");
        let coalitions: Vec<Coalition> = (0..1 << 5).map(Coalition::from_index).collect();
        let values = game.values(&coalitions).expect("values");
        let [_, height, width] = model.shape(0);
        assert_eq!((height, width), (17, 16));
        for (coalition, value) in coalitions.iter().zip(&values) {
            let mut masked = image.features.present.clone();
            for (at, number) in masked.iter_mut().enumerate() {
                let (y, x) = (at / width % height, at % width);
                // 17 rows are cut before the eighth, 16 columns before the fifth and the tenth.
                let cell = 3 * usize::from(y >= 8) + usize::from(x >= 5) + usize::from(x >= 10);
                let player = match cell {
                    4 => None,
                    5 => Some(4),
                    cell => Some(cell),
                };
                if player.is_some_and(|player| !coalition.contains(player)) {
                    *number = image.features.absent[at];
                }
            }
            let logits = model.logits(&masked, 0).expect("logits");
            let expected = Readout::LogOdds.value(&logits, aim.outputs[0] as usize);
            assert_eq!(*value, expected, "{baseline} {coalition}");
        }
        // Alone, and in other company, to the last bit.
        for (coalition, value) in coalitions.iter().zip(&values).step_by(7) {
            assert_eq!(
                game.values(std::slice::from_ref(coalition))
                    .expect("a value"),
                [*value]
            );
        }
    }
}

//! Training: gradients against finite differences, and small networks that learn.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use harsanyi::input::{ImageForm, Picture};
use harsanyi::model::{Checkpoint, FeatureModel};
use harsanyi::train::series::Series;
use harsanyi::train::{
    Augmentation, Cells, Design, ImageSet, Metrics, OrderGoal, OrderTerm, Rule, Schedule,
    TrainOptions, TrainableNet, delta_u, order_loss, train,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PLACE: (&Device, DType) = (&Device::Cpu, DType::F64);

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

fn scalar(x: &Tensor) -> f64 {
    x.to_scalar().expect("a scalar")
}

/// The derivative of `loss` by each of some numbers of every variable, against (L(w + ε) − L(w − ε)) / 2ε.
fn gradients_are_those_of_finite_differences(net: &TrainableNet, loss: impl Fn() -> Tensor) {
    const STEP: f64 = 1e-5;
    let gradients = loss().backward().expect("gradients");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for variable in net.variables() {
        let gradient = gradients.get(variable).expect("every variable has one");
        let gradient: Vec<f64> = gradient
            .flatten_all()
            .and_then(|all| all.to_vec1())
            .expect("numbers");
        let before: Vec<f64> = variable
            .flatten_all()
            .and_then(|all| all.to_vec1())
            .expect("numbers");
        let moved = |at: usize, by: f64| {
            let mut weights = before.clone();
            weights[at] += by;
            set(variable, weights);
            scalar(&loss())
        };
        for _ in 0..6 {
            let at = rng.random_range(0..before.len());
            let expected = (moved(at, STEP) - moved(at, -STEP)) / (2.0 * STEP);
            assert!(
                (gradient[at] - expected).abs() < 1e-6 * f64::max(1.0, expected.abs()),
                "{} instead of {expected}",
                gradient[at]
            );
        }
        set(variable, before);
    }
}

fn set(variable: &Var, values: Vec<f64>) {
    let values = Tensor::from_vec(values, variable.shape(), &Device::Cpu).expect("as many");
    variable.set(&values).expect("set");
}

#[test]
fn gradients_of_the_order_losses_are_right() {
    for (design, side) in [(Design::Mlp(vec![7, 5]), 4), (Design::Lenet, 17)] {
        let net = TrainableNet::new(design, [1, side, side], 3, 1, PLACE).expect("a network");
        let images = random(&[4, 1, side, side], 2);
        let classes = Tensor::new(&[0u32, 2, 1, 2], &Device::Cpu).expect("classes");
        let cells = Cells::new([4, 4], [side, side]).expect("cells");
        for term in ["low", "mid", "high", "encourage:0.25:1:0.5"] {
            let term: OrderTerm = term.parse().expect(term);
            gradients_are_those_of_finite_differences(&net, || {
                let mut rng = ChaCha8Rng::seed_from_u64(7);
                term.loss(&net, &images, &classes, &cells, &mut rng)
                    .expect("a loss")
            });
        }
    }
}

#[test]
fn losses_are_cross_entropy_and_minus_entropy_of_delta_u() {
    let delta = random(&[5, 3], 4);
    let classes = Tensor::new(&[0u32, 1, 2, 1, 0], &Device::Cpu).expect("classes");
    let rows: Vec<Vec<f64>> = delta.to_vec2().expect("rows");
    let (mut cross, mut entropy) = (0.0, 0.0);
    for (row, class) in rows.iter().zip([0, 1, 2, 1, 0]) {
        let total: f64 = row.iter().map(|x| x.exp()).sum();
        cross -= (row[class].exp() / total).ln() / 5.0;
        entropy -= row
            .iter()
            .map(|x| x.exp() / total * (x.exp() / total).ln())
            .sum::<f64>()
            / 5.0;
    }
    let term = |goal| OrderTerm::new(goal, [0.2, 0.6], 2.0).expect("a term");
    let of = |goal| scalar(&order_loss(&term(goal), &delta, &classes).expect("a loss"));
    assert!((of(OrderGoal::Encourage) - 2.0 * cross).abs() < 1e-12);
    assert!((of(OrderGoal::Penalize) + 2.0 * entropy).abs() < 1e-12);
}

#[test]
fn delta_u_cancels_what_is_additive_and_counts_whole_cells() {
    let cells = Cells::new([4, 4], [9, 8]).expect("cells");
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let band = [0.25, 0.75];
    let kept = cells.nested(6, band, &mut rng, PLACE).expect("kept");
    let pixels = |kept: &Tensor| -> Vec<Vec<f64>> {
        kept.flatten_from(1)
            .and_then(|x| x.to_vec2())
            .expect("rows")
    };
    for (few, many) in pixels(&kept[0]).iter().zip(pixels(&kept[1])) {
        // A cell is 2 columns wide and 2 or 3 rows high; 4 and 12 of 16 are kept.
        assert!(few.iter().zip(&many).all(|(few, many)| few <= many));
        assert!((16.0..=24.0).contains(&few.iter().sum::<f64>()));
        assert!((48.0..=72.0).contains(&many.iter().sum::<f64>()));
    }
    // A network without hidden layers is additive, but for its bias: Δu = (1 − r₂/r₁) b + W (x_{S₂} − r₂/r₁ x_{S₁}), whose mean
    // over S₁ ⊂ S₂ has no pixel left.
    let net = TrainableNet::new(Design::Mlp(vec![1]), [1, 4, 4], 2, 5, PLACE).expect("a network");
    let cells = Cells::new([4, 4], [4, 4]).expect("cells");
    for variable in net.variables() {
        // Positive weights keep the one hidden unit in its linear range.
        variable
            .set(&variable.abs().expect("positive"))
            .expect("set");
    }
    let image = random(&[1, 1, 4, 4], 6).abs().expect("positive");
    let many = image.repeat((4000, 1, 1, 1)).expect("copies");
    let kept = cells.nested(4000, band, &mut rng, PLACE).expect("kept");
    let mean = delta_u(&net, &many, &kept, band)
        .and_then(|x| Ok(x.mean(0)?))
        .expect("a mean");
    let nobody = image.zeros_like().expect("zeros");
    let bias = (net.forward(&nobody).expect("logits") * (1.0 - band[1] / band[0])).expect("scaled");
    let difference: Vec<f64> = (mean - bias.squeeze(0).expect("a row"))
        .and_then(|x| x.to_vec1())
        .expect("numbers");
    assert!(difference.iter().all(|x| x.abs() < 0.05), "{difference:?}");
}

/// Images of 16 × 16 grey pixels whose class is the half that is bright.
fn halves(count: usize, seed: u64) -> Vec<(Picture, usize)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|number| {
            let class = number % 2;
            let bytes = (0..256)
                .map(|at| rng.random_range(0..120) + if (at / 128) == class { 100 } else { 0 })
                .collect();
            let picture = Picture {
                width: 16,
                height: 16,
                channels: 1,
                bytes,
            };
            (picture, class)
        })
        .collect()
}

fn trained(design: Design, options: &TrainOptions, dir: &Path) -> (TrainableNet, Metrics) {
    let place = (&Device::Cpu, DType::F32);
    let net = TrainableNet::new(design, [1, 16, 16], 2, 3, place).expect("a network");
    let config = net.config(&[0.4], &[0.2]);
    let form = ImageForm::new(&config, None, net.input(), dir).expect("a form");
    let sets = [(300, 1), (100, 2)]
        .map(|(count, seed)| ImageSet::new(&halves(count, seed), &form).expect("a set"));
    let before: Vec<Tensor> = net.variables().map(|v| v.copy().expect("a copy")).collect();
    let mut series = Series::new(dir, config);
    let metrics = train(
        &net,
        [&sets[0], &sets[1]],
        options,
        place,
        |_, _| (),
        |net, metrics| series.add(net, metrics).map(drop),
    )
    .expect("trains");
    for (variable, before) in net.variables().zip(before) {
        let moved =
            (variable.as_tensor() - before).and_then(|x| x.abs()?.max_all()?.to_scalar::<f32>());
        assert!(moved.expect("a number") > 0.0, "a variable never moved");
    }
    (net, metrics)
}

#[test]
fn networks_learn_under_every_rule_and_their_checkpoints_load() {
    for (design, rule, rate) in [
        (
            Design::Lenet,
            Rule::Sgd { momentum: 0.9 },
            Schedule::LogLinear(0.05, 0.01),
        ),
        (
            Design::Mlp(vec![20]),
            Rule::AdamW,
            Schedule::Cosine(0.01, 0.0),
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let options = TrainOptions {
            epochs: 4,
            batch: 20,
            rule,
            rate,
            terms: vec!["mid".parse().expect("a preset")],
            grid: [8, 8],
            augmentation: Augmentation {
                padding: 1,
                mirror: true,
            },
            checkpoints: vec![0.0, 1.5],
            ..TrainOptions::default()
        };
        let (net, metrics) = trained(design.clone(), &options, dir.path());
        assert!(metrics.test_acc > 0.97, "{metrics:?}");
        assert_eq!((metrics.step, metrics.epoch), (60, 4.0));
        let config = std::fs::read_to_string(dir.path().join("config.json")).expect("written");
        let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
        let files: Vec<_> = config["checkpoints"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|line| line["file"].as_str())
            .collect();
        // 1.5 epochs of 15 steps are rounded to 23 of them.
        assert_eq!(
            files,
            [
                Some("epoch-00.00.safetensors"),
                Some("epoch-01.53.safetensors"),
                Some("epoch-04.00.safetensors")
            ]
        );
        let path = dir.path().join("epoch-04.00.safetensors");
        let checkpoint = Checkpoint::open(&path).expect("opens");
        let loaded = FeatureModel::load(&checkpoint, &Device::Cpu, DType::F32).expect("loads");
        let image = random(&[1, 1, 16, 16], 9)
            .to_dtype(DType::F32)
            .expect("f32");
        let values: Vec<f32> = image
            .flatten_all()
            .and_then(|x| x.to_vec1())
            .expect("numbers");
        let own: Vec<f32> = net
            .forward(&image)
            .and_then(|x| Ok(x.flatten_all()?.to_vec1()?))
            .expect("logits");
        for (a, b) in own.iter().zip(loaded.logits(&values, 0).expect("logits")) {
            assert!((a - b).abs() < 1e-4, "{a} and {b}");
        }
    }
}

#[test]
fn the_same_seed_trains_the_same_network() {
    let options = TrainOptions {
        epochs: 1,
        batch: 30,
        terms: vec!["high".parse().expect("a preset")],
        grid: [4, 4],
        ..TrainOptions::default()
    };
    let dir = tempfile::tempdir().expect("a folder");
    let weights = |net: &TrainableNet| -> Vec<f32> {
        let all = net.variables().flat_map(|v| {
            v.flatten_all()
                .and_then(|x| x.to_vec1::<f32>())
                .expect("numbers")
        });
        all.collect()
    };
    let one = weights(&trained(Design::Mlp(vec![9]), &options, dir.path()).0);
    assert_eq!(
        one,
        weights(&trained(Design::Mlp(vec![9]), &options, dir.path()).0)
    );
    let other = TrainOptions { seed: 1, ..options };
    assert_ne!(
        one,
        weights(&trained(Design::Mlp(vec![9]), &other, dir.path()).0)
    );
}

#[test]
fn settings_are_read_as_they_are_written_and_nonsense_is_refused() {
    for (preset, long) in [
        ("low", "penalize:0.7:1:1"),
        ("mid", "encourage:0.3:0.7:1"),
        ("high", "penalize:0:0.5:1"),
    ] {
        let term: OrderTerm = preset.parse().expect(preset);
        assert_eq!(term.to_string(), long);
        assert_eq!(long.parse::<OrderTerm>().expect(long), term);
    }
    for text in [
        "",
        "encourage",
        "penalize:0.5:0.5",
        "encourage:0:1.1",
        "penalize:0:1:0",
        "middle",
    ] {
        text.parse::<OrderTerm>().expect_err(text);
    }
    for text in ["lenet", "mlp:128,64"] {
        assert_eq!(text.parse::<Design>().expect(text).to_string(), text);
    }
    for text in ["mlp:", "mlp:3,0", "vgg", "mlp"] {
        text.parse::<Design>().expect_err(text);
    }
    for text in ["constant:0.1", "log-linear:0.01:0.001", "cosine:0.1:0"] {
        assert_eq!(text.parse::<Schedule>().expect(text).to_string(), text);
    }
    for text in ["0.1", "log-linear:0.1:0", "cosine:-1:0", "constant:inf"] {
        text.parse::<Schedule>().expect_err(text);
    }
    for text in ["sgd:0.9", "adamw"] {
        assert_eq!(text.parse::<Rule>().expect(text).to_string(), text);
    }
    assert!("sgd:1".parse::<Rule>().is_err() && "adam".parse::<Rule>().is_err());
    assert!((Schedule::LogLinear(0.01, 0.001).at(50, 101) - 0.001 * 10f64.sqrt()).abs() < 1e-12);
    assert_eq!(Schedule::Cosine(0.1, 0.0).at(0, 9), 0.1);
    assert!(Cells::new([5, 4], [4, 4]).is_err());
    let small = TrainableNet::new(Design::Lenet, [1, 15, 15], 10, 0, PLACE).expect_err("too small");
    assert!(small.to_string().contains("16 × 16"));
}

//! Commands that tell about the program: `models` and `devices`.

use harsanyi::device::{self, DeviceChoice};
use harsanyi::model::{Family, LayerRecipe, Recipe, stock};
use harsanyi::report::text;
use serde_json::json;

use super::args::GlobalArgs;
use super::network::Network;
use super::output::Output;

pub(crate) fn list_models(output: &Output) -> anyhow::Result<()> {
    let recipes = Recipe::all();
    let kind = |recipe: &Recipe| format!("{:?}", recipe.family).to_lowercase();
    let of_numbers: Vec<String> = LayerRecipe::all()
        .iter()
        .flat_map(LayerRecipe::names)
        .collect();
    let of_text = recipes.iter().flat_map(|recipe| {
        let kind = kind(recipe);
        let way = match recipe.family {
            Family::Decoder => "shared prefixes",
            Family::Encoder => "plain batches",
        };
        recipe.model_types.iter().map(
            move |name| json!({ "model_type": name, "kind": kind, "runs": "recipe", "in": way }),
        )
    });
    let of_stock = stock::MODEL_TYPES.iter().map(|name| {
        json!({ "model_type": name, "kind": "decoder", "runs": "stock", "in": "plain batches" })
    });
    let named = of_numbers
        .iter()
        .map(|name| json!({ "architecture": name, "kind": "layers" }));
    let rows: Vec<_> = of_text.chain(of_stock).chain(named).collect();
    output.result(&rows, || {
        let mut page = String::from("model_type in config.json   answers           runs\n");
        for recipe in &recipes {
            let answers = match recipe.family {
                Family::Decoder => "the next token    by recipe, prefixes shared",
                Family::Encoder => "a class           by recipe, in plain batches",
            };
            for name in &recipe.model_types {
                page += &format!("  {name:<26}{answers}\n");
            }
        }
        for name in stock::MODEL_TYPES {
            page += &format!(
                "  {name:<26}the next token    as candle-transformers has it, in plain batches\n"
            );
        }
        let mut names = of_numbers.clone();
        names.sort();
        names.dedup();
        page += "architecture or model_type of networks of images or rows, which answer a class\n";
        for name in names {
            page += &format!("  {name}\n");
        }
        page + "\nand `demo`, the sentiment classifier that is built in and used without --model\n"
    })
}

pub(crate) fn check_model(model: &str, global: &GlobalArgs, output: &Output) -> anyhow::Result<()> {
    let network = Network::load(Some(model), None, global, output)?;
    let report = network.check()?;
    output.result(&report, || {
        let mut page = format!("{} loads and answers\n", text::inert(model));
        let entries = report
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "model");
        for (key, value) in entries.chain(report["model"].as_object().into_iter().flatten()) {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), text::inert);
            page += &format!("  {:<18}{value}\n", key.replace('_', " "));
        }
        page
    })
}

pub(crate) fn devices(output: &Output) -> anyhow::Result<()> {
    let accelerators = [DeviceChoice::Cuda(0), DeviceChoice::Metal];
    let state = |choice: DeviceChoice| match choice.open() {
        Ok(_) => "ready".to_owned(),
        Err(error) => error.to_string(),
    };
    let threads = rayon::current_num_threads();
    let free = device::free_memory();
    let rows: Vec<_> = accelerators
        .iter()
        .map(|&choice| json!({ "device": choice.to_string(), "state": state(choice) }))
        .collect();
    let cpu = json!({ "device": "cpu", "state": "ready", "threads": threads, "free_bytes": free });
    let rows: Vec<_> = [cpu].into_iter().chain(rows).collect();
    output.result(&rows, || {
        let gigabytes = free.map_or("unknown".into(), |free| {
            format!("{:.1} GB", free as f64 / 1e9)
        });
        let mut page = format!("  cpu      ready, {threads} threads, {gigabytes} of memory free\n");
        for choice in accelerators {
            page += &format!(
                "  {:<8} {}\n",
                choice.to_string(),
                text::inert(&state(choice))
            );
        }
        page
    })
}

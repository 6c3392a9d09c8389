//! From config.json to a plan, without root and without doing anything.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod features;
#[path = "../support/fields.rs"]
mod fields;
mod golden;
mod mistakes;
mod names;
mod never_panics;

use onggi::bundle::Bundle;
use onggi::error::Result;
use onggi::plan::{Host, Plan};
use serde_json::Value;

/// The plan of a config in a bundle that lies at /bundle, on an ordinary machine.
fn plan(config: &Value, host: &Host) -> Result<Plan> {
    plan_of(serde_json::to_vec_pretty(config).unwrap(), host)
}

fn plan_of(config: Vec<u8>, host: &Host) -> Result<Plan> {
    Plan::new(&Bundle::parse("/bundle".into(), config)?, host)
}

/// What `onggi spec` writes.
fn default_config() -> Value {
    serde_json::from_str(&onggi::bundle::spec::default()).unwrap()
}

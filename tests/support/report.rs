//! What the payload saw.

use std::ops::Deref;

use serde_json::Value;

/// One report: a JSON object, reached by `report["process"]["cwd"]`, with a few short ways.
#[derive(Debug)]
pub struct Report(Value);

impl Report {
    /// Reads the first line of what a container wrote.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        match serde_json::from_str(text.lines().next().unwrap_or_default()) {
            Ok(report) => Self(report),
            Err(cause) => panic!("not a report ({cause}): {text:?}"),
        }
    }

    /// The mounts at a target, in the order in which they lie on one another.
    pub fn mounts(&self, target: &str) -> Vec<&Value> {
        let all = self["mounts"].as_array().expect("mounts is a list");
        all.iter()
            .filter(|mount| mount["target"] == target)
            .collect()
    }

    /// The uppermost mount at a target.
    #[track_caller]
    pub fn mount(&self, target: &str) -> &Value {
        self.mounts(target)
            .pop()
            .unwrap_or_else(|| panic!("nothing is mounted on {target}: {:#}", self["mounts"]))
    }

    /// Whether the uppermost mount at a target has this option, its own or its file system's.
    #[track_caller]
    pub fn mount_has(&self, target: &str, option: &str) -> bool {
        let mount = self.mount(target);
        let has = |list: &str| {
            mount[list]
                .as_array()
                .is_some_and(|options| options.iter().any(|one| one == option))
        };
        has("options") || has("super_options")
    }

    /// The environment variable's value.
    pub fn env(&self, name: &str) -> Option<&str> {
        let all = self["process"]["env"].as_array()?;
        let values = all
            .iter()
            .filter_map(|variable| variable.as_str()?.split_once('='));
        values
            .filter(|(one, _)| *one == name)
            .map(|(_, value)| value)
            .next()
    }

    /// A capability set by its name in the config (`bounding`, ...), sorted as in the config's table.
    pub fn caps(&self, set: &str) -> Vec<&str> {
        let set = self["capabilities"][set]
            .as_array()
            .expect("a capability set");
        set.iter().filter_map(Value::as_str).collect()
    }

    /// The outcome of a probe: `ok`, an errno's name, or a number's digits.
    #[track_caller]
    pub fn probe(&self, probe: &str) -> String {
        match &self["probes"][probe] {
            Value::Null => panic!("no probe {probe:?} among {}", self["probes"]),
            Value::String(word) => word.clone(),
            other => other.to_string(),
        }
    }
}

impl Deref for Report {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

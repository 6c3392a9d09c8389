//! A plan to be read.

/// For people.
pub fn human(plan: &super::Plan) -> String {
    format!("{plan:#?}\n")
}

/// For programs.
pub fn json(plan: &super::Plan) -> serde_json::Value {
    serde_json::json!({ "plan": format!("{plan:?}") })
}

//! config.md, "Process": what the first process gets.

use crate::support::{Bundle, guarded};

/// `process.args`: they arrive as they are.
#[test]
fn args() {
    guarded(|host| {
        let report = host.report(&Bundle::new().edit(|config| {
            config["process"]["args"] =
                serde_json::json!(["/payload", "report", "--read", "a b", "--read", ""]);
        }));
        assert_eq!(
            report["process"]["args"],
            serde_json::json!(["/payload", "report", "--read", "a b", "--read", ""])
        );
    });
}

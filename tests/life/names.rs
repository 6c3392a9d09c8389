//! Misspelt and misplaced names in a config, as felt on the command line: what a person sees at `create` and at `exec --process`.

use serde_json::json;

use crate::support::{Bundle, guarded};

/// A misspelt name is warned about, and ignored (config.md, "Extensibility"); so in the process of an exec.
#[test]
fn misspelt() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new().edit(|config| config["process"]["noNewPrivilege"] = json!(true));
        let output = host.run(&bundle).ok();
        assert!(
            output.stderr.contains(
                "process.noNewPrivilege: is no field and is not looked at (did you mean process.noNewPrivileges?)"
            ),
            "{output:?}"
        );
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let process = host.folder().join("process.json");
        let text = json!({"cwd": "/", "user": {"uid": 0, "gid": 0, "umsk": 7}, "args": ["/payload", "report"]});
        std::fs::write(&process, text.to_string()).unwrap();
        let output = host.runtime().call(["exec", "--process", process.to_str().unwrap(), container.id()]).ok();
        assert!(output.stderr.contains("process.user.umsk: is no field"), "{output:?}");
        container.force_delete();
    });
}

/// A name given twice is refused before anything is made, with both places.
#[test]
fn twice() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let bundle = Bundle::new();
        let path = bundle.path().to_owned();
        let text = std::fs::read_to_string(path.join("config.json")).unwrap();
        let text = text.replacen('{', "{\n\"hostname\": \"twice\",\n\"hostname\": \"twice\",", 1);
        std::fs::write(path.join("config.json"), text).unwrap();
        let words = ["create", "--bundle", path.to_str().unwrap(), "jar"];
        host.runtime().call(words).fails_with("hostname: is given twice: line 2, column 1 and line 3, column 1");
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}

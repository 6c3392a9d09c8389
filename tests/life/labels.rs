//! config.md, `apparmorProfile` and `selinuxLabel`; config-linux.md, "Mount Label".
//!
//! What a label does is seen only on a host with its module. On others, and these tests are for both, one that can't be put
//! into force is an error: a container that is less confined than its config says is none.

use std::path::Path;

use serde_json::json;

use crate::support::{Bundle, guarded};

fn has_apparmor() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|it| it.starts_with('Y'))
}

fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}

/// Without AppArmor everything is unconfined, so that needs nothing; with it, the process says that it is.
#[test]
fn unconfined() {
    guarded(|host| {
        let attribute = "/proc/self/attr/apparmor/current";
        let bundle = Bundle::new()
            .deeds(&["report", "--read", attribute])
            .edit(|config| config["process"]["apparmorProfile"] = json!("unconfined"));
        if host.lacks(&["crun", "runc"], "refuse it on a host without AppArmor") && !has_apparmor() {
            return;
        }
        let report = host.report(&bundle);
        if has_apparmor() {
            assert_eq!(report["reads"][attribute], "unconfined\n");
        }
    });
}

/// A profile that is not there. (A name that only begins with `unconfined` is one.)
#[test]
fn missing_profile() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "other words") {
            return;
        }
        for profile in ["onggi-no-such-profile", "unconfined_no_such_profile"] {
            let output = host.run(&Bundle::new().edit(|config| config["process"]["apparmorProfile"] = json!(profile)));
            let why = if has_apparmor() { "no such profile is loaded" } else { "AppArmor is not enabled on this host" };
            output.fails_with("process.apparmorProfile").fails_with(profile).fails_with(why);
        }
    });
}

/// The same for `exec`, of its flags and of the file that it is given; the container goes on.
#[test]
fn exec_with_a_label() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "other words") || has_apparmor() || has_selinux() {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let of_flag = container.exec(&["--apparmor", "jar"], &["exit", "0"]);
        let selinux = container.exec(&["--process-label", "a:b:c"], &["exit", "0"]);
        let unconfined = container.exec(&["--apparmor", "unconfined"], &["exit", "7"]);
        let file = host.folder().join("process.json");
        let process = json!({"user": {}, "cwd": "/", "args": ["/payload", "exit", "0"], "apparmorProfile": "jar"});
        std::fs::write(&file, process.to_string()).unwrap();
        let of_file = host.runtime().call(["exec", "--process", file.to_str().unwrap(), "jar"]);
        container.force_delete();
        of_flag.fails_with("process.apparmorProfile: \"jar\" can't be put into force");
        of_file.fails_with("process.apparmorProfile: \"jar\" can't be put into force");
        selinux.fails_with("process.selinuxLabel: \"a:b:c\" can't be put into force");
        assert_eq!(unconfined.status, 7);
    });
}

/// SELinux, of the process and of the mounts: both are named at once.
#[test]
fn selinux() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "other words") || has_selinux() {
            return;
        }
        let output = host.run(&Bundle::new().edit(|config| {
            config["process"]["selinuxLabel"] = json!("system_u:system_r:container_t:s0");
            config["linux"]["mountLabel"] = json!("system_u:object_r:container_file_t:s0");
        }));
        output
            .fails_with("process.selinuxLabel: \"system_u:system_r:container_t:s0\" can't be put into force")
            .fails_with("linux.mountLabel: \"system_u:object_r:container_file_t:s0\" can't be put into force");
    });
}

//! The runtime's own program, and what of the image is run in its place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::support::{Bundle, Container, Host, guarded};

/// What must be as it was: the runtime's file.
fn unchanged(host: &Host, body: impl FnOnce()) {
    let before = fs::read(host.runtime().program()).unwrap();
    body();
    assert!(fs::read(host.runtime().program()).unwrap() == before, "the runtime's file was changed");
}

/// CVE-2019-5736: the image makes the runtime execute "itself": directly, by a link, and as the interpreter of a script.
#[test]
fn cve_2019_5736_program() {
    guarded(|host| {
        unchanged(host, || {
            for kind in ["path", "link", "script"] {
                let program = if kind == "path" { "/proc/self/exe" } else { "/itself" };
                let bundle = Bundle::new().edit(|config| config["process"]["args"] = json!([program]));
                let itself = bundle.rootfs().join("itself");
                if kind == "link" {
                    symlink("/proc/self/exe", &itself).unwrap();
                } else {
                    fs::write(&itself, "#!/proc/self/exe\n").unwrap();
                    fs::set_permissions(&itself, PermissionsExt::from_mode(0o755)).unwrap();
                }
                let output = host.run(&bundle);
                assert_ne!(output.status, 0, "{kind}: {output:?}");
                assert_eq!(output.stdout, "", "{kind}: {output:?}");
                if host.is_onggi() {
                    assert!(output.stderr.contains("/proc/self/exe"), "{kind}: {output:?}");
                }

                let mut container = Container::launch(
                    host.runtime(),
                    &["run", "--detach"],
                    &bundle.deeds(&["say", "ready", "sleep"]),
                    "jar",
                );
                assert_eq!(container.line(), "ready");
                let output = host.runtime().call(["exec", "jar", program]);
                assert_ne!(output.status, 0, "{kind}: {output:?}");
                container.force_delete();
            }
        });
    });
}

/// CVE-2019-5736: what runs in the container before its program can't be opened for writing, not even by the host's root.
#[test]
fn cve_2019_5736_sealed() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let container = host.create(&Bundle::new().deeds(&["sleep"]));
        let exe = format!("/proc/{}/exe", container.pid());
        let name = fs::read_link(&exe).unwrap();
        assert!(name.to_str().unwrap().starts_with("/memfd:"), "{}", name.display());
        assert!(fs::File::options().write(true).open(&exe).is_err());
        container.force_delete();
    });
}

/// crun CVE-2025-24965, CVE-2026-84042: files that a runtime might write or read are links to the host's, and programs that it
/// might call lie on the image's PATH. The guard compares the host; the image gets mount points and nothing else.
#[test]
fn cve_2025_24965_planted() {
    const FILES: [&str; 12] = [
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
        "etc/localtime",
        "etc/krun_vm.json",
        ".krun_config.json",
        "run/notify",
        "run/.containerenv",
        ".dockerenv",
        "dev/initctl",
        "var/run",
    ];
    guarded(|host| {
        let bundle = Bundle::new().deeds(&["exit", "0"]).file("bin/ran", "");
        for (number, file) in FILES.iter().enumerate() {
            let path = bundle.rootfs().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let canary = host.canaries().join(["file", "secret", "nowhere"][number % 3]);
            symlink(canary, path).unwrap();
        }
        for helper in ["newuidmap", "newgidmap", "ip", "mount", "sh", "criu", "onggi", "nvidia-container-cli"] {
            // Whoever ran it would end the container's making with this status, or leave the mark.
            symlink("/payload", bundle.rootfs().join("bin").join(helper)).unwrap();
        }
        let list = |root: &std::path::Path| {
            let mut names = Vec::new();
            let mut pending = vec![root.to_owned()];
            while let Some(folder) = pending.pop() {
                for entry in fs::read_dir(folder).unwrap() {
                    let entry = entry.unwrap();
                    if entry.file_type().unwrap().is_dir() {
                        pending.push(entry.path());
                    }
                    names.push(entry.path());
                }
            }
            names.sort();
            names
        };
        let before = list(&bundle.rootfs());
        let output = host.run(&bundle).ok();
        assert_eq!(output.stdout, "");
        assert_eq!(list(&bundle.rootfs()), before, "something was made in the image");
    });
}

//! Descriptors that lead out of the container.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Bundle, Container, Host, Output, copy_payload, guarded, inherit};

/// `run` with a directory of the host open at 17, as an engine's leak would be.
fn with_leak(host: &Host, bundle: &Bundle) -> Output {
    let leak = File::open(host.folder()).unwrap();
    host.runtime().run(bundle, "jar").with(|command| inherit(command, &leak, &[3, 17, 200])).run()
}

/// CVE-2024-21626: a program below /proc/self/fd/N, by its path or by PATH, would be one of the host's.
#[test]
fn cve_2024_21626_program() {
    guarded(|host| {
        copy_payload(&host.folder().join("payload"));
        let by_path = Bundle::new().edit(|config| config["process"]["args"] = json!(["/proc/self/fd/17/payload"]));
        with_leak(host, &by_path).fails_with("process.args[0]");
        let by_name = Bundle::new().edit(|config| {
            config["process"]["args"] = json!(["payload"]);
            config["process"]["env"] = json!(["PATH=/proc/self/fd/17"]);
        });
        with_leak(host, &by_name).fails_with("executable file not found in $PATH");
    });
}

/// CVE-2024-21626: a working directory below /proc/self/fd/N, for every N that could be one of ours; also by a link.
#[test]
fn cve_2024_21626_directory() {
    guarded(|host| {
        let bundle = Bundle::new();
        std::os::unix::fs::symlink("/proc/self/fd/17", bundle.rootfs().join("work")).unwrap();
        let bundle = bundle.edit(|config| config["process"]["cwd"] = json!("/work"));
        with_leak(host, &bundle).fails_with("process.cwd");
        for number in 3..24 {
            let cwd = json!(format!("/proc/self/fd/{number}"));
            let bundle = Bundle::new().edit(|config| config["process"]["cwd"] = cwd);
            with_leak(host, &bundle).fails_with("process.cwd");
        }
        let container = host.created(&["sleep"]);
        container.start();
        for number in 3..24 {
            let cwd = format!("/proc/self/fd/{number}");
            container.exec(&["--cwd", &cwd], &["report"]).fails_with("process.cwd");
        }
        container.force_delete();
    });
}

/// CVE-2016-9962: while a created container waits, init holds stdio and its start socket, and nothing of the host.
#[test]
fn cve_2016_9962_created() {
    guarded(|host| {
        if !host.is_onggi() {
            return;
        }
        let container = host.created(&["sleep"]);
        let folder = format!("/proc/{}/fd", container.pid());
        let open = || -> Vec<_> {
            let beyond = |entry: &fs::DirEntry| entry.file_name().to_str().unwrap().parse::<i32>().unwrap() > 2;
            let entries = fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(beyond);
            // One that was closed since it was listed is none.
            let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
            targets.map(|target| target.display().to_string()).collect()
        };
        // `create` returns on init's last word; the wire that it said it by goes the moment after.
        let end = Instant::now() + Duration::from_secs(30);
        while open().len() > 1 && Instant::now() < end {
            std::thread::yield_now();
        }
        let open = open();
        assert!(open.len() == 1 && open[0].starts_with("socket:"), "{open:?}");
        container.force_delete();
    });
}

/// A number that the caller has not opened is never one of the runtime's own (the host's /proc, the state directory).
#[test]
fn preserved_descriptors_are_the_callers() {
    guarded(|host| {
        for count in ["1", "4", "8", "20", "2147483647", "4294967295"] {
            let path = Bundle::new();
            let line =
                ["run", "--preserve-fds", count, "--bundle", path.path().to_str().unwrap(), "jar"].map(str::to_owned);
            host.runtime().call(line).fails_with("fd");
        }
    });
}

trait Created {
    fn created(&self, deeds: &[&str]) -> Container<'_>;
}

impl Created for Host {
    fn created(&self, deeds: &[&str]) -> Container<'_> {
        Container::launch(self.runtime(), &["create"], &Bundle::new().deeds(deeds), "jar")
    }
}

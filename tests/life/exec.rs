//! `exec`: a second process in a container that runs.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::support::{Bundle, Ending, Report, guarded, reaper};

fn sleeper() -> Bundle {
    Bundle::new().deeds(&["say", "ready", "sleep"])
}

/// It's in all of the container's namespaces and in its cgroup, and sees its mounts.
#[test]
fn same_container() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
        let wanted = kinds.map(|kind| fs::metadata(format!("/proc/{}/ns/{kind}", container.pid())).unwrap().ino());
        let cgroup = |pid: &str| fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        assert_ne!(cgroup(&container.pid().to_string()), cgroup("self"));
        container.force_delete();
        assert_eq!(kinds.map(|kind| report["namespaces"][kind].as_u64().unwrap()), wanted);
        assert_eq!(report["cgroup"]["path"], "/");
        assert_ne!(report["process"]["pid"], 1);
        assert_eq!(report["names"]["hostname"], "jar");
        assert_eq!(report["process"]["exe"], "/payload");
    });
}

/// It has what the container's process has, where nothing else is said.
#[test]
fn same_rights() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 forgets noNewPrivileges at exec") {
            return;
        }
        let bundle = sleeper().edit(|config| {
            config["process"]["user"] = json!({"uid": 0, "gid": 0, "umask": 0o077});
            config["process"]["cwd"] = json!("/etc");
            config["process"]["env"] = json!(["PATH=/bin:/", "MINE=yes"]);
            config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]});
        });
        let container = host.start(&bundle);
        let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        container.force_delete();
        assert_eq!(report.caps("effective"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
        assert_eq!(report.caps("bounding"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
        assert_eq!(report.caps("inheritable"), [""; 0]);
        assert_eq!(report["process"]["no_new_privs"], true);
        assert_eq!(report["process"]["cwd"], "/etc");
        assert_eq!(report["rlimits"]["RLIMIT_NOFILE"], json!({"soft": 1024, "hard": 1024}));
        assert_eq!(report["seccomp"]["mode"], 2);
        assert_eq!(report.env("MINE"), Some("yes"));
        let fds: Vec<_> = report["fds"].as_array().unwrap().iter().map(|fd| &fd["fd"]).collect();
        assert_eq!(fds, [0, 1, 2]);
    });
}

/// `--env`, `--cwd`, `--user` and `--cap` go before what the container has.
#[test]
fn options() {
    guarded(|host| {
        let bundle = sleeper();
        bundle.directory("tmp/here");
        let container = host.start(&bundle);
        let options = ["--env", "ONE=1", "--env", "TERM=dumb", "--cwd", "/tmp/here", "--user", "1000:1001"];
        let report = Report::parse(&container.exec(&options, &["report"]).ok().stdout);
        container.force_delete();
        assert_eq!((report.env("ONE"), report["process"]["cwd"].as_str()), (Some("1"), Some("/tmp/here")));
        let terms = report["process"]["env"].as_array().unwrap().iter();
        assert_eq!(terms.filter_map(|one| one.as_str()).rfind(|one| one.starts_with("TERM=")), Some("TERM=dumb"));
        assert_eq!(
            (&report["process"]["uid"]["real"], &report["process"]["gid"]["real"]),
            (&json!(1000), &json!(1001))
        );
        assert_eq!(report.caps("effective"), [""; 0]);
        assert_eq!(report.caps("bounding"), ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"]);
    });
}

/// Flags as Go programs take them, of which engines' callers make use: a value that is empty is none, `=false` is said too,
/// and `--` may stand before the id.
#[test]
fn spellings() {
    guarded(|host| {
        if host.lacks(&["crun"], "takes flags as GNU programs do") {
            return;
        }
        let container = host.start(&sleeper());
        let report = |line: &[&str]| Report::parse(&host.runtime().call(line).ok().stdout);
        let empty =
            report(&["exec", "--user", "", "--cwd=", "--tty=false", "-apparmor", "", "jar", "/payload", "report"]);
        let dashes = report(&["exec", "-user=7:8", "--", "jar", "/payload", "report"]);
        let gain = report(&["exec", "--no-new-privs=false", "jar", "/payload", "report"]);
        host.runtime().call(["exec", "--console-socket", "/none", "jar", "/payload", "report"]).fails_with("terminal");
        container.force_delete();
        assert_eq!((&empty["process"]["uid"]["real"], empty["process"]["cwd"].as_str()), (&json!(0), Some("/")));
        assert_eq!(empty["process"]["no_new_privs"], true);
        assert_eq!(dashes["process"]["uid"]["real"], 7);
        assert_eq!(gain["process"]["no_new_privs"], false);
    });
}

/// Its exit status is passed on, 128 + n for a signal.
#[test]
fn status() {
    guarded(|host| {
        let container = host.start(&sleeper());
        container.exec(&[], &["exit", "0"]).ok();
        container.exec(&[], &["exit", "42"]).status(42);
        container.exec(&[], &["kill-self", "TERM"]).status(128 + 15);
        container.force_delete();
    });
}

/// A program that isn't there is an error and harms nobody.
#[test]
fn missing_program() {
    guarded(|host| {
        let container = host.start(&sleeper());
        host.runtime().call(["exec", "jar", "/none"]).fails_with("no such file or directory");
        assert!(container.alive());
        container.force_delete();
    });
}

/// Stdin, stdout and stderr are the caller's.
#[test]
fn streams() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let line = ["exec", "jar", "/payload", "copy-stdin", "complain", "trouble"];
        let output = host.runtime().invoke(line).stdin("text\n").run().ok();
        container.force_delete();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("text\n", "trouble\n"));
    });
}

/// `--process`: a whole process object from a file.
#[test]
fn process_file() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let path = host.folder().join("process.json");
        let caps = json!(["CAP_CHOWN"]);
        let process = json!({
            "terminal": false,
            "user": {"uid": 5, "gid": 6, "additionalGids": [7]},
            "args": ["/payload", "report"],
            "env": ["A=1"],
            "cwd": "/tmp",
            "capabilities": {"bounding": caps, "permitted": caps, "inheritable": caps, "effective": caps, "ambient": caps},
            "rlimits": [{"type": "RLIMIT_CORE", "soft": 11, "hard": 12}],
            "noNewPrivileges": false,
        });
        fs::write(&path, process.to_string()).unwrap();
        let output = host.runtime().call(["exec", "--process", path.to_str().unwrap(), "jar"]).ok();
        container.force_delete();
        let report = Report::parse(&output.stdout);
        assert_eq!((&report["process"]["uid"]["real"], &report["process"]["gid"]["real"]), (&json!(5), &json!(6)));
        assert_eq!(report["process"]["cwd"], "/tmp");
        assert_eq!(report.env("A"), Some("1"));
        assert_eq!(report.env("TERM"), None);
        assert_eq!(report["rlimits"]["RLIMIT_CORE"], json!({"soft": 11, "hard": 12}));
        assert_eq!(report["process"]["no_new_privs"], false);
        for set in ["bounding", "permitted", "inheritable", "effective", "ambient"] {
            assert_eq!(report.caps(set), ["CAP_CHOWN"], "{set}");
        }
    });
}

/// `--detach` returns at once, with the pid in the file; the process lives on and dies with the container.
#[test]
fn detached() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let file = host.folder().join("pid");
        let options = ["--detach", "--pid-file", file.to_str().unwrap()];
        container.exec(&options, &["sleep"]).ok();
        let pid: i32 = fs::read_to_string(&file).unwrap().parse().expect("digits only");
        let namespace = |pid: i32| fs::metadata(format!("/proc/{pid}/ns/pid")).unwrap().ino();
        assert_eq!(namespace(pid), namespace(container.pid()));
        let reaper = reaper(pid);
        container.force_delete();
        assert_eq!(reaper.join().unwrap(), Ending::Signal(9));
    });
}

/// There is no exec in a container that has stopped.
#[test]
fn stopped() {
    guarded(|host| {
        let container = host.create(&Bundle::new().deeds(&["exit", "0"]));
        container.start();
        container.ended();
        assert_ne!(container.exec(&[], &["exit", "0"]).status, 0);
        container.delete();
    });
}

/// Many at once.
#[test]
fn many() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let mut running: Vec<_> = (0..8)
            .map(|number| {
                let mut exec = host.runtime().invoke(["exec", "jar", "/payload", "exit", &number.to_string()]);
                let child = exec.spawn();
                (number, exec, child)
            })
            .collect();
        for (number, exec, child) in &mut running {
            exec.finish(child).status(*number);
        }
        container.force_delete();
    });
}

/// `--cgroup`: a cgroup below the container's own, and nothing else; the way is not to be left by words.
#[test]
fn sub_cgroup() {
    guarded(|host| {
        if host
            .lacks(&["crun", "runc"], "of these versions can be led out of the container's cgroup, or has no --cgroup")
        {
            return;
        }
        let bundle = sleeper().edit(|config| config["linux"]["cgroupsPath"] = json!("/jars/foo"));
        let container = host.start(&bundle);
        let own = super::cgroup::of(container.pid());
        fs::create_dir(own.join("below")).unwrap();
        fs::create_dir(own.with_file_name("foo-suffix")).unwrap();
        for path in ["below", "/below"] {
            let report = Report::parse(&container.exec(&["--cgroup", path], &["report"]).ok().stdout);
            assert_eq!(report["cgroup"]["path"], "/below", "{path}");
        }
        for path in ["../foo-suffix", "a/../../foo-suffix", "below/../../foo-suffix", "..", "none", "cgroup.procs"] {
            container.exec(&["--cgroup", path], &["exit", "0"]).status(255);
        }
        container.force_delete();
        fs::remove_dir(own.with_file_name("foo-suffix")).unwrap();
        let _ = fs::remove_dir(own.with_file_name(""));
    });
}

/// A container that manages cgroups of its own has moved its init further down, and hands controllers on where it was: a
/// new process goes to its init.
#[test]
fn beside_an_init_that_moved() {
    guarded(|host| {
        if !super::cgroup::has_controller("hugetlb") || host.lacks(&["crun", "runc"], "of these versions fail here") {
            return;
        }
        let container = host.start(&sleeper());
        let own = super::cgroup::of(container.pid());
        fs::create_dir(own.join("init")).unwrap();
        fs::write(own.join("init/cgroup.procs"), container.pid().to_string()).unwrap();
        fs::write(own.join("cgroup.subtree_control"), "+hugetlb").unwrap();
        let report = Report::parse(&container.exec(&[], &["report"]).ok().stdout);
        assert_eq!(report["cgroup"]["path"], "/init");
        container.exec(&["--cgroup", "/"], &["exit", "0"]).fails_with("can have no processes");
        container.force_delete();
    });
}

/// Its own failures end exec with 255; a program that is not there with 127, one that can't be executed with 126.
#[test]
fn statuses() {
    guarded(|host| {
        let container = host.start(&sleeper());
        let status = |line: &[&str]| host.runtime().call(line).status;
        if host.is_onggi() {
            assert_eq!(status(&["exec", "jar", "/none"]), 127);
            assert_eq!(status(&["exec", "jar", "/etc"]), 126);
            assert_eq!(status(&["exec", "jar", "nowhere"]), 127);
            host.runtime().call(["exec", "jar", "-t", "/payload"]).fails_with("flags of exec go before the id");
        }
        if !host.lacks(&["crun"], "says 1 of its own failures") {
            assert_eq!(status(&["exec", "--user", "bob", "jar", "/payload"]), 255);
            assert_eq!(status(&["exec", "--tty", "--detach", "jar", "/payload"]), 255);
            assert_eq!(status(&["exec", "none", "/payload"]), 255);
        }
        container.force_delete();
    });
}

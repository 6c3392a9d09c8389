//! config.md, "Process": what the first process gets.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{Bundle, Report, guarded};

/// `process.args`: they arrive as they are, the empty and the odd ones too.
#[test]
fn args() {
    guarded(|host| {
        let args = json!(["/payload", "report", "--stat", "a b", "--stat", "", "--stat", "ü\n*"]);
        let report = host.report(&Bundle::new().edit(|config| config["process"]["args"] = args.clone()));
        assert_eq!(report["process"]["args"], args);
    });
}

/// `process.args`: a name without a slash is looked for on the PATH of `process.env`.
#[test]
fn args_on_path() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["process"]["args"] = json!(["payload", "report"]);
            config["process"]["env"] = json!(["PATH=/none:/bin:/"]);
        });
        assert_eq!(host.report(&bundle)["process"]["args"][0], "payload");
    });
}

/// `process.args`: a program that isn't there is an error, in the words that engines look for.
#[test]
fn args_missing_program() {
    guarded(|host| {
        let run = |program: &str| {
            let bundle = Bundle::new().edit(|config| config["process"]["args"] = json!([program]));
            host.run(&bundle)
        };
        run("/none").fails_with("no such file or directory");
        // crun has the name between these words.
        run("none").fails_with("executable file").fails_with("not found in $PATH");
    });
}

/// `process.args`: a file without the right to execute it is an error, in the words that engines look for.
#[test]
fn args_not_executable() {
    guarded(|host| {
        let bundle =
            Bundle::new().file("bin/text", "hello").edit(|config| config["process"]["args"] = json!(["/bin/text"]));
        host.run(&bundle).fails_with("permission denied");
    });
}

/// `process.env`: the variables of the config in their order, and none of the runtime's own.
#[test]
fn env() {
    guarded(|host| {
        let env = ["PATH=/bin", "EMPTY=", "EQUALS=a=b", "WORDS=a b\nc", "HOME=/tmp"];
        let bundle = Bundle::new().edit(|config| config["process"]["env"] = json!(env));
        let run = host.runtime().run(&bundle, "jar").with(|command| {
            command.env("LEAKED", "1");
        });
        let report = Report::parse(&run.run().ok().stdout);
        assert_eq!(report["process"]["env"], json!(env));
    });
}

/// `process.env`: HOME, where the config has none, is what the container's passwd says.
#[test]
fn env_home() {
    guarded(|host| {
        let home = |uid| {
            let bundle = Bundle::new().edit(|config| config["process"]["user"]["uid"] = json!(uid));
            host.report(&bundle).env("HOME").map(str::to_owned)
        };
        assert_eq!(home(0).as_deref(), Some("/"));
        assert_eq!(home(1000).as_deref(), Some("/home/jar"));
    });
}

/// `process.cwd`: the process starts there.
#[test]
fn cwd() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| config["process"]["cwd"] = json!("/srv/deep"));
        bundle.directory("srv/deep");
        assert_eq!(host.report(&bundle)["process"]["cwd"], "/srv/deep");
    });
}

/// `process.cwd` may be one that only root can enter, as /root is in most images, whoever the user is; likewise for an exec.
#[test]
fn cwd_of_somebody_else() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["process"]["cwd"] = json!("/private");
            config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
        });
        fs::set_permissions(bundle.directory("/private"), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(host.report(&bundle)["process"]["cwd"], "/private");
        let container = host.start(&bundle.deeds(&["say", "ready", "sleep"]));
        let output = container.exec(&["--user", "7:7", "--cwd", "/private"], &["report"]).ok();
        container.force_delete();
        assert_eq!(Report::parse(&output.stdout)["process"]["cwd"], "/private");
    });
}

/// `process.cwd` "MUST be an absolute path".
#[test]
fn cwd_relative() {
    guarded(|host| {
        if host.lacks(&["crun"], "takes a relative cwd as one from the root") {
            return;
        }
        let bundle = Bundle::new().edit(|config| config["process"]["cwd"] = json!("srv"));
        host.run(&bundle).fails_with("absolute");
    });
}

/// `process.user`: ids, supplementary groups and the umask.
#[test]
fn user() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["process"]["user"] = json!({"uid": 1000, "gid": 2000, "additionalGids": [7, 3000], "umask": 0o027});
        });
        let report = host.report(&bundle);
        let process = &report["process"];
        assert_eq!(process["uid"], json!({"real": 1000, "effective": 1000, "saved": 1000, "fs": 1000}));
        assert_eq!(process["gid"], json!({"real": 2000, "effective": 2000, "saved": 2000, "fs": 2000}));
        let mut groups: Vec<u64> =
            process["groups"].as_array().unwrap().iter().filter_map(serde_json::Value::as_u64).collect();
        groups.retain(|&id| id != 2000); // POSIX leaves open whether the list holds the group itself.
        assert_eq!(groups, [7, 3000]);
        assert_eq!(process["umask"], 0o027);
    });
}

/// `process.user.umask`: what is no permission is no part of a mask (umask(2)); `consoleSize` without a terminal MUST be ignored.
#[test]
fn more_than_is_asked_for() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["process"]["user"] = json!({"uid": 0, "gid": 0, "umask": 0o7027});
            config["process"]["consoleSize"] = json!({"height": 70000, "width": 5});
        });
        assert_eq!(host.report(&bundle)["process"]["umask"], 0o027);
    });
}

/// `process.user`: without supplementary groups there are none, whatever the caller has.
#[test]
fn user_without_groups() {
    guarded(|host| {
        let report = host.report(&Bundle::new());
        let groups = report["process"]["groups"].as_array().unwrap();
        assert!(groups.iter().all(|id| id == 0), "{groups:?}");
        assert_eq!(report["process"]["umask"], 0o022);
    });
}

/// `process.rlimits`: soft and hard limits; the others are the caller's.
#[test]
fn rlimits() {
    guarded(|host| {
        let bundle = Bundle::new().edit(|config| {
            config["process"]["rlimits"] = json!([
                {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                {"type": "RLIMIT_CORE", "soft": 0, "hard": 4096},
                {"type": "RLIMIT_STACK", "soft": 1_048_576, "hard": 2_097_152},
            ]);
        });
        let report = host.report(&bundle);
        let limits = &report["rlimits"];
        assert_eq!(limits["RLIMIT_NOFILE"], json!({"soft": 100, "hard": 200}));
        assert_eq!(limits["RLIMIT_CORE"], json!({"soft": 0, "hard": 4096}));
        assert_eq!(limits["RLIMIT_STACK"], json!({"soft": 1_048_576, "hard": 2_097_152}));
        let own = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NPROC).unwrap();
        assert_eq!(limits["RLIMIT_NPROC"], json!({"soft": own.0, "hard": own.1}));
    });
}

/// `process.rlimits`: "If rlimits contains duplicated entries with same type, the runtime MUST generate an error".
#[test]
fn rlimits_twice() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "takes the last of two limits of one type") {
            return;
        }
        let one = json!({"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100});
        let bundle = Bundle::new().edit(|config| config["process"]["rlimits"] = json!([one, one]));
        host.run(&bundle).fails_with("rlimit");
    });
}

/// `process.noNewPrivileges` true, false and absent.
#[test]
fn no_new_privileges() {
    guarded(|host| {
        for (wanted, set) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
            let bundle = Bundle::new().edit(|config| {
                let process = config["process"].as_object_mut().unwrap();
                process.remove("noNewPrivileges");
                if wanted.is_boolean() {
                    process.insert("noNewPrivileges".into(), wanted.clone());
                }
            });
            assert_eq!(host.report(&bundle)["process"]["no_new_privs"], set, "{wanted}");
        }
    });
}

/// `process.oomScoreAdj`: set, and left as the caller's where the config has none.
#[test]
fn oom_score_adj() {
    guarded(|host| {
        assert_eq!(host.report(&Bundle::new())["process"]["oom_score_adj"], 0);
        let bundle = Bundle::new().edit(|config| config["process"]["oomScoreAdj"] = json!(321));
        assert_eq!(host.report(&bundle)["process"]["oom_score_adj"], 321);
    });
}

/// The first process leads a session, has no signal blocked, ignored or caught, and nobody's death kills it; whether it was
/// started at once or has waited for it.
#[test]
fn clean_start() {
    guarded(|host| {
        is_clean(&host.report(&Bundle::new()));
        let mut container = host.create(&Bundle::new());
        container.start();
        is_clean(&container.report());
        container.ended();
        container.delete();
    });
}

#[track_caller]
fn is_clean(report: &Report) {
    let process = &report["process"];
    assert_eq!((&process["pid"], &process["sid"], &process["pgid"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&report["signals"]["blocked"], &report["signals"]["caught"]), (&json!([]), &json!([])));
    // posix_spawn(3) of glibc, by whoever started the runtime, leaves its internal signals ignored.
    let ignored = report["signals"]["ignored"].as_array().unwrap().iter();
    assert_eq!(ignored.filter(|&name| name != "SIG32" && name != "SIG33").count(), 0);
    assert_eq!(process["parent_death_signal"], json!(null));
    assert_eq!(process["personality"], 0);
    assert_eq!(process["dumpable"], true);
    assert_eq!(process["exe"], "/payload");
}

/// Stdin, stdout and stderr are the caller's, and there is no other descriptor.
#[test]
fn descriptors() {
    guarded(|host| {
        let report = host.report(&Bundle::new());
        let numbers: Vec<_> = report["fds"].as_array().unwrap().iter().map(|fd| &fd["fd"]).collect();
        assert_eq!(numbers, [0, 1, 2], "{}", report["fds"]);
        let bundle = Bundle::new().deeds(&["copy-stdin", "complain", "trouble"]);
        let output = host.runtime().run(&bundle, "jar").stdin("one\ntwo\n").run().ok();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("one\ntwo\n", "trouble\n"));
    });
}

/// `--preserve-fds N` hands on 3 to 2+N; without it what the caller left open stays outside.
#[test]
fn descriptors_of_the_caller() {
    guarded(|host| {
        let left_open = |words: &[&str]| {
            let bundle = Bundle::new();
            let path = bundle.path().to_str().unwrap().to_owned();
            let line = ["run", "--bundle", &path].into_iter().chain(words.iter().copied()).chain(["jar"]);
            let file = fs::File::open("/etc/passwd").unwrap();
            let run = host.runtime().invoke(line).with(|command| {
                crate::support::inherit(command, &file, &[3, 4, 5, 17]);
            });
            let report = Report::parse(&run.run().ok().stdout);
            let fds = report["fds"].as_array().unwrap();
            fds.iter().filter_map(|fd| fd["fd"].as_i64()).filter(|&fd| fd > 2).collect::<Vec<_>>()
        };
        assert_eq!(left_open(&[]), [0; 0]);
        assert_eq!(left_open(&["--preserve-fds", "2"]), [3, 4]);
    });
}

/// More than the caller opened is refused: the numbers above are the runtime's own files, and the host's directories
/// are among them.
#[test]
fn descriptors_the_caller_does_not_have() {
    guarded(|host| {
        let bundle = Bundle::new();
        let path = bundle.path().to_str().unwrap().to_owned();
        let run = host.runtime().invoke(["--log", "/dev/null", "run", "--bundle", &path, "--preserve-fds", "1", "jar"]);
        run.run().fails_with("--preserve-fds: descriptor 3 was not open when onggi was called");
    });
}

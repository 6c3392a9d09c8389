//! What the program says, and where: error texts, logs, exit statuses, flags in all their forms.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

mod surroundings;

fn onggi(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onggi")).arg("--root").arg(root).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a failing command says on standard error; nothing on standard output, and exit status 1.
fn said(line: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let arguments: Vec<_> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let output = onggi(dir.path(), &arguments);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()), "{line}");
    text(&output.stderr).replace(dir.path().to_str().unwrap(), "ROOT")
}

/// What is said of an unknown id.
const NONE: &str = "does not exist (none of that id is in ROOT; an engine's are in a --root of its own)";

/// What goes wrong in `exec` before its program begins is told from the program's own failures.
#[test]
fn exec_fails_with_255() {
    let dir = tempfile::tempdir().unwrap();
    for (line, expected) in [
        (["exec", "x"].as_slice(), "exec: needs a program to run, after the id (or a file that tells, with --process)"),
        (&["exec", "x", "ls"], "container \"x\" does not exist"),
        (&["exec", "--", "x", "ls", "-l"], "container \"x\" does not exist"),
        (&["exec", "-apparmor", "", "--cwd=", "--pid-file", "", "x", "ls"], "container \"x\" does not exist"),
        (&["exec", "--no-new-privs=false", "--tty=0", "--d", "x", "ls"], "container \"x\" does not exist"),
    ] {
        let output = onggi(dir.path(), line);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(255) && said.starts_with(&format!("onggi: {expected}")), "{said}");
    }
    assert_eq!(onggi(dir.path(), &["exec", "--bogus", "x", "ls"]).status.code(), Some(1), "as runc has it");
}

#[test]
fn a_wrong_line_is_one_sentence() {
    let cases = [
        ("", "which command? (see `onggi --help`)"),
        ("bogus", "there is no command \"bogus\" (see `onggi --help`)"),
        ("creat", "there is no command \"creat\" (did you mean create?)"),
        ("--bogus state x", "there is no flag --bogus (see `onggi --help`)"),
        ("--log= --criu= --rootless=t list --bogus", "list: there is no flag --bogus (see `onggi list --help`)"),
        ("--root= list", "--root: needs a value (see `onggi --help`)"),
        ("--rootless maybe list", "--rootless: \"maybe\" is none of auto, true, false (see `onggi --help`)"),
        ("create", "create: needs <ID> (see `onggi create --help`)"),
        ("create --bogus x", "create: there is no flag --bogus (see `onggi create --help`)"),
        ("create --bundel b x", "create: there is no flag --bundel (did you mean --bundle?)"),
        (
            "create a b",
            "create: \"b\" is one argument too many (the program and its arguments are process.args of config.json)",
        ),
        ("rm x", "there is no command \"rm\" (did you mean delete?)"),
        ("kill -9 x", "kill: there is no flag -9 (the signal comes after the id, without a dash: onggi kill ID TERM)"),
        ("list --root x", "list: there is no flag --root (it goes before the command)"),
        ("list -f xml", "--format: \"xml\" is none of table, json (see `onggi list --help`)"),
        ("list --format", "--format: needs a value (see `onggi list --help`)"),
        ("stop -t x y", "--time: \"x\" is no whole number from 0 to 4294967295 (see `onggi stop --help`)"),
        ("stop -t -1 y", "--time: \"-1\" is no whole number from 0 to 4294967295 (see `onggi stop --help`)"),
        ("stop", "stop: needs <ID>... (see `onggi stop --help`)"),
        ("kill --all=maybe x", "--all: takes no value, and got \"maybe\" (see `onggi kill --help`)"),
        ("kill x NOSIG", "signal: no signal \"NOSIG\" (a name such as TERM or SIGTERM, RTMIN+1, or a number up to 64)"),
        ("state a/b", "container id: \"a/b\" has '/' at position 2 (an id consists of letters, digits and _ + . -)"),
        ("state ..", "container id: \"..\" is the name of a directory (give the container another name)"),
        ("state x", "container \"x\" does not exist"),
        ("start x y", "start: \"y\" is one argument too many (see `onggi start --help`)"),
        ("delete a b", "container \"a\" does not exist; container \"b\" does not exist"),
        ("update x", "container \"x\" does not exist"),
        ("update --memory 1x x", "--memory: \"1x\" is no size (a number of bytes, or with a unit: 512m, 1.5g)"),
        ("update --cpu-quota -2 x", "--cpu-quota: \"-2\" is no whole number of at least -1"),
        ("update --resources /none x", "--resources: /none can't be read: no such file or directory"),
        ("update --l3-cache-schema L3:0=f x", "container \"x\" does not exist"),
        ("events x", "container \"x\" does not exist"),
        ("events --interval 0s x", "--interval: \"0s\" is no length of time (for instance 5s, 1m30s or 500ms)"),
        (
            "checkpoint --image-path i x",
            "checkpoint: saving and restoring containers is not supported (`onggi --help` shows what is)",
        ),
        ("events --stats x", "container \"x\" does not exist"),
    ];
    for (line, expected) in cases {
        assert_eq!(said(line), format!("onggi: {}\n", expected.replace("does not exist", NONE)), "{line}");
    }
}

#[test]
fn even_a_wrong_flag_is_logged_and_said_once_on_standard_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let path = log.to_str().unwrap();
    for (line, msg) in [
        (
            vec!["--log", path, "--log-format", "json", "state", "a/b"],
            "container id: \"a/b\" has '/' at position 2 (an id consists of letters, digits and _ + . -)",
        ),
        (
            vec!["-log", path, "-log-format=json", "create", "--bogus"],
            "create: there is no flag --bogus (see `onggi create --help`)",
        ),
        (vec!["--bogus", "--log-format=json", "--log", path, "list"], "there is no flag --bogus (see `onggi --help`)"),
    ] {
        fs::write(&log, "before\n").unwrap();
        let output = onggi(dir.path(), &line);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), format!("onggi: {msg}\n")));
        let lines = fs::read_to_string(&log).unwrap();
        let line = lines.strip_prefix("before\n").unwrap().strip_suffix('\n').unwrap();
        assert!(line.starts_with("{\"level\":\"error\",\"msg\":"), "{line}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["msg"], msg);
        let time = line["time"].as_str().unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn logs_have_two_forms_and_two_places() {
    let dir = tempfile::tempdir().unwrap();
    let json = onggi(dir.path(), &["--log-format", "json", "state", "x"]);
    assert!(
        text(&json.stderr).starts_with("{\"level\":\"error\",\"msg\":\"container \\\"x\\\" does not exist (none of")
    );
    assert_eq!(text(&json.stderr).lines().count(), 1);
    let log = dir.path().join("log");
    onggi(dir.path(), &["--log", log.to_str().unwrap(), "state", "x"]);
    let line = fs::read_to_string(&log).unwrap();
    assert!(
        line.starts_with("time=\"2") && line.contains(" level=error msg=\"container \\\"x\\\" does not exist (none of"),
        "{line}"
    );
    let nowhere = onggi(dir.path(), &["--log", "/no/such/log", "list"]);
    assert_eq!(
        text(&nowhere.stderr),
        "onggi: --log: can't open /no/such/log: no such file or directory \
         (name a file that can be written to, in a directory that is there)\n"
    );
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let unread = text(&onggi(dir.path(), &["--log", fifo.to_str().unwrap(), "list"]).stderr);
    assert!(
        unread.ends_with("(nobody is at its other end (of a FIFO, a socket or a terminal): name a file)\n"),
        "{unread}"
    );
}

#[test]
fn the_version_is_what_engines_parse() {
    let version = |name: &str, flag: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_onggi")).arg0(name).arg(flag).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
        text(&output.stdout)
    };
    let onggi = version("onggi", "--version");
    assert!(onggi.starts_with(concat!("onggi version ", env!("CARGO_PKG_VERSION"), "\n")), "{onggi}");
    assert!(onggi.ends_with("spec: 1.3.0\n"), "{onggi}");
    assert_eq!(version("onggi", "-v"), onggi);
    assert!(version("/usr/bin/runc", "-version").starts_with("runc version "));
}

#[test]
fn help_is_there_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        "run create start exec pause resume kill stop wait delete state list ps update events spec plan features";
    for arguments in [&["--help"][..], &["help"], &["-h"]] {
        let help = onggi(dir.path(), arguments);
        assert_eq!(help.status.code(), Some(0));
        for word in words.split(' ') {
            assert!(text(&help.stdout).contains(&format!("\n  {word} ")), "{word}");
        }
    }
    for word in words.split(' ') {
        for arguments in [[word, "--help"], ["help", word]] {
            let help = onggi(dir.path(), &arguments);
            let usage = format!("Usage: onggi {word} ");
            assert_eq!(help.status.code(), Some(0), "{arguments:?}");
            assert!(text(&help.stdout).contains(usage.trim_end()), "{arguments:?}");
        }
    }
}

#[test]
fn no_containers_are_listed_as_runc_lists_them() {
    let dir = tempfile::tempdir().unwrap();
    let list = |arguments: &[&str]| text(&onggi(dir.path(), arguments).stdout);
    assert_eq!(list(&["list"]), "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
    assert_eq!(list(&["list", "--format=json"]), "null\n");
    assert_eq!(list(&["list", "-q"]), "");
    let root = dir.path().join("not-there");
    assert_eq!(text(&onggi(&root, &["list", "-q"]).stderr), "");
    assert!(!root.exists());
}

#[test]
fn a_damaged_container_is_listed_and_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("web")).unwrap();
    fs::write(dir.path().join("web/state.json"), "").unwrap();
    let list = onggi(dir.path(), &["list"]);
    assert_eq!(list.status.code(), Some(0));
    assert!(text(&list.stdout).contains("\nweb         -           damaged     -"), "{}", text(&list.stdout));
    let file = dir.path().join("web/state.json");
    let warning = format!(
        "onggi: warning: {}: is empty (`delete --force` removes what is left of the container)\n",
        file.display()
    );
    assert_eq!(text(&list.stderr), warning);
    assert_eq!(text(&onggi(dir.path(), &["list", "-f", "json"]).stdout), "[]\n");
    assert_eq!(onggi(dir.path(), &["delete", "--force", "web"]).status.code(), Some(0));
    assert_eq!(text(&onggi(dir.path(), &["list", "-q"]).stdout), "");
}

#[test]
fn spec_writes_a_config_but_never_over_one() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().to_str().unwrap();
    let spec = onggi(dir.path(), &["spec", "--bundle", bundle]);
    assert_eq!((spec.status.code(), text(&spec.stderr)), (Some(0), String::new()));
    let config: serde_json::Value = serde_json::from_slice(&fs::read(dir.path().join("config.json")).unwrap()).unwrap();
    assert!(config["process"]["args"].is_array());
    let again = onggi(dir.path(), &["spec", "-b", bundle]);
    let says = format!(
        "onggi: {bundle}/config.json: exists already (remove it first, or choose another directory with --bundle)\n"
    );
    assert_eq!((again.status.code(), text(&again.stderr)), (Some(1), says));
}

#[test]
fn a_config_that_is_a_fifo_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&dir.path().join("config.json"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let output = onggi(dir.path(), &["create", "--bundle", dir.path().to_str().unwrap(), "web"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).ends_with("/config.json: is not a regular file (put the config itself there)\n"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn manual_and_completions_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("man");
    let made = onggi(dir.path(), &["generate", "man", man.to_str().unwrap()]);
    assert_eq!((made.status.code(), text(&made.stderr)), (Some(0), String::new()));
    let page = |name: &str| fs::read_to_string(man.join(name)).unwrap();
    assert!(page("onggi-create.1").contains(".SH OPTIONS") && !man.join("onggi-generate.1").exists());
    assert!(page("onggi-run.1").contains(".SH EXAMPLES\n  onggi run "), "{}", page("onggi-run.1"));
    assert!(
        page("onggi.1").contains("onggi\\-kill(1)") && page("onggi.1").contains(".SH NOTES\n"),
        "{}",
        page("onggi.1")
    );
    for shell in ["bash", "zsh", "fish"] {
        let made = onggi(dir.path(), &["generate", "completions", shell]);
        assert!(made.status.success() && text(&made.stdout).contains("preserve-fds"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_heard_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_onggi"));
    let output = command.arg("features").stdout(writer).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

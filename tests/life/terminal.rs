//! config.md, `process.terminal` and `consoleSize`: terminals by the console socket, and the caller's own.

use serde_json::json;

use crate::support::{Bundle, ConsoleSocket, Container, Ending, Pty, Report, attach, guarded, reap};

fn terminal(deeds: &[&str]) -> Bundle {
    Bundle::new().deeds(deeds).edit(|config| config["process"]["terminal"] = json!(true))
}

/// `create --console-socket`: what arrives is the terminal that the process has, in its size.
#[test]
fn console_socket() {
    guarded(|host| {
        let socket = ConsoleSocket::listen(host);
        let bundle = terminal(&["report", "line", "exit", "5"])
            .edit(|config| config["process"]["consoleSize"] = json!({"height": 33, "width": 77}));
        let container =
            Container::launch(host.runtime(), &["create", "--console-socket", socket.path()], &bundle, "jar");
        let (mut pty, _) = socket.receive();
        container.start();
        let report = Report::parse(&pty.line());
        for stream in report["stdio"].as_array().unwrap() {
            assert_eq!(stream["tty"], true);
            assert_eq!((&stream["rows"], &stream["columns"]), (&json!(33), &json!(77)));
        }
        assert_eq!(report["stdio"][0]["name"], "/dev/pts/0");
        assert_eq!(report["controlling_terminal"], true);
        assert_eq!(report["devices"]["/dev/console"]["kind"], "char");
        assert_eq!(pty.window(), (33, 77));
        pty.write("typed\n");
        assert_eq!(pty.line(), "typed", "the echo");
        assert_eq!(pty.line(), "typed", "what the process says");
        assert_eq!(container.ended(), Ending::Exit(5));
        container.delete();
    });
}

/// The terminal belongs to the container's user.
#[test]
fn owner() {
    guarded(|host| {
        let socket = ConsoleSocket::listen(host);
        let bundle = terminal(&["report", "--stat", "/dev/pts/0", "--open", "/dev/pts/0:rw"])
            .edit(|config| config["process"]["user"] = json!({"uid": 1000, "gid": 1000}));
        let container =
            Container::launch(host.runtime(), &["create", "--console-socket", socket.path()], &bundle, "jar");
        let (mut pty, _) = socket.receive();
        container.start();
        let report = Report::parse(&pty.line());
        assert_eq!(report["stats"]["/dev/pts/0"]["uid"], 1000);
        assert_eq!(report.probe("open /dev/pts/0:rw"), "ok");
        container.ended();
        container.delete();
    });
}

/// A terminal with nowhere to send it, or a socket with no terminal, is an error.
#[test]
fn socket_and_terminal_go_together() {
    guarded(|host| {
        let create = |bundle: &Bundle, words: &[&str]| {
            let path = bundle.path().to_str().unwrap().to_owned();
            let line = ["create", "--bundle", &path].into_iter().chain(words.iter().copied()).chain(["jar"]);
            host.runtime().call(line)
        };
        assert_ne!(create(&terminal(&["exit", "0"]), &[]).status, 0);
        assert_ne!(create(&terminal(&["exit", "0"]), &["--console-socket", "/none"]).status, 0);
        if !host.lacks(&["crun"], "takes a console socket that it doesn't need") {
            let socket = ConsoleSocket::listen(host);
            assert_ne!(create(&Bundle::new(), &["--console-socket", socket.path()]).status, 0);
        }
    });
}

/// `run` in a terminal: what is typed arrives, what is said is shown, the caller's terminal is raw
/// meanwhile and afterwards as it was.
#[test]
fn run_in_a_terminal() {
    guarded(|host| {
        let (mut pty, theirs) = Pty::open(24, 80);
        let before = nix::sys::termios::tcgetattr(&theirs).unwrap();
        let bundle = terminal(&["say", "ready", "line", "exit", "9"]);
        let mut run = host.runtime().run(&bundle, "jar").with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        assert_eq!(pty.line(), "ready");
        pty.write("typed\n");
        assert_eq!(pty.line(), "typed");
        assert_eq!(pty.line(), "typed");
        run.finish(&mut child).status(9);
        assert_eq!(nix::sys::termios::tcgetattr(&theirs).unwrap(), before);
    });
}

/// Where stdin is no terminal but ends, the container's program gets the end of its input.
#[test]
fn end_of_stdin() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "wants a terminal of the caller's") {
            return;
        }
        let run = host.runtime().run(&terminal(&["copy-stdin", "say", "end"]), "jar").stdin("typed\n").run().ok();
        assert!(run.stdout.contains("typed") && run.stdout.contains("end"), "{run:?}");
    });
}

/// The window's size is the caller's from the start, and follows it.
#[test]
fn window() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "gives the window its size too late") {
            return;
        }
        let (mut pty, theirs) = Pty::open(31, 91);
        let bundle = terminal(&["report", "window"]);
        let mut run = host.runtime().run(&bundle, "jar").with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        let report = Report::parse(&pty.line());
        assert_eq!((&report["stdio"][0]["rows"], &report["stdio"][0]["columns"]), (&json!(31), &json!(91)));
        assert_eq!(pty.line(), "ready");
        pty.resize(40, 120);
        assert_eq!(pty.line(), "40 120");
        run.finish(&mut child).ok();
    });
}

/// A caller's terminal that has no size itself (0 by 0, as of `script` or `expect`) leaves `consoleSize` in force.
#[test]
fn window_without_size() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "gives the window its size too late") {
            return;
        }
        let (mut pty, theirs) = Pty::open(0, 0);
        let bundle =
            terminal(&["report"]).edit(|config| config["process"]["consoleSize"] = json!({"height": 30, "width": 100}));
        let mut run = host.runtime().run(&bundle, "jar").with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        let report = Report::parse(&pty.line());
        assert_eq!((&report["stdio"][0]["rows"], &report["stdio"][0]["columns"]), (&json!(30), &json!(100)));
        run.finish(&mut child).ok();
    });
}

/// Ctrl-C typed by the caller interrupts the container's process, not the runtime.
#[test]
fn interrupt() {
    guarded(|host| {
        let (mut pty, theirs) = Pty::open(24, 80);
        let bundle = terminal(&["say", "ready", "sleep"]).without_namespace("pid");
        let mut run = host.runtime().run(&bundle, "jar").with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        assert_eq!(pty.line(), "ready");
        pty.write("\u{3}");
        run.finish(&mut child).status(128 + 2);
    });
}

/// `exec --tty` by the console socket gives a second terminal.
#[test]
fn exec() {
    guarded(|host| {
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let socket = ConsoleSocket::listen(host);
        let file = host.folder().join("pid");
        let options = ["--tty", "--detach", "--pid-file", file.to_str().unwrap(), "--console-socket", socket.path()];
        let output = container.exec(&options, &["report", "line"]);
        assert_eq!(output.status, 0, "{output:?}");
        let (mut pty, _) = socket.receive();
        let report = Report::parse(&pty.line());
        assert_eq!(report["stdio"][1]["tty"], true);
        assert_eq!(report["controlling_terminal"], true);
        pty.write("typed\n");
        assert_eq!((pty.line().as_str(), pty.line().as_str()), ("typed", "typed"));
        let pid = std::fs::read_to_string(file).unwrap().parse().unwrap();
        assert_eq!(reap(pid), Ending::Exit(0));
        container.force_delete();
    });
}

/// `exec --tty` in the caller's terminal.
#[test]
fn exec_in_a_terminal() {
    guarded(|host| {
        if host.lacks(&["crun"], "1.8 at times takes the words of the process for its own errors") {
            return;
        }
        let container = host.start(&Bundle::new().deeds(&["say", "ready", "sleep"]));
        let (mut pty, theirs) = Pty::open(30, 90);
        let line = ["exec", "--tty", "jar", "/payload", "report", "exit", "4"];
        let mut exec = host.runtime().invoke(line).with(|command| attach(command, &theirs));
        let mut child = exec.spawn();
        let report = Report::parse(&pty.line());
        exec.finish(&mut child).status(4);
        container.force_delete();
        assert_eq!(report["stdio"][0]["tty"], true);
        if !host.lacks(&["runc"], "gives the window its size too late") {
            assert_eq!((&report["stdio"][0]["rows"], &report["stdio"][0]["columns"]), (&json!(30), &json!(90)));
        }
    });
}

/// Nobody reads what the container shows any more: its terminal hangs up, so that its program
/// has read all that it will.
#[test]
fn nobody_reads() {
    guarded(|host| {
        let bundle = terminal(&["copy-stdin"]);
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let mut run = host.runtime().run(&bundle, "jar").stdin("text\n").with(|command| {
            command.stdout(writer);
        });
        drop(reader);
        let mut child = run.spawn();
        run.finish(&mut child);
        assert_eq!(host.runtime().ids(), [""; 0]);
    });
}

/// Stdin, stdout and stderr closed: the terminal is there all the same, and the exit status.
#[test]
fn closed_streams() {
    guarded(|host| {
        if host.lacks(&["runc"], "1.1 needs an open stdin") {
            return;
        }
        let bundle = terminal(&["say", "heard by nobody", "exit", "3"]);
        let program = host.runtime().program().as_os_str();
        let mut command = std::process::Command::new("/bin/sh");
        command
            .args(["-c", "exec <&- >&- 2>&-; exec \"$@\"", "sh"])
            .arg(program)
            .arg("--root")
            .arg(host.runtime().root());
        let status = command.args(["run", "--bundle"]).arg(bundle.path()).arg("jar").status().unwrap();
        assert_eq!(status.code(), Some(3));
    });
}

/// Stopped and continued, as by a shell's `fg`: the terminal, which the shell had meanwhile, is raw again, and the
/// window has its new size.
#[test]
fn stopped_and_continued() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "leaves the terminal as the shell left it") {
            return;
        }
        let (mut pty, theirs) = Pty::open(24, 80);
        let cooked = nix::sys::termios::tcgetattr(&theirs).unwrap();
        let bundle = terminal(&["window", "line", "exit", "6"]);
        let mut run = host.runtime().run(&bundle, "jar").with(|command| attach(command, &theirs));
        let mut child = run.spawn();
        assert_eq!(pty.line(), "ready");
        let raw = nix::sys::termios::tcgetattr(&theirs).unwrap();
        assert_ne!(raw, cooked);
        let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
        let stopped = nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(stopped, nix::sys::wait::WaitStatus::Stopped(..)), "{stopped:?}");
        nix::sys::termios::tcsetattr(&theirs, nix::sys::termios::SetArg::TCSANOW, &cooked).unwrap();
        pty.resize(40, 120);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
        assert_eq!(pty.line(), "40 120");
        assert_eq!(nix::sys::termios::tcgetattr(&theirs).unwrap(), raw);
        pty.write("typed\n");
        assert_eq!((pty.line().as_str(), pty.line().as_str()), ("typed", "typed"));
        run.finish(&mut child).status(6);
    });
}

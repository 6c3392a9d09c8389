//! Containers on a terminal. The size comes with a message of its own after the start, so the
//! container waits for it: a shell loop, since SIGWINCH may have come before a trap.
//!
//! What is typed is echoed: words to be expected are typed with `''` in them.

use std::time::Duration;

use crate::command::Verdict;
use crate::docker;
use crate::engine::Engine;
use crate::terminal::Terminal;

/// Has the container wait until the size is this, and say so; what it will say.
fn await_size(terminal: &mut Terminal, rows: u16, columns: u16) -> Verdict<String> {
    terminal.types(&format!(
        "until [ \"$(stty size)\" = '{rows} {columns}' ]; do usleep 10000; done; \
         echo size''-{rows}-{columns}\n"
    ))?;
    Ok(format!("size-{rows}-{columns}"))
}

fn converse(mut terminal: Terminal) -> Verdict {
    terminal.types("tty; echo said''-tty\n")?;
    terminal.expect("/dev/pts/0")?;
    terminal.expect("said-tty")?;
    // The controlling terminal, not just a file that is one.
    terminal.types("echo controlling''-tty >/dev/tty\n")?;
    terminal.expect("controlling-tty")?;
    let size = await_size(&mut terminal, 33, 101)?;
    terminal.expect(&size)?;
    terminal.types("exit 5\n")?;
    terminal.ends_with(5)
}

pub fn run(e: &Engine) -> Verdict {
    converse(e.terminal("run -it --rm busybox sh")?)
}

pub fn exec(e: &Engine) -> Verdict {
    e.detached("one", "busybox sh -c 'echo ready; exec sleep 1000'")?;
    converse(e.terminal("exec -it one sh")?)
}

pub fn resize(e: &Engine) -> Verdict {
    let mut terminal = e.terminal("run -it --rm busybox sh")?;
    let size = await_size(&mut terminal, 33, 101)?;
    terminal.expect(&size)?;
    let size = await_size(&mut terminal, 40, 120)?;
    // Podman's message of the first size may still be under way, and may then swallow the next:
    // pull at the window until it follows.
    e.until("the new size arrives", || {
        terminal.resizes(41, 121)?;
        terminal.resizes(40, 120)?;
        Ok(terminal.shows(&size, Duration::from_secs(1)))
    })?;
    terminal.types("exit\n")?;
    terminal.ends_with(0)
}

pub fn interrupt(e: &Engine) -> Verdict {
    let mut terminal = e.terminal("run -it --rm busybox sh")?;
    // Said by the process in the foreground, so that the key can't come before it is there.
    terminal.types("sh -c 'echo fore\"\"ground; exec sleep 1000'\n")?;
    terminal.expect("foreground")?;
    terminal.types("\u{3}")?;
    terminal.types("echo status''-$?\n")?;
    terminal.expect("status-130")?;
    terminal.types("exit 6\n")?;
    terminal.ends_with(6)
}

pub fn output_only(e: &Engine) -> Verdict {
    // A terminal ends its lines with a carriage return as well.
    let ran = e.call("run -t --rm busybox sh -c 'echo line; test -t 1'")?.succeeds()?;
    ran.must("line\\r\\n", |ran| ran.out == "line\r\n").map(drop)
}

pub fn attach(e: &Engine) -> Verdict {
    e.call("run -dit --name one busybox sh")?.works()?;
    // One key: of two that come at once Podman knows neither.
    let mut terminal = e.terminal("attach --detach-keys=ctrl-t one")?;
    terminal.types("echo at''tached\n")?;
    terminal.expect("attached")?;
    terminal.types("\u{14}")?;
    // Docker 20.10 exits with 1 and says why.
    let status = i32::from(e.driver.name() == docker::NAME);
    terminal.ends_with(status)?;
    e.call("inspect -f '{{.State.Running}}' one")?.prints("true").map(drop)
}

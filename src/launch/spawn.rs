//! The clone, and the talk with the child until it is ready.

use std::ffi::{CString, c_void};
use std::fs::File;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arm::Armed;
use super::early::Early;
use super::interrupts::Interrupts;
use super::proc::Proc;
use super::reap::reap;
use super::wire::{Agent, Wire, Word};
use super::{fault, idmap, oom, scheduling, silent};
use crate::cgroup::Cgroup;
use crate::child::become_child::{Becoming, enter};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::script::{Event, Message, Script, Step};
use crate::sys::{Errno, Fd, abi, clone, file, owned, pidfd, process};

/// Stack for the few calls between clone and execve, in 16-byte units.
const STACK: usize = 1024;

/// A child that is alive, and ours to wait for.
pub struct Child {
    pid: i32,
    pidfd: OwnedFd,
    wire: Wire,
    /// Whether it is still to be born into the container's pid namespace.
    born_last: bool,
    /// Whether its filter notifies, and is loaded before the agent may know of it; and its listener, until it does.
    answered: bool,
    early: Early,
    /// Shared with it: it notes there how far it has come.
    script: File,
}

/// Makes the child and leads it to where it is ready: set up, checked, waiting for its start.
///
/// `hooks` runs the hooks that want the namespaces complete; it gets the container's pid. If anything fails, the
/// child is ended and reaped before the error comes back; the cgroup is the caller's to remove.
pub fn spawn(armed: Armed<'_>, interrupts: &Interrupts, hooks: &mut dyn FnMut(i32) -> Result<()>) -> Result<Child> {
    let Armed { plan, host, cgroup, creates, reborn, .. } = armed;
    let maps = if creates { plan.idmap.as_ref() } else { None };
    let proc = if maps.is_some() || plan.process.oom_score_adj.is_some() { Some(Proc::open()?) } else { None };
    let mut borrowed = match (&proc, plan.process.oom_score_adj) {
        (Some(proc), Some(wanted)) => oom::take_on(proc, wanted, !host.root())?,
        _ => None,
    };
    if !creates {
        take_initial_processors(plan)?;
    }
    let mut child = bear(armed, memory(plan))?;
    let led = (|| {
        if reborn {
            child.be_reborn(plan, cgroup, interrupts)?;
        }
        if let (Some(map), Some(proc)) = (maps, &proc) {
            idmap::write(proc, child.pid, map, host.privileged())?;
            child.wire.go()?;
        }
        child.lead(plan, cgroup, &mut borrowed, interrupts, hooks)?;
        if host.root() && scheduling::is_asked(&plan.process) {
            scheduling::apply(plan, child.pid)?;
            if !creates && !child.answered {
                child.wire.go()?;
            }
        }
        Ok(())
    })();
    // Only now: until its first word the child may still share our memory, and with it this value.
    if let Some(borrowed) = borrowed {
        borrowed.give_back();
    }
    match led {
        Ok(()) => Ok(child),
        Err(error) => {
            child.end();
            Err(error)
        }
    }
}

/// `process.execCPUAffinity.initial`: where we run from here on, and the process until it is in the container's cgroup.
fn take_initial_processors(plan: &Plan) -> Result<()> {
    let Some(set) = &plan.process.exec_affinity.initial else { return Ok(()) };
    process::use_processors(set.words())
        .map_err(|errno| fault::explain(plan, &Message::fault(Step::Affinity, 0, errno, 0)))
}

/// The child shares our memory until it is a program of its own: that spares the kernel a copy of the page tables.
///
/// But not where its memory is limited: the kernel, short of memory for it, kills every process that shares the
/// victim's memory (`__oom_kill_process` of mm/oom_kill.c). That would be us, without a word and with all half done.
fn memory(plan: &Plan) -> u64 {
    let limited = plan.cgroup.settings.iter().any(|setting| setting.file == "memory.max" && setting.value != "max");
    if limited { 0 } else { abi::CLONE_VM }
}

/// The clone itself; `memory` is `CLONE_VM` or nothing.
fn bear(armed: Armed<'_>, memory: u64) -> Result<Child> {
    let cgroup = armed.cgroup;
    let mut keep = armed.files.numbers();
    keep.extend([&armed.childs_wire, &armed.script].map(|file| Fd(file.as_raw_fd())));
    keep.extend((3..3 + armed.preserve_fds.cast_signed()).map(Fd));
    // The child reads all this while we go on, until it is a program of its own; so it is never freed.
    let argument = CString::new(armed.script.as_raw_fd().to_string()).unwrap_or_default().into_raw();
    let stack = Box::leak(Box::<[u128]>::new_uninit_slice(STACK));
    let becoming = Box::leak(Box::new(Becoming {
        image: Fd(armed.image.as_raw_fd()),
        argv: [c"onggi:init".as_ptr() as usize, argument as usize, 0],
        envp: [0],
        keep: keep.leak(),
        wire: Fd(armed.childs_wire.as_raw_fd()),
        cgroup: None,
        keep_capabilities: armed.flags & abi::CLONE_NEWUSER != 0,
    }));
    let mut make = |becoming: &mut Becoming<'_>, cgroup: Option<Fd>| {
        let argument = std::ptr::from_mut(becoming).cast::<c_void>();
        // SAFETY: becoming, what it points to, and the stack were leaked, and nobody else uses them; enter makes raw system
        // calls only.
        #[allow(unsafe_code)]
        unsafe {
            clone::spawn(armed.flags | memory, cgroup, stack, enter, argument)
        }
    };
    let directory = cgroup.map(|cgroup| Fd(cgroup.fd().as_raw_fd()));
    let procs;
    let made = match (make(becoming, directory), cgroup) {
        // No clone3 here (somebody's seccomp profile): the child moves itself.
        (Err(Errno(abi::ENOSYS | abi::EPERM)), Some(cgroup)) => {
            procs = open_procs(cgroup)?;
            becoming.cgroup = Some(Fd(procs.as_raw_fd()));
            make(becoming, None)
        }
        (Err(errno @ Errno(abi::EBUSY | abi::EOPNOTSUPP)), Some(_)) => {
            match armed.instead.as_ref().and_then(|find| find()) {
                Some(instead) => make(becoming, Some(Fd(instead.fd().as_raw_fd()))),
                None => Err(errno),
            }
        }
        (made, _) => made,
    };
    let (pid, pidfd) = made.map_err(|errno| cannot_clone(errno, cgroup))?;
    // Our copy of the child's end of the wire goes with `armed`, or its end of file would never come.
    Ok(Child {
        pid,
        pidfd: owned(pidfd),
        wire: armed.wire,
        born_last: armed.born_last,
        answered: armed.answered,
        early: Early::default(),
        script: armed.script.into(),
    })
}

fn open_procs(cgroup: &Cgroup) -> Result<File> {
    let opened = file::openat(Fd(cgroup.fd().as_raw_fd()), c"cgroup.procs", abi::O_WRONLY).map(owned);
    opened.map(File::from).map_err(|errno| {
        let place = cgroup.path().join("cgroup.procs").display().to_string();
        Error::io(place, "can't be opened", std::io::Error::from_raw_os_error(errno.0))
    })
}

fn cannot_clone(errno: Errno, cgroup: Option<&Cgroup>) -> Error {
    let error = Error::io("", "can't make the container's process", std::io::Error::from_raw_os_error(errno.0));
    if let Some((full, most)) = cgroup.filter(|_| errno.0 == abi::EAGAIN).and_then(Cgroup::full) {
        return error.hint(format!("{}: pids.max is {most}, and no more may be made there", full.display()));
    }
    let cgroup = cgroup.map_or_else(String::new, |cgroup| cgroup.path().display().to_string());
    match errno.0 {
        abi::EBUSY => error
            .hint(format!("cgroup {cgroup} has child cgroups with controllers enabled, so it can have no processes")),
        abi::EOPNOTSUPP => error.hint(format!("cgroup {cgroup} is threaded or below a threaded one")),
        other => fault::clone_hint(error, other),
    }
}

impl Child {
    /// Its process id, as we count.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its pidfd.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Lets a created child outlive us, now that others can find it. Until then it ends with us.
    pub fn leave(&self) -> Result<()> {
        self.wire.go()
    }

    /// Gives the word to start over the wire (for a child that has no start socket), and waits until it has become the
    /// user's program.
    pub fn start(&self, plan: &Plan, agent: Option<Agent<'_>>) -> Result<()> {
        let agent = self.hand_over(agent)?;
        self.wire.go()?;
        self.begun(plan, agent)
    }

    /// Waits until a child that joins has become the user's program; `agent` gets the listener of a filter that notifies.
    pub fn becomes_program(&self, plan: &Plan, agent: Option<Agent<'_>>) -> Result<()> {
        let agent = self.hand_over(agent)?;
        // Until the agent has it, it waits.
        if self.answered {
            self.wire.go()?;
        }
        self.begun(plan, agent)
    }

    /// The listener of a filter that notifies, if that is loaded already: from here on it is the agent's to answer.
    pub fn take_listener(&self) -> Option<OwnedFd> {
        self.early.take()
    }

    /// Gives `agent` that listener; if there is none yet, the agent comes back.
    fn hand_over<'a>(&self, agent: Option<Agent<'a>>) -> Result<Option<Agent<'a>>> {
        match (self.early.take(), agent) {
            (Some(listener), Some(agent)) => agent(listener).map(|()| None),
            (_, agent) => Ok(agent),
        }
    }

    fn begun(&self, plan: &Plan, agent: Option<Agent<'_>>) -> Result<()> {
        match self.wire.hear_start(agent)? {
            Word::Fault(_, message) => Err(fault::explain(plan, &message)),
            Word::Unheard => Err(self.unexpected(plan, None, Word::Unheard)),
            Word::Event(..) | Word::End => Ok(()),
        }
    }

    /// Its exit status, 128 + n if signal n ended it. Waits for it.
    pub fn wait(&self) -> Result<u8> {
        reap(self.pidfd.as_fd(), self.pid)
    }

    /// Ends it, and takes its status so that nothing of it is left.
    pub fn end(&self) {
        let _ = pidfd::send_signal(Fd(self.pidfd.as_raw_fd()), libc::SIGKILL);
        let _ = self.wait();
    }

    /// The second clone: the first one says its pid and ends. What the second one says before it, for it may be
    /// quicker, is heard again afterwards: it may have come as far as the listener of its filter.
    fn be_reborn(&mut self, plan: &Plan, cgroup: Option<&Cgroup>, interrupts: &Interrupts) -> Result<()> {
        let mut early = Vec::new();
        let pid = loop {
            match self.hear(plan, interrupts)? {
                (Word::Event(Event::Reborn, pid), _) => break pid,
                // It was the first one's last word.
                (word @ (Word::End | Word::Unheard), _) => {
                    let last = early.pop().map_or(word, |(word, _)| word);
                    return Err(self.unexpected(plan, cgroup, last));
                }
                heard => early.push(heard),
            }
        };
        self.wire.unhear(early);
        self.become_second(pid, interrupts)
    }

    /// From here on it is process `pid`; the first one is reaped.
    fn become_second(&mut self, pid: u32, interrupts: &Interrupts) -> Result<()> {
        let pid = pid.cast_signed();
        // Nobody but us can reap it, so the number is still its own.
        let pidfd = process::pidfd(pid).map(owned).map_err(|errno| {
            // The first one is still who we are to end; this one would go on, and become the program.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            Error::io("", "can't follow the child", std::io::Error::from_raw_os_error(errno.0))
        })?;
        let first_pid = std::mem::replace(&mut self.pid, pid);
        let first = std::mem::replace(&mut self.pidfd, pidfd);
        self.early.wait_for(first.as_fd(), interrupts)?;
        reap(first.as_fd(), first_pid).map(drop)
    }

    /// Its next word, and the descriptor that came with it; all that it does meanwhile under a filter whose agent does not
    /// know of it goes on.
    fn hear(&self, plan: &Plan, interrupts: &Interrupts) -> Result<(Word, Option<OwnedFd>)> {
        loop {
            if !self.wire.has_early() {
                self.early.wait_for(self.wire.as_fd(), interrupts)?;
            }
            let heard = match plan.listener {
                Some(_) => self.wire.hear_with_file()?,
                None => (self.wire.hear()?, None),
            };
            match heard {
                (Word::Event(Event::Listening, _), Some(listener)) if self.answered && !self.early.is_kept() => {
                    self.early.keep(listener);
                    self.wire.go()?;
                }
                heard => return Ok(heard),
            }
        }
    }

    /// From its birth to `Ready`.
    fn lead(
        &mut self,
        plan: &Plan,
        cgroup: Option<&Cgroup>,
        borrowed: &mut Option<oom::Borrowed>,
        interrupts: &Interrupts,
        hooks: &mut dyn FnMut(i32) -> Result<()>,
    ) -> Result<()> {
        let mut ready = false;
        loop {
            let (word, _) = self.hear(plan, interrupts)?;
            if let Some(borrowed) = borrowed.take() {
                borrowed.give_back();
            }
            match word {
                // The second one may be ready before the first one says its pid.
                Word::Event(Event::Ready, _) if self.born_last => ready = true,
                Word::Event(Event::Reborn, pid) if self.born_last => {
                    self.born_last = false;
                    self.become_second(pid, interrupts)?;
                    if ready {
                        return Ok(());
                    }
                }
                Word::Event(Event::Ready, _) => return self.answer_last_wait(plan, interrupts),
                Word::Event(Event::Namespaced, _) => {
                    hooks(self.pid)?;
                    self.wire.go()?;
                }
                other => return Err(self.unexpected(plan, cgroup, other)),
            }
        }
    }

    /// Who joins waits for our last word, and if the agent is asked about that, too, it is still ours to answer.
    fn answer_last_wait(&self, plan: &Plan, interrupts: &Interrupts) -> Result<()> {
        let read = u32::try_from(libc::SYS_read).unwrap_or(u32::MAX);
        let asked = plan.seccomp.as_ref().is_some_and(|filter| filter.asks(read));
        if self.early.is_kept() && asked { self.early.answer_wait(interrupts) } else { Ok(()) }
    }

    fn unexpected(&self, plan: &Plan, cgroup: Option<&Cgroup>, word: Word) -> Error {
        match word {
            Word::Fault(_, message) => fault::explain(plan, &message),
            Word::Event(..) | Word::End | Word::Unheard => {
                let status = self.wait().unwrap_or(0);
                silent::end(status, cgroup, &self.reached(plan))
            }
        }
    }

    /// How far it came: `before its first step`, `after its step MountAttach of mounts[7] /data`.
    fn reached(&self, plan: &Plan) -> String {
        let mut bytes = [0; 8];
        let read = self.script.read_exact_at(&mut bytes, offset_of!(Script, done) as u64);
        let [step, index] =
            [0, 4].map(|at| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        match read.ok().and_then(|()| Step::from_number(step)) {
            Some(step) => fault::after(plan, step, index),
            None => "before its first step".to_owned(),
        }
    }
}

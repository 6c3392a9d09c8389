//! systemd's manager: the few of its methods that are needed (org.freedesktop.systemd1(5)).

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::time::Instant;

use super::address::{Address, candidates};
use super::connection::{Connection, Failure, PATIENCE};
use super::wire::{Call, Message, Writer};
use crate::error::{Error, Result};
use crate::plan::cgroup::systemd::Property;

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const EXISTS: &str = "org.freedesktop.systemd1.UnitExists";
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// A manager, connected to; all that it is asked for has to be done by one deadline.
pub struct Manager {
    connection: Connection,
    user: bool,
    deadline: Instant,
}

/// What has become of a unit that was to be started.
#[derive(Debug)]
pub enum Start {
    /// It runs.
    Started,
    /// There is one of this name already.
    Taken,
}

impl Manager {
    /// The machine's manager, or the user's own.
    ///
    /// # Errors
    /// If none is to be had, by the flag that wants one.
    pub fn find(user: bool) -> Result<Self> {
        let candidates = candidates(user, |name| std::env::var_os(name));
        Self::first(&candidates, user)
    }

    fn first(candidates: &[Address], user: bool) -> Result<Self> {
        let mut why = String::new();
        for address in candidates {
            let deadline = Instant::now() + PATIENCE;
            let connected = Connection::open(address, deadline).map(|connection| Self { connection, user, deadline });
            match connected.and_then(|mut manager| manager.subscribe().map(|()| manager)) {
                Ok(manager) => return Ok(manager),
                Err(failure) => {
                    let socket = match &address.socket {
                        super::address::Socket::Path(path) => path.display().to_string(),
                        super::address::Socket::Abstract(name) => format!("@{}", String::from_utf8_lossy(name)),
                    };
                    let separator = if why.is_empty() { "" } else { ", " };
                    let _ = write!(why, "{separator}{socket}: {}", reason(&failure));
                }
            }
        }
        let whose = if user { "this user's systemd" } else { "systemd" };
        if why.is_empty() {
            "neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS says where it is".clone_into(&mut why);
        }
        let remedy = if user {
            "log in, or `loginctl enable-linger`, so that there is one; or do without --systemd-cgroup: the cgroupfs driver \
             needs none"
        } else {
            "do without --systemd-cgroup where systemd is not running; an engine is set to its cgroup driver cgroupfs"
        };
        Err(Error::new("--systemd-cgroup", format!("{whose} can't be asked for a cgroup: {why}")).hint(remedy))
    }

    /// Has waits for jobs end when `interrupt` can be read.
    pub fn interrupted_by(&mut self, interrupt: OwnedFd) {
        self.connection.interrupted_by(Some(interrupt));
    }

    /// Starts a transient unit, and waits until it runs.
    pub fn start(&mut self, name: &str, properties: &[Property]) -> Result<Start> {
        let mut body = Writer::default();
        body.text(name).text("fail").properties(properties).no_units();
        let (job, sender) = match self.job("StartTransientUnit", "ssa(sv)a(sa(sv))", body) {
            Err(Failure::Refused(error, _)) if error == EXISTS => return Ok(Start::Taken),
            job => job.map_err(|failure| error(name, "start", &failure))?,
        };
        match self.wait(&job, sender.as_deref()) {
            Ok(result) if result == "done" => Ok(Start::Started),
            Ok(result) => {
                let why = self.unit_property(name, "Scope", "Result").unwrap_or_default();
                self.forget(name);
                Err(self.not_done(name, "start", &job, &result, &why))
            }
            Err(failure) => {
                self.forget(name);
                Err(self.hangs(name, "start", &job, &failure))
            }
        }
    }

    /// Stops a unit, waits for its end, and has it forgotten. One that is not there is fine.
    pub fn stop(&mut self, name: &str) -> Result<()> {
        self.connection.interrupted_by(None);
        let mut body = Writer::default();
        body.text(name).text("replace");
        let (job, sender) = match self.job("StopUnit", "ss", body) {
            Err(Failure::Refused(error, _)) if error == NO_SUCH_UNIT => return Ok(()),
            job => job.map_err(|failure| error(name, "stop", &failure))?,
        };
        match self.wait(&job, sender.as_deref()) {
            Ok(result) if result == "done" => self.reset_failed(name),
            Ok(result) => Err(self.not_done(name, "stop", &job, &result, "")),
            Err(failure) => Err(self.hangs(name, "stop", &job, &failure)),
        }
    }

    /// Has a unit that failed forgotten.
    pub fn reset_failed(&mut self, name: &str) -> Result<()> {
        let mut body = Writer::default();
        body.text(name);
        match self.manager("ResetFailedUnit", "s", body) {
            Err(Failure::Refused(error, _)) if error == NO_SUCH_UNIT => Ok(()),
            answer => answer.map(drop).map_err(|failure| error(name, "reset", &failure)),
        }
    }

    /// Changes properties of a unit that runs, until it ends.
    pub fn set_properties(&mut self, name: &str, properties: &[Property]) -> Result<()> {
        let mut body = Writer::default();
        body.text(name).flag(true).properties(properties);
        let answer = self.manager("SetUnitProperties", "sba(sv)", body);
        answer.map(drop).map_err(|failure| error(name, "change", &failure))
    }

    /// A property of a unit, as text: of all units where `kind` is `Unit`, else of `Scope`s or `Slice`s.
    pub fn unit_property(&mut self, name: &str, kind: &str, property: &str) -> Result<String> {
        let path = format!("{PATH}/unit/{}", label(name));
        let text = self.get(&path, &format!("{NAME}.{kind}"), property);
        text.map_err(|failure| error(name, "look at", &failure))?
            .ok_or_else(|| Error::new(name, format!("systemd does not say what its {property} is")))
    }

    /// systemd's version: 252. 0 if it does not say.
    pub fn version(&mut self) -> u32 {
        let text = self.get(PATH, MANAGER, "Version").ok().flatten().unwrap_or_default();
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().unwrap_or(0)
    }

    /// A property of an object, if it is text.
    fn get(&mut self, path: &str, interface: &str, property: &str) -> Result<Option<String>, Failure> {
        let mut body = Writer::default();
        body.text(interface).text(property);
        let answer = self.call(path, "org.freedesktop.DBus.Properties", "Get", "ss", body)?;
        let mut reader = answer.reader();
        let is_text = answer.signature == "v" && reader.signature().is_ok_and(|kind| kind == "s");
        Ok(if is_text { reader.text().ok() } else { None })
    }

    /// Signals are for those who ask for them.
    fn subscribe(&mut self) -> Result<(), Failure> {
        match self.manager("Subscribe", "", Writer::default()) {
            // systemd's own socket tells everybody, in some versions.
            Ok(_) | Err(Failure::Refused(..)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn manager(&mut self, member: &str, signature: &str, body: Writer) -> Result<Message, Failure> {
        self.call(PATH, MANAGER, member, signature, body)
    }

    fn call(
        &mut self,
        path: &str,
        interface: &str,
        member: &str,
        signature: &str,
        body: Writer,
    ) -> Result<Message, Failure> {
        self.connection.call(&Call { destination: NAME, path, interface, member, signature, body }, self.deadline)
    }

    /// A method that begins a job: the job, and who has said so.
    fn job(&mut self, member: &str, signature: &str, body: Writer) -> Result<(String, Option<String>), Failure> {
        let reply = self.manager(member, signature, body)?;
        match reply.first_text() {
            Some(job) if reply.signature == "o" => Ok((job, reply.sender)),
            _ => Err(Failure::Broken(format!("it does not say which job {member} began"))),
        }
    }

    /// Waits for the end of a job: `done`, `canceled`, `timeout`, `failed`, `dependency`, `skipped`. On a bus others could
    /// say such a thing as well; only `sender` is believed.
    fn wait(&mut self, job: &str, sender: Option<&str>) -> Result<String, Failure> {
        loop {
            let signal = self.connection.signal(self.deadline)?;
            let removed = signal.member.as_deref() == Some("JobRemoved")
                && signal.interface.as_deref() == Some(MANAGER)
                && signal.sender.as_deref() == sender
                && signal.signature == "uoss";
            if !removed {
                continue;
            }
            let mut reader = signal.reader();
            // Its number, the job, the unit, and how it ended.
            if let (Ok(_), Ok(path), Ok(_), Ok(result)) = (reader.word(), reader.text(), reader.text(), reader.text())
                && path == job
            {
                return Ok(result);
            }
        }
    }

    /// Nothing of a unit that did not start is to stay. The error on whose way out this is done is the one to be told.
    fn forget(&mut self, name: &str) {
        self.connection.interrupted_by(None);
        self.deadline = self.deadline.max(Instant::now() + PATIENCE / 10);
        let mut body = Writer::default();
        body.text(name).text("replace");
        let _ = self.job("StopUnit", "ss", body);
        let _ = self.reset_failed(name);
    }

    fn not_done(&self, name: &str, what: &str, job: &str, result: &str, why: &str) -> Error {
        let why = match why {
            "" | "success" => String::new(),
            why => format!(", the unit's result is {why:?}"),
        };
        let what = format!("systemd did not {what} this unit: {} ended as {result:?}{why}", number(job));
        Error::new(name, what)
            .hint(format!("`journalctl {}{name}` says why", if self.user { "--user-unit " } else { "-u " }))
    }

    fn hangs(&self, name: &str, what: &str, job: &str, failure: &Failure) -> Error {
        let error = match failure {
            Failure::Silent => {
                let waited = PATIENCE.as_secs();
                Error::new(
                    name,
                    format!("systemd did not {what} this unit within {waited} s: {} is pending", number(job)),
                )
            }
            _ => Error::new(
                name,
                format!("systemd was asked to {what} this unit ({}), then {}", number(job), reason(failure)),
            ),
        };
        error.hint(format!("`systemctl {}list-jobs` shows what it waits for", if self.user { "--user " } else { "" }))
    }
}

/// systemd's answer to a request about a unit.
fn error(name: &str, what: &str, failure: &Failure) -> Error {
    let error = Error::new(name, format!("systemd can't {what} this unit: {}", reason(failure)));
    match failure {
        Failure::Refused(kind, _) if kind.ends_with("AccessDenied") || kind.ends_with("AuthRequired") => {
            error.hint("run as root, or as a user with a systemd of their own (systemctl --user)")
        }
        _ => error,
    }
}

/// `/org/freedesktop/systemd1/job/123` is job 123.
fn number(job: &str) -> String {
    format!("job {}", job.rsplit('/').next().unwrap_or(job))
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Refused(name, text) if text.is_empty() => name.clone(),
        Failure::Refused(_, text) => text.trim_end_matches('.').to_owned(),
        Failure::Silent => format!("it has not answered for {} s", PATIENCE.as_secs()),
        Failure::Interrupted => "the wait for it was interrupted".to_owned(),
        Failure::Broken(what) => what.clone(),
    }
}

/// A unit's name as the last part of its object's path (systemd: `bus_label_escape`).
fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len() + 16);
    for (at, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()) {
            label.push(byte.into());
        } else {
            let _ = write!(label, "_{byte:02x}");
        }
    }
    label
}

#[cfg(test)]
mod tests;

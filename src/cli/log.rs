//! The log, and what is said on standard error.
//!
//! With `--log FILE` every line goes there, as runc's does, and errors are repeated on standard error. Without it all goes
//! to standard error: for people, or as JSON if `--log-format json` says so. Warnings and notes come by way of `tracing`,
//! whose only subscriber this is.

use std::ffi::OsString;
use std::fmt::{Debug, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{Write, stderr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::global::LogFormat;
use crate::error::{Error, LOG_FILE, Result};
use crate::state::time;

/// Where lines go and how they look.
#[derive(Clone, Default)]
pub struct Log {
    file: Option<Arc<File>>,
    format: LogFormat,
    debug: bool,
}

#[derive(Serialize)]
struct Line<'line> {
    level: &'line str,
    msg: &'line str,
    time: String,
}

impl Log {
    /// The log that `flags` ask for, in the form that [`argv`](super::argv) gives them. It is opened before the flags
    /// are checked, so that even a wrong one is logged.
    pub fn open(flags: &[OsString]) -> Result<Self> {
        let value = |name: &str| {
            let prefix = format!("--{name}=").into_bytes();
            flags.iter().rev().find_map(|flag| flag.as_bytes().strip_prefix(prefix.as_slice()))
        };
        let format = if value("log-format") == Some(b"json") { LogFormat::Json } else { LogFormat::Text };
        let debug = flags.iter().any(|flag| flag == "--debug");
        let file = match value("log").filter(|path| !path.is_empty()) {
            Some(path) => Some(Arc::new(append(Path::new(std::ffi::OsStr::from_bytes(path)))?)),
            None => None,
        };
        Ok(Self { file, format, debug })
    }

    /// From now on warnings (and notes, with `--debug`) come here.
    pub fn install(&self) {
        // It fails only if there is one already, as in a program that uses the library; then that one is meant.
        let _ = tracing::subscriber::set_global_default(self.clone());
    }

    /// Says what ended the command; its exit status.
    pub fn fail(&self, error: &Error) -> u8 {
        self.line("error", &error.to_string());
        if self.file.is_some() {
            say(&for_people("error", &error.to_string()));
        }
        error.status
    }

    fn line(&self, level: &str, msg: &str) {
        let time = || time::seconds(SystemTime::now());
        let json = || serde_json::to_string(&Line { level, msg, time: time() }).unwrap_or_default() + "\n";
        match (&self.file, self.format) {
            // One write a line: others may append to the same file. Of a full disk nobody could be told here.
            (Some(file), LogFormat::Json) => drop(file.as_ref().write_all(json().as_bytes())),
            (Some(file), LogFormat::Text) => {
                drop(file.as_ref().write_all(format!("time={:?} level={level} msg={msg:?}\n", time()).as_bytes()));
            }
            (None, LogFormat::Json) => say(&json()),
            (None, LogFormat::Text) => say(&for_people(level, msg)),
        }
    }
}

fn append(path: &Path) -> Result<File> {
    // Of a FIFO that nobody reads the end is not waited for, neither now nor when it is full.
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path);
    file.map_err(|cause| {
        let hint = match cause.raw_os_error() {
            Some(libc::ENXIO) => "nobody is at its other end (of a FIFO, a socket or a terminal): name a file",
            _ => "name a file that can be written to, in a directory that is there",
        };
        Error::io("--log", format!("can't open {}", path.display()), cause).hint(hint)
    })
}

/// A line for a terminal. What comes from a config or a hook can't move its cursor, nor begin a line of its own.
fn for_people(level: &str, msg: &str) -> String {
    let plain = |letter: char| if letter.is_control() { letter.escape_default().collect() } else { letter.to_string() };
    let msg = if msg.contains(char::is_control) { msg.chars().map(plain).collect() } else { msg.to_owned() };
    if level == "error" { format!("onggi: {msg}\n") } else { format!("onggi: {level}: {msg}\n") }
}

fn say(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = stderr().write_all(text.as_bytes());
}

impl Subscriber for Log {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        let wanted = about.level() <= if self.debug { &Level::DEBUG } else { &Level::WARN };
        about.is_event() && wanted && (self.file.is_some() || about.target() != LOG_FILE)
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            _ => "debug",
        };
        self.line(level, &(message.text + &message.fields));
    }

    // Spans are not used.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An event as text: its message, then its other fields.
#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String can't fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::address::Socket;
use super::super::wire::tests::{error, job_removed, property, reply};
use super::super::wire::{self};
use super::*;
use crate::plan::cgroup::systemd::Value;

/// What a call was: its member, and the call itself.
type Heard = (String, Vec<u8>);

/// systemd, as far as a script goes: answers each call with what `answer` gives for its serial number and member, then goes
/// away when its caller does.
fn peer(answer: impl Fn(u32, &str) -> Vec<Vec<u8>> + Send + 'static) -> (UnixStream, JoinHandle<Vec<Heard>>) {
    let (ours, mut its) = UnixStream::pair().unwrap();
    let work = thread::spawn(move || {
        let mut greeting = [0; 29];
        its.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n");
        its.write_all(b"DATA\r\nOK 0123456789abcdef\r\n").unwrap();
        let mut heard = Vec::new();
        let mut head = [0; wire::HEAD];
        while its.read_exact(&mut head).is_ok() {
            let mut bytes = head.to_vec();
            bytes.resize(wire::length(&head).unwrap(), 0);
            its.read_exact(&mut bytes[wire::HEAD..]).unwrap();
            let serial = u32::from_le_bytes(bytes[8..12].try_into().unwrap());
            let member = Message::parse(&bytes).unwrap().member.unwrap();
            for part in answer(serial, &member) {
                // In pieces: no read need bring a whole message.
                for piece in part.chunks(7) {
                    if its.write_all(piece).is_err() {
                        return heard;
                    }
                }
            }
            heard.push((member, bytes));
        }
        heard
    });
    (ours, work)
}

/// With `patience` for what is asked of it from now on.
fn manager(stream: UnixStream, bus: bool, patience: Duration) -> Manager {
    let deadline = Instant::now() + SOON;
    let mut manager = Manager { connection: Connection::greet(stream, bus, deadline).unwrap(), user: false, deadline };
    manager.subscribe().unwrap();
    manager.deadline = Instant::now() + patience;
    manager
}

const SOON: Duration = Duration::from_secs(20);

/// A socket pair's other end, and what it heard once the manager is dropped.
fn with<T>(
    bus: bool,
    patience: Duration,
    answer: impl Fn(u32, &str) -> Vec<Vec<u8>> + Send + 'static,
    work: impl FnOnce(&mut Manager) -> T,
) -> (T, Vec<Heard>) {
    let (stream, peer) = peer(answer);
    let mut manager = manager(stream, bus, patience);
    let result = work(&mut manager);
    drop(manager);
    (result, peer.join().unwrap())
}

fn members(heard: &[Heard]) -> Vec<&str> {
    heard.iter().map(|(member, _)| member.as_str()).collect()
}

#[test]
fn a_unit_is_started_over_systemds_own_socket() {
    let answer = |serial, member: &str| match member {
        "StartTransientUnit" => vec![
            // A stranger's job before the reply, ours after it.
            job_removed(None, "/org/freedesktop/systemd1/job/6", "y.scope", "failed"),
            reply(serial, "o", "/org/freedesktop/systemd1/job/7"),
            job_removed(None, "/org/freedesktop/systemd1/job/8", "x.scope", "failed"),
            job_removed(None, "/org/freedesktop/systemd1/job/7", "x.scope", "done"),
        ],
        _ => vec![reply(serial, "", "")],
    };
    let properties = [Property::new("MemoryMax", Value::Number(5))];
    let (started, heard) = with(false, SOON, answer, |manager| manager.start("x.scope", &properties));
    assert!(matches!(started.unwrap(), Start::Started));
    assert_eq!(members(&heard), ["Subscribe", "StartTransientUnit"]);
    let mut body = Writer::default();
    body.text("x.scope").text("fail").properties(&properties).no_units();
    let (path, interface, member, signature) = (PATH, MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))");
    let golden = Call { destination: NAME, path, interface, member, signature, body }.to_bytes(2);
    assert_eq!(heard[1].1, golden);
}

#[test]
fn over_a_bus_only_systemd_is_believed() {
    let answer = |serial, member: &str| match member {
        "StopUnit" => vec![
            job_removed(Some(":1.66"), "/org/freedesktop/systemd1/job/7", "x.scope", "failed"),
            wire::tests::said(
                wire::REPLY,
                &[(7, "s", ":1.2")],
                serial,
                "o",
                Writer::default().text("/org/freedesktop/systemd1/job/7"),
            ),
            job_removed(Some(":1.66"), "/org/freedesktop/systemd1/job/7", "x.scope", "failed"),
            job_removed(Some(":1.2"), "/org/freedesktop/systemd1/job/7", "x.scope", "done"),
        ],
        _ => vec![reply(serial, "s", ":1.9")],
    };
    let (stopped, heard) = with(true, SOON, answer, |manager| manager.stop("x.scope"));
    stopped.unwrap();
    assert_eq!(members(&heard), ["Hello", "AddMatch", "Subscribe", "StopUnit", "ResetFailedUnit"]);
}

#[test]
fn a_start_that_fails_names_unit_job_and_reason_and_leaves_nothing() {
    let answer = |serial, member: &str| match member {
        "StartTransientUnit" => {
            vec![
                reply(serial, "o", "/org/freedesktop/systemd1/job/7"),
                job_removed(None, "/org/freedesktop/systemd1/job/7", "x.scope", "failed"),
            ]
        }
        "Get" => vec![property(serial, "resources")],
        "StopUnit" => vec![reply(serial, "o", "/org/freedesktop/systemd1/job/8")],
        _ => vec![reply(serial, "", "")],
    };
    let (failed, heard) = with(false, SOON, answer, |manager| manager.start("x.scope", &[]));
    assert_eq!(
        failed.unwrap_err().to_string(),
        "x.scope: systemd did not start this unit: job 7 ended as \"failed\", the unit's result is \"resources\" \
         (`journalctl -u x.scope` says why)"
    );
    assert_eq!(members(&heard), ["Subscribe", "StartTransientUnit", "Get", "StopUnit", "ResetFailedUnit"]);
}

#[test]
fn no_wait_is_for_ever() {
    let answer = |serial, member: &str| match member {
        "StartTransientUnit" => vec![reply(serial, "o", "/org/freedesktop/systemd1/job/7")],
        _ => vec![reply(serial, "o", "/j/8")],
    };
    let (failed, heard) = with(false, Duration::from_secs(2), answer, |manager| manager.start("x.scope", &[]));
    assert_eq!(
        failed.unwrap_err().to_string(),
        "x.scope: systemd did not start this unit within 30 s: job 7 is pending (`systemctl list-jobs` shows what it waits for)"
    );
    assert_eq!(members(&heard)[2..], ["StopUnit", "ResetFailedUnit"]);
    let answer = |serial, member: &str| if member == "Subscribe" { vec![reply(serial, "", "")] } else { vec![] };
    let (failed, _) = with(false, Duration::from_millis(100), answer, |manager| manager.stop("x.scope"));
    assert_eq!(failed.unwrap_err().to_string(), "x.scope: systemd can't stop this unit: it has not answered for 30 s");
}

#[test]
fn what_systemd_refuses() {
    let refusing = |name: &'static str, text: &'static str| {
        move |serial, member: &str| {
            if member == "Subscribe" { vec![reply(serial, "", "")] } else { vec![error(serial, name, text)] }
        }
    };
    let taken = refusing(EXISTS, "Unit x.scope was already loaded or has a fragment file.");
    assert!(matches!(with(false, SOON, taken, |manager| manager.start("x.scope", &[])).0, Ok(Start::Taken)));
    let gone = refusing(NO_SUCH_UNIT, "Unit x.scope not loaded.");
    with(false, SOON, gone, |manager| manager.stop("x.scope").and_then(|()| manager.reset_failed("x.scope")))
        .0
        .unwrap();
    let denied =
        refusing("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive authentication required.");
    let failed = with(false, SOON, denied, |manager| manager.set_properties("x.scope", &[])).0.unwrap_err().to_string();
    assert_eq!(failed, "x.scope: systemd can't change this unit: Interactive authentication required");
}

#[test]
fn a_property_is_text_or_an_error() {
    let answer = |serial, member: &str| match member {
        "Get" if serial == 2 => vec![property(serial, "/system.slice/x.scope")],
        "Get" if serial == 4 => vec![property(serial, "252.39-1~deb12u1")],
        "Get" => vec![reply(serial, "s", "x")],
        _ => vec![reply(serial, "", "")],
    };
    let ((good, bad, versions), heard) = with(false, SOON, answer, |manager| {
        let mut get = || manager.unit_property("1x-a.scope", "Scope", "ControlGroup");
        (get(), get(), [manager.version(), manager.version()])
    });
    assert_eq!(versions, [252, 0]);
    assert_eq!(good.unwrap(), "/system.slice/x.scope");
    assert!(bad.unwrap_err().to_string().contains("does not say what its ControlGroup is"));
    let call = Message::parse(&heard[1].1).unwrap();
    assert_eq!(call.path.as_deref(), Some("/org/freedesktop/systemd1/unit/_31x_2da_2escope"));
}

#[test]
fn nonsense_is_an_error() {
    for nonsense in [b"B\x02\x01\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec(), vec![0xff; 64]] {
        let answer = move |serial, member: &str| {
            if member == "Subscribe" { vec![reply(serial, "", "")] } else { vec![nonsense.clone()] }
        };
        let failed = with(false, SOON, answer, |manager| manager.stop("x")).0.unwrap_err().to_string();
        assert_eq!(failed, "x: systemd can't stop this unit: it says what is no D-Bus message");
    }
}

/// Who does not speak D-Bus, does not let us in, or is not there.
#[test]
fn no_systemd_there() {
    for (said, why) in [
        (&b"REJECTED KERBEROS\r\n"[..], "it does not let this user in"),
        (b"HTTP/1.0 400\r\n", "it answers \"HTTP/1.0 400\" when we say who we are"),
        (b"DATA\r\n", "it has closed the connection"),
    ] {
        let (stream, mut its) = UnixStream::pair().unwrap();
        its.write_all(said).unwrap();
        its.shutdown(std::net::Shutdown::Write).unwrap();
        let failure = Connection::greet(stream, false, Instant::now() + SOON).err().unwrap();
        assert_eq!(failure, Failure::Broken(why.into()));
    }
    let nowhere = Address { socket: Socket::Path("/nonexistent/private".into()), bus: false };
    let error = Manager::first(&[nowhere], false).err().unwrap().to_string();
    assert_eq!(
        error,
        "--systemd-cgroup: systemd can't be asked for a cgroup: /nonexistent/private: no such file or directory \
         (do without --systemd-cgroup where systemd is not running; an engine is set to its cgroup driver cgroupfs)"
    );
    let error = Manager::first(&[], true).err().unwrap().to_string();
    assert!(error.contains("neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS says where it is"), "{error}");
}

/// Who makes a container is asked to stop: the wait ends at once, and the unit that was asked for is taken back.
#[test]
fn interrupted() {
    let answer = |serial, member: &str| match member {
        "StartTransientUnit" => vec![reply(serial, "o", "/org/freedesktop/systemd1/job/7")],
        _ => vec![reply(serial, "o", "/j/8")],
    };
    let (mut signal, interrupt) = UnixStream::pair().unwrap();
    let (failed, heard) = with(false, SOON, answer, |manager| {
        manager.interrupted_by(interrupt.into());
        signal.write_all(b"x").unwrap();
        manager.start("x.scope", &[])
    });
    assert!(failed.unwrap_err().to_string().contains("the wait for it was interrupted"));
    assert_eq!(members(&heard), ["Subscribe", "StartTransientUnit", "StopUnit", "ResetFailedUnit"]);
}

use super::*;

/// What a peer says: built by hand, so that it can be anything.
pub(in crate::cgroup::systemd) fn said(
    kind: u8,
    fields: &[(u8, &str, &str)],
    reply_to: u32,
    signature: &str,
    body: &Writer,
) -> Vec<u8> {
    let mut head = Writer(vec![b'l', kind, 1, 1]);
    head.word(u32::try_from(body.0.len()).unwrap()).word(77);
    head.array(8, |list| {
        for (code, kind, text) in fields {
            list.align(8);
            list.0.push(*code);
            list.signature(kind);
            list.text(text);
        }
        if reply_to != 0 {
            list.align(8);
            list.0.push(REPLY_SERIAL);
            list.signature("u");
            list.word(reply_to);
        }
        list.align(8);
        list.0.push(SIGNATURE);
        list.signature("g");
        list.signature(signature);
    });
    head.align(8);
    head.0.extend(&body.0);
    head.0
}

/// A reply with one string.
pub(in crate::cgroup::systemd) fn reply(to: u32, signature: &str, text: &str) -> Vec<u8> {
    let mut body = Writer::default();
    body.text(text);
    said(REPLY, &[], to, signature, &body)
}

/// An error.
pub(in crate::cgroup::systemd) fn error(to: u32, name: &str, text: &str) -> Vec<u8> {
    let mut body = Writer::default();
    body.text(text);
    said(ERROR, &[(ERROR_NAME, "s", name)], to, "s", &body)
}

/// The end of a job, said by `sender`.
pub(in crate::cgroup::systemd) fn job_removed(sender: Option<&str>, job: &str, unit: &str, result: &str) -> Vec<u8> {
    let mut body = Writer::default();
    body.word(7).text(job).text(unit).text(result);
    let mut fields = vec![
        (PATH, "o", "/org/freedesktop/systemd1"),
        (INTERFACE, "s", "org.freedesktop.systemd1.Manager"),
        (MEMBER, "s", "JobRemoved"),
    ];
    fields.extend(sender.map(|sender| (SENDER, "s", sender)));
    said(SIGNAL, &fields, 0, "uoss", &body)
}

/// A reply with one string in a variant.
pub(in crate::cgroup::systemd) fn property(to: u32, text: &str) -> Vec<u8> {
    let mut body = Writer::default();
    body.variant(&Value::Text(text.into()));
    said(REPLY, &[], to, "v", &body)
}

/// As the D-Bus specification's rules have it, counted by hand.
#[test]
fn a_call_byte_by_byte() {
    let mut body = Writer::default();
    body.text("x.scope").text("fail");
    let call = Call { destination: "e.F", path: "/a", interface: "b.C", member: "D", signature: "ss", body };
    let expected: &[&[u8]] = &[
        b"l\x01\x00\x01",
        b"\x15\0\0\0",
        b"\x05\0\0\0",
        b"\x48\0\0\0",
        b"\x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0",
        b"\x02\x01s\0\x03\0\0\0b.C\0\0\0\0\0",
        b"\x03\x01s\0\x01\0\0\0D\0\0\0\0\0\0\0",
        b"\x06\x01s\0\x03\0\0\0e.F\0\0\0\0\0",
        b"\x08\x01g\0\x02ss\0",
        b"\x07\0\0\0x.scope\0",
        b"\x04\0\0\0fail\0",
    ];
    let expected = expected.concat();
    assert_eq!(call.to_bytes(5), expected);
    assert_eq!(length(&expected[..16]), Ok(expected.len()));
}

#[test]
fn every_type_of_a_property() {
    let bytes = |value: Value| {
        let mut writer = Writer::default();
        writer.variant(&value);
        writer.0
    };
    assert_eq!(bytes(Value::Flag(true)), b"\x01b\0\0\x01\0\0\0");
    assert_eq!(bytes(Value::Text("ab".into())), b"\x01s\0\0\x02\0\0\0ab\0");
    assert_eq!(bytes(Value::Int32(-1)), b"\x01i\0\0\xff\xff\xff\xff");
    assert_eq!(bytes(Value::Int64(-2)), b"\x01x\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(bytes(Value::Word(5)), b"\x01u\0\0\x05\0\0\0");
    assert_eq!(bytes(Value::Number(u64::MAX)), b"\x01t\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(bytes(Value::Real(1.0)), b"\x01d\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f");
    assert_eq!(bytes(Value::Bits(vec![3, 1])), b"\x02ay\0\x02\0\0\0\x03\x01");
    assert_eq!(bytes(Value::Words(vec![9])), b"\x02au\0\x04\0\0\0\x09\0\0\0");
    assert_eq!(bytes(Value::Texts(vec!["a".into(), "b".into()])), b"\x02as\0\x0e\0\0\0\x01\0\0\0a\0\0\0\x01\0\0\0b\0");
    let pairs = Value::Pairs(vec![("a".into(), "b".into())]);
    assert_eq!(bytes(pairs), b"\x05a(ss)\0\0\x0e\0\0\0\0\0\0\0\x01\0\0\0a\0\0\0\x01\0\0\0b\0");
    // The padding before the first pair is there without any, and does not count.
    assert_eq!(bytes(Value::Pairs(vec![])), b"\x05a(ss)\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn properties_in_a_row() {
    let mut writer = Writer::default();
    writer.properties(&[Property::new("A", Value::Flag(false)), Property::new("B", Value::Word(1))]);
    let expected: &[&[u8]] =
        &[b"\x20\0\0\0\0\0\0\0", b"\x01\0\0\0A\0\x01b\0\0\0\0\0\0\0\0", b"\x01\0\0\0B\0\x01u\0\0\0\0\x01\0\0\0"];
    assert_eq!(writer.0, expected.concat());
}

#[test]
fn what_comes_in() {
    let message = Message::parse(&job_removed(Some(":1.2"), "/j/7", "x.scope", "done")).unwrap();
    assert_eq!((message.kind, message.reply_to, message.signature.as_str()), (SIGNAL, None, "uoss"));
    assert_eq!(message.member.as_deref(), Some("JobRemoved"));
    assert_eq!(message.sender.as_deref(), Some(":1.2"));
    let mut reader = message.reader();
    assert_eq!(
        (reader.word(), reader.text(), reader.text(), reader.text(), reader.text()),
        (Ok(7), Ok("/j/7".into()), Ok("x.scope".into()), Ok("done".into()), Err(Malformed))
    );
    let message = Message::parse(&error(3, "org.x.Error", "why")).unwrap();
    assert_eq!((message.kind, message.reply_to, message.error.as_deref()), (ERROR, Some(3), Some("org.x.Error")));
    assert_eq!(message.first_text().as_deref(), Some("why"));
}

/// Cut anywhere, with any byte changed: a message or an error, and no more bytes read than there are.
#[test]
fn nothing_makes_it_panic() {
    for whole in
        [job_removed(Some(":1.2"), "/j/7", "x.scope", "done"), error(3, "org.x.Error", "why"), property(9, "text")]
    {
        for end in 0..whole.len() {
            assert_eq!(Message::parse(&whole[..end]), Err(Malformed), "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 7, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Ok(message) = Message::parse(&changed) {
                    let mut reader = message.reader();
                    while reader.text().is_ok() || reader.signature().is_ok() {}
                    let _ = message.first_text();
                }
            }
        }
    }
    assert_eq!(length(&[b'B', 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed));
    assert_eq!(
        length(&[b'l', 2, 0, 1, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
        Err(Malformed),
        "4 GiB are not fetched"
    );
}

proptest::proptest! {
    #[test]
    fn nor_does_noise(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 16..200)) {
        (bytes[0], bytes[3]) = (b'l', 1);
        for at in [5, 6, 7, 13, 14, 15] {
            bytes[at] = 0;
        }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = message.first_text();
        }
    }
}

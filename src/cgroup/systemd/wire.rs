//! D-Bus messages as bytes (D-Bus specification, Message Protocol), as far as talking with systemd needs them.
//!
//! What is read may be anything: every length is checked against what is there, and what can't be is an error, never a panic.

use crate::plan::cgroup::systemd::{Property, Value};

/// What is before a message's fields: lengths, type, serial, and the length of the fields.
pub const HEAD: usize = 16;
/// Far longer than anything that systemd says.
const LONGEST: usize = 16 << 20;

pub const CALL: u8 = 1;
pub const REPLY: u8 = 2;
pub const ERROR: u8 = 3;
pub const SIGNAL: u8 = 4;

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

/// Values put one behind the other, each at a multiple of its size.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    pub fn word(&mut self, number: u32) -> &mut Self {
        self.align(4);
        self.0.extend(number.to_le_bytes());
        self
    }

    fn long(&mut self, number: u64) {
        self.align(8);
        self.0.extend(number.to_le_bytes());
    }

    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.word(u32::from(flag))
    }

    /// A string, or an object's path.
    pub fn text(&mut self, text: &str) -> &mut Self {
        // No message of ours comes near 4 GiB.
        self.word(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend(text.as_bytes());
        self.0.push(0);
        self
    }

    fn signature(&mut self, signature: &str) {
        self.0.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    /// An array: its length in bytes, without what aligns the first of its items.
    fn array(&mut self, alignment: usize, items: impl FnOnce(&mut Self)) -> &mut Self {
        self.word(0);
        let length_at = self.0.len() - 4;
        self.align(alignment);
        let start = self.0.len();
        items(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
        self
    }

    fn variant(&mut self, value: &Value) {
        self.signature(value.signature());
        match value {
            Value::Flag(flag) => _ = self.flag(*flag),
            Value::Text(text) => _ = self.text(text),
            Value::Int32(number) => _ = self.word(number.cast_unsigned()),
            Value::Int64(number) => self.long(number.cast_unsigned()),
            Value::Word(number) => _ = self.word(*number),
            Value::Number(number) => self.long(*number),
            Value::Real(number) => self.long(number.to_bits()),
            Value::Bits(bytes) => _ = self.array(1, |list| list.0.extend(bytes)),
            Value::Texts(texts) => {
                self.array(4, |list| texts.iter().for_each(|text| _ = list.text(text)));
            }
            Value::Words(words) => {
                self.array(4, |list| words.iter().for_each(|word| _ = list.word(*word)));
            }
            Value::Pairs(pairs) => {
                self.array(8, |list| {
                    for (one, other) in pairs {
                        list.align(8);
                        list.text(one).text(other);
                    }
                });
            }
        }
    }

    /// `a(sv)`
    pub fn properties(&mut self, properties: &[Property]) -> &mut Self {
        self.array(8, |list| {
            for property in properties {
                list.align(8);
                list.text(&property.name).variant(&property.value);
            }
        })
    }

    /// `a(sa(sv))`: no further units.
    pub fn no_units(&mut self) -> &mut Self {
        self.array(8, |_| {})
    }
}

/// A method call.
pub struct Call<'a> {
    /// Who is called.
    pub destination: &'a str,
    pub path: &'a str,
    pub interface: &'a str,
    pub member: &'a str,
    /// The types of `body`.
    pub signature: &'a str,
    pub body: Writer,
}

impl Call<'_> {
    /// The whole message.
    pub fn to_bytes(&self, serial: u32) -> Vec<u8> {
        let mut head = Writer(vec![b'l', CALL, 0, 1]);
        head.word(u32::try_from(self.body.0.len()).unwrap_or(u32::MAX)).word(serial);
        let field = |list: &mut Writer, code, kind: &str, text: &str| {
            list.align(8);
            list.0.push(code);
            list.signature(kind);
            match kind {
                "g" => list.signature(text),
                _ => _ = list.text(text),
            }
        };
        head.array(8, |list| {
            field(list, PATH, "o", self.path);
            field(list, INTERFACE, "s", self.interface);
            field(list, MEMBER, "s", self.member);
            field(list, DESTINATION, "s", self.destination);
            if !self.signature.is_empty() {
                field(list, SIGNATURE, "g", self.signature);
            }
        });
        head.align(8);
        head.0.extend(&self.body.0);
        head.0
    }
}

/// A message that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    /// Which call this answers.
    pub reply_to: Option<u32>,
    pub path: Option<String>,
    pub interface: Option<String>,
    pub member: Option<String>,
    pub error: Option<String>,
    pub sender: Option<String>,
    pub signature: String,
    pub body: Vec<u8>,
}

/// How long the whole message is that begins with `head`, of [`HEAD`] bytes.
pub fn length(head: &[u8]) -> Result<usize, Malformed> {
    if head.first() != Some(&b'l') || head.get(3) != Some(&1) {
        return Err(Malformed);
    }
    let at = |at: usize| Reader { bytes: head, at }.word().map(|number| number as usize);
    let (body, fields) = (at(4)?, at(12)?);
    if body > LONGEST || fields > LONGEST {
        return Err(Malformed);
    }
    Ok((HEAD + fields).next_multiple_of(8) + body)
}

impl Message {
    /// A message from all of its bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let whole = length(bytes.get(..HEAD).ok_or(Malformed)?)?;
        let mut message = Self { kind: bytes[1], ..Self::default() };
        let mut reader = Reader { bytes, at: 12 };
        let end = HEAD + reader.word()? as usize;
        while reader.at < end {
            reader.align(8);
            let (code, kind) = (reader.byte()?, reader.signature()?);
            match (code, kind.as_str()) {
                (PATH, "o") => message.path = Some(reader.text()?),
                (INTERFACE, "s") => message.interface = Some(reader.text()?),
                (MEMBER, "s") => message.member = Some(reader.text()?),
                (ERROR_NAME, "s") => message.error = Some(reader.text()?),
                (SENDER, "s") => message.sender = Some(reader.text()?),
                (REPLY_SERIAL, "u") => message.reply_to = Some(reader.word()?),
                (SIGNATURE, "g") => message.signature = reader.signature()?,
                (_, "s" | "o") => drop(reader.text()?),
                (_, "u") => drop(reader.word()?),
                (_, "g") => drop(reader.signature()?),
                // A field of a later version, of a type that none has today: nothing behind it can be found.
                _ => break,
            }
        }
        let start = end.next_multiple_of(8);
        message.body = bytes.get(start..whole).ok_or(Malformed)?.to_vec();
        Ok(message)
    }

    /// Its values.
    pub fn reader(&self) -> Reader<'_> {
        Reader { bytes: &self.body, at: 0 }
    }

    /// The first of its values, which must be a string or a path; nothing if it is not.
    pub fn first_text(&self) -> Option<String> {
        self.signature.starts_with(['s', 'o']).then(|| self.reader().text().ok()).flatten()
    }
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads values one behind the other.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn word(&mut self) -> Result<u32, Malformed> {
        self.align(4);
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A string, or an object's path.
    pub fn text(&mut self) -> Result<String, Malformed> {
        let length = self.word()? as usize;
        self.ended(length)
    }

    pub fn signature(&mut self) -> Result<String, Malformed> {
        let length = self.byte()?.into();
        self.ended(length)
    }

    /// So many bytes of text, and the NUL behind them.
    fn ended(&mut self, length: usize) -> Result<String, Malformed> {
        let text = self.take(length)?.to_vec();
        if self.byte()? != 0 {
            return Err(Malformed);
        }
        String::from_utf8(text).map_err(|_| Malformed)
    }
}

#[cfg(test)]
pub(super) mod tests;

//! Properties of units, in the few types that they have.

use std::fmt;

/// A property with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// As D-Bus has it: `MemoryMax`, `CPUQuotaPerSecUSec`.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl Property {
    /// A property.
    pub fn new(name: &str, value: Value) -> Self {
        Self { name: name.to_owned(), value }
    }
}

/// A value of a property; beside each the D-Bus type that it has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `b`
    Flag(bool),
    /// `s`
    Text(String),
    /// `i`
    Int32(i32),
    /// `x`
    Int64(i64),
    /// `u`
    Word(u32),
    /// `t`; for a limit the greatest number there is means none.
    Number(u64),
    /// `d`
    Real(f64),
    /// `as`
    Texts(Vec<String>),
    /// `ay`: a set of numbers, bit `n % 8` of byte `n / 8` being the number `n`.
    Bits(Vec<u8>),
    /// `au`
    Words(Vec<u32>),
    /// `a(ss)`
    Pairs(Vec<(String, String)>),
}

impl Value {
    /// The D-Bus type.
    pub fn signature(&self) -> &'static str {
        match self {
            Self::Flag(_) => "b",
            Self::Text(_) => "s",
            Self::Int32(_) => "i",
            Self::Int64(_) => "x",
            Self::Word(_) => "u",
            Self::Number(_) => "t",
            Self::Real(_) => "d",
            Self::Texts(_) => "as",
            Self::Bits(_) => "ay",
            Self::Words(_) => "au",
            Self::Pairs(_) => "a(ss)",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => out.write_str(if *value { "yes" } else { "no" }),
            Self::Text(text) => out.write_str(text),
            Self::Int32(number) => number.fmt(out),
            Self::Int64(number) => number.fmt(out),
            Self::Word(number) => number.fmt(out),
            Self::Number(u64::MAX) => out.write_str("infinity"),
            Self::Number(number) => number.fmt(out),
            Self::Real(number) => number.fmt(out),
            Self::Texts(texts) => out.write_str(&texts.join(" ")),
            Self::Words(words) => out.write_str(&words.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")),
            Self::Pairs(pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(one, other)| format!("{one} {other}")).collect();
                out.write_str(&pairs.join(", "))
            }
            Self::Bits(bytes) => {
                let set = |number: &usize| bytes[number / 8] >> (number % 8) & 1 == 1;
                let numbers: Vec<_> = (0..bytes.len() * 8).filter(set).map(|number| number.to_string()).collect();
                out.write_str(&numbers.join(" "))
            }
        }
    }
}

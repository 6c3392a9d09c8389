//! The fields that a type is parsed from, found by parsing: its own deserialiser is asked for every field it knows, and
//! given something that it takes for each. What comes out follows the types, so nothing has to be kept beside them.

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// The paths of all fields of `T` below `top`: `process.user.uid`, `mounts[].type`, `linux.netDevices.*.name`; for a map whose keys
/// are free also the path of its members, `annotations.*`.
pub fn of<'de, T: Deserialize<'de>>(top: &str) -> Vec<String> {
    let mut found = Vec::new();
    T::deserialize(Tracer { path: top.to_owned(), found: &mut found })
        .expect("a value made from the type's own fields");
    found.retain(|path| !path.is_empty());
    found
}

/// The words that an enumeration is parsed from.
pub fn words<'de, T: Deserialize<'de>>() -> Vec<String> {
    let mut found = Vec::new();
    // What is made of the first word does not matter, nor whether anything is.
    _ = T::deserialize(Words(&mut found));
    found
}

struct Words<'a>(&'a mut Vec<String>);

impl<'de> Deserializer<'de> for Words<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("not an enumeration")
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
        let first: StrDeserializer<Error> = words[0].into_deserializer();
        visitor.visit_enum(first)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Tracer<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // A word that the pickiest takers of strings like: sets of capabilities, and lists of processors.
        visitor.visit_str(if self.path.contains("capabilities") { "CAP_CHOWN" } else { "0" })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Members { tracer: self, names: fields, free: false })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members { tracer: self, names: &["*"], free: true })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Single(Some(self)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let first: StrDeserializer<Error> = variants[0].into_deserializer();
        visitor.visit_enum(first)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(true)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(1)
    }

    serde::forward_to_deserialize_any! { f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct identifier ignored_any }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
}

/// The members of an object, one after the other.
struct Members<'a> {
    tracer: Tracer<'a>,
    names: &'static [&'static str],
    free: bool,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(name) = self.names.first() else { return Ok(None) };
        let name: StringDeserializer<Error> = (*name).to_owned().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, rest) = self.names.split_first().expect("a key came before");
        self.names = rest;
        let dot = if self.tracer.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.tracer.path);
        if !self.free || !path.ends_with("capabilities.*") {
            self.tracer.found.push(path.clone());
        }
        seed.deserialize(Tracer { path, found: self.tracer.found })
    }
}

struct Single<'a>(Option<Tracer<'a>>);

impl<'de> SeqAccess<'de> for Single<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(Tracer { path, found }) = self.0.take() else { return Ok(None) };
        seed.deserialize(Tracer { path: format!("{path}[]"), found }).map(Some)
    }
}

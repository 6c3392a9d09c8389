//! What is wrong with a file that is not JSON, and how it is mended.

use crate::error::{Error, Result};

/// How much of a line is quoted, in letters.
const QUOTED: usize = 24;

/// `config.json: not JSON: line 3, column 5: expected value (there it reads "'sh'")`; `why` is the parser's own word.
pub fn explain(cause: &serde_json::Error, why: &str, json: &str, file: &str) -> Error {
    if json.trim_ascii().is_empty() {
        let config = file.ends_with("config.json");
        let hint =
            if config { "`onggi spec` writes a config.json to begin with" } else { "write a JSON object into it" };
        return Error::new(file, "is empty").hint(hint);
    }
    let (line, column) = (cause.line(), cause.column());
    if let Some((what, hint)) = encoding(json.as_bytes()) {
        return Error::new(file, format!("not JSON: {what}")).hint(hint);
    }
    let error = Error::new(file, format!("not JSON: line {line}, column {column}: {why}"));
    if cause.is_eof() {
        return error
            .hint("the file ends too early: perhaps it was cut off, or a bracket or quotation mark is not closed");
    }
    let rest = rest(json.as_bytes(), line, column);
    match why {
        "trailing comma" => error.hint("JSON has no comma after the last member: take it out"),
        "recursion limit exceeded" => error.hint("no field of the spec is nested so deep"),
        "trailing characters" => error.hint(format!("a config is one object, and behind it stands {}", quoted(rest))),
        _ if rest.trim_ascii().is_empty() => error,
        _ => error.hint(format!("there it reads {}", quoted(rest))),
    }
}

/// `bytes` as text, or where they are none: JSON is UTF-8.
pub fn text<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|first| {
        if let Some((what, hint)) = encoding(bytes) {
            return Error::new(file, format!("not JSON: {what}")).hint(hint);
        }
        let line = bytes[..first.valid_up_to()].split(|byte| *byte == b'\n').count();
        Error::new(file, format!("not JSON: line {line} is not UTF-8")).hint("save it in that encoding")
    })
}

/// What an editor may have made of it.
fn encoding(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some(("begins with a byte order mark", "save it as UTF-8 without one (without BOM)")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("is UTF-16", "save it as UTF-8")),
        [0, ..] => Some(("begins with a NUL byte", "it was damaged, perhaps by a full disk or a crash: write it anew")),
        _ => None,
    }
}

/// The rest of line `line` from `column` on, both counted from 1; the line's end belongs to it only if nothing else does.
fn rest(bytes: &[u8], line: usize, column: usize) -> &[u8] {
    let all = bytes.split(|byte| *byte == b'\n').nth(line.saturating_sub(1)).unwrap_or_default();
    all.get(column.saturating_sub(1)..).unwrap_or_default()
}

fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.trim_ascii());
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(QUOTED).collect();
    format!("{start:?}{}", if letters.next().is_some() { "..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &[u8]) -> String {
        let explained = text(json, "f").map(|json| {
            let cause = serde_json::from_str::<serde_json::Value>(json).unwrap_err();
            let why = cause.to_string();
            explain(&cause, why.split(" at line").next().unwrap(), json, "f")
        });
        explained.unwrap_or_else(|error| error).to_string()
    }

    #[test]
    fn what_to_do_about_it() {
        let cases: [(&[u8], &str); 13] = [
            (b" \n", "is empty (write a JSON object into it)"),
            (b"\xef\xbb\xbf{}", "not JSON: begins with a byte order mark (save it as UTF-8 without one (without BOM))"),
            (b"\xff\xfe{\0}\0", "not JSON: is UTF-16 (save it as UTF-8)"),
            (
                b"\0\0",
                "not JSON: begins with a NUL byte (it was damaged, perhaps by a full disk or a crash: write it anew)",
            ),
            (b"{\n\"a\": \"\xe9\"}", "not JSON: line 2 is not UTF-8 (save it in that encoding)"),
            (
                b"{\"a\"",
                "not JSON: line 1, column 4: EOF while parsing an object (the file ends too early: perhaps it was cut off, or a bracket or quotation mark is not closed)",
            ),
            (
                b"[1,\n]",
                "not JSON: line 2, column 1: trailing comma (JSON has no comma after the last member: take it out)",
            ),
            (
                b"{} {}",
                "not JSON: line 1, column 4: trailing characters (a config is one object, and behind it stands \"{}\")",
            ),
            (
                b"{}\n\0",
                "not JSON: line 2, column 1: trailing characters (a config is one object, and behind it stands \"\\0\")",
            ),
            (
                b"// the container of the house\n{}",
                "not JSON: line 1, column 1: expected value (there it reads \"// the container of the \"...)",
            ),
            (b"{\"a\": 'sh'}", "not JSON: line 1, column 7: expected value (there it reads \"'sh'}\")"),
            (b"{\"a\" 1}", "not JSON: line 1, column 6: expected `:` (there it reads \"1}\")"),
            (
                b"{\"a\": 1,, \"b\": 2}",
                "not JSON: line 1, column 9: key must be a string (there it reads \", \\\"b\\\": 2}\")",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(said(json), format!("f: {expected}"), "{}", json.escape_ascii());
        }
    }
}

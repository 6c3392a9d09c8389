//! Which field was meant by a name that is not one.

use super::table::{CONFIG, Field, Kind};
use crate::error::Problem;

/// What there is to say about `key` in the object at `place` (empty for the whole config), which has `fields` and not this one:
/// nothing, if it looks like somebody's extension.
pub fn problem(place: &str, key: &str, fields: &[Field]) -> Option<Problem> {
    let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    let meant = match nearest(key, fields.iter().map(|(name, _)| *name)) {
        Some(name) => at(name),
        None => elsewhere(key)?,
    };
    Some(Problem::new(at(key), "is no field and is not looked at").hint(format!("did you mean {meant}?")))
}

/// The one of `names` that was meant by `word`, which is none of them; nothing if it is near none.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = names.map(|name| (distance(&plain(word), &plain(name)), name)).min();
    let near = |(distance, name): &(usize, &str)| *distance <= tolerance(word.len().min(name.len()));
    nearest.filter(near).map(|(_, name)| name)
}

/// How many letters may be wrong in a name of so many: one in `args`, two in `readonlyPaths`.
fn tolerance(letters: usize) -> usize {
    if letters < 3 {
        0
    } else if letters < 6 {
        1
    } else {
        2
    }
}

/// A name without what people write in other ways: `readonly_paths`, `ReadonlyPaths`.
fn plain(name: &str) -> Vec<u8> {
    name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, left out, changed or swapped with their neighbour (optimal string alignment).
fn distance(one: &[u8], other: &[u8]) -> usize {
    // A long key is nobody's slip of the pen, and must not cost its length squared.
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let same = one[i - 1] == other[j - 1];
            let mut least = (rows[i - 1][j - 1] + usize::from(!same)).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[one.len()][other.len()]
}

/// Where in a config there is a field of this very name: `process.capabilities`.
fn elsewhere(key: &str) -> Option<String> {
    let mut places = Vec::new();
    collect(CONFIG, "", key, &mut places);
    // `type` and `path` are in so many places that naming them helps nobody; the first few do.
    places.truncate(3);
    (!places.is_empty()).then(|| places.join(" or "))
}

fn collect(kind: Kind, place: &str, key: &str, places: &mut Vec<String>) {
    let (fields, place) = match kind {
        Kind::Value | Kind::Required => return,
        Kind::Map(of) => return collect(*of, &format!("{place}.*"), key, places),
        Kind::Object(fields) if place.is_empty() => (fields, String::new()),
        Kind::Object(fields) => (fields, format!("{place}.")),
        Kind::List(fields) => (fields, format!("{place}[].")),
    };
    for (name, kind) in fields {
        let path = format!("{place}{name}");
        if *name == key {
            places.push(path.clone());
        }
        collect(*kind, &path, key, places);
    }
}

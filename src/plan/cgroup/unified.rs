//! `linux.resources.unified`: files of cgroup v2 by their own names.

use std::collections::{BTreeMap, HashMap};

use super::{Outcome, Setting};

/// Files of the cgroup core that limit only; all others move processes, delegate, freeze or kill.
const CORE_LIMITS: [&str; 2] = ["cgroup.max.depth", "cgroup.max.descendants"];

/// Adds what `unified` asks for, in the order of the names.
pub(super) fn unified(unified: &HashMap<String, String>, outcome: &mut Outcome) {
    for (file, value) in unified.iter().collect::<BTreeMap<_, _>>() {
        let place = format!("linux.resources.unified[{file:?}]");
        if let Err(what) = check(file) {
            outcome.wrong(place, what);
            continue;
        }
        if value.contains('\0') || value.trim().is_empty() {
            outcome.wrong(place, "must have a value, without NUL");
            continue;
        }
        // The kernel takes one line a write, for instance one device of io.max.
        for line in value.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut setting = Setting::new(file, line, &place);
            if setting.controller == "cgroup" {
                setting.controller.clear();
            }
            outcome.settings.push(setting);
        }
    }
}

/// Whether this is the plain name of a file that a container's config may write.
fn check(file: &str) -> Result<(), String> {
    let Some((controller, rest)) = file.split_once('.') else {
        return Err("must be the name of a cgroup v2 file, like \"memory.high\"".into());
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if controller.is_empty() || rest.is_empty() || file.contains("..") || !file.bytes().all(plain) {
        return Err("must be a plain file name, like \"memory.high\", and no path".into());
    }
    if file.len() > 255 {
        return Err("is longer than any file name".into());
    }
    if controller == "cgroup" && !CORE_LIMITS.contains(&file) {
        return Err(format!(
            "is the runtime's to write; of the core's files only {} may be set",
            CORE_LIMITS.join(" and ")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_of_controllers_files() {
        for good in [
            "memory.high",
            "io.max",
            "hugetlb.1GB.max",
            "cgroup.max.depth",
            "misc.max",
            "new_thing.x-y",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let bad = [
            "",
            "memory",
            ".",
            "..",
            ".memory",
            "memory.",
            "../../x/memory.max",
            "memory.max/../cgroup.procs",
            "/etc/x",
            "memory..max",
            "memory.max\n",
            "memory.max\0",
            "cgroup.procs",
            "cgroup.threads",
            "cgroup.subtree_control",
            "cgroup.kill",
            "cgroup.freeze",
            "cgroup.type",
        ];
        for file in bad {
            assert!(check(file).is_err(), "{file:?}");
        }
    }

    #[test]
    fn a_write_for_each_line() {
        let asked = HashMap::from([(
            "io.max".to_owned(),
            "259:0 rbps=1\n253:0 wiops=120\n".to_owned(),
        )]);
        let mut outcome = Outcome::default();
        unified(&asked, &mut outcome);
        let writes: Vec<_> = outcome
            .settings
            .iter()
            .map(|setting| setting.value.as_str())
            .collect();
        assert_eq!(writes, ["259:0 rbps=1", "253:0 wiops=120"]);
        assert_eq!(outcome.settings[0].controller, "io");
        assert_eq!(
            outcome.settings[0].place,
            "linux.resources.unified[\"io.max\"]"
        );
    }
}

//! Device rules as systemd has them.
//!
//! Its program and ours both have to allow an access. Ours is exact, so systemd's only has to allow no less: denials are
//! left out, and what it has no words for becomes more.

use oci_spec::runtime::LinuxResources;

use super::value::{Property, Value};
use crate::error::Problem;
use crate::plan::cgroup::device_rules::{Access, DeviceKind, DeviceRule, rules};

/// `DevicePolicy` and `DeviceAllow` for `rules`: all that is allowed after the last denial of everything.
pub(super) fn properties(rules: &[DeviceRule]) -> Vec<Property> {
    let policy = |policy: &str| Property::new("DevicePolicy", Value::Text(policy.into()));
    let after = rules.iter().rposition(DeviceRule::denies_everything).map_or(0, |last| last + 1);
    let allowed: Vec<_> = rules[after..].iter().filter(|rule| rule.allow).collect();
    let everything = |rule: &&&DeviceRule| {
        rule.kind.is_none() && rule.major.is_none() && rule.minor.is_none() && rule.access == Access::ALL
    };
    if allowed.iter().any(|rule| everything(&rule)) {
        return vec![policy("auto"), Property::new("DeviceAllow", Value::Pairs(Vec::new()))];
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for rule in allowed {
        let kinds = [DeviceKind::Character, DeviceKind::Block];
        for kind in kinds.into_iter().filter(|kind| rule.kind.is_none_or(|only| only == *kind)) {
            let pair = (device(kind, rule), letters(rule.access));
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    vec![policy("strict"), Property::new("DeviceAllow", Value::Pairs(pairs))]
}

/// The same for a unit that runs: what it was allowed before is taken back first.
pub fn changed_devices(resources: &LinuxResources) -> Result<Vec<Property>, Vec<Problem>> {
    let mut all = vec![Property::new("DeviceAllow", Value::Pairs(Vec::new()))];
    all.extend(properties(&rules(resources)?));
    Ok(all)
}

/// The devices, as systemd.resource-control(5) names them, by their numbers: no node has to be there.
fn device(kind: DeviceKind, rule: &DeviceRule) -> String {
    let word = match kind {
        DeviceKind::Character => "char",
        DeviceKind::Block => "block",
    };
    match (rule.major, rule.minor) {
        (Some(major), Some(minor)) => format!("/dev/{word}/{major}:{minor}"),
        (Some(major), None) => format!("{word}-{major}"),
        // Of a minor number of all drivers systemd can't speak.
        (None, _) => format!("{word}-*"),
    }
}

fn letters(access: Access) -> String {
    let all = [(Access::READ, 'r'), (Access::WRITE, 'w'), (Access::MAKE, 'm')];
    all.iter().filter(|(bit, _)| access.both(*bit) != Access::NONE).map(|(_, letter)| *letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(devices: &str) -> (String, Vec<String>) {
        let resources: LinuxResources = serde_json::from_str(&format!("{{\"devices\": {devices}}}")).unwrap();
        let all = properties(&rules(&resources).unwrap());
        let Value::Pairs(pairs) = &all[1].value else { panic!("{all:?}") };
        (all[0].value.to_string(), pairs.iter().map(|(device, access)| format!("{device} {access}")).collect())
    }

    #[test]
    fn what_every_container_may() {
        let (policy, allowed) = said("[]");
        assert_eq!(policy, "strict");
        assert_eq!(allowed[..3], ["char-* m", "block-* m", "/dev/char/1:3 rwm"]);
        assert_eq!(allowed.last().unwrap(), "char-136 rwm");
    }

    #[test]
    fn never_less_than_the_rules_allow() {
        let (policy, allowed) = said(
            r#"[{"allow": true, "type": "c", "major": 9, "minor": 9, "access": "r"},
                {"allow": false, "access": "rwm"},
                {"allow": true, "type": "b", "major": 8, "minor": 1, "access": "r"},
                {"allow": true, "type": "c", "major": 240, "access": "rw"},
                {"allow": false, "type": "c", "major": 240, "minor": 1, "access": "rw"},
                {"allow": true, "type": "c", "minor": 3, "access": "w"},
                {"allow": true, "major": 7, "minor": 0, "access": "rw"}]"#,
        );
        assert_eq!(policy, "strict");
        let own = &allowed[allowed.len() - 5..];
        assert_eq!(own, ["/dev/block/8:1 r", "char-240 rw", "char-* w", "/dev/char/7:0 rw", "/dev/block/7:0 rw"]);
        assert!(!allowed.contains(&"/dev/char/9:9 r".to_owned()));
    }

    #[test]
    fn everything_needs_no_list() {
        assert_eq!(said(r#"[{"allow": true, "access": "rwm"}]"#), ("auto".to_owned(), Vec::new()));
        assert_eq!(said(r#"[{"allow": true, "access": "rwm"}, {"allow": false}]"#).0, "strict");
    }
}

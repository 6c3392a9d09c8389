//! `linux.resources.devices`: which devices may be made, read and written.
//!
//! Rules hold in the order given, each for the accesses it names, and the last one that speaks of an access decides.
//! What no rule speaks of is denied, also where there are no rules at all. The devices that every container has can
//! be used always, unless a rule of the config that follows a denial of everything denies just them.

use oci_spec::runtime::{Linux, LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};

use crate::error::Problem;

/// What may be done with a device, as bits of uapi/linux/bpf.h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access(pub u8);

impl Access {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// mknod(2).
    pub const MAKE: Self = Self(1);
    /// Open for reading.
    pub const READ: Self = Self(2);
    /// Open for writing.
    pub const WRITE: Self = Self(4);
    /// All three.
    pub const ALL: Self = Self(7);

    /// What is in both.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in one or the other.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one only.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A kind of device, as uapi/linux/bpf.h numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DeviceKind {
    /// Block devices.
    Block = 1,
    /// Character devices.
    Character = 2,
}

/// A rule; what is `None` holds for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRule {
    /// Whether it allows or denies.
    pub allow: bool,
    /// Of which kind of devices it speaks.
    pub kind: Option<DeviceKind>,
    /// Of which major number.
    pub major: Option<u32>,
    /// Of which minor number.
    pub minor: Option<u32>,
    /// Of which accesses.
    pub access: Access,
}

impl DeviceRule {
    /// Whether it denies every device of a kind, or of both.
    pub(super) fn denies_everything(&self) -> bool {
        !self.allow && self.major.is_none() && self.minor.is_none() && self.access == Access::ALL
    }
}

/// A note for each of `linux.devices` that the container is given, and can't open.
pub fn forbidden(linux: &Linux) -> Vec<Problem> {
    let listed = linux.devices().as_deref().unwrap_or_default();
    if listed.is_empty() {
        return Vec::new();
    }
    let none = LinuxResources::default();
    let rules = rules(linux.resources().as_ref().unwrap_or(&none)).unwrap_or_default();
    let note = |(index, device): (usize, &LinuxDevice)| {
        let (kind, letter) = match device.typ() {
            LinuxDeviceType::B => (DeviceKind::Block, 'b'),
            LinuxDeviceType::C | LinuxDeviceType::U => (DeviceKind::Character, 'c'),
            LinuxDeviceType::A | LinuxDeviceType::P => return None,
        };
        let (major, minor) = (u32::try_from(device.major()).ok()?, u32::try_from(device.minor()).ok()?);
        let place = format!("linux.devices[{index}] {}", device.path().display());
        let rule =
            format!(r#"{{"allow": true, "type": "{letter}", "major": {major}, "minor": {minor}, "access": "rw"}}"#);
        let note = Problem::new(place, "is there, but can't be opened: linux.resources.devices does not allow it");
        (left(&rules, kind, major, minor) == Access::NONE).then(|| note.hint(format!("add {rule} to that")))
    };
    listed.iter().enumerate().filter_map(note).collect()
}

/// What `rules` leave of the use of a device.
fn left(rules: &[DeviceRule], kind: DeviceKind, major: u32, minor: u32) -> Access {
    let of = |named: Option<u32>, number| named.is_none_or(|named| named == number);
    let speaks = |rule: &&DeviceRule| {
        rule.kind.is_none_or(|named| named == kind) && of(rule.major, major) && of(rule.minor, minor)
    };
    let all = rules
        .iter()
        .filter(speaks)
        .fold(Access::NONE, |left, rule| if rule.allow { left.with(rule.access) } else { left.without(rule.access) });
    all.without(Access::MAKE)
}

/// What every container may do: make any node (which opens nothing), and use the devices of the spec's default list,
/// terminals and pseudo-terminals. Not /dev/net/tun.
const DEFAULTS: [DeviceRule; 11] = {
    const fn allow(kind: DeviceKind, major: Option<u32>, minor: Option<u32>, access: Access) -> DeviceRule {
        DeviceRule { allow: true, kind: Some(kind), major, minor, access }
    }
    const fn character(major: u32, minor: u32) -> DeviceRule {
        allow(DeviceKind::Character, Some(major), Some(minor), Access::ALL)
    }
    [
        allow(DeviceKind::Character, None, None, Access::MAKE),
        allow(DeviceKind::Block, None, None, Access::MAKE),
        character(1, 3),                                            // null
        character(1, 5),                                            // zero
        character(1, 7),                                            // full
        character(1, 8),                                            // random
        character(1, 9),                                            // urandom
        character(5, 0),                                            // tty
        character(5, 1),                                            // console
        character(5, 2),                                            // ptmx
        allow(DeviceKind::Character, Some(136), None, Access::ALL), // pts/N
    ]
};

/// The rules of `resources` and the default ones, in the order in which they hold.
///
/// The default ones stand after the last rule that denies everything: engines begin with such a rule, and what
/// follows it is said with the default devices in mind. A denial of `rwm` that follows is about the use of a device
/// (Docker's of /dev/fuse): its node can still be made, as under every other runtime. One of `m` alone means it.
pub(super) fn rules(resources: &LinuxResources) -> Result<Vec<DeviceRule>, Vec<Problem>> {
    let mut rules = Vec::with_capacity(DEFAULTS.len() + 1);
    let mut problems = Vec::new();
    for (index, rule) in resources.devices().iter().flatten().enumerate() {
        match parse(rule) {
            Ok(rule) => rules.push(rule),
            Err((field, what)) => {
                problems.push(Problem::new(format!("linux.resources.devices[{index}].{field}"), what));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let after = rules.iter().rposition(DeviceRule::denies_everything).map_or(0, |last| last + 1);
    for rule in &mut rules[after..] {
        if !rule.allow && rule.access == Access::ALL {
            rule.access = Access::ALL.without(Access::MAKE);
        }
    }
    rules.splice(after..after, DEFAULTS);
    Ok(rules)
}

/// One rule; or the field that is wrong, and how.
fn parse(rule: &LinuxDeviceCgroup) -> Result<DeviceRule, (&'static str, String)> {
    let kind = match rule.typ() {
        None | Some(LinuxDeviceType::A) => None,
        Some(LinuxDeviceType::B) => Some(DeviceKind::Block),
        Some(LinuxDeviceType::C | LinuxDeviceType::U) => Some(DeviceKind::Character),
        Some(LinuxDeviceType::P) => return Err(("type", "a FIFO is not a device: must be a, b or c".into())),
    };
    let number = |field, number: Option<i64>| match number {
        // Engines write the wildcard as -1, too.
        None | Some(-1) => Ok(None),
        Some(number) => match u32::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err((field, format!("must be a device number, or -1 or nothing for all, not {number}"))),
        },
    };
    let major = number("major", rule.major())?;
    let minor = number("minor", rule.minor())?;
    // As with the other fields, nothing means all.
    let access = match rule.access().as_deref() {
        None | Some("") => Access::ALL,
        Some(letters) => letters.chars().try_fold(Access::NONE, |access, letter| match letter {
            'r' => Ok(access.with(Access::READ)),
            'w' => Ok(access.with(Access::WRITE)),
            'm' => Ok(access.with(Access::MAKE)),
            _ => Err(("access", format!("must be of the letters r, w and m, not {letters:?}"))),
        })?,
    };
    Ok(DeviceRule { allow: rule.allow(), kind, major, minor, access })
}

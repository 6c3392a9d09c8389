//! Every mount option, in one table.
//!
//! Its words are those of the spec (config, Linux mount options) and of mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS. What they
//! do to one mount are attributes of `mount_setattr(2)`; an r in front means the whole tree below. What they do to a whole
//! file system are flags of fsconfig(2). All other words belong to the file system (`size=64k`), see [`words`].

use Effect::{Access, Atime, Bind, Clear, CopyUp, Idmap, Nothing, Propagation, Remount, Set, Superblock, Writable};
use libc::{
    MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE,
    MS_UNBINDABLE,
};

use crate::bundle::names::nearest;

/// What a word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is how things are anyway.
    Nothing,
    /// Sets attributes.
    Set(Reach, u64),
    /// Clears attributes.
    Clear(Reach, u64),
    /// Chooses one member of the access time group; the group is cleared as a whole first.
    Atime(Reach, u64),
    /// `ro`: an attribute of the mount, and of a new file system as well.
    Access,
    /// `rw`: the opposite.
    Writable,
    /// A flag of the whole file system, by this name.
    Superblock(&'static str),
    /// A propagation type, possibly with `MS_REC`.
    Propagation(u64),
    /// `bind` or, if true, `rbind`.
    Bind(bool),
    /// `idmap` or, if true, `ridmap`.
    Idmap(bool),
    /// A new tmpfs begins with a copy of what it covers.
    CopyUp,
    /// Changes the attributes of what is mounted there already.
    Remount,
}

/// How far an attribute goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This mount.
    One,
    /// This mount and all below it.
    Tree,
}
use Reach::{One, Tree};

const fn propagation(kind: libc::c_ulong, recursive: bool) -> Effect {
    Propagation(if recursive { kind | MS_REC } else { kind })
}

/// In the order of the words, to be searched.
const TABLE: &[(&str, Effect)] = &[
    ("async", Superblock("async")),
    ("atime", Atime(One, MOUNT_ATTR_RELATIME)),
    ("bind", Bind(false)),
    ("defaults", Nothing),
    ("dev", Clear(One, MOUNT_ATTR_NODEV)),
    ("diratime", Clear(One, MOUNT_ATTR_NODIRATIME)),
    ("dirsync", Superblock("dirsync")),
    ("exec", Clear(One, MOUNT_ATTR_NOEXEC)),
    ("idmap", Idmap(false)),
    // Since Linux 5.17 file systems that have i_version keep it without being asked, and can't be asked not to.
    ("iversion", Nothing),
    ("lazytime", Superblock("lazytime")),
    // What the kernel says while mounting.
    ("loud", Nothing),
    ("mand", Superblock("mand")),
    ("noatime", Atime(One, MOUNT_ATTR_NOATIME)),
    ("nodev", Set(One, MOUNT_ATTR_NODEV)),
    ("nodiratime", Set(One, MOUNT_ATTR_NODIRATIME)),
    ("noexec", Set(One, MOUNT_ATTR_NOEXEC)),
    ("noiversion", Nothing),
    ("nolazytime", Superblock("nolazytime")),
    ("nomand", Superblock("nomand")),
    // Without another member of its group, relatime is what the kernel does since Linux 2.6.30.
    ("norelatime", Atime(One, MOUNT_ATTR_RELATIME)),
    ("nostrictatime", Atime(One, MOUNT_ATTR_RELATIME)),
    ("nosuid", Set(One, MOUNT_ATTR_NOSUID)),
    ("nosymfollow", Set(One, MOUNT_ATTR_NOSYMFOLLOW)),
    ("private", propagation(MS_PRIVATE, false)),
    ("ratime", Atime(Tree, MOUNT_ATTR_RELATIME)),
    ("rbind", Bind(true)),
    ("rdev", Clear(Tree, MOUNT_ATTR_NODEV)),
    ("rdiratime", Clear(Tree, MOUNT_ATTR_NODIRATIME)),
    ("relatime", Atime(One, MOUNT_ATTR_RELATIME)),
    ("remount", Remount),
    ("rexec", Clear(Tree, MOUNT_ATTR_NOEXEC)),
    ("ridmap", Idmap(true)),
    ("rnoatime", Atime(Tree, MOUNT_ATTR_NOATIME)),
    ("rnodev", Set(Tree, MOUNT_ATTR_NODEV)),
    ("rnodiratime", Set(Tree, MOUNT_ATTR_NODIRATIME)),
    ("rnoexec", Set(Tree, MOUNT_ATTR_NOEXEC)),
    ("rnorelatime", Atime(Tree, MOUNT_ATTR_RELATIME)),
    ("rnostrictatime", Atime(Tree, MOUNT_ATTR_RELATIME)),
    ("rnosuid", Set(Tree, MOUNT_ATTR_NOSUID)),
    ("rnosymfollow", Set(Tree, MOUNT_ATTR_NOSYMFOLLOW)),
    ("ro", Access),
    ("rprivate", propagation(MS_PRIVATE, true)),
    ("rrelatime", Atime(Tree, MOUNT_ATTR_RELATIME)),
    ("rro", Set(Tree, libc::MOUNT_ATTR_RDONLY)),
    ("rrw", Clear(Tree, libc::MOUNT_ATTR_RDONLY)),
    ("rshared", propagation(MS_SHARED, true)),
    ("rslave", propagation(MS_SLAVE, true)),
    ("rstrictatime", Atime(Tree, MOUNT_ATTR_STRICTATIME)),
    ("rsuid", Clear(Tree, MOUNT_ATTR_NOSUID)),
    ("rsymfollow", Clear(Tree, MOUNT_ATTR_NOSYMFOLLOW)),
    ("runbindable", propagation(MS_UNBINDABLE, true)),
    ("rw", Writable),
    ("shared", propagation(MS_SHARED, false)),
    ("silent", Nothing),
    ("slave", propagation(MS_SLAVE, false)),
    ("strictatime", Atime(One, MOUNT_ATTR_STRICTATIME)),
    ("suid", Clear(One, MOUNT_ATTR_NOSUID)),
    ("symfollow", Clear(One, MOUNT_ATTR_NOSYMFOLLOW)),
    ("sync", Superblock("sync")),
    ("tmpcopyup", CopyUp),
    ("unbindable", propagation(MS_UNBINDABLE, false)),
];

/// What `word` does; `None` if it is a file system's own.
pub fn effect(word: &str) -> Option<Effect> {
    let at = TABLE.binary_search_by_key(&word, |(name, _)| name).ok()?;
    Some(TABLE[at].1)
}

/// What people write for `ro` and `rw` elsewhere.
const ELSEWHERE: [(&str, &str); 5] =
    [("readonly", "ro"), ("read-only", "ro"), ("read_only", "ro"), ("readwrite", "rw"), ("read-write", "rw")];

/// The word that was meant by `word`, which is none, if it looks like a slip of the pen.
pub fn meant(word: &str) -> Option<&'static str> {
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    elsewhere.map(|(_, meant)| *meant).or_else(|| nearest(word, names()))
}

/// The words that are understood whatever is mounted, sorted: what `features` lists as mountOptions.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// The words of one entry of `options`: it may hold several, with commas between them, as in mount(8). Commas inside double
/// quotes (an `SELinux` label) or after a backslash (a layer's path) separate nothing; the quotes are taken off, as mount(8) does.
pub fn words(option: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for letter in option.chars() {
        match letter {
            _ if escaped => {
                word.push(letter);
                escaped = false;
                continue;
            }
            '"' => quoted = !quoted,
            ',' if !quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
        escaped = letter == '\\';
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by_key(|(name, _)| name) && TABLE.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }

    #[test]
    fn r_forms_reach_the_tree_and_do_the_same() {
        for (name, effect) in TABLE {
            let Some((_, plain)) =
                name.strip_prefix('r').and_then(|plain| TABLE.iter().find(|(other, _)| *other == plain))
            else {
                continue;
            };
            match (effect, plain) {
                (Set(Tree, a), Set(One, b)) | (Clear(Tree, a), Clear(One, b)) | (Atime(Tree, a), Atime(One, b)) => {
                    assert_eq!(a, b);
                }
                (Set(Tree, _), Access)
                | (Clear(Tree, _), Writable)
                | (Bind(true), Bind(false))
                | (Idmap(true), Idmap(false)) => {}
                (Propagation(a), Propagation(b)) => assert_eq!(*a, *b | MS_REC),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        for (wrong, right) in
            [("nosiud", "nosuid"), ("noexc", "noexec"), ("RO", "ro"), ("rslaves", "rslave"), ("read-only", "ro")]
        {
            assert_eq!(meant(wrong), Some(right), "{wrong}");
        }
        let others = "z Z U O copy nocopy acl noacl auto noauto user users nofail _netdev data size=1k uid=5 gid=5 mode=755 \
                      x-mount.mkdir comment=x cached delegated consistent subpath=a soft hard nolock noswap inode64 dest";
        for other in others.split_whitespace() {
            assert_eq!(meant(other), None, "{other}");
        }
    }

    #[test]
    fn an_entry_may_hold_several_words() {
        assert_eq!(words("mode=755,size=64k"), ["mode=755", "size=64k"]);
        assert_eq!(words("lowerdir=/a\\,b:/c"), ["lowerdir=/a\\,b:/c"]);
        assert_eq!(words("context=\"u:r:t:s0:c1,c2\",ro"), ["context=u:r:t:s0:c1,c2", "ro"]);
        assert_eq!(words(",,"), Vec::<String>::new());
    }
}

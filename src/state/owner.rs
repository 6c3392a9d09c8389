//! Names of users, for people to read.

use std::fs::File;
use std::io::Read;

/// /etc/passwd is read as far as this, bytes.
const PASSWD_LIMIT: u64 = 1 << 20;

/// The name of user `uid` in the host's /etc/passwd, or its number.
///
/// The file is read here and not by way of the C library, which would load name service modules into a static program.
pub fn owner_name(uid: u32) -> String {
    if uid == 0 {
        return "root".into();
    }
    let mut passwd = String::new();
    let read = File::open("/etc/passwd").and_then(|file| file.take(PASSWD_LIMIT).read_to_string(&mut passwd));
    read.ok().and_then(|_| name_in(&passwd, uid)).unwrap_or_else(|| uid.to_string())
}

/// The name in the first line of `passwd` (passwd(5)) whose third field is `uid`.
fn name_in(passwd: &str, uid: u32) -> Option<String> {
    let line = passwd.lines().find(|line| line.split(':').nth(2).and_then(|field| field.parse().ok()) == Some(uid))?;
    Some(line.split(':').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_field_decides() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n1000:x:7:7::/:\nami:x:1000:1000:Ami:/home/ami:/bin/sh\n";
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("ami"));
        assert_eq!(name_in(passwd, 7).as_deref(), Some("1000"));
        assert_eq!(name_in(passwd, 5), None);
    }
}

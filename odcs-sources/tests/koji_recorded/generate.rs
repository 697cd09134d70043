//! A listing as a hub sends it, made up while it is read: ten RPMs a build, two rows for each.

use std::fmt::Write;
use std::io::{self, Read};

/// The answer to `listTaggedRPMS` with signatures, of so many RPMs.
pub struct Listing {
    rpms: usize,
    /// The next piece: the beginning, RPMs, what is between, builds, the end.
    next: usize,
    text: String,
    given: usize,
}

const RPMS_PER_BUILD: usize = 10;

impl Listing {
    pub fn new(rpms: usize) -> Self {
        Self {
            rpms,
            next: 0,
            text: String::new(),
            given: 0,
        }
    }

    fn builds(&self) -> usize {
        self.rpms.div_ceil(RPMS_PER_BUILD)
    }

    /// Makes the next piece. False at the end.
    fn refill(&mut self) -> bool {
        self.text.clear();
        self.given = 0;
        let (rpms, builds) = (self.rpms, self.builds());
        match self.next {
            0 => self.text.push_str(
                "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n<value><array><data>\n",
            ),
            n if n <= rpms => self.rpm(n - 1),
            n if n == rpms + 1 => self.text.push_str("</data></array></value>\n<value><array><data>\n"),
            n if n <= rpms + 1 + builds => self.build(n - rpms - 2),
            n if n == rpms + builds + 2 => self
                .text
                .push_str("</data></array></value>\n</data></array></value>\n</param>\n</params>\n</methodResponse>\n"),
            _ => return false,
        }
        self.next += 1;
        true
    }

    fn rpm(&mut self, index: usize) {
        let build = index / RPMS_PER_BUILD;
        let arch = ["src", "x86_64", "aarch64", "ppc64le", "s390x"][index % 5];
        let suffix = ["", "-devel"][index % RPMS_PER_BUILD / 5];
        for key in ["", "f1290335"] {
            self.text.push_str("<value><struct>\n");
            self.string("arch", arch);
            self.int("build_id", build + 1);
            self.nil("buildroot_id");
            self.int("buildtime", 1_772_409_600 + build);
            self.boolean("draft");
            match build % 3 {
                0 => self.int("epoch", 1),
                _ => self.nil("epoch"),
            }
            self.nil("extra");
            self.int("id", index + 100);
            self.boolean("metadata_only");
            self.string("name", &format!("perf-package-{build}{suffix}"));
            self.string("payloadhash", &format!("{:032x}", index * 0x9e37_79b9));
            self.string("release", "1.fc42");
            self.string("sigkey", key);
            self.int("size", 6_000_000 + index);
            self.string("version", &format!("1.20.{}", build % 50));
            self.text.push_str("</struct></value>\n");
        }
    }

    fn build(&mut self, index: usize) {
        let name = format!("perf-package-{index}");
        let version = format!("1.20.{}", index % 50);
        self.text.push_str("<value><struct>\n");
        self.int("build_id", index + 1);
        self.string("completion_time", "2026-11-21 09:53:54.758120+00:00");
        self.int("create_event", index + 700);
        self.int("creation_event_id", index + 500);
        self.string("creation_time", "2026-11-21 09:53:54.783431+00:00");
        self.boolean("draft");
        self.nil("epoch");
        self.int("id", index + 1);
        self.string("name", &name);
        self.string("nvr", &format!("{name}-{version}-1.fc42"));
        self.int("owner_id", 2);
        self.string("owner_name", "packager1");
        self.int("package_id", index + 20);
        self.string("package_name", &name);
        for member in ["promoter_id", "promoter_name", "promotion_time"] {
            self.nil(member);
        }
        self.string("release", "1.fc42");
        self.string("start_time", "2026-11-21 09:53:54.758120+00:00");
        self.int("state", 1);
        self.int("tag_id", 21);
        self.string("tag_name", "perf");
        self.nil("task_id");
        self.string("version", &version);
        self.int("volume_id", 0);
        self.string("volume_name", "DEFAULT");
        self.text.push_str("</struct></value>\n");
    }

    fn member(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        let _ = write!(
            self.text,
            "<member>\n<name>{name}</name>\n<value>{value}</value>\n</member>\n"
        );
    }

    fn string(&mut self, name: &str, value: &str) {
        self.member(name, format_args!("<string>{value}</string>"));
    }

    fn int(&mut self, name: &str, value: usize) {
        self.member(name, format_args!("<int>{value}</int>"));
    }

    fn boolean(&mut self, name: &str) {
        self.member(name, format_args!("<boolean>0</boolean>"));
    }

    fn nil(&mut self, name: &str) {
        // This is where a hub has no line feed.
        let _ = write!(
            self.text,
            "<member>\n<name>{name}</name>\n<value><nil/></value></member>\n"
        );
    }
}

impl Read for Listing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() && !self.refill() {
            return Ok(0);
        }
        let piece = &self.text.as_bytes()[self.given..];
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.given += length;
        Ok(length)
    }
}

//! The table: what is tried, and what it must come to.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::forge::{Forgery, escaped, package_with};
use super::places;

/// What a form must come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expect {
    /// It is refused.
    Fails,
    /// A compose without the harm, or a refusal: other readers differ, too.
    Either,
}

/// One repository that means harm.
pub(super) struct Form {
    pub(super) what: String,
    pub(super) expect: Expect,
    write: Box<dyn Fn(&Path)>,
}

impl Form {
    pub(super) fn write(&self, directory: &Path) {
        (self.write)(directory);
    }

    pub(super) fn of(
        what: impl Into<String>,
        expect: Expect,
        spoil: impl Fn(&mut Forgery) + 'static,
    ) -> Self {
        let write = move |directory: &Path| {
            let mut forgery = Forgery::new();
            spoil(&mut forgery);
            forgery.write(directory);
        };
        Self {
            what: what.into(),
            expect,
            write: Box::new(write),
        }
    }

    /// A sound repository, of which something is replaced by a link.
    pub(super) fn linked(replaced: &'static str, to: impl AsRef<Path>, has_metadata: bool) -> Self {
        let to = to.as_ref().to_owned();
        let what = format!(
            "{replaced} is a link to {}, metadata: {has_metadata}",
            to.display()
        );
        let write = move |directory: &Path| {
            let forgery = Forgery {
                has_metadata,
                ..Forgery::new()
            };
            forgery.write(directory);
            let path = directory.join(replaced);
            if path.is_dir() {
                std::fs::remove_dir_all(&path).unwrap();
            } else {
                std::fs::remove_file(&path).unwrap();
            }
            symlink(&to, path).unwrap();
        };
        Self {
            what,
            expect: Expect::Fails,
            write: Box::new(write),
        }
    }
}

pub(super) fn shown(bytes: &[u8]) -> String {
    let text: String = bytes.escape_ascii().to_string();
    if text.len() > 60 {
        format!("{}… ({} bytes)", &text[..60], bytes.len())
    } else {
        text
    }
}

/// Names that lead somewhere, mean something to somebody, or are too long; those that must be refused
/// first.
fn names(outside: &str, out: &str) -> Vec<(Vec<u8>, Expect)> {
    let refused: Vec<Vec<u8>> = vec![
        b"../../../ed".into(),
        b"..".into(),
        b".".into(),
        b"/etc/passwd".into(),
        outside.into(),
        out.into(),
        b"a/b".into(),
        b"ed/../../..".into(),
        b"ed\0/etc".into(),
        b"\0".into(),
        b"ed\nConfig: evil".into(),
        b"ed\r\nX-Evil: 1".into(),
        b"ed \t".into(),
        b"ed\x1b[2J".into(),
        vec![b'a'; 5_000],
        b"ed\xff\xfe".into(),
        b"\xc0\xae\xc0\xae\xc0\xafed".into(),
        "ed\u{85}x".into(),
        "ed\u{2028}x".into(),
        b".hidden".into(),
        b"-rf".into(),
    ];
    let odd: Vec<Vec<u8>> = vec![
        b"..\\..\\ed".into(),
        b"C:\\ed".into(),
        b"file:ed".into(),
        b"%2e%2e%2fed".into(),
        b"%00".into(),
        b"<>&\"'".into(),
        b"]]>".into(),
        b"$(reboot)".into(),
        b"`reboot`".into(),
        b"${HOME}".into(),
        b"a;b|c&d".into(),
        b"~root".into(),
        b"*".into(),
        b"[repo]".into(),
        b"ed\\n".into(),
        "\u{202e}de".into(),
        "\u{200b}".into(),
        "éd".into(),
        "İ".into(),
        "💾".into(),
        vec![b'a'; 255],
        vec![b'a'; 230],
    ];
    let refused = refused.into_iter().map(|name| (name, Expect::Fails));
    refused
        .chain(odd.into_iter().map(|name| (name, Expect::Either)))
        .collect()
}

/// Everything that is tried. `outside` is a directory that must not be reached, `out` the way there from
/// a repository.
pub(super) fn forms(outside: &Path, out: &str) -> Vec<Form> {
    let absolute = outside.to_str().unwrap();
    let mut forms = Vec::new();
    for (name, expect) in names(absolute, out) {
        let text = escaped(&name);
        // White space around a name does not count in XML.
        let in_metadata = if name.ends_with(b"\t") {
            Expect::Either
        } else {
            Expect::Fails
        };
        forms.push(Form::of(
            format!("metadata: name {}", shown(&name)),
            in_metadata,
            move |forgery| {
                forgery.name.clone_from(&text);
            },
        ));
        let cut = name.clone();
        // A string ends with the first NUL, which leaves an ordinary one.
        // What is no UTF-8 is replaced.
        let expect = if name.starts_with(b"ed\0") || std::str::from_utf8(&name).is_err() {
            Expect::Either
        } else {
            expect
        };
        forms.push(Form::of(
            format!("header: name {}", shown(&name)),
            expect,
            move |forgery| {
                forgery.has_metadata = false;
                forgery.package = package_with(&cut, |spec, name| {
                    spec.name = name;
                    spec.provides.clear();
                });
            },
        ));
    }
    parts(&mut forms, absolute);
    places::hrefs(&mut forms, absolute, out);
    places::documents(&mut forms, absolute, out);
    places::links(&mut forms, outside, out);
    forms
}

/// Versions, releases, arches and other fields, in headers and in metadata.
fn parts(forms: &mut Vec<Form>, absolute: &str) {
    let bad: [&[u8]; 8] = [
        b"1/../../x",
        b"..-..",
        b"1\n2",
        b"\0",
        b"1 2",
        b"1\xff",
        &[b'1'; 5_000],
        absolute.as_bytes(),
    ];
    for value in bad {
        let value = value.to_vec();
        let what = shown(&value);
        let header = |field: fn(&mut rpmgen::PackageSpec, String)| {
            let value = value.clone();
            move |forgery: &mut Forgery| {
                forgery.has_metadata = false;
                forgery.package = package_with(&value, field);
            }
        };
        // What is no UTF-8 is replaced.
        let expect = if std::str::from_utf8(&value).is_ok() {
            Expect::Fails
        } else {
            Expect::Either
        };
        forms.push(Form::of(
            format!("header: version {what}"),
            expect,
            header(|spec, text| spec.version = text),
        ));
        forms.push(Form::of(
            format!("header: release {what}"),
            expect,
            header(|spec, text| spec.release = text),
        ));
        forms.push(Form::of(
            format!("header: arch {what}"),
            Expect::Fails,
            header(|spec, text| spec.arch = text),
        ));
        forms.push(Form::of(
            format!("header: source package {what}"),
            Expect::Either,
            header(|spec, text| spec.source_rpm = Some(text)),
        ));
        forms.push(Form::of(
            format!("header: summary {what}"),
            Expect::Either,
            header(|spec, text| spec.summary = text),
        ));
        forms.push(Form::of(
            format!("header: file {what}"),
            Expect::Either,
            header(|spec, text| spec.files[0].path = format!("/usr/{text}")),
        ));
        forms.push(Form::of(
            format!("header: requirement {what}"),
            Expect::Either,
            header(|spec, text| spec.requires = vec![text.as_str().into()]),
        ));
        let text = escaped(&value);
        let spoiled = text.clone();
        forms.push(Form::of(
            format!("metadata: version {what}"),
            Expect::Fails,
            move |forgery| forgery.version.clone_from(&spoiled),
        ));
        let spoiled = text.clone();
        forms.push(Form::of(
            format!("metadata: release {what}"),
            Expect::Fails,
            move |forgery| forgery.release.clone_from(&spoiled),
        ));
        let spoiled = text.clone();
        forms.push(Form::of(
            format!("metadata: arch {what}"),
            Expect::Fails,
            move |forgery| forgery.arch.clone_from(&spoiled),
        ));
        forms.push(Form::of(
            format!("metadata: source package {what}"),
            Expect::Either,
            move |forgery| forgery.source_rpm.clone_from(&text),
        ));
    }
    // The metadata says one thing, the package another.
    for (what, name, version, release, arch) in [
        ("name", "sed", "1", "1", "x86_64"),
        ("version", "ed", "2", "1", "x86_64"),
        ("release", "ed", "1", "2", "x86_64"),
        ("arch", "ed", "1", "1", "noarch"),
        ("source", "ed", "1", "1", "src"),
    ] {
        // A source package that nothing was built from belongs into no compose: it is not even looked at.
        let expect = if what == "source" {
            Expect::Either
        } else {
            Expect::Fails
        };
        forms.push(Form::of(
            format!("header and metadata differ in {what}"),
            expect,
            move |forgery| {
                forgery.name = name.into();
                forgery.version = version.into();
                forgery.release = release.into();
                forgery.arch = arch.into();
            },
        ));
    }
}

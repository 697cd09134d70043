//! The part of the table that is about places: of packages, of metadata, and behind links.

use std::path::Path;

use super::forms::{Expect, Form, shown};

/// Places that metadata says files are at.
pub(super) fn hrefs(forms: &mut Vec<Form>, absolute: &str, out: &str) {
    let package = "ed-1.20-1.x86_64.rpm";
    let hrefs: Vec<Vec<u8>> = vec![
        format!("{out}/{package}").into(),
        format!("{out}/secret").into(),
        format!("Packages/../{out}/{package}").into(),
        format!("{absolute}/{package}").into(),
        format!("/{absolute}/{package}").into(),
        format!("file://{absolute}/{package}").into(),
        format!("file:{absolute}/{package}").into(),
        format!("{out}/{package}").replace('/', "\\").into(),
        format!("{out}/{package}").replace('/', "&#47;").into(),
        format!("{out}/{package}").replace("..", "%2e%2e").into(),
        format!("{out}/{package}").replace('/', "%2f").into(),
        format!("./{out}/{package}").into(),
        format!("Packages/./../{out}/{package}").into(),
        format!("Packages//ed-1-1.x86_64.rpm/{out}/{package}").into(),
        format!("/proc/self/root{absolute}/{package}").into(),
        format!("/proc/self/cwd/{out}/{package}").into(),
        b"/dev/stdin".into(),
        b"/etc/passwd".into(),
        b"http://127.0.0.1:1/ed.rpm".into(),
        b"//127.0.0.1/ed.rpm".into(),
        b"".into(),
        b".".into(),
        b"..".into(),
        b"/".into(),
        b"Packages".into(),
        b"Packages/".into(),
        b"Packages/ed-1-1.x86_64.rpm/".into(),
        b"Packages/ed-1-1.x86_64.rpm&#0;/x".into(),
        b"Packages/ed-1-1.x86_64.rpm\0".into(),
        b"Packages/ed&#10;-1-1.x86_64.rpm".into(),
        b"Packages/ed\n.rpm".into(),
        b"Packages/\xff\xfe.rpm".into(),
        b"Packages/\xc0\xae\xc0\xae/ed.rpm".into(),
        b"Packages/$(reboot).rpm".into(),
        b"Packages/`reboot`.rpm".into(),
        b"Packages/&lt;&gt;&amp;&quot;&apos;.rpm".into(),
        b"Packages/\xe2\x80\xae.rpm".into(),
        b"Packages/&#27;[2J.rpm".into(),
        [b"Packages/", vec![b'a'; 5_000].as_slice()].concat(),
        b"../".repeat(1_500),
        b"a/".repeat(3_000),
        b"repodata/repomd.xml".into(),
    ];
    for href in hrefs {
        forms.push(Form::of(
            format!("href {}", shown(&href)),
            Expect::Fails,
            move |forgery| {
                forgery.href.clone_from(&href);
            },
        ));
    }
    for base in [
        format!("file://{absolute}/"),
        absolute.to_owned(),
        format!("{out}/"),
        "http://127.0.0.1:1/".into(),
        "media://1#1".into(),
        "javascript:alert(1)".into(),
        "\u{202e}".into(),
        "a".repeat(5_000),
    ] {
        let shown = shown(base.as_bytes());
        forms.push(Form::of(
            format!("xml:base {shown}"),
            Expect::Fails,
            move |forgery| {
                forgery.base = Some(base.clone().into());
                forgery.href = b"ed-1.20-1.x86_64.rpm".into();
            },
        ));
    }
}

/// Metadata that leads out itself.
pub(super) fn documents(forms: &mut Vec<Form>, absolute: &str, out: &str) {
    for primary in [
        format!("{out}/secret"),
        format!("{out}/repo/repodata/primary.xml"),
        format!("{absolute}/secret"),
        format!("file://{absolute}/secret"),
        "../repodata/primary.xml".into(),
        "/etc/passwd".into(),
        "http://127.0.0.1:1/primary.xml".into(),
        "repodata/%2e%2e/primary.xml".into(),
        "".into(),
        "repodata".into(),
        "a".repeat(5_000),
    ] {
        let shown = shown(primary.as_bytes());
        forms.push(Form::of(
            format!("repomd.xml: primary at {shown}"),
            Expect::Fails,
            move |forgery| {
                forgery.primary = primary.clone().into();
            },
        ));
    }
    let base = format!("file://{absolute}/repo/");
    // It is not looked at, as other readers of a local repository do not.
    forms.push(Form::of("repomd.xml: xml:base", Expect::Either, move |forgery| {
        forgery.repomd_base = Some(base.clone().into());
    }));
    let external = format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{absolute}/secret\">]>");
    let parameter = format!("<!DOCTYPE x [<!ENTITY % p SYSTEM \"file://{absolute}/secret\"> %p;]>");
    let mut laughs = String::from("<!DOCTYPE x [<!ENTITY e0 \"ha\">");
    for number in 1..20 {
        let references = format!("&e{};", number - 1).repeat(10);
        laughs += &format!("<!ENTITY e{number} \"{references}\">");
    }
    laughs += "<!ENTITY e \"&e19;\">]>";
    for (what, doctype) in [("external entity", external), ("many entities", laughs)] {
        let here = doctype.clone();
        forms.push(Form::of(
            format!("primary: {what} in the name"),
            Expect::Fails,
            move |forgery| {
                forgery.doctype = here.clone().into();
                forgery.name = b"&e;".into();
            },
        ));
        let here = doctype.clone();
        forms.push(Form::of(
            format!("primary: {what} in the href"),
            Expect::Fails,
            move |forgery| {
                forgery.doctype = here.clone().into();
                forgery.href = b"&e;".into();
            },
        ));
        forms.push(Form::of(
            format!("repomd.xml: {what}"),
            Expect::Fails,
            move |forgery| {
                forgery.repomd_doctype = doctype.clone().into();
                forgery.primary = b"&e;".into();
            },
        ));
    }
    forms.push(Form::of(
        "primary: parameter entity",
        Expect::Either,
        move |forgery| {
            forgery.doctype = parameter.clone().into();
        },
    ));
}

/// Links, in repositories with metadata and without.
pub(super) fn links(forms: &mut Vec<Form>, outside: &Path, out: &str) {
    let repo = outside.join("repo");
    forms.push(Form::linked("repodata", repo.join("repodata"), true));
    forms.push(Form::linked(
        "repodata/repomd.xml",
        repo.join("repodata/repomd.xml"),
        true,
    ));
    forms.push(Form::linked("repodata/repomd.xml", outside.join("secret"), true));
    forms.push(Form::linked("repodata/primary.xml", outside.join("secret"), true));
    for has_metadata in [true, false] {
        for to in [
            outside.join("ed-1.20-1.x86_64.rpm"),
            outside.join("secret"),
            Path::new("..").join(out).join("ed-1.20-1.x86_64.rpm"),
            "/proc/self/fd/0".into(),
            "/dev/zero".into(),
            "ed-1-1.x86_64.rpm".into(),
        ] {
            forms.push(Form::linked("Packages/ed-1-1.x86_64.rpm", to, has_metadata));
        }
        forms.push(Form::linked("Packages", repo.join("Packages"), has_metadata));
    }
}

//! What a spec must be, so that an RPM can be made of it.

use crate::{Error, FileKind, PackageSpec, Result};

/// Refuses what the format cannot hold, or what no reader would take.
pub(crate) fn check(spec: &PackageSpec) -> Result<()> {
    let parts = [
        ("name", &spec.name),
        ("version", &spec.version),
        ("release", &spec.release),
        ("arch", &spec.arch),
    ];
    for (what, value) in parts {
        // A dash in version or release would move the borders between the parts of the file name.
        let allowed = |c: char| c.is_ascii_graphic() && c != '/' && (c != '-' || what == "name");
        if value.is_empty() || value.starts_with('.') || !value.chars().all(allowed) {
            return Err(Error::Nevra {
                what,
                value: value.clone(),
            });
        }
    }
    if let Some(source_rpm) = spec.source_rpm.as_ref().filter(|name| name.contains('/')) {
        return Err(Error::Nevra {
            what: "source package",
            value: source_rpm.clone(),
        });
    }
    for (what, value) in texts(spec) {
        if value.contains('\0') {
            return Err(Error::Nul {
                package: spec.file_name(),
                what,
            });
        }
    }
    let mut paths: Vec<&str> = spec.files.iter().map(|file| file.path.as_str()).collect();
    for path in &paths {
        let rule = path_rule(spec, path);
        if let Some(rule) = rule {
            return Err(Error::Path {
                package: spec.file_name(),
                path: (*path).to_owned(),
                rule,
            });
        }
    }
    paths.sort_unstable();
    let twice = paths
        .iter()
        .zip(paths.iter().skip(1))
        .find(|(path, next)| path == next);
    match twice {
        Some((path, _)) => Err(Error::DuplicatePath {
            package: spec.file_name(),
            path: (*path).to_owned(),
        }),
        None => Ok(()),
    }
}

/// The rule that a path breaks.
fn path_rule(spec: &PackageSpec, path: &str) -> Option<&'static str> {
    let normal = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if spec.is_source() {
        return (path.contains('/') || !normal(path)).then_some("source packages hold bare file names");
    }
    match path.strip_prefix('/') {
        Some(rest) if normal(rest) => None,
        _ => Some("it must be absolute, without empty parts, `.` and `..`"),
    }
}

/// Every free text of a spec, with the name of its field.
fn texts(spec: &PackageSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let single = [
        ("summary", Some(&spec.summary)),
        ("description", Some(&spec.description)),
        ("group", Some(&spec.group)),
        ("license", Some(&spec.license)),
        ("build host", Some(&spec.build_host)),
        ("url", spec.url.as_ref()),
        ("vendor", spec.vendor.as_ref()),
        ("packager", spec.packager.as_ref()),
        ("source package", spec.source_rpm.as_ref()),
    ];
    let relations = [
        ("a provide", &spec.provides),
        ("a requirement", &spec.requires),
        ("a conflict", &spec.conflicts),
        ("an obsolete", &spec.obsoletes),
        ("a recommendation", &spec.recommends),
        ("a suggestion", &spec.suggests),
        ("a supplement", &spec.supplements),
        ("an enhancement", &spec.enhances),
    ];
    let single = single
        .into_iter()
        .filter_map(|(what, text)| text.map(|text| (what, text.as_str())));
    let relations = relations.into_iter().flat_map(|(what, relations)| {
        relations
            .iter()
            .flat_map(move |relation| [(what, relation.name.as_str()), (what, relation.evr.as_str())])
    });
    let changelogs = spec.changelogs.iter().flat_map(|entry| {
        [
            ("the changelog", entry.author.as_str()),
            ("the changelog", entry.text.as_str()),
        ]
    });
    let files = spec.files.iter().flat_map(|file| {
        let target = match &file.kind {
            FileKind::Symlink(target) => target.as_str(),
            _ => "",
        };
        [("a path", file.path.as_str()), ("a link target", target)]
    });
    single.chain(relations).chain(changelogs).chain(files)
}

//! Values that no source could honour: what each field has to look like in order to mean anything.

use serde_json::{Value, json};

use crate::recording::Row;

type Check = fn(&str) -> bool;

/// Lists of texts, and what each text has to be.
const LISTS: [(&str, Check); 13] = [
    ("packages", |text| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    }),
    ("builds", |text| {
        is_word(text) && text.rsplitn(3, '-').filter(|part| !part.is_empty()).count() == 3
    }),
    ("sigkeys", |text| text.chars().all(|c| c.is_ascii_hexdigit())),
    ("modular_koji_tags", |text| is_word(text) && !text.contains('/')),
    ("scratch_modules", |text| is_word(text) && is_module(text, 4..=4)),
    ("modules", |text| is_word(text) && is_module(text, 4..=4)),
    ("scratch_build_tasks", |text| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
    }),
    ("arches", is_arch),
    ("multilib_arches", is_arch),
    ("parent_pungi_compose_ids", |text| {
        is_word(text) && !text.contains('/')
    }),
    ("flags", |_| true),
    ("results", |_| true),
    ("lookaside_repos", |text| {
        let plain = text.replace("$basearch", "noarch").replace("$arch", "noarch");
        is_one_word(text)
            && url::Url::parse(&plain).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "file"))
    }),
];

/// Texts that may be empty, and what they have to be if they are not.
const TEXTS: [(&str, Check); 7] = [
    ("label", |text| is_word(text) && !text.contains('/')),
    ("respin_of", |text| is_word(text) && !text.contains('/')),
    ("base_module_br_name", |text| {
        is_word(text) && !text.contains([':', '/'])
    }),
    ("base_module_br_stream", |text| {
        is_word(text) && !text.contains([':', '/'])
    }),
    ("compose_type", |text| {
        is_word(text) && !text.contains('/') && is_word_of(text, "-_.")
    }),
    ("module_defaults_url", |text| {
        url::Url::parse(text).is_ok_and(|url| url.has_host())
    }),
    ("module_defaults_commit", is_commit),
];

/// Texts are told apart by blanks in the record.
fn is_one_word(text: &str) -> bool {
    !text.contains(char::is_whitespace)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && !text.contains(char::is_whitespace)
}

fn is_word_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || others.contains(c))
}

fn is_commit(text: &str) -> bool {
    is_word(text) && is_word_of(text, "-_./+") && !text.contains("..")
}

fn is_module(text: &str, parts: std::ops::RangeInclusive<usize>) -> bool {
    parts.contains(&text.split(':').count()) && text.split(':').all(|part| !part.is_empty())
}

fn is_arch(text: &str) -> bool {
    text.parse::<odcs_rpm::TreeArch>().is_ok()
}

/// The fields of a request with a value that nothing could be made of; needs a body with the right types.
pub fn dishonoured(body: &Value) -> Vec<String> {
    let source = if body["source"].is_object() {
        &body["source"]
    } else {
        body
    };
    let field = |name: &str| body.get(name).or_else(|| source.get(name));
    let mut names = Vec::new();
    for (name, fits) in LISTS {
        let items = field(name).and_then(Value::as_array).into_iter().flatten();
        if !items.filter_map(Value::as_str).all(fits) {
            names.push(name);
        }
    }
    for (name, fits) in TEXTS {
        let text = field(name).and_then(Value::as_str).unwrap_or_default();
        if !text.is_empty() && !fits(text) {
            names.push(name);
        }
    }
    if field("koji_event")
        .and_then(Value::as_i64)
        .is_some_and(|event| event < 0)
    {
        names.push("koji_event");
    }
    let kind = source.get("type").or_else(|| source.get("source_type"));
    let kind = kind.and_then(Value::as_str).unwrap_or_default();
    if !source_fits(kind, source["source"].as_str().unwrap_or_default()) {
        names.push("source");
    }
    // What only other types of source have.
    let koji = ["tag", "module", "build"].contains(&kind);
    let chooses = koji || ["repo", "pungi_compose"].contains(&kind);
    let is_there = |name: &str| {
        field(name)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    };
    let foreign = [
        ("builds", koji),
        ("scratch_build_tasks", koji),
        ("packages", chooses),
        ("sigkeys", chooses),
    ];
    let foreign = foreign
        .into_iter()
        .filter(|(name, has)| !kind.is_empty() && !has && is_there(name));
    names.extend(foreign.map(|(name, _)| name));
    names.into_iter().map(str::to_owned).collect()
}

fn source_fits(kind: &str, source: &str) -> bool {
    let mut words = source.split(' ').filter(|word| !word.is_empty());
    match kind {
        "tag" => words.all(|word| is_word(word) && !word.contains('/')),
        "module" => words.all(|word| is_word(word) && is_module(word, 2..=4)),
        "raw_config" => words.all(|word| {
            word.split_once('#')
                .is_none_or(|(key, commit)| is_word(key) && is_commit(commit))
        }),
        "repo" => {
            source.starts_with('/')
                || is_one_word(source)
                    && url::Url::parse(source).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        }
        "pungi_compose" => {
            let source = source.trim();
            is_one_word(source)
                && url::Url::parse(source).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "file"))
        }
        _ => words.all(is_word),
    }
}

/// The same for what a row was asked for with, and for a target directory that is not there any more.
pub fn dishonoured_row(row: &Row, target_dir: &str) -> Vec<String> {
    dishonoured_renewal(row, target_dir, &Value::Null)
}

/// The same for a row that is to be made once more with other keys, builds, modules or another label.
pub fn dishonoured_renewal(row: &Row, target_dir: &str, changes: &Value) -> Vec<String> {
    let kinds = [
        "tag",
        "module",
        "repo",
        "pulp",
        "raw_config",
        "build",
        "pungi_compose",
    ];
    let number = row["source_type"]
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    let kind = number.and_then(|number| kinds.get(number.wrapping_sub(1)));
    let mut body = json!({"type": kind});
    for (name, value) in row {
        let Some(text) = value.as_str() else { continue };
        let is_list = LISTS.iter().any(|(list, _)| list == name);
        body[name] = match name.as_str() {
            "module_defaults_url" => {
                let (url, commit) = text.split_once(' ').unwrap_or((text, ""));
                body["module_defaults_commit"] = json!(commit);
                json!(url)
            }
            "sigkeys" if text.is_empty() => json!([]),
            "sigkeys" => json!(text.split(' ').collect::<Vec<_>>()),
            _ if is_list => json!(text.split_whitespace().collect::<Vec<_>>()),
            "source" => json!(text),
            _ if TEXTS.iter().any(|(known, _)| known == name) => json!(text),
            _ => continue,
        };
    }
    body["koji_event"] = row.get("koji_event").cloned().unwrap_or_default();
    for (place, names) in [
        (changes, &["sigkeys", "label"][..]),
        (&changes["source"], &["builds", "modules"]),
    ] {
        for name in names {
            if let Some(value) = place.get(name) {
                body[*name] = value.clone();
            }
        }
    }
    let mut names = dishonoured(&body);
    if row["source"].as_str().unwrap_or_default().trim().is_empty()
        && !["build", "module"].contains(kind.unwrap_or(&""))
    {
        names.push("source".to_owned());
    }
    if kind == Some(&"raw_config") && !row["source"].as_str().unwrap_or_default().contains('#') {
        names.push("source".to_owned());
    }
    if target_dir == "unknown" {
        names.push("target_dir".to_owned());
    }
    names
}

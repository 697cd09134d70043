//! What has to be made of recorded answers, worked out from their values without the client's records.

use std::collections::BTreeMap;

use odcs_sources::koji::client::xmlrpc::{Struct, Value};

/// What has to be made of an answer: worked out from its values, one by one.
pub(crate) fn expected(method: &str, answer: &Value) -> Vec<String> {
    let text = |row: &Struct, name: &str| match row.get(name).unwrap() {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let line = |row: &Value, names: &[&str]| {
        let row = row.as_struct().unwrap();
        names
            .iter()
            .map(|name| text(row, name))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let lines = |names: &[&str]| match answer {
        Value::Nil => Vec::new(),
        Value::Array(rows) => rows.iter().map(|row| line(row, names)).collect(),
        row => vec![line(row, names)],
    };
    let state = |row: &Value, names: &[&str]| {
        let number = row.as_struct().unwrap().int("state").unwrap();
        format!(
            "{} {}",
            line(row, &["id", "nvr", "volume_name"]),
            names[usize::try_from(number).unwrap()]
        )
    };
    let build = |row: &Value| state(row, &["building", "complete", "deleted", "failed", "canceled"]);
    let task = |row: &Value| {
        let names = ["free", "open", "closed", "canceled", "assigned", "failed"];
        let number = row.as_struct().unwrap().int("state").unwrap();
        format!(
            "{} {}",
            line(row, &["id", "method"]),
            names[usize::try_from(number).unwrap()]
        )
    };
    match method {
        "getTag" => lines(&["id", "name"]),
        "getFullInheritance" => lines(&["parent_id", "name", "currdepth"]),
        "getLastEvent" | "getEvent" => {
            let row = answer.as_struct().unwrap();
            let seconds = row.get("ts").unwrap().as_double().unwrap().floor();
            vec![format!("{} {seconds}", text(row, "id"))]
        }
        "tagChangedSinceEvent" => vec![answer.as_bool().unwrap().to_string()],
        "listTagged" => lines(&["build_id", "nvr", "volume_name", "tag_name", "create_event"]),
        "listTaggedRPMS" => expected_rpms(answer),
        "getBuild" if answer.is_nil() => Vec::new(),
        "getBuild" => vec![build(answer)],
        "search" => {
            let mut found = lines(&["id", "name"]);
            found.sort_by(|a, b| a.split_once(' ').unwrap().1.cmp(b.split_once(' ').unwrap().1));
            found
        }
        "getTaskInfo" if answer.is_nil() => Vec::new(),
        "getTaskInfo" => vec![task(answer)],
        "getTaskChildren" => {
            let mut rows: Vec<_> = answer.as_array().unwrap().iter().collect();
            rows.sort_by_key(|row| row.as_struct().unwrap().int("id").unwrap());
            rows.into_iter().map(task).collect()
        }
        "getTaskResult" => {
            let row = answer.as_struct().unwrap();
            let mut lines: Vec<_> = row
                .get("faultCode")
                .map(|_| text(row, "faultCode"))
                .into_iter()
                .collect();
            for name in ["rpms", "srpms"] {
                let files = row.array_or_empty(name).unwrap().iter();
                lines.extend(files.map(|file| file.as_str().unwrap().to_owned()));
            }
            lines.extend(row.get("srpm").map(|_| text(row, "srpm")));
            lines
        }
        "multiCall" => {
            let one = |entry: &Value| match &entry.as_array().unwrap()[0] {
                Value::Array(rows) => {
                    let mut keys: Vec<_> = rows.iter().map(|row| line(row, &["sigkey"])).collect();
                    let count = keys.len();
                    keys.retain(|key| !key.is_empty());
                    keys.sort();
                    format!("unsigned: {} [{}]", keys.len() < count, keys.join(" "))
                }
                Value::Nil => String::new(),
                row => build(row),
            };
            answer.as_array().unwrap().iter().map(one).collect()
        }
        other => panic!("{other}"),
    }
}

fn expected_rpms(answer: &Value) -> Vec<String> {
    let [rpms, builds] = answer.as_array().unwrap() else {
        panic!("not two lists");
    };
    let rows = |list: &Value| -> Vec<Struct> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row.as_struct().unwrap().clone()).collect()
    };
    let mut of_build = BTreeMap::new();
    for build in rows(builds) {
        let line = format!(
            "{} {}",
            build.str("nvr").unwrap(),
            build.str("volume_name").unwrap()
        );
        of_build.entry(build.int("build_id").unwrap()).or_insert(line);
    }
    let mut by_id: BTreeMap<i64, (Struct, Vec<Option<String>>)> = BTreeMap::new();
    for rpm in rows(rpms) {
        let key = rpm.str_or_nil("sigkey").unwrap().map(str::to_owned);
        let entry = by_id.entry(rpm.int("id").unwrap()).or_insert((rpm, Vec::new()));
        entry.1.push(key);
    }
    let mut lines: Vec<_> = by_id
        .into_iter()
        .map(|(id, (rpm, keys))| {
            let str = |name: &str| rpm.str(name).unwrap();
            let int = |name: &str| rpm.int(name).unwrap();
            let epoch = rpm.int_or_nil("epoch").unwrap().unwrap_or(0);
            let nevra = format!(
                "{}-{epoch}:{}-{}.{}",
                str("name"),
                str("version"),
                str("release"),
                str("arch")
            );
            let unsigned = keys.iter().any(|key| key.as_deref() == Some(""));
            let mut keys: Vec<_> = keys.into_iter().flatten().filter(|key| !key.is_empty()).collect();
            keys.sort();
            let build = int("build_id");
            let line = format!(
                "{id} {build} {nevra} {} {} {} unsigned: {unsigned} [{}] {}",
                int("size"),
                int("buildtime"),
                str("payloadhash"),
                keys.join(" "),
                of_build[&build]
            );
            (build, nevra.parse::<odcs_rpm::Nevra>().unwrap(), id, line)
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(.., line)| line).collect()
}

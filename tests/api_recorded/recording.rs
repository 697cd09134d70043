//! The recording: requests, answers, and the table before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use odcs_core::Timestamp;
use serde_json::{Map, Value};

pub type Row = Map<String, Value>;

/// A file of cases and what stands beside it.
#[derive(Debug)]
pub struct Recording {
    pub cases: Vec<Case>,
    pub config: Value,
    /// Where URLs in the requests lead: what the allow list of the test covers.
    pub places: BTreeSet<String>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub now: Timestamp,
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    /// The body as JSON; null if it is none.
    pub body: Value,
    pub status: u16,
    pub answer_headers: BTreeMap<String, String>,
    pub answer: Value,
    pub before: Vec<Row>,
    pub after: Vec<Row>,
    pub next_id: Option<i64>,
}

impl Recording {
    pub fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = path.parent().unwrap();
        let file = |name: &str| -> Value {
            let path = folder.join(name);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_json::from_str(&text).unwrap()
        };
        let mut tables: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let cases = lines.map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let before = match line["rows_before_file"].as_str() {
                Some(name) => tables
                    .entry(name.to_owned())
                    .or_insert_with(|| rows(&file(name)))
                    .clone(),
                None => rows(&line["rows_before"]),
            };
            Case::read(&line, before)
        });
        let cases: Vec<_> = cases.collect();
        let mut places = BTreeSet::new();
        for case in &cases {
            collect_places(&case.body, &mut places);
            for row in &case.before {
                let fields = ["source", "lookaside_repos", "module_defaults_url"];
                for text in fields.into_iter().filter_map(|field| row.get(field)?.as_str()) {
                    collect_places(&Value::from(text), &mut places);
                }
            }
        }
        Self {
            cases,
            config: file("config.json"),
            places,
        }
    }

    /// The name of a target directory, by its path in the reference server's table.
    pub fn target_dir(&self, path: Option<&str>) -> String {
        let extra = self.config["extra_target_dirs"].as_object();
        let found = extra
            .into_iter()
            .flatten()
            .find(|(_, known)| known.as_str() == path);
        match (path, found) {
            (_, Some((name, _))) => name.clone(),
            (None | Some(""), None) => "default".to_owned(),
            (Some(path), None) if self.config["target_dir"] == path => "default".to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}

/// Scheme, host and port of all URLs.
fn collect_places(value: &Value, places: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            for word in text.split_whitespace() {
                let Ok(mut url) = url::Url::parse(word) else {
                    continue;
                };
                if matches!(url.scheme(), "http" | "https" | "git") && url.has_host() {
                    url.set_path("/");
                    url.set_query(None);
                    url.set_fragment(None);
                    url.set_username("").unwrap();
                    url.set_password(None).unwrap();
                    places.insert(url.to_string());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_places(item, places)),
        Value::Object(fields) => fields.values().for_each(|field| collect_places(field, places)),
        _ => {}
    }
}

fn rows(value: &Value) -> Vec<Row> {
    let list = value.as_array().into_iter().flatten();
    list.map(|row| row.as_object().unwrap().clone()).collect()
}

impl Case {
    pub fn read(line: &Value, before: Vec<Row>) -> Self {
        let (request, response) = (&line["request"], &line["response"]);
        let bytes = match (
            request["body_raw"].as_str(),
            request["body_raw_encoding"].as_str(),
        ) {
            (Some(text), Some("latin-1" | "latin1" | "iso-8859-1")) => {
                text.chars().map(|c| u8::try_from(c).unwrap()).collect()
            }
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, _) if request["body"].is_null() => Vec::new(),
            (None, _) => request["body"].to_string().into_bytes(),
        };
        Self {
            name: line["name"].as_str().unwrap_or("?").to_owned(),
            now: line["now"].as_str().unwrap().parse().unwrap(),
            method: request["method"].as_str().unwrap().to_owned(),
            target: request["path"].as_str().unwrap().to_owned(),
            headers: pairs(&request["headers"]),
            body: serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
                .unwrap_or_default(),
            bytes,
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            answer_headers: pairs(&response["headers"])
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            answer: response["body"].clone(),
            before,
            after: rows(&line["rows_after"]),
            next_id: line["next_id"].as_i64(),
        }
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// The path as the router sees it: without the prefix that the proxy names.
    pub fn route(&self) -> &str {
        let path = self.path();
        let prefix = self.header("x-script-name").unwrap_or_default();
        path.strip_prefix(prefix.trim_end_matches('/'))
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(path)
    }

    /// A header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, the first if there are several.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        let mut parameters = url::form_urlencoded::parse(query.as_bytes());
        let found = parameters.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// The id in the path of a single compose.
    pub fn id(&self) -> Option<&str> {
        let path = self.route().trim_end_matches('/');
        path.strip_prefix("/api/1/composes/")
            .filter(|id| !id.contains('/'))
    }

    /// The row of the compose in the path.
    pub fn row(&self) -> Option<&Row> {
        let digits = |id: &&str| id.bytes().all(|byte| byte.is_ascii_digit());
        let id: i64 = self.id().filter(digits)?.parse().ok()?;
        self.before.iter().find(|row| row["id"] == id)
    }

    pub fn is_list(&self) -> bool {
        self.route().trim_end_matches('/') == "/api/1/composes" && ["GET", "HEAD"].contains(&&*self.method)
    }

    /// What the recorded refusal says.
    pub fn message(&self) -> &str {
        self.answer["message"].as_str().unwrap_or_default()
    }
}

/// Headers as an object or as a list of pairs.
fn pairs(headers: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match headers {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), text(v))).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| (text(&item[0]), text(&item[1])))
            .collect(),
        _ => Vec::new(),
    }
}

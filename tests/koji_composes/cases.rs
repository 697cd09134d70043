//! The cases of the table, with the volume mounted and over HTTP.

use crate::expected::Expected;
use crate::lab::{Files, Lab};

async fn all(files: Files) {
    let expected = Expected::read();
    let lab = Lab::start(files);
    let mut under_way = Vec::new();
    let mut differ = Vec::new();
    for case in &expected.case {
        let answer = lab.server.post(&case.request).await;
        match answer.status.as_u16() {
            200 => under_way.push((case, answer.json()["id"].as_i64().unwrap())),
            _ => differ.push(format!("DIFF {}: refused: {}", case.name, answer.text())),
        }
    }
    for (case, id) in under_way {
        let record = lab.server.ended(id).await;
        let reason = record["state_reason"].as_str().unwrap_or_default();
        let state = record["state_name"].as_str().unwrap();
        let difference = match (state, case.fails.as_slice()) {
            ("done", []) => {
                let made = lab.made(&record);
                lab.check_files(&made);
                expected.difference(case, &made)
            }
            ("failed", words) if !words.is_empty() => {
                let missing: Vec<_> = words
                    .iter()
                    .filter(|word| !reason.contains(word.as_str()))
                    .collect();
                (!missing.is_empty()).then(|| format!("{missing:?} is not in: {reason}"))
            }
            _ => Some(format!("{state}: {reason}")),
        };
        match difference {
            None => println!("ok {}: {reason}", case.name),
            Some(what) => differ.push(format!("DIFF {}:\n  {what}", case.name)),
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(!lab.server.log().contains("panicked"), "{}", lab.server.log());
}

#[tokio::test]
async fn with_the_volume_mounted() {
    all(Files::Topdir).await;
}

#[tokio::test]
async fn over_http() {
    all(Files::Topurl).await;
}

//! Names, versions, and the patterns over names.

use std::cmp::Ordering;

use odcs_rpm::evr::compare_versions;
use odcs_rpm::name::glob_matches;
use odcs_rpm::{Arch, Evr, Nevra, PackageName, PackagePattern, Sigkey, TreeArch};

/// Lines: up to six versions, names and patterns at once.
pub(crate) fn names(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let lines: Vec<&str> = text.split('\n').take(6).collect();
    versions(&lines);
    for left in &lines {
        for right in &lines {
            glob(left, right);
            if let (Ok(name), Ok(evr), Ok(arch)) = (
                left.parse::<PackageName>(),
                Evr::new(7, *right, *left),
                right.parse::<Arch>(),
            ) {
                nevra(&Nevra::new(name, evr, arch));
            }
        }
        if let Ok(read) = left.parse::<Nevra>() {
            nevra(&read);
        }
        if let Ok(key) = left.parse::<Sigkey>() {
            assert!(key.is_same_key(&key) && key.short().len() <= 8);
        }
        if let Ok(arch) = left.parse::<TreeArch>() {
            assert_eq!(arch.as_str(), *left);
        }
    }
}

/// The order of versions is one: sorting by it may not go wrong.
fn versions(lines: &[&str]) {
    for a in lines {
        assert_eq!(compare_versions(a, a), Ordering::Equal);
        for b in lines {
            let order = compare_versions(a, b);
            assert_eq!(order, compare_versions(b, a).reverse(), "{a:?} {b:?}");
            for c in lines {
                if order != Ordering::Greater && compare_versions(b, c) != Ordering::Greater {
                    let whole = compare_versions(a, c);
                    assert_ne!(whole, Ordering::Greater, "{a:?} <= {b:?} <= {c:?}");
                }
            }
        }
    }
    let evrs = lines
        .iter()
        .flat_map(|a| lines.iter().map(move |b| Evr::new(0, *a, *b)));
    let mut evrs: Vec<Evr> = evrs.flatten().collect();
    evrs.sort();
    for pair in evrs.windows(2) {
        assert_eq!(pair[0] == pair[1], pair[0].cmp(&pair[1]) == Ordering::Equal);
    }
}

/// A NEVRA can be told from its text, and from its serialised form; its file name is one.
fn nevra(nevra: &Nevra) {
    assert_eq!(nevra.to_string().parse::<Nevra>().unwrap(), *nevra);
    let json = serde_json::to_string(nevra).unwrap();
    assert_eq!(serde_json::from_str::<Nevra>(&json).unwrap(), *nevra);
    assert!(!nevra.file_name().contains('/') && !nevra.file_name().starts_with('.'));
}

/// What a glob matches, told in another way.
fn glob(pattern: &str, text: &str) {
    assert_eq!(
        glob_matches(pattern, text),
        reference(pattern, text),
        "{pattern:?} {text:?}"
    );
    if let Ok(pattern) = pattern.parse::<PackagePattern>() {
        assert_eq!(
            pattern.matches(text),
            pattern.as_str() == text || (pattern.is_glob() && reference(pattern.as_str(), text))
        );
    }
}

/// Every rest of the pattern against every rest of the text.
fn reference(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let columns = text.len() + 1;
    // What the pattern's rest from `p` matches; the row at its end matches the text's end only.
    let mut rows = vec![vec![false; columns]; pattern.len() + 1];
    rows[pattern.len()][text.len()] = true;
    for p in (0..pattern.len()).rev() {
        let bracket = (pattern[p] == '[').then(|| bracket(&pattern[p + 1..])).flatten();
        for t in (0..columns).rev() {
            let next = text.get(t);
            rows[p][t] = match (pattern[p], bracket) {
                ('*', _) => rows[p + 1][t] || (next.is_some() && rows[p][t + 1]),
                ('?', _) => next.is_some() && rows[p + 1][t + 1],
                ('[', Some(length)) => next
                    .is_some_and(|c| is_in(&pattern[p + 1..p + length], *c) && rows[p + 1 + length][t + 1]),
                (literal, _) => next == Some(&literal) && rows[p + 1][t + 1],
            };
        }
    }
    rows[0][0]
}

/// Characters up to and with the bracket that closes.
fn bracket(rest: &[char]) -> Option<usize> {
    let first = usize::from(matches!(rest.first(), Some('!' | '^')));
    let after = rest.iter().skip(first + 1).position(|c| *c == ']')?;
    Some(first + 1 + after + 1)
}

/// Whether a bracket with this inside, a `!` included, accepts a character.
fn is_in(inside: &[char], c: char) -> bool {
    let (is_negated, mut inside) = match inside {
        ['!' | '^', inside @ ..] => (true, inside),
        _ => (false, inside),
    };
    let mut found = false;
    while let [first, rest @ ..] = inside {
        inside = rest;
        match rest {
            ['-', last, rest @ ..] => {
                found |= (*first..=*last).contains(&c);
                inside = rest;
            }
            _ => found |= *first == c,
        }
    }
    found != is_negated
}

//! Values of options, read so that what is wrong with one can be mended by whoever wrote it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use url::Url;

use crate::config::Size;

/// Address and port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "an IP address and a port are expected, as in 127.0.0.1:5000 or [::1]:5000";
    text.parse().map_err(|_| expected.to_owned())
}

/// The URL of a server.
pub(crate) fn server(text: &str) -> Result<Url, String> {
    http_url(text, "http://127.0.0.1:5000")
}

/// A URL that the links of composes can begin with, and that leads to the composes alone.
pub(crate) fn public_url(text: &str) -> Result<Url, String> {
    let url = http_url(text, "https://odcs.example.com/composes")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("links go on where this URL ends, so it can have neither ? nor #".to_owned());
    }
    if odcs_http::is_api(url.path()) {
        return Err(format!(
            "{} is where the REST API is; composes need a path of their own",
            url.path()
        ));
    }
    Ok(url)
}

/// The id of a compose.
pub(crate) fn id(text: &str) -> Result<i64, String> {
    whole_number(text, "ids of composes are whole numbers from 1 on")
}

/// A time in seconds that is none of no length.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    // What is longer cannot be told to the server.
    whole_number(text, "a whole number of seconds is expected, 1 or more").map(i64::unsigned_abs)
}

/// A number of days that is not 0.
pub(crate) fn days(text: &str) -> Result<std::time::Duration, String> {
    let days = whole_number(text, "a whole number of days is expected, 1 or more")?;
    Ok(std::time::Duration::from_secs(
        days.unsigned_abs().saturating_mul(86_400),
    ))
}

/// A number of bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let size = Size::parse(text).ok_or("a size is expected, as in 20 GiB or 500 MB")?;
    Ok(size.0)
}

fn whole_number(text: &str, expected: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number: &i64| *number >= 1);
    number.ok_or_else(|| expected.to_owned())
}

/// A key id, empty for unsigned packages, and the arch that it is for, if it is not for all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sigkey {
    arch: Option<String>,
    key: String,
}

/// A key id, perhaps of an arch; scripts for the Python client write `none` for unsigned packages.
pub(crate) fn sigkey(text: &str) -> Result<Sigkey, String> {
    let (arch, key) = match text.split_once('=') {
        Some(("", _)) => return Err("an arch is expected before the =, as in s390x=fd431d51".to_owned()),
        Some((arch, key)) => (Some(arch.to_owned()), key),
        None => (None, text),
    };
    let key = if key == "none" { "" } else { key }.to_owned();
    Ok(Sigkey { arch, key })
}

/// Keys as the API takes them: a list, or lists by arch if there are keys of single ones. Nothing for none.
pub(crate) fn sigkeys(keys: Vec<Sigkey>) -> Option<Value> {
    let of_arches = keys.iter().any(|key| key.arch.is_some());
    if !of_arches {
        let keys: Vec<String> = keys.into_iter().map(|key| key.key).collect();
        return (!keys.is_empty()).then(|| keys.into());
    }
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Sigkey { arch, key } in keys {
        let arch = arch.unwrap_or_else(|| "*".to_owned());
        lists.entry(arch).or_default().push(key);
    }
    Some(Value::Object(
        lists
            .into_iter()
            .map(|(arch, keys)| (arch, keys.into()))
            .collect(),
    ))
}

fn http_url(text: &str, example: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| format!("an http or https URL is expected, as in {example}"))?;
    if url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err("user names and passwords do not belong into this URL".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_have_a_port() {
        for text in ["127.0.0.1:5000", "[::1]:0", "0.0.0.0:80"] {
            assert!(address(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "5000",
            ":5000",
            "127.0.0.1",
            "localhost:5000",
            "127.0.0.1:99999",
        ] {
            assert!(address(text).unwrap_err().contains("127.0.0.1:5000"), "{text}");
        }
    }

    #[test]
    fn ids_and_lifetimes_begin_with_one() {
        assert_eq!(id("7"), Ok(7));
        assert_eq!(seconds("3600"), Ok(3600));
        for text in ["", "0", "-1", "1.5", "abc", "9223372036854775808"] {
            assert!(id(text).unwrap_err().contains("from 1 on"), "{text}");
            assert!(seconds(text).unwrap_err().contains("1 or more"), "{text}");
        }
    }

    #[test]
    fn keys_may_be_of_an_arch() {
        let of = |texts: &[&str]| sigkeys(texts.iter().map(|text| sigkey(text).unwrap()).collect());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["none", "ABC"]), Some(json!(["", "ABC"])));
        assert_eq!(
            of(&["s390x=none", "123", "s390x=ABC", ""]),
            Some(json!({"*": ["123", ""], "s390x": ["", "ABC"]}))
        );
        assert!(sigkey("=ABC").unwrap_err().contains("s390x="));
    }

    #[test]
    fn sizes_have_units_and_days_are_whole() {
        assert_eq!((size("20 GiB"), size("0")), (Ok(20 << 30), Ok(0)));
        assert_eq!(days("2"), Ok(std::time::Duration::from_secs(172_800)));
        for text in ["", "much", "-1", "5 apples"] {
            assert!(size(text).is_err() && days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn links_can_be_made_of_public_urls() {
        for text in [
            "http://127.0.0.1:5000/composes",
            "https://odcs.example.com/",
            "http://odcs.example.com/odcs/composes/",
        ] {
            assert!(public_url(text).is_ok(), "{text}");
        }
        for (text, says) in [
            ("odcs.example.com", "http or https"),
            ("localhost:5000", "http or https"),
            ("ftp://example.com/x", "http or https"),
            ("file:///srv/composes", "http or https"),
            ("http://example.com/x?a=b", "neither"),
            ("http://example.com/x#a", "neither"),
            ("http://me:secret@example.com/x", "passwords"),
            ("http://example.com/api/1", "/api/1"),
            ("http://example.com/odcs/1/composes", "/odcs/1/composes"),
        ] {
            let refused = public_url(text).unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}

//! What is said about Koji.

use std::path::Path;

use url::Url;

use super::elsewhere::plain_url;
use super::setting::Word;

/// The address of a hub, or of the files of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KojiUrl(pub(crate) Url);

impl Word for KojiUrl {
    const NAME: &'static str = "http or https URL";
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        let url = plain_url(text, "https://koji.example.com/kojihub")?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("this URL can have neither ? nor #".to_owned());
        }
        Ok(Self(url))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The name of a profile of Koji's own configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ProfileName(pub(crate) String);

impl Word for ProfileName {
    const NAME: &'static str = "name of a profile";
    const PLACEHOLDER: &'static str = "NAME";

    fn parse(text: &str, _: &Path) -> Result<Self, String> {
        let fits = (1..=64).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err("the name of a section in koji.conf is expected, such as koji".to_owned())
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

//! `/composes/N/packages`: what is in a compose, and why.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use odcs_core::compose::ComposeId;
use odcs_core::manifest::Manifest;
use odcs_core::packages::{PackageFilter, PackageView};
use serde::Serialize;

use super::composes::compose;
use super::list::{self, Meta};
use super::manifest::{made_aside, recorded};
use crate::error::{ApiError, sorted_json};
use crate::guard::RequestBase;
use crate::state::ApiState;

const DEFAULT_PER_PAGE: usize = 1_000;
/// Some megabytes of an answer.
const MAX_PER_PAGE: usize = 10_000;

#[derive(Serialize)]
struct PackagesView<'a> {
    compose: ComposeId,
    items: Vec<PackageView<'a>>,
    meta: Meta,
    /// The compose that was made with them: this one, or the one that it reuses.
    tree_of: ComposeId,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    id: Result<Path<String>, PathRejection>,
    Extension(RequestBase(base)): Extension<RequestBase>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let compose = compose(&state, id, &uri).await?;
    let query = PackageQuery::parse(uri.query().unwrap_or_default())?;
    let _permit = state.manifests().acquire().await;
    let manifest = recorded(&state, &compose).await?;
    let url = format!("{base}{}", uri.path());
    made_aside(move || {
        let (items, total) = query.page_of(&manifest);
        let view = PackagesView {
            compose: compose.id,
            items,
            meta: query.meta(&url, total),
            tree_of: compose.reused_id.unwrap_or(compose.id),
        };
        Ok(sorted_json(StatusCode::OK, &view))
    })
    .await
}

/// Which packages, and which page of them.
#[derive(Debug)]
struct PackageQuery {
    filter: PackageFilter,
    page: usize,
    per_page: usize,
    repeated: String,
}

impl PackageQuery {
    /// Reads the query of a URL. Of a parameter that is given twice the first counts, empty ones are none.
    ///
    /// # Errors
    /// 400 for what cannot be the value of a parameter.
    fn parse(text: &str) -> Result<Self, ApiError> {
        let parameters = list::parameters(text);
        let value = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
        };
        let number = |name: &str, otherwise: usize| match value(name).map(str::parse) {
            None => Ok(otherwise),
            Some(Ok(number)) if number >= 1 => Ok(number),
            Some(_) => Err(ApiError::bad_request(format!(
                "{name} should be a number from 1 on"
            ))),
        };
        Ok(Self {
            filter: PackageFilter::read(value("name"), value("arch"), value("kind"))?,
            page: number("page", 1)?,
            per_page: number("per_page", DEFAULT_PER_PAGE)?.min(MAX_PER_PAGE),
            repeated: list::repeated(&parameters),
        })
    }

    fn page_of<'a>(&self, manifest: &'a Manifest) -> (Vec<PackageView<'a>>, usize) {
        let skip = (self.page - 1).saturating_mul(self.per_page);
        self.filter.page(manifest, skip, self.per_page)
    }

    fn meta(&self, url: &str, total: usize) -> Meta {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (page, per_page) = (number(self.page), number(self.per_page));
        let mut meta = Meta::new(url, page, per_page, &self.repeated, number(total));
        if meta.pages == 0 {
            // There is no page 0 here, as there is in the list of composes, where clients know it.
            meta.last.clone_from(&meta.first);
        }
        meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_begin_with_one_and_have_an_end() {
        for bad in [
            "arch=x86-64",
            "kind=rpm",
            "page=0",
            "page=x",
            "per_page=-1",
            "name=a/b",
        ] {
            assert!(PackageQuery::parse(bad).is_err(), "{bad}");
        }
        let query = PackageQuery::parse("name=&arch=&kind=&per_page=99999&kind=x&other=1").unwrap();
        assert_eq!((query.page, query.per_page), (1, MAX_PER_PAGE));
        assert!(query.repeated.contains("&other=1"));
        let far = PackageQuery::parse("page=18446744073709551615").unwrap();
        assert!(serde_json::to_value(far.meta("u", 5)).unwrap()["next"].is_null());
    }

    #[test]
    fn all_links_of_an_empty_list_lead_somewhere() {
        let query = PackageQuery::parse("name=nothing&page=3").unwrap();
        let meta = query.meta("u", 0);
        assert_eq!(meta.pages, 0);
        for link in [Some(meta.first), Some(meta.last), meta.prev]
            .into_iter()
            .flatten()
        {
            let (_, query) = link.split_once('?').unwrap();
            assert_eq!(PackageQuery::parse(query).unwrap().page, 1, "{link}");
        }
    }
}

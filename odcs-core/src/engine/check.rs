//! What a server refuses of a request that is sound in itself: what it is not set up for.

use super::Engine;
use super::contents::{LOOKASIDE, Origins};
use crate::request::{
    ComposeRequest, ComposeResult, Flag, LookasideRepo, RepoLocation, SourceSpec, SpelledUrl,
};
use crate::source::Capability;
use crate::{Error, Result};

impl Engine {
    /// Refuses what this server cannot make. Anything that would change the content of the compose and
    /// cannot be honoured is refused, never dropped; what merely has no meaning for the source becomes
    /// a warning.
    pub(super) fn check(&self, request: &ComposeRequest) -> Result<Vec<String>> {
        let kind = request.source.kind();
        let source = self.parts.sources.get(&kind)?;
        let capability = source.capability();
        self.check_raw_config(request)?;
        self.check_target_dir(request)?;
        self.check_builder(request)?;
        check_source(request, &capability)?;
        self.check_urls(request)?;
        Origins::of(&self.parts, request)?.check()?;
        let mut warnings = Vec::new();
        if request.koji_event.is_some() && !capability.koji_event {
            warnings.push(format!("\"koji_event\" means nothing to source type {kind}"));
        }
        warnings.extend(idle_sigkeys(request));
        warnings.extend(idle_multilib(request));
        Ok(warnings)
    }

    /// The commit stays as it was asked for, also where the configuration has one of its own: the source
    /// takes that one, and the record shows the request.
    fn check_raw_config(&self, request: &ComposeRequest) -> Result<()> {
        match request.source.raw_config_key() {
            Some(key) if !self.parts.settings.raw_configs.contains_key(key) => {
                let message = format!(
                    "\"source\": this server has no Pungi configuration {:?}",
                    key.as_str()
                );
                Err(Error::invalid("source", message))
            }
            _ => Ok(()),
        }
    }

    fn check_target_dir(&self, request: &ComposeRequest) -> Result<()> {
        let known = || self.parts.links.targets();
        let name = request.target_dir.as_str();
        if known().any(|known| known == name) {
            return Ok(());
        }
        let known: Vec<_> = known().collect();
        let message = format!("unknown \"target_dir\" {name:?}; there is {}", known.join(", "));
        Err(Error::invalid("target_dir", message))
    }

    fn check_builder(&self, request: &ComposeRequest) -> Result<()> {
        let makes = self.parts.builder.capability();
        let mut results = request.results.iter();
        if let Some(result) = results.find(|result| !makes.results.contains(*result)) {
            return Err(cannot_make(result, makes.missing.get(&result)));
        }
        if request.flags.contains(Flag::CheckDeps) && !makes.check_deps {
            return refuse("flags", "with the flag check_deps");
        }
        if request.flags.contains(Flag::CheckInstall) && !makes.check_install {
            return refuse("flags", "with the flag check_install");
        }
        if !makes.multilib && !request.multilib_arches.is_empty() && request.multilib_methods.bits() != 0 {
            return refuse("multilib_arches", "with multilib packages");
        }
        if !makes.lookaside && !request.lookaside_repos.is_empty() {
            return refuse(LOOKASIDE, "with lookaside repositories");
        }
        if !makes.module_defaults && request.module_defaults.is_some() {
            return refuse("module_defaults_url", "with module defaults");
        }
        let modular = [
            ("modules", &request.modules),
            ("scratch_modules", &request.scratch_modules),
        ];
        for (field, list) in modular {
            if !makes.modules && !is_empty(list) {
                return refuse(field, "with modules");
            }
        }
        Ok(())
    }

    /// Whatever this server would fetch because somebody asks for it has to be on the list.
    fn check_urls(&self, request: &ComposeRequest) -> Result<()> {
        match &request.source {
            SourceSpec::Repo(RepoLocation::Url(url)) | SourceSpec::PungiCompose(url) => {
                self.check_url("source", url)?;
            }
            _ => {}
        }
        if let Some(defaults) = &request.module_defaults {
            self.check_url("module_defaults_url", &defaults.url)?;
        }
        for repo in &request.lookaside_repos {
            self.check_lookaside(repo, request)?;
        }
        Ok(())
    }

    fn check_url(&self, field: &'static str, url: &SpelledUrl) -> Result<()> {
        if self.parts.settings.allowed_urls.allows_text(url.as_str()) {
            Ok(())
        } else {
            Err(off_the_list(field, url.as_str()))
        }
    }

    /// As each arch is going to have it: no variable may lead elsewhere.
    fn check_lookaside(&self, repo: &LookasideRepo, request: &ComposeRequest) -> Result<()> {
        let allowed = &self.parts.settings.allowed_urls;
        let mut arches = request
            .arches
            .iter()
            .map(|arch| repo.text_for_arch(arch.as_str()));
        // Nothing is fetched from directories of this machine: their source says which of them it reads.
        if arches.all(|url| url.starts_with("file:///") || allowed.allows_text(&url)) {
            Ok(())
        } else {
            Err(off_the_list(LOOKASIDE, repo.as_str()))
        }
    }
}

/// What the type of the source cannot do.
fn check_source(request: &ComposeRequest, capability: &Capability) -> Result<()> {
    let kind = request.source.kind();
    if !capability.builds && !is_empty(&request.builds) {
        return refuse("builds", &format!("of source type {kind} with Koji builds added"));
    }
    if !capability.scratch_build_tasks && !is_empty(&request.scratch_build_tasks) {
        return refuse(
            "scratch_build_tasks",
            &format!("of source type {kind} with scratch builds added"),
        );
    }
    if !capability.packages && !request.packages().is_empty() {
        return refuse(
            "packages",
            &format!("of source type {kind} with single packages chosen"),
        );
    }
    let has_keys =
        !request.sigkeys().is_empty() || request.arch_sigkeys.values().any(|keys| !keys.is_empty());
    if !capability.sigkeys && has_keys {
        return refuse(
            "sigkeys",
            &format!("of source type {kind} with signatures chosen"),
        );
    }
    if !capability.embargo && request.embargo.is_some() {
        return refuse(
            "embargo",
            &format!("of source type {kind} with builds kept out of it"),
        );
    }
    Ok(())
}

/// Keys for arches that the compose has nothing of.
fn idle_sigkeys(request: &ComposeRequest) -> Option<String> {
    let foreign: Vec<_> = request
        .arch_sigkeys
        .keys()
        .filter(|arch| !request.arches.contains(arch))
        .map(|arch| arch.as_str())
        .collect();
    (!foreign.is_empty()).then(|| {
        let foreign = foreign.join(", ");
        format!("\"sigkeys\" has no effect for what is not in \"arches\": {foreign}")
    })
}

/// Why a request for multilib packages would bring none, whatever the source has: it takes an arch of the compose and a
/// method, and gathering with dependencies.
fn idle_multilib(request: &ComposeRequest) -> Option<String> {
    let (arches, has_method) = (&request.multilib_arches, request.multilib_methods.bits() != 0);
    let foreign: Vec<_> = arches
        .iter()
        .filter(|arch| !request.arches.contains(arch))
        .collect();
    if arches.is_empty() {
        return has_method
            .then(|| "\"multilib_method\" has no effect without \"multilib_arches\"".to_owned());
    }
    if !has_method {
        let message =
            "\"multilib_arches\" has no effect without a \"multilib_method\": runtime, devel or all";
        return Some(message.to_owned());
    }
    if request.flags.contains(Flag::NoDeps) {
        return Some("\"multilib_arches\" has no effect with the flag no_deps".to_owned());
    }
    (!foreign.is_empty()).then(|| {
        let foreign: Vec<_> = foreign.iter().map(|arch| arch.as_str()).collect();
        let foreign = foreign.join(", ");
        format!("\"multilib_arches\" has no effect for what is not in \"arches\": {foreign}")
    })
}

/// Says what would have to be there, where somebody knows.
fn cannot_make(result: ComposeResult, missing: Option<&String>) -> Error {
    let mut message = format!("\"results\": this server makes composes without {result}");
    if let Some(missing) = missing {
        message.push_str(": ");
        message.push_str(missing);
    }
    Error::invalid("results", message)
}

fn is_empty<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

fn refuse(field: &str, what: &str) -> Result<()> {
    let message = format!("{field:?}: this server cannot make composes {what}");
    Err(Error::invalid(field, message))
}

fn off_the_list(field: &'static str, url: &str) -> Error {
    let shown: String = url.chars().take(200).collect();
    let message = format!(
        "\"{field}\": this server fetches nothing from {shown}; its administrators would have to allow it (allowed_urls)"
    );
    Error::invalid(field, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::MultilibMethods;

    #[test]
    fn multilib_that_brings_nothing_is_told() {
        let repo = "/srv/repo".parse().unwrap();
        let mut request = ComposeRequest::new(SourceSpec::Repo(repo));
        request.arches = vec!["x86_64".parse().unwrap()];
        let told = |request: &ComposeRequest, what: &str| {
            let said = idle_multilib(request).unwrap_or_default();
            assert!(said.contains(what), "{said:?}, and not {what:?}");
        };
        assert_eq!(idle_multilib(&request), None);
        request.multilib_arches = vec!["x86_64".parse().unwrap()];
        told(&request, "without a \"multilib_method\"");
        request.multilib_methods = MultilibMethods {
            devel: true,
            ..MultilibMethods::default()
        };
        assert_eq!(idle_multilib(&request), None);
        request.multilib_arches.push("s390x".parse().unwrap());
        told(&request, "not in \"arches\": s390x");
        request.flags = [Flag::NoDeps].into_iter().collect();
        told(&request, "no_deps");
        request.multilib_arches.clear();
        told(&request, "without \"multilib_arches\"");
    }
}

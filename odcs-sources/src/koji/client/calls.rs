//! The calls.

use std::fmt::Display;

use super::body::Body;
use super::decode;
use super::error::{KojiError, Problem};
use super::fault::Fault;
use super::hub::KojiHub;
use super::ids::{BuildId, EventId, RpmId, TagId, TaskId};
use super::listing::{self, Drafted, Drafts};
use super::multicall::Entry;
use super::query::{BuildRef, TagRef, TaggedBuilds, TaggedRpms};
use super::records::{
    Build, Event, FoundBuild, InheritedTag, PackageStatus, Rpm, RpmChecksums, RpmListing, Signatures, Tag,
    TaggedBuild,
};
use super::scratch::{Task, TaskResult};
use super::transport::AnswerReader;
use super::xmlrpc::{Call, ReadError, Value, read_answer, read_value};

/// One answer for each of many, or why there is none for it.
pub type Each<T> = Vec<Result<T, KojiError>>;

fn entries<T: Display + Copy>(of: &[T], call: impl Fn(T) -> Call) -> Vec<Entry> {
    let entry = |&of: &T| Entry {
        call: call(of),
        subject: of.to_string().into(),
    };
    of.iter().map(entry).collect()
}

/// A whole answer, as a value that becomes a record.
fn decoded<T>(
    decode: impl FnOnce(&Value) -> Result<T, ReadError> + Clone + Send + 'static,
) -> impl FnOnce(&mut AnswerReader) -> Result<T, ReadError> + Clone + Send + 'static {
    move |reader| decode(&read_answer(reader)?)
}

/// Whether a fault may come from an argument that an older hub does not have.
fn may_be_too_old(error: &KojiError) -> bool {
    [Fault::UNCAUGHT, Fault::GENERIC, Fault::PARAMETER]
        .into_iter()
        .any(|code| error.is_fault(code))
}

/// All have the errors of [`Problem`].
impl KojiHub {
    /// A tag, as it is or was at an event; none if there is or was none (`getTag`).
    pub async fn tag(
        &self,
        tag: impl Into<TagRef>,
        event: Option<EventId>,
    ) -> Result<Option<Tag>, KojiError> {
        let tag = tag.into();
        let call = Call::new("getTag")
            .arg(tag.value())
            .keyword_if("event", event.map(|id| id.0));
        let read = decoded(|value| decode::optional("the tag", value, decode::tag));
        self.ask(&call, &tag.to_string(), read).await
    }

    /// The tags that a tag inherits from, in the order that they are looked into; itself is not one of them
    /// (`getFullInheritance`). An unknown tag is a fault.
    pub async fn full_inheritance(
        &self,
        tag: impl Into<TagRef>,
        event: Option<EventId>,
    ) -> Result<Vec<InheritedTag>, KojiError> {
        let tag = tag.into();
        let call = Call::new("getFullInheritance")
            .arg(tag.value())
            .keyword_if("event", event.map(|id| id.0));
        let read = decoded(|value| decode::list("tag", value, decode::inherited_tag));
        self.ask(&call, &tag.to_string(), read).await
    }

    /// The newest event (`getLastEvent`).
    pub async fn last_event(&self) -> Result<Event, KojiError> {
        let read = decoded(|value| decode::one("the event", value, decode::event));
        self.ask(&Call::new("getLastEvent"), "", read).await
    }

    /// An event (`getEvent`). One that is not there is a fault.
    pub async fn event(&self, event: EventId) -> Result<Event, KojiError> {
        let call = Call::new("getEvent").arg(event.0);
        let read = decoded(|value| decode::one("the event", value, decode::event));
        self.ask(&call, &event.to_string(), read).await
    }

    /// Whether any of these tags changed after an event (`tagChangedSinceEvent`). Signing a package changes none. What a
    /// tag inherits from is not looked at: name it, too.
    pub async fn tag_changed_since(&self, event: EventId, tags: &[TagId]) -> Result<bool, KojiError> {
        // A hub fails over an empty list.
        if tags.is_empty() {
            return Ok(false);
        }
        let ids: Vec<i64> = tags.iter().map(|tag| tag.0).collect();
        let call = Call::new("tagChangedSinceEvent").arg(event.0).arg(ids);
        let read = decoded(|value| {
            value
                .as_bool()
                .ok_or_else(|| ReadError::row("the answer", format!("it is {}, not a boolean", value.kind())))
        });
        self.ask(&call, &event.to_string(), read).await
    }

    /// The builds of a tag, in the order of the hub: by tag in the order of inheritance, of each package what was tagged
    /// last comes first (`listTagged`). An unknown tag, or an event before it, is a fault.
    pub async fn tagged_builds(&self, query: &TaggedBuilds) -> Result<Vec<TaggedBuild>, KojiError> {
        let call = Call::new("listTagged")
            .arg(query.tag.value())
            .keyword_if("event", query.event.map(|id| id.0))
            .keyword_if("inherit", query.inherit.then_some(true))
            .keyword_if("latest", query.latest.then_some(true))
            .keyword_if("package", query.package.as_deref())
            .keyword_if("type", query.build_type.as_deref());
        let read = listing::tagged_builds_answer::<Body>;
        self.ask_without_drafts(call, &query.tag.to_string(), query.drafts, read)
            .await
    }

    /// The RPMs of a tag, and the builds that they are of (`listTaggedRPMS`). An unknown tag, or an event before it, is a
    /// fault.
    pub async fn tagged_rpms(&self, query: &TaggedRpms) -> Result<RpmListing, KojiError> {
        let arches: Vec<&str> = query.arches.iter().map(|arch| arch.as_str()).collect();
        let call = Call::new("listTaggedRPMS")
            .arg(query.tag.value())
            .keyword_if("event", query.event.map(|id| id.0))
            .keyword_if("inherit", query.inherit.then_some(true))
            .keyword_if("latest", query.latest.then_some(true))
            .keyword_if("package", query.package.as_deref())
            .keyword_if("arch", (!arches.is_empty()).then_some(arches))
            .keyword_if("rpmsigs", query.signatures.then_some(true))
            .keyword_if("extra", (!query.extra).then_some(false));
        let read = listing::tagged_rpms::<Body>;
        self.ask_without_drafts(call, &query.tag.to_string(), query.drafts, read)
            .await
    }

    /// Asks to leave drafts out, unless they are wanted, or the hub is too old to know about them. A draft is never among
    /// what was to be without them: it could be in the place of the latest build of a package.
    async fn ask_without_drafts<T: Send + 'static>(
        &self,
        call: Call,
        subject: &str,
        drafts: bool,
        read: impl FnOnce(&mut AnswerReader) -> Result<Drafted<T>, ReadError> + Clone + Send + 'static,
    ) -> Result<T, KojiError> {
        if drafts {
            return Ok(self.ask(&call, subject, read).await?.listing);
        }
        let without = call.clone().keyword("draft", false);
        let fault = if self.knows_drafts() {
            match self.ask(&without, subject, read.clone()).await {
                Err(error) if may_be_too_old(&error) => Some(error),
                asked => return self.free_of_drafts(call.method, subject, asked?),
            }
        } else {
            None
        };
        // What was wrong shows in what is answered without it.
        let answer = self.ask(&call, subject, read.clone()).await?;
        match (&answer.drafts, fault) {
            // A hub that has drafts can leave them out: it failed over something else, which may pass.
            (Drafts::Known(_), Some(fault)) => Err(fault),
            // It is newer than it was.
            (Drafts::Known(_), None) => {
                self.remember_drafts();
                let answer = self.ask(&without, subject, read).await?;
                self.free_of_drafts(call.method, subject, answer)
            }
            (Drafts::Unknown, Some(_)) => {
                self.forget_drafts();
                Ok(answer.listing)
            }
            (Drafts::Unknown | Drafts::Unsaid, _) => Ok(answer.listing),
        }
    }

    /// A listing that was to be without drafts, if it is.
    fn free_of_drafts<T>(
        &self,
        method: &'static str,
        subject: &str,
        answer: Drafted<T>,
    ) -> Result<T, KojiError> {
        match answer.drafts {
            Drafts::Known(Some(build)) => {
                let row = format!("build {build}").into();
                let reason = "it is a draft, and the hub was asked to leave drafts out".into();
                Err(self.error(method, subject, Problem::Record { row, reason }))
            }
            _ => Ok(answer.listing),
        }
    }

    /// A build, in any state; none if there is none (`getBuild`). A text that is no NVR is a fault.
    pub async fn build(&self, build: impl Into<BuildRef>) -> Result<Option<Build>, KojiError> {
        let build = build.into();
        let call = Call::new("getBuild").arg(build.value());
        let read = decoded(|value| decode::optional("the build", value, decode::build));
        self.ask(&call, &build.to_string(), read).await
    }

    /// Several builds at once, in the order given; see [`build`](Self::build).
    pub async fn builds(&self, builds: &[BuildRef]) -> Result<Each<Option<Build>>, KojiError> {
        let entry = |build: &BuildRef| Entry {
            call: Call::new("getBuild").arg(build.value()),
            subject: build.to_string().into(),
        };
        self.multi(builds.iter().map(entry).collect(), |reader| {
            decode::optional("the build", &read_value(reader)?, decode::build)
        })
        .await
    }

    /// All RPMs of each of these builds, in the order given (`listBuildRPMs`); their signatures are not listed.
    pub async fn build_rpms(&self, builds: &[BuildId]) -> Result<Each<Vec<Rpm>>, KojiError> {
        let entries = entries(builds, |id| Call::new("listBuildRPMs").arg(id.0));
        self.multi(entries, |reader| {
            let mut rpms = listing::rpms(reader)?;
            rpms.sort_unstable_by(|a, b| a.nevra.cmp(&b.nevra).then_with(|| a.id.cmp(&b.id)));
            Ok(rpms)
        })
        .await
    }

    /// The signatures on record of each of these RPMs, in the order given (`queryRPMSigs`).
    pub async fn rpm_signatures(&self, rpms: &[RpmId]) -> Result<Each<Signatures>, KojiError> {
        let entries = entries(rpms, |id| Call::new("queryRPMSigs").keyword("rpm_id", id.0));
        self.multi(entries, listing::signatures::<Body>).await
    }

    /// The digests that are known of the files of each of these RPMs, in the order given (`getRPMChecksums`). The hub is
    /// never made to compute any.
    pub async fn rpm_checksums(&self, rpms: &[RpmId]) -> Result<Each<RpmChecksums>, KojiError> {
        let entries = entries(rpms, |id| {
            Call::new("getRPMChecksums").arg(id.0).keyword("cacheonly", true)
        });
        self.multi(entries, |reader| {
            decode::one("the checksums", &read_value(reader)?, decode::checksums)
        })
        .await
    }

    /// Each of these RPMs, in the order given; none if there is none (`getRPM`). Their signatures are not listed.
    pub async fn rpms_by_id(&self, rpms: &[RpmId]) -> Result<Each<Option<Rpm>>, KojiError> {
        let entries = entries(rpms, |id| Call::new("getRPM").arg(id.0));
        self.multi(entries, listing::rpm::<Body>).await
    }

    /// Whether a package may be in a tag, by the lists of the tag and those it inherits from (`listPackages`). An unknown
    /// tag is a fault.
    pub async fn package_in_tag(
        &self,
        tag: impl Into<TagRef>,
        package: &str,
        event: Option<EventId>,
    ) -> Result<PackageStatus, KojiError> {
        let tag = tag.into();
        let call = Call::new("listPackages")
            .keyword("tagID", tag.value())
            .keyword("pkgID", package)
            .keyword("inherited", true)
            .keyword_if("event", event.map(|id| id.0));
        let subject = format!("{package} in {tag}");
        match self.ask(&call, &subject, decoded(decode::package_status)).await {
            // Of a package that no tag ever had hubs say so; of an unknown tag, too.
            Err(error) if error.is_fault(Fault::GENERIC) => match self.tag(tag, event).await? {
                Some(_) => Ok(PackageStatus::Absent),
                None => Err(error),
            },
            answer => answer,
        }
    }

    /// A task; none if there is none (`getTaskInfo`).
    pub async fn task_info(&self, task: TaskId) -> Result<Option<Task>, KojiError> {
        let call = Call::new("getTaskInfo").arg(task.0);
        let read = decoded(|value| decode::optional("the task", value, decode::task));
        self.ask(&call, &task.to_string(), read).await
    }

    /// The parts of a task, in the order of their ids (`getTaskChildren`); none of an unknown one.
    pub async fn task_children(&self, task: TaskId) -> Result<Vec<Task>, KojiError> {
        let call = Call::new("getTaskChildren").arg(task.0);
        let read = decoded(|value| decode::list("task", value, decode::task));
        let mut tasks = self.ask(&call, &task.to_string(), read).await?;
        tasks.sort_by_key(|task| task.id);
        Ok(tasks)
    }

    /// What a task made, or why it failed (`getTaskResult`). A task that is not done is a fault.
    pub async fn task_result(&self, task: TaskId) -> Result<TaskResult, KojiError> {
        let call = Call::new("getTaskResult")
            .arg(task.0)
            .keyword("raise_fault", false);
        self.ask(&call, &task.to_string(), decoded(decode::task_result))
            .await
    }

    /// The builds whose NVRs match a glob, sorted (`search`).
    pub async fn search_builds(&self, glob: &str) -> Result<Vec<FoundBuild>, KojiError> {
        let call = Call::new("search").arg(glob).arg("build").arg("glob");
        let read = decoded(|value| decode::list("build", value, decode::found_build));
        let mut builds = self.ask(&call, glob, read).await?;
        builds.sort_by(|a, b| a.nvr.cmp(&b.nvr));
        Ok(builds)
    }
}

//! RPMs, their signatures, and what is known of their files.

use super::args::Args;
use super::builds::nvr_of;
use super::{Answer, Calls, Fault};
use crate::Value;
use crate::state::RpmInfo;
use crate::value::row;

impl Calls<'_> {
    pub(super) fn get_rpm(&self, args: &Args) -> Answer {
        match self.find_rpm(args.get("rpminfo"), args.flag("strict", false))? {
            Some(rpm) => Ok(self.stored_rpm(rpm)),
            None => Ok(Value::Nil),
        }
    }

    pub(super) fn query_rpm_sigs(&self, args: &Args) -> Answer {
        let rpm = match args.get("rpm_id") {
            Value::Nil => None,
            Value::Int(id) => Some(*id),
            other => self.find_rpm(other, true)?.map(|rpm| rpm.id),
        };
        let key = args.get("sigkey").as_str().map(str::to_lowercase);
        if rpm.is_none() && key.is_none() {
            return Err(Fault::generic("either rpm_id or sigkey must be specified"));
        }
        let rows = self
            .state
            .rpmsigs
            .iter()
            .filter(|sig| rpm.is_none_or(|rpm| sig.rpm_id == rpm))
            .filter(|sig| key.as_ref().is_none_or(|key| sig.sigkey == *key))
            .map(|sig| {
                row([
                    ("rpm_id", sig.rpm_id.into()),
                    ("sighash", (&sig.sighash).into()),
                    ("sigkey", (&sig.sigkey).into()),
                ])
            });
        Ok(args.with_options(rows.collect()))
    }

    /// Digests of whole files by key and algorithm. Those of this hub are known or not: none is ever computed.
    pub(super) fn rpm_checksums(&self, args: &Args) -> Answer {
        let wanted: Vec<&str> = match args.get("checksum_types") {
            Value::Nil => vec!["md5", "sha256"],
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            other => {
                let what = format!(
                    "Invalid type for value {}: <class '{}'>, expected type <class 'list'>",
                    other.repr(),
                    other.python_type()
                );
                return Err(Fault::parameter(what));
            }
        };
        if let Some(unknown) = wanted.iter().find(|name| !["md5", "sha256"].contains(name)) {
            return Err(Fault::generic(format!("Checksum_type {unknown} isn't supported")));
        }
        let Some(rpm) = self.find_rpm(args.get("rpm_id"), true)? else {
            return Ok(Value::Nil);
        };
        let known = self.digests.get(&rpm.id).into_iter().flatten();
        let rows = known.map(|(key, (md5, sha256))| {
            let digests = [("md5", md5), ("sha256", sha256)].into_iter();
            let digests = digests
                .filter(|(name, _)| wanted.contains(name))
                .map(|(name, digest)| (name.to_owned(), digest.into()));
            (key.clone(), Value::Struct(digests.collect()))
        });
        Ok(Value::Struct(rows.collect()))
    }

    /// An RPM by its id, or by `NAME-VERSION-RELEASE.ARCH`, with or without `.rpm`.
    fn find_rpm(&self, info: &Value, is_strict: bool) -> Result<Option<&RpmInfo>, Fault> {
        let none = |shown: String| match is_strict {
            true => Err(Fault::generic(format!("No such rpm: {shown}"))),
            false => Ok(None),
        };
        match info {
            Value::Int(id) => match self.state.rpminfo.iter().find(|rpm| rpm.id == *id) {
                Some(rpm) => Ok(Some(rpm)),
                None => none(id.to_string()),
            },
            Value::Str(nvra) => {
                let (nvr, arch) = nvra
                    .strip_suffix(".rpm")
                    .unwrap_or(nvra)
                    .rsplit_once('.')
                    .ok_or_else(|| Fault::generic(format!("invalid format: {nvra}")))?;
                let (name, version, release) = nvr_of(nvr)?;
                let is_it = |rpm: &&RpmInfo| {
                    (
                        rpm.name.as_str(),
                        rpm.version.as_str(),
                        rpm.release.as_str(),
                        rpm.arch.as_str(),
                    ) == (name, version, release, arch)
                };
                match self.state.rpminfo.iter().find(is_it) {
                    Some(rpm) => Ok(Some(rpm)),
                    None => {
                        let is_source = Value::from(arch == "src").repr();
                        none(format!(
                            "{{'release': '{release}', 'version': '{version}', 'name': '{name}', 'epoch': '', \
                             'arch': '{arch}', 'src': {is_source}}}"
                        ))
                    }
                }
            }
            other => Err(Fault::generic(format!(
                "Invalid type for rpminfo: <class '{}'>",
                other.python_type()
            ))),
        }
    }
}

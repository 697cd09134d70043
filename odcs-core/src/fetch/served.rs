//! A server for tests of this crate: files in memory, and what was asked of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::{Fetch, Get, GitCommit, Head, Sink, SinkError};
use crate::source::{RemoteFile, Site};
use crate::{Error, ErrorKind, Result};

/// In which way it is a bad server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Manner {
    #[default]
    Proper,
    /// It does not say how large files are.
    NoSize,
    /// It cannot be had at the moment.
    Down,
    /// Each time that it is asked, files are one byte longer.
    Growing,
}

/// What it has, and what has been read of it.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) files: BTreeMap<&'static str, Vec<u8>>,
    pub(crate) manner: Manner,
    requests: Mutex<Vec<Asked>>,
}

/// Path, range asked for, and bytes given.
type Asked = (String, (u64, u64), usize);

impl Served {
    pub(crate) fn of<const N: usize>(files: [(&'static str, Vec<u8>); N]) -> Self {
        Self {
            files: files.into(),
            ..Self::default()
        }
    }

    pub(crate) fn remote(path: &str) -> RemoteFile {
        let site = Site::new("https://example.com/repo".parse().unwrap()).unwrap();
        RemoteFile::new(site.into(), path.parse().unwrap())
    }

    /// The requests since it was asked last.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

#[async_trait]
impl Fetch for Served {
    fn check(&self, _: &Url) -> Result<()> {
        Ok(())
    }

    async fn get(&self, get: &Get, sink: &mut dyn Sink) -> Result<Head> {
        let url = &get.places[0];
        let path = url.path().trim_start_matches("/repo/");
        let (first, last) = get.range.expect("only headers are read");
        let error = |kind, what: &str| Error::new(kind, "fetch", url.as_str(), format!("{url} {what}"));
        if self.manner == Manner::Down {
            return Err(error(ErrorKind::Unavailable, "cannot be had at the moment"));
        }
        let file = self.files.get(path);
        let file = file.ok_or_else(|| error(ErrorKind::NotFound, "is not there"))?;
        let end = file.len().min(usize::try_from(last + 1).unwrap());
        let piece = Bytes::copy_from_slice(&file[usize::try_from(first).unwrap()..end]);
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push((path.to_owned(), (first, last), piece.len()));
            requests.len() as u64
        };
        let failed = |(SinkError::Wrong(error) | SinkError::Failed(error))| error;
        sink.restart().await.map_err(failed)?;
        sink.write(piece).await.map_err(failed)?;
        sink.finish().await.map_err(failed)?;
        let mut head = Head::new(url.clone());
        head.modified = Some(1_700_000_000);
        head.size = match self.manner {
            Manner::NoSize => None,
            Manner::Growing => Some(file.len() as u64 + number),
            _ => Some(file.len() as u64),
        };
        Ok(head)
    }

    async fn commit(&self, _: &GitCommit, _: &Path) -> Result<()> {
        Err(Error::new(
            ErrorKind::Internal,
            "fetch",
            "",
            "no repositories here",
        ))
    }
}

//! Files that never change, mapped into memory: the one place of this crate that needs `unsafe`.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd;

use memmap2::MmapOptions;

/// File systems where another machine can take a file away that is open here. A page of it that is asked for later is
/// an error then, which kills a process that has it mapped.
const SHARED: [u64; 11] = [
    0x6969,      // NFS
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB 2
    0x517B,      // SMB
    0x6573_5546, // FUSE
    0x00C3_6400, // Ceph
    0x0102_1997, // 9P
    0x0BD0_0BD0, // Lustre
    0x0116_1970, // GFS2
    0x7461_636F, // OCFS2
    0x4750_4653, // GPFS
];

/// The content of a file.
#[derive(Debug)]
pub(super) enum Content {
    Mapped(memmap2::Mmap),
    Read(Vec<u8>),
}

impl Content {
    /// The first `length` bytes of a file that nobody writes to: mapped where that is safe, else read.
    pub(super) fn of(file: &File, length: usize) -> io::Result<Self> {
        if is_shared(file) {
            return Self::read(file, length);
        }
        map(file, length).map(Self::Mapped)
    }

    fn read(file: &File, length: usize) -> io::Result<Self> {
        let mut bytes = vec![0; length];
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0)?;
        Ok(Self::Read(bytes))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
        }
    }
}

/// Whether this is a file system that several machines have.
fn is_shared(file: &File) -> bool {
    match rustix::fs::fstatfs(file.as_fd()) {
        Ok(fs) => u64::try_from(fs.f_type).map_or(true, |kind| SHARED.contains(&kind)),
        Err(_) => true,
    }
}

#[allow(unsafe_code)]
fn map(file: &File, length: usize) -> io::Result<memmap2::Mmap> {
    // SAFETY: a mapping is as sound as its file is constant. The files that are mapped here are in a directory that
    // nobody but the user of this program can enter, on a file system of this machine. This program writes them under
    // another name, renames them when they are whole, and from then on only ever unlinks them, which leaves the pages
    // of a mapping where they are. Somebody with the same user's rights who wrote to one in place, against all that,
    // could make us read other numbers, which are checked like those of a damaged file; who cut one short could have
    // this process killed by SIGBUS, as by `kill` with the same rights. The contents of entries, which are most of
    // the bytes and in files that grow, are never mapped.
    unsafe { MmapOptions::new().len(length).map(file) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn mapped_or_read_it_is_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        assert_eq!(&*Content::of(&file, 10).unwrap(), b"0123456789");
        assert_eq!(&*map(&file, 4).unwrap(), b"0123");
        assert_eq!(&*Content::read(&file, 10).unwrap(), b"0123456789");
        assert!(Content::read(&file, 11).is_err());
    }
}

//! The XML of one package, kept and found again.

use proptest::prelude::*;

use super::super::write_xml::Entry;
use super::*;
use crate::header::FileDigests;

fn digests(package: &Package) -> FileDigests {
    let files = package.files.iter().enumerate();
    // Some of none, as directories have it, and fewer than files.
    let digests = files.skip(1).map(|(number, _)| match number % 3 {
        0 => "".into(),
        _ => format!("{number:064x}").into(),
    });
    FileDigests {
        algorithm: "sha256",
        digests: digests.collect(),
    }
}

#[test]
fn nothing_is_in_a_buffer_before_the_first_package() {
    let pieces = Pieces::default();
    assert_eq!(pieces.view().size(), 0);
    assert_eq!(PiecesView::parse(&pieces.parts().concat()), None);
}

#[test]
fn a_buffer_is_kept_but_not_that_of_a_kernel() {
    let package = |files: usize| Package {
        files: vec![
            FileEntry {
                path: "/usr/lib/modules/x".into(),
                kind: FileKind::File,
            };
            files
        ],
        ..Package::new("kernel-1-1.noarch".parse().unwrap())
    };
    let mut pieces = Pieces::default();
    pieces.render(&package(100_000));
    let large = pieces.parts()[1].len();
    pieces.render(&package(1_000));
    let buffer = pieces.parts()[1].as_ptr();
    assert!(pieces.parts()[1].len() * 50 < large);
    pieces.render(&package(1_001));
    assert_eq!(pieces.parts()[1].as_ptr(), buffer);
}

proptest! {
    #[test]
    fn what_is_kept_is_what_was_rendered(
        one in packages(),
        other in packages(),
        with_digests in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        change in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        let render = |pieces: &mut Pieces, package: &Package| match with_digests {
            true => pieces.render_with_digests(package, &digests(package)),
            false => pieces.render(package),
        };
        let (mut reused, mut fresh) = (Pieces::default(), Pieces::default());
        render(&mut reused, &one.package);
        render(&mut reused, &other.package);
        render(&mut fresh, &other.package);
        prop_assert_eq!(reused.view(), fresh.view());
        let mut kept = reused.parts().concat();
        let view = PiecesView::parse(&kept).unwrap();
        prop_assert_eq!(view, fresh.view());
        prop_assert_eq!(view.has_digests(), with_digests);
        prop_assert_eq!(view.size(), reused.parts()[1].len());
        prop_assert_eq!(PiecesView::parse(&kept[..cut.index(kept.len())]), None);
        let at = change.0.index(kept.len());
        kept[at] = change.1;
        let _ = PiecesView::parse(&kept);
        kept.push(b' ');
        prop_assert_eq!(PiecesView::parse(&kept), None);
    }

    #[test]
    fn garbage_is_no_piece(bytes in prop::collection::vec(any::<u8>(), 0..200), lengths in any::<[u64; 7]>()) {
        prop_assert_eq!(PiecesView::parse(&bytes), None);
        let head: Vec<u8> = [1].into_iter().chain(lengths).flat_map(u64::to_le_bytes).collect();
        let _ = PiecesView::parse(&[&head[..], &bytes].concat());
    }

    #[test]
    fn filelists_with_digests_have_the_same_files(packages in prop::collection::vec(packages(), 0..3)) {
        let entries: Vec<_> = packages.iter().map(entry).collect();
        let (mut plain, mut extended) = (Vec::new(), Vec::new());
        write_filelists(&entries, &mut plain).unwrap();
        let asked = |entry: &Entry<'_>| Ok(digests(entry.package));
        write_filelists_ext(&entries, asked, &mut extended).unwrap();
        let listed = |bytes: &[u8], kind| {
            let reader = ListReader::new(bytes, kind, Limits::default()).unwrap();
            reader.map(|listed| listed.unwrap()).collect::<Vec<_>>()
        };
        prop_assert_eq!(listed(&plain, ListKind::Filelists), listed(&extended, ListKind::FilelistsExt));
        let hashes = String::from_utf8(extended).unwrap().matches(" hash=\"").count();
        let given = packages.iter().flat_map(|package| digests(&package.package).digests);
        prop_assert_eq!(hashes, given.filter(|digest| !digest.is_empty()).count());
    }
}

//! The cap, and what goes for it.

use super::*;

#[tokio::test]
async fn what_was_used_longest_ago_makes_room() {
    let case = Case::new().with_bytes(100_000);
    let store = case.open();
    let files: Vec<_> = (0..5)
        .map(|n| case.sha256(20_000, &format!("file-{n}")))
        .collect();
    for wanted in &files {
        store.obtain(wanted).await.unwrap();
        case.later(60);
    }
    assert_eq!(case.usage(), 100_000);
    // A compose uses the first one; the second one is asked for again, later.
    let first = store.find(digest(&files[0])).await.unwrap().unwrap();
    std::fs::hard_link(first.to_string(), case.target.path().join("linked")).unwrap();
    case.later(3_600);
    assert!(is_there(&store, &files[1]).await);
    case.later(3_600);
    let more = case.sha256(15_000, "more");
    store.obtain(&more).await.unwrap();
    let mut there = Vec::new();
    for wanted in &files {
        there.push(is_there(&store, wanted).await);
    }
    // Down to a tenth below the cap: the third and the fourth had to go.
    assert_eq!(there, [true, true, false, false, true]);
    assert_eq!(case.usage(), 75_000);
    let stats = store.directory().stats().await.unwrap();
    assert_eq!(
        (stats.files, stats.bytes, stats.used_bytes, stats.cap),
        (4, 75_000, 20_000, 100_000)
    );
    assert_eq!(stats.evictable_bytes, 0, "everything was asked for just now");

    // What was asked for lately stays, whatever is asked for now.
    let large = case.sha256(50_000, "large");
    for _ in 0..2 {
        let error = store.obtain(&large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("store_bytes"), "{error}");
    }
    assert!(case.partials().is_empty());
    case.later(3_600);
    store.obtain(&large).await.unwrap();
    let never = case.sha256(100_001, "never");
    assert!(store.obtain(&never).await.is_err());
    assert!(
        is_there(&store, &files[0]).await,
        "what a compose uses is not evicted"
    );
}

#[tokio::test]
async fn room_for_a_compose_is_made_before_any_of_it_is_fetched() {
    let case = Case::new().with_bytes(100_000);
    let store = case.open();
    let files: Vec<_> = (0..5)
        .map(|n| case.sha256(20_000, &format!("file-{n}")))
        .collect();
    for wanted in &files {
        store.obtain(wanted).await.unwrap();
        case.later(60);
    }
    case.later(3_600);
    // More than there can ever be. Nothing is evicted for that, whoever asks.
    let claimed = case.sha256(10, "claimed").with_size(Some(1 << 50));
    let (new, other) = (case.sha256(45_000, "new"), case.sha256(56_000, "other"));
    for wanted in [vec![claimed.clone()], vec![new.clone(), other.clone()]] {
        let error = store.make_room(&wanted).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("ask for fewer packages"), "{error}");
    }
    assert!(store.obtain(&claimed).await.is_err());
    assert_eq!(store.directory().stats().await.unwrap().files, 5);

    // What was used longest ago belongs to the compose: it stays.
    store.make_room(&[files[0].clone(), new.clone()]).await.unwrap();
    let mut there = Vec::new();
    for wanted in &files {
        there.push(is_there(&store, wanted).await);
    }
    assert_eq!(there, [true, false, false, false, true]);
    store.obtain(&new).await.unwrap();
    // All of that was asked for just now.
    let error = store.make_room(std::slice::from_ref(&other)).await.unwrap_err();
    assert!(error.message().contains("try again"), "{error}");
    assert_eq!(case.usage(), 85_000);
}

#[tokio::test]
async fn what_is_begun_need_not_fit_twice() {
    let case = Case::new().with_bytes(1_000_000);
    let wanted = case.sha256(900_000, "large");
    case.server.cut_after(Some(800_000));
    let store = case.open();
    assert!(store.obtain(&wanted).await.is_err());
    assert_eq!(case.partials(), [800_000]);
    store.make_room(std::slice::from_ref(&wanted)).await.unwrap();
}

#[tokio::test]
async fn what_is_none_of_its_own_is_no_obstacle() {
    let case = Case::new().with_bytes(100_000);
    let store = case.open();
    std::fs::create_dir(case.path("partial/lost+found")).unwrap();
    symlink("/etc/passwd", case.path("partial/link")).unwrap();
    for n in 0..6 {
        case.later(3_600);
        store
            .obtain(&case.sha256(30_000, &format!("file-{n}")))
            .await
            .unwrap();
    }
    case.later(100_000);
    let pruned = store.directory().prune(Pruning::leftovers().to(Some(0))).await;
    assert_eq!(pruned.unwrap().left, 0);
    drop(store);
    case.open();
    assert!(case.path("partial/lost+found").is_dir());
}

#[tokio::test]
async fn what_is_written_down_wrongly_heals() {
    let case = Case::new().with_bytes(100_000);
    for nonsense in ["99999999999999999999\n", "", "many", "00000000000000100000\n"] {
        let name = format!(
            "file-{}",
            nonsense.len() + nonsense.bytes().map(usize::from).sum::<usize>()
        );
        std::fs::create_dir_all(case.path("")).unwrap();
        std::fs::write(case.path("usage"), nonsense).unwrap();
        let store = case.open();
        store.obtain(&case.sha256(10, &name)).await.unwrap();
        // As a process that was killed after it had reserved much.
        std::fs::write(case.path("usage"), "00000000000000099999\n").unwrap();
        store
            .obtain(&case.sha256(11, &format!("{name}-2")))
            .await
            .unwrap();
        assert!(case.usage() < 100, "{nonsense:?}: {}", case.usage());
    }
}

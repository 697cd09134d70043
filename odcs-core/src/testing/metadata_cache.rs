//! What every [`MetadataCache`] must do, as a suite that any cache can be put through.

use std::thread;

use crate::metadata_cache::{CacheKey, MetadataCache};

/// Puts a cache through the whole suite. `fresh` makes an empty one for each part, which two have open who know
/// nothing of each other: in two processes, for instance, or opened twice. There has to be room for a few megabytes.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, RwLock};
///
/// use odcs_core::testing::metadata_cache::conformance;
/// use odcs_core::{CacheKey, MetadataCache};
///
/// /// One that forgets everything when the process ends.
/// #[derive(Clone, Debug, Default)]
/// struct InMemory(Arc<RwLock<HashMap<CacheKey, Vec<u8>>>>);
///
/// impl MetadataCache for InMemory {
///     fn get(&self, key: &CacheKey, into: &mut Vec<u8>) -> bool {
///         let entries = self.0.read().unwrap();
///         let Some(entry) = entries.get(key) else { return false };
///         entry.clone_into(into);
///         true
///     }
///
///     fn put(&self, key: &CacheKey, parts: &[&[u8]]) {
///         self.0.write().unwrap().insert(*key, parts.concat());
///     }
///
///     fn flush(&self) {}
/// }
///
/// conformance(|| {
///     let cache = InMemory::default();
///     [cache.clone(), cache]
/// });
/// ```
///
/// # Panics
/// When the cache does not do what [`MetadataCache`] says, with what it did instead.
pub fn conformance<C: MetadataCache>(fresh: impl Fn() -> [C; 2]) {
    nothing_is_there_before(&fresh());
    what_was_put_is_there(&fresh());
    keys_are_told_apart(&fresh());
    the_last_one_counts(&fresh());
    both_have_it(&fresh());
    many_at_once(&fresh());
}

fn key(number: usize) -> CacheKey {
    CacheKey::new("conformance", &[&number.to_le_bytes()])
}

/// What is put under a key of that number: some bytes, of any length up to some kilobytes.
fn content(number: usize) -> Vec<u8> {
    let bytes = number.to_le_bytes().into_iter().cycle().zip((0_u8..=250).cycle());
    bytes.map(|(a, b)| a ^ b).take(number * 37 % 5000).collect()
}

fn must_have(cache: &impl MetadataCache, key: &CacheKey, content: &[u8], what: &str) {
    // Whatever was there before, shorter or longer.
    for before in [Vec::new(), vec![b'?'; 9000]] {
        let mut into = before;
        assert!(cache.get(key, &mut into), "{what}: nothing is found");
        assert!(into == content, "{what}: something else is found");
    }
}

fn nothing_is_there_before([one, other]: &[impl MetadataCache; 2]) {
    let mut into = Vec::new();
    for cache in [one, other] {
        assert!(
            !cache.get(&key(0), &mut into),
            "something is there before anything was put"
        );
        cache.flush();
        assert!(
            !cache.get(&key(0), &mut into),
            "something is there that nobody put"
        );
    }
}

fn what_was_put_is_there([cache, _]: &[impl MetadataCache; 2]) {
    let large: Vec<u8> = (0..).flat_map(content).take(1 << 20).collect();
    cache.put(&key(1), &[b"one ", b"", b"two"]);
    cache.put(&key(2), &[]);
    cache.put(&key(3), &[&large]);
    cache.flush();
    must_have(cache, &key(1), b"one two", "an entry of several parts");
    must_have(cache, &key(2), b"", "an empty entry");
    must_have(cache, &key(3), &large, "an entry of a mebibyte");
}

fn keys_are_told_apart([cache, _]: &[impl MetadataCache; 2]) {
    for number in (0..400).step_by(2) {
        cache.put(&key(number), &[&content(number)]);
    }
    cache.flush();
    for number in (0..400).step_by(2) {
        must_have(cache, &key(number), &content(number), "one of many entries");
        let next = cache.get(&key(number + 1), &mut Vec::new());
        assert!(!next, "something is found under a key that nothing was put under");
    }
}

fn the_last_one_counts([cache, _]: &[impl MetadataCache; 2]) {
    cache.put(&key(1), &[b"first"]);
    cache.put(&key(1), &[b"second"]);
    cache.flush();
    must_have(
        cache,
        &key(1),
        b"second",
        "an entry that was put twice before it was flushed",
    );
    cache.put(&key(1), &[b"third"]);
    cache.flush();
    must_have(cache, &key(1), b"third", "an entry that was put again");
    cache.put(&key(1), &[b"third"]);
    cache.flush();
    must_have(cache, &key(1), b"third", "an entry that was put again as it is");
}

fn both_have_it([one, other]: &[impl MetadataCache; 2]) {
    for round in 0..20 {
        let (first, second) = (key(round * 2), key(round * 2 + 1));
        assert!(
            !other.get(&first, &mut Vec::new()),
            "something is there that nobody put"
        );
        one.put(&first, &[&content(round)]);
        one.flush();
        must_have(other, &first, &content(round), "an entry that somebody else put");
        other.put(&second, &[&content(round + 7)]);
        other.flush();
        must_have(
            one,
            &second,
            &content(round + 7),
            "an entry that the other one put",
        );
        must_have(other, &first, &content(round), "an entry after others were put");
    }
}

fn many_at_once([one, other]: &[impl MetadataCache; 2]) {
    let work = |cache: &_, seed: usize| {
        let cache: &dyn MetadataCache = cache;
        let mut into = Vec::new();
        for step in 0..600 {
            let number = (step * 7 + seed * 13) % 300;
            if cache.get(&key(number), &mut into) {
                assert!(
                    into == content(number),
                    "something else is found while others put entries"
                );
            } else {
                cache.put(&key(number), &[&content(number)]);
            }
            if step % 100 == 99 {
                cache.flush();
            }
        }
    };
    thread::scope(|scope| {
        for seed in 0..3 {
            scope.spawn(move || work(one, seed));
            scope.spawn(move || work(other, seed + 3));
        }
    });
    one.flush();
    other.flush();
    for number in 0..300 {
        for cache in [one, other] {
            must_have(
                cache,
                &key(number),
                &content(number),
                "an entry that many put at once",
            );
        }
    }
}

//! Payloads of the sizes that packages of a distribution have.

use crate::{FileSpec, PackageSpec, Random};

/// Gives packages payloads of real sizes, which compression does not make smaller: 1 MB on average, most of them far
/// smaller, a few of 20 MB. Nothing else of them changes, and the same seed gives the same bytes.
///
/// ```
/// use rpmgen::{GeneratorOptions, generate, with_real_sizes, write};
/// let options = GeneratorOptions { packages: 3, seed: 1 };
/// let small = generate(options).map(|spec| write(&spec).map(|bytes| bytes.len()));
/// let large = with_real_sizes(generate(options), 1).map(|spec| write(&spec).map(|bytes| bytes.len()));
/// for (small, large) in small.zip(large) {
///     assert!(large? >= small? + 4_000);
/// }
/// # Ok::<(), rpmgen::Error>(())
/// ```
pub fn with_real_sizes(
    specs: impl IntoIterator<Item = PackageSpec>,
    seed: u64,
) -> impl Iterator<Item = PackageSpec> {
    // Other numbers than those that the packages were made up with.
    let mut random = Random::new(seed ^ 0x5349_5a45);
    specs.into_iter().map(move |mut spec| {
        let (name, bytes) = (&spec.name, size(&mut random));
        let path = if spec.is_source() {
            format!("{name}.tar.zst")
        } else {
            format!("/usr/lib/real-sizes/{name}.{}.bin", spec.arch)
        };
        let content: Vec<u8> = std::iter::repeat_with(|| random.next_u64().to_le_bytes())
            .take(bytes.div_ceil(8))
            .flatten()
            .take(bytes)
            .collect();
        spec.files.push(FileSpec::new(path, content));
        spec
    })
}

/// Bytes of one payload.
fn size(random: &mut Random) -> usize {
    match random.below(100) {
        0..=39 => random.between(4_000, 60_000),
        40..=69 => random.between(60_000, 400_000),
        70..=89 => random.between(400_000, 2_000_000),
        90..=97 => random.between(2_000_000, 8_000_000),
        _ => random.between(8_000_000, 20_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_megabyte_on_average_and_most_are_smaller() {
        for seed in 1..5 {
            let mut random = Random::new(seed);
            let mut sizes: Vec<usize> = (0..1000).map(|_| size(&mut random)).collect();
            sizes.sort_unstable();
            let mean = sizes.iter().sum::<usize>() / sizes.len();
            assert!((850_000..1_150_000).contains(&mean), "mean {mean}");
            assert!(sizes[500] < 250_000, "median {}", sizes[500]);
            assert!(sizes[999] > 10_000_000, "most {}", sizes[999]);
        }
    }
}

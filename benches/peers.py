"""What benches/compare does with the libraries of the peers, createrepo_c and solv, in processes of their own.

  names DIR COUNT             so many names of binary packages in a directory, evenly chosen
  same OURS THEIRS            whether two repositories list the same packages, file lists and changelogs
  xml-bytes REPOSITORY        bytes of its metadata, uncompressed
  composed DIR TARGET [NAMES] whether the compose in a target directory has all packages of a directory, or all of
                              these names, as links to its files
  foreign DIR                 the arches in a directory that a compose for x86_64 does without
  prepare REPOSITORY SOLV     reads a repository, and writes it as libsolv keeps it
  gather SOLV NAMES OUT       what libsolv installs for these names; says how long that took
  closed SOLV NAMES THEIRS OURS
                              whether what was gathered has all that was asked for and all that it needs
"""

import os
import re
import sys
import time
from pathlib import Path

ARCH = "x86_64"


def rpms(directory):
    return [Path(folder, name) for folder, _, names in os.walk(directory) for name in names if name.endswith(".rpm")]


def name_and_arch(path):
    stem, arch = path.name.removesuffix(".rpm").rsplit(".", 1)
    return stem.rsplit("-", 2)[0], arch


def is_debug(name):
    return name.endswith(("-debuginfo", "-debugsource"))


def names(directory, count):
    found = {name for name, arch in map(name_and_arch, rpms(directory)) if arch in ("x86_64", "noarch")}
    found = sorted(name for name in found if not is_debug(name))
    count = min(int(count), len(found))
    print("\n".join(found[index * len(found) // count] for index in range(count)))


def packages(repository):
    """All that counts of each package, by its place."""
    import createrepo_c

    reader = createrepo_c.RepositoryReader.from_path(str(repository))
    found = {}
    for package in reader.iter_packages(warningcb=lambda *_: True):
        found[package.location_href] = (
            package.nevra(),
            package.pkgId,
            package.checksum_type,
            sorted((file[1] + file[2], file[0] or "file") for file in package.files),
            sorted(map(str, package.provides)),
            len(package.requires),
            [entry[:2] for entry in package.changelogs],
        )
    return found


def metadata_bytes(repository):
    return sum(path.stat().st_size for path in Path(repository, "repodata").iterdir())


def same(ours, theirs):
    us, them = packages(ours), packages(theirs)
    if set(us) != set(them):
        missing, more = sorted(set(them) - set(us)), sorted(set(us) - set(them))
        sys.exit(f"ours lists {len(us)} packages and theirs {len(them)}: missing {missing[:5]}, too many {more[:5]}")
    for place, package in us.items():
        for what, mine, other in zip("nevra pkgid type files provides requires changelogs".split(), package, them[place]):
            if mine != other:
                sys.exit(f"{place}: {what}: ours is {str(mine)[:1000]}, theirs {str(other)[:1000]}")
    files = sum(len(package[3]) for package in us.values())
    sizes = [metadata_bytes(repository) / 1e6 for repository in (ours, theirs)]
    print(
        f"{len(us)} packages with {files} files, the same in both; {sizes[0]:.1f} MB of metadata, theirs {sizes[1]:.1f} MB"
    )


def xml_bytes(repository):
    repomd = Path(repository, "repodata", "repomd.xml").read_text()
    print(sum(map(int, re.findall(r"<open-size>(\d+)</open-size>", repomd))))


def composed(directory, target, only=None):
    files = {(path.stat().st_dev, path.stat().st_ino): path for path in rpms(directory)}
    listed, linked = 0, set()
    for repomd in Path(target).glob("odcs-*/compose/**/repodata/repomd.xml"):
        repository = repomd.parent.parent
        for place in packages(repository):
            status = (repository / place).stat()
            listed += 1
            linked.add((status.st_dev, status.st_ino))
    if not linked <= set(files):
        sys.exit(f"{len(linked - set(files))} files of the compose are no links to files of {directory}")
    got = {name_and_arch(files[inode]) for inode in linked}
    if only is None:
        # Of several versions there is one. Packages for other arches need multilib, which was not asked for.
        wanted, others = {name_and_arch(path) for path in files.values()}, other_arches(files.values())
        missing = {(name, arch) for name, arch in wanted - got if arch not in others}
    else:
        missing = set(Path(only).read_text().split()) - {name for name, arch in got if arch != "src"}
    if missing:
        sys.exit(f"{len(missing)} packages are missing: {sorted(missing)[:5]}")
    print(f"{listed} packages listed, {len(linked)} files linked, nothing missing")


def other_arches(paths):
    """Arches of packages that are none for x86_64."""
    return {arch for _, arch in map(name_and_arch, paths)} - {ARCH, "noarch", "src", "nosrc"}


def foreign(directory):
    print("\n".join(sorted(other_arches(rpms(directory)))))


def pool_of(solv):
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch(ARCH)
    return pool


def prepare(repository, path):
    import solv

    pool = pool_of(solv)
    repo = pool.add_repo("all")
    # All that requirements name is in `primary` of these packages, which is what dnf and zypper begin with.
    (primary,) = Path(repository, "repodata").glob("*-primary.xml.gz")
    repo.add_rpmmd(solv.xfopen(str(primary)), None)
    # What it found out about file requirements is kept with it, and that it was found out, as dnf and zypper keep
    # it: else every run looks all files up again, which takes several times as long as all the rest.
    main = repo.first_repodata()
    for file in pool.addfileprovides_queue():
        main.add_idarray(solv.SOLVID_META, solv.REPOSITORY_ADDEDFILEPROVIDES, file)
    main.internalize()
    with open(path, "wb") as out:
        repo.write_first_repodata(solv.xfopen_fd("", out.fileno()))


def gather(path, only, out):
    import solv

    asked = Path(only).read_text().split()
    begun, used = time.perf_counter(), time.process_time()
    pool = pool_of(solv)
    repo = pool.add_repo("all")
    read = solv.xfopen(str(path))
    if not repo.add_solv(read):
        sys.exit(f"{path}: {pool.errstr}")
    pool.addfileprovides()
    pool.createwhatprovides()
    jobs = []
    for name in asked:
        selection = pool.select(name, solv.Selection.SELECTION_NAME)
        if selection.isempty():
            sys.exit(f"there is no package {name}")
        jobs += selection.jobs(solv.Job.SOLVER_INSTALL)
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    problems = solver.solve(jobs)
    if problems:
        sys.exit(f"{len(problems)} problems, the first: {problems[0]}")
    chosen = solver.transaction().newsolvables()
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(f"wall {wall:.6f}\ncpu {cpu:.6f}")
    Path(out).write_text("".join(f"{solvable}\n" for solvable in chosen))


def closed(path, only, theirs, ours):
    import solv

    asked = Path(only).read_text().split()
    them, us = (Path(file).read_text().split() for file in (theirs, ours))
    pool = pool_of(solv)
    repo = pool.add_repo("all")
    repo.add_solv(solv.xfopen(str(path)))
    pool.addfileprovides()
    pool.createwhatprovides()
    by_nevra = {str(solvable): solvable for solvable in repo.solvables}
    # libsolv leaves out an epoch of 0.
    members = [by_nevra[nevra.replace("-0:", "-", 1)] for nevra in us]
    ids, members_names = {member.id for member in members}, {member.name for member in members}
    missing = [name for name in asked if name not in members_names]
    for member in members:
        for need in member.lookup_deparray(solv.SOLVABLE_REQUIRES):
            # What is conditional is not for whoever has no state to look at.
            if str(need).startswith(("(", "rpmlib(")):
                continue
            if not any(provider.id in ids for provider in pool.whatprovides(need)):
                missing.append(f"{member} needs {need}")
    if missing:
        sys.exit(f"{len(missing)} missing in ours: {missing[:5]}")
    print(f"{len(asked)} names; libsolv installs {len(them)} packages, ours gathers {len(us)}, nothing missing")


COMMANDS = {
    "names": names,
    "same": same,
    "xml-bytes": xml_bytes,
    "composed": composed,
    "foreign": foreign,
    "prepare": prepare,
    "gather": gather,
    "closed": closed,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/env python3
"""libsolv doing what a gather does: choosing the packages for some names, with all that they require.

    libsolv_gather.py prepare REPOSITORY CACHE    once: repodata to a .solv file
    libsolv_gather.py solve CACHE NAMES           measured: the file with a name a line, out of that .solv file

Needs the package `solv` of PyPI. Both print one line of JSON.

`prepare` does what libsolv's own examples and dnf do for speed: only `primary` is in the .solv file, and what
`filelists` has of the files that something requires was looked up then, and is in the file, too
(REPOSITORY_ADDEDFILEPROVIDES). `solve` therefore never reads a list of files. Its times are taken after Python and
the library are there: `load` reads the file, `setup` makes the pool ready, `solve` includes finding the names.
"""

import argparse
import json
import os
import resource
import sys
import time
import xml.etree.ElementTree as ET

import solv

REPO = "{http://linux.duke.edu/metadata/repo}"


def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def say(**facts):
    facts["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    print(json.dumps(facts))


def pool_of(arch):
    pool = solv.Pool()
    pool.setarch(arch)
    return pool


def opened(path):
    file = solv.xfopen(path)
    if file is None:
        sys.exit(f"{path}: cannot be read")
    return file


def files_of(repository):
    """The repodata files, by their types."""
    root = ET.parse(os.path.join(repository, "repodata", "repomd.xml")).getroot()
    return {
        data.get("type"): os.path.join(repository, data.find(f"{REPO}location").get("href"))
        for data in root.findall(f"{REPO}data")
    }


def prepare(repository, cache, arch):
    pool = pool_of(arch)
    repo = pool.add_repo("packages")
    files = files_of(repository)
    if not repo.add_rpmmd(opened(files["primary"]), None, 0):
        sys.exit(f"primary: {pool.errstr}")
    main = repo.first_repodata()
    lists = solv.Repo.REPO_EXTEND_SOLVABLES | solv.Repo.REPO_LOCALPOOL
    if not repo.add_rpmmd(opened(files["filelists"]), "FL", lists):
        sys.exit(f"filelists: {pool.errstr}")
    required = pool.addfileprovides_queue()
    for path in required:
        main.add_idarray(solv.SOLVID_META, solv.REPOSITORY_ADDEDFILEPROVIDES, path)
    main.internalize()
    part = f"{cache}.part"
    file = solv.xfopen(part, "w")
    # Without stubs for the lists, which would be read again.
    if not repo.write_first_repodata(file):
        sys.exit(f"{cache}: {pool.errstr}")
    file.close()
    os.replace(part, cache)
    say(packages=repo.nsolvables, paths=len(required), bytes=os.path.getsize(cache))


def solve(cache, names, arch):
    with open(names, encoding="utf-8") as file:
        names = file.read().split()
    start = spent()
    pool = pool_of(arch)
    repo = pool.add_repo("packages")
    if not repo.add_solv(opened(cache), 0):
        sys.exit(f"{cache}: {pool.errstr}")
    loaded = spent()
    pool.addfileprovides()
    pool.createwhatprovides()
    ready = spent()
    jobs = []
    for name in names:
        chosen = pool.select(name, solv.Selection.SELECTION_NAME)
        if chosen.isempty():
            sys.exit(f"{name}: no such package")
        jobs += chosen.jobs(solv.Job.SOLVER_INSTALL)
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    problems = solver.solve(jobs)
    if problems:
        sys.exit("; ".join(str(problem) for problem in problems[:5]))
    found = solver.transaction().newsolvables()
    end = spent()
    say(
        packages=repo.nsolvables,
        names=len(names),
        found=len(found),
        load=round(loaded[0] - start[0], 6),
        setup=round(ready[0] - loaded[0], 6),
        solve=round(end[0] - ready[0], 6),
        wall=round(end[0] - start[0], 6),
        cpu=round(end[1] - start[1], 6),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="x86_64")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare")
    command.add_argument("repository")
    command.add_argument("cache")
    command = commands.add_parser("solve")
    command.add_argument("cache")
    command.add_argument("names")
    asked = parser.parse_args()
    if asked.command == "prepare":
        prepare(asked.repository, asked.cache, asked.arch)
    else:
        solve(asked.cache, asked.names, asked.arch)


if __name__ == "__main__":
    main()

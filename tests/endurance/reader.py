"""Reads composes with dnf, over and over, while they come and go.

Called with the URL of the service and the number of this reader. Each line of its output is a compose
that was read to the end ("read ID"), one that was gone when it was to be ("gone ID"), or a fault
("FAULT ID ..."); it ends when its standard input does.
"""

import datetime
import hashlib
import json
import os
import random
import select
import shutil
import sys
import tempfile
import urllib.request
import xml.etree.ElementTree

import dnf

service, number = sys.argv[1], int(sys.argv[2])
random.seed(number)
# As fast as it can, but those that publish come first: they are the test's measure.
os.nice(5)


def record(number):
    with urllib.request.urlopen(f"{service}/api/1/composes/{number}") as answer:
        return json.load(answer)


def must_be_there(compose):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # To the second, as the record says it.
    return compose["state_name"] == "done" and compose["time_to_expire"] > now


def check(url):
    """Compares all files of the metadata with their checksums: dnf does not always say what was wrong."""
    with urllib.request.urlopen(f"{url}/repodata/repomd.xml") as answer:
        repomd = xml.etree.ElementTree.parse(answer).getroot()
    space = "{http://linux.duke.edu/metadata/repo}"
    for data in repomd.iter(f"{space}data"):
        href = data.find(f"{space}location").get("href")
        with urllib.request.urlopen(f"{url}/{href}") as answer:
            digest = hashlib.sha256(answer.read()).hexdigest()
        assert digest == data.find(f"{space}checksum").text, f"{href} has the wrong checksum"


def read(compose, cache):
    """Refreshes the metadata of a compose, and downloads a package of it."""
    base = dnf.Base()
    try:
        conf = base.conf
        conf.cachedir = conf.persistdir = conf.logdir = cache
        conf.installroot = os.path.join(cache, "root")
        conf.reposdir, conf.plugins = [], False
        for name, value in {"releasever": "1", "arch": "x86_64", "basearch": "x86_64"}.items():
            conf.substitutions[name] = value
        with urllib.request.urlopen(compose["result_repofile"]) as answer:
            lines = answer.read().decode().splitlines()
        url = next(line.partition("=")[2] for line in lines if line.startswith("baseurl="))
        check(url.replace("$basearch", "x86_64"))
        options = {"skip_if_unavailable": False, "fastestmirror": False, "retries": 1}
        base.repos.add_new_repo(f"compose{compose['id']}", conf, baseurl=[url], **options)
        base.fill_sack(load_system_repo=False, load_available_repos=True)
        packages = list(base.sack.query().available().filter(name="ed", arch="x86_64"))
        assert packages, "ed is not in it"
        for package in packages:
            with urllib.request.urlopen(package.remote_location()) as answer:
                digest = hashlib.sha256(answer.read()).digest()
            assert digest == package.chksum[1], f"{package} has the wrong checksum"
        base.download_packages(packages)
        for package in packages:
            assert package.verifyLocalPkg(), f"{package} has the wrong checksum"
    finally:
        base.close()


def wanted():
    """Whether the test still goes on."""
    return not select.select([sys.stdin], [], [], 0)[0]


while wanted():
    # Those that have just come, and those that are about to go.
    order = random.choice(["-id", "id"])
    with urllib.request.urlopen(f"{service}/api/1/composes/?state=2&order_by={order}&per_page=12") as answer:
        composes = json.load(answer)["items"]
    if not composes:
        continue
    compose = random.choice(composes)
    cache = tempfile.mkdtemp(prefix="odcs-reader-")
    try:
        read(compose, cache)
        print("read", compose["id"], flush=True)
    except Exception as error:  # whatever dnf says of what it cannot read
        text = " ".join(str(error).split())
        now = record(compose["id"])
        # What vanishes is to be not found: never half of it, and never too early.
        harmless = not any(word in text.lower() for word in ("checksum", "corrupt", "incomplete"))
        verdict = "gone" if harmless and not must_be_there(now) else "FAULT"
        print(verdict, compose["id"], now["state_name"], now["time_to_expire"], text, flush=True)
    finally:
        shutil.rmtree(cache, ignore_errors=True)

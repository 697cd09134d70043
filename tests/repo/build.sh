#!/bin/sh
# Rebuilds the repository beside this script from specs/ and sources/, with a new test key.
#
# Needs rpmbuild and rpmsign (Debian: rpm), gpg (gnupg) and createrepo_c. Everything happens in a
# temporary directory; only when all packages are there do they replace the old ones. The secret key
# lives in that directory and is gone with it.
#
# usage: tests/repo/build.sh [DESTINATION]      (default: the directory of this script)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
destination=${1:-$here}
work=$(mktemp -d)
# gpg's agent would outlive the directory that its socket is in.
trap 'GNUPGHOME="$work/gnupg" gpgconf --kill all 2>/dev/null || true; rm -rf "$work"' EXIT

SOURCE_DATE_EPOCH=1789473600 # 2026-09-15 12:00:00 UTC, the day of the newest changelog entry
LC_ALL=C.UTF-8
TZ=UTC
HOME=$work
export SOURCE_DATE_EPOCH LC_ALL TZ HOME
umask 022

# build SPEC TARGET OPTION: fixed host and times, and no directory of this machine in the header.
build() {
    echo "building $1 for $2" >&2
    rpmbuild --quiet "$3" --target "$2" \
        --define "_topdir $work/build" \
        --define "_sourcedir $here/sources" \
        --define "_specdir $here/specs" \
        --define "_buildhost builder.example.org" \
        --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" \
        --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
        --define "_binary_payload w9.gzdio" \
        --define "_source_payload w9.gzdio" \
        --define "__brp_compress %{nil}" \
        --define "_libdir /usr/lib64" \
        --define "vendor Example" \
        --define "_invalid_encoding_terminates_build 1" \
        --define "_missing_doc_files_terminate_build 1" \
        --nodeps "$here/specs/$1" > /dev/null
}

for arch in x86_64 i686 aarch64; do
    build ed.spec "$arch-linux" -bb
done
build ed.spec x86_64-linux -bs
build line-editor-common.spec noarch-linux -bb
build line-editor-common.spec noarch-linux -bs

repository=$work/repository
mkdir -p "$repository/Packages"
cp -p "$work"/build/RPMS/*.rpm "$work"/build/SRPMS/*.rpm "$repository/Packages/"

GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
cat > "$work/key" <<KEY
%no-protection
Key-Type: RSA
Key-Length: 2048
Key-Usage: sign
Name-Real: ODCS test key
Name-Email: odcs-test@example.org
Expire-Date: 0
%commit
KEY
gpg --batch --quiet --generate-key "$work/key" 2> "$work/gpg.log" || { cat "$work/gpg.log" >&2; exit 1; }
fingerprint=$(gpg --batch --quiet --no-auto-check-trustdb --with-colons --list-keys | awk -F: '$1 == "fpr" { print $10; exit }')
rpmsign --addsign --define "__gpg $(command -v gpg)" --define "_gpg_name $fingerprint" \
    "$repository"/Packages/line-editor-common-*.noarch.rpm > "$work/rpmsign.log" 2>&1 ||
    { cat "$work/rpmsign.log" >&2; exit 1; }
gpg --batch --armor --export "$fingerprint" > "$work/RPM-GPG-KEY-odcs-test"

# The times of the files go into repodata.
touch -d "@$SOURCE_DATE_EPOCH" "$repository"/Packages/*.rpm
createrepo_c --quiet --no-database --general-compress-type gz --simple-md-filenames \
    --revision "$SOURCE_DATE_EPOCH" --set-timestamp-to-revision "$repository"

mkdir -p "$destination"
rm -rf "$destination/Packages" "$destination/repodata"
cp -rp "$repository/Packages" "$repository/repodata" "$destination/"
cp "$work/RPM-GPG-KEY-odcs-test" "$destination/RPM-GPG-KEY-odcs-test"
key_id=$(printf %s "$fingerprint" | tail -c 8 | tr 'A-F' 'a-f')
echo "$key_id" > "$destination/KEY-ID"
if [ -f "$destination/README.md" ]; then
    sed -i "s/key id \`[0-9a-f]*\`/key id \`$key_id\`/" "$destination/README.md"
fi
echo "wrote $(find "$destination/Packages" -name '*.rpm' | wc -l) packages, test key $key_id"

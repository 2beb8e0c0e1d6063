"""Download, check and unpack one release."""

import os
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.downloads.archives import unpack
from pipeline.downloads.digest import Digest, digest_of
from pipeline.downloads.disk import in_words
from pipeline.downloads.manifest import Manifest, has_all_files, read_manifest, write_manifest
from pipeline.downloads.pins import Release, find_release, read_pins, record
from pipeline.downloads.transfer import TransferError, download


def fetch_release(pins: Path, name: str, downloads: Path, target: Path) -> None:
    """Download and unpack a release into `target`, with `files.json` beside its folder.

    A release that is already complete is left unchanged. The archive is taken from `downloads` if it exists there, and
    is downloaded to it otherwise. It must have the pinned hash. If none is pinned, the hash of the archive is recorded
    after it has been unpacked.

    Args:
        pins: path of downloads.yaml.
        name: key of the release in the section `releases` of downloads.yaml.
        downloads: folder of the archives.
        target: folder to unpack into.

    Raises:
        InputError: the name is unknown, the release cannot be downloaded, or the archive differs from its pin, is
            damaged or does not fit on the disk. `target` is then unchanged.
    """
    release = find_release(read_pins(pins), name)
    print(_describe(release), flush=True)
    if _is_whole(target, release):
        print(f"{target} is whole: every file is there in its size (`semagic verify` compares the hashes).")
        return
    archive = downloads / release.archive
    found = _checked(archive, release, name) if archive.is_file() else _downloaded(archive, release, name)
    files = unpack(archive, target, release.folder, release.unpacked_limit)
    if release.sha256 is None:
        record(pins, ("releases", name), found)
        print(f"{pins}: recorded sha256 {found.sha256} for '{name}'. Commit it, and every later download is checked.")
    # The list of files marks a whole release. Tens of thousands of small files are forced to the disk in one call.
    os.sync()
    write_manifest(target, Manifest(found.sha256, files))
    print(f"{target / release.folder}: {len(files)} files, {in_words(sum(item.bytes for item in files.values()))}")


def _describe(release: Release) -> str:
    about = "" if release.bytes else "about "
    unpacked = in_words(1e9 * release.approximate_gigabytes.unpacked)
    return (
        f"{release.title}: {about}{in_words(release.size)}, unpacked about {unpacked}\n"
        f"  licence: {release.licence}\n"
        f"  {release.page}"
    )


def _is_whole(target: Path, release: Release) -> bool:
    manifest = read_manifest(target)
    if manifest is None or release.sha256 not in (None, manifest.archive_sha256):
        return False
    return has_all_files(target, manifest)


def _checked(archive: Path, release: Release, name: str) -> Digest:
    found = digest_of(archive)
    if difference := release.pin.difference(found):
        raise InputError(
            f"{archive}: {difference}. It is damaged or another one: delete it and run this again to fetch it anew. If "
            f"you want this new release, set bytes and sha256 of releases.{name} in downloads.yaml to null."
        )
    return found


def _downloaded(archive: Path, release: Release, name: str) -> Digest:
    try:
        return download(release.url, archive, release.pin, release.size)
    except TransferError as error:
        about = "" if release.bytes else "about "
        raise InputError(
            f"{release.title} could not be downloaded. {error}\n"
            f"  Or fetch that file by other means ({about}{in_words(release.size)}; see {release.page}), put it at "
            f"{archive}, and run this again.\n"
            f"  Or, where it is unpacked already: set data.{name} in params.yaml to its folder {release.folder}, and "
            f"take '{name}' out of data.fetch."
        ) from error

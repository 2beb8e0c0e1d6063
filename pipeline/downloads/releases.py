"""One release from its address to a checked folder."""

from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.downloads.archives import unpack
from pipeline.downloads.digest import Digest, digest_of
from pipeline.downloads.disk import in_words
from pipeline.downloads.manifest import Manifest, has_all_files, read_manifest, write_manifest
from pipeline.downloads.pins import Release, find_release, read_pins, record
from pipeline.downloads.transfer import TransferError, download


def fetch_release(pins: Path, name: str, downloads: Path, target: Path) -> None:
    """Make `target` hold the release, with `files.json` beside its folder; a whole release stays as it is.

    The archive is taken from `downloads` if it is there, otherwise downloaded to it. It must have the hash that is
    pinned; where none is, its own is recorded once it has unpacked.

    Args:
        pins: downloads.yaml.
        name: an entry of its `releases`.
        downloads: folder of the archives.

    Raises:
        InputError: there is no such release, it cannot be downloaded, or the archive is not the pinned one, is damaged
            or does not fit on the disk. `target` is then as it was.
    """
    release = find_release(read_pins(pins), name)
    print(_describe(release), flush=True)
    if _is_whole(target, release):
        print(f"{target} is whole: every file is there in its size (`python -m stages.verify` compares the hashes).")
        return
    archive = downloads / release.archive
    found = _checked(archive, release, name) if archive.is_file() else _downloaded(archive, release, name)
    files = unpack(archive, target, release.folder)
    if release.sha256 is None:
        record(pins, ("releases", name), found)
        print(f"{pins}: recorded sha256 {found.sha256} for '{name}'. Commit it, and every later download is checked.")
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

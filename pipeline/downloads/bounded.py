"""Streams that bound what a library reads of an archive: the sizes that a stranger's archive states may be anything."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

LARGEST_DIRECTORY = 64 << 20
"""Bytes of the directory of a zip file, which is read at once. An entry takes about 120 bytes, and 1 kB in memory."""
LARGEST_READ = 1 << 20
"""Bytes of a tar file that are read at once. Long names are read in this way, and content in pieces of this size."""


class BoundedFile(io.BufferedReader):
    """Zip file of which no more than `LARGEST_DIRECTORY` is read at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile(f"its directory has {size} bytes, more than {LARGEST_DIRECTORY}")
        return super().read(size)


class ForwardGzip(gzip.GzipFile):
    """Compressed tar file that is read once, from its beginning to its end.

    Going back would decompress everything again, as often as a damaged file asks for it.

    Args:
        limit: bytes that the decompressed content may have. It may be raised while reading.
    """

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self.limit = limit

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes, more than {LARGEST_READ}")
        content = super().read(size)
        self._check(self.tell())
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) == (0, io.SEEK_CUR):
            return super().seek(offset, whence)
        if whence != io.SEEK_SET or offset < self.tell():
            raise tarfile.ReadError("members that overlap")
        self._check(offset)
        return super().seek(offset)

    def _check(self, position: int) -> None:
        if position > self.limit:
            raise tarfile.ReadError(f"its content has more than {self.limit} bytes")

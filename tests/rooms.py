#!/usr/bin/env python3
"""Refuses every include that the room lines of CMakeLists.txt do not allow, and comments that name a file which is not there.

    argosy_room(NAME USES rooms... LINK libraries...)

  * "room/file.hpp": only from the room itself and from rooms that use it; always by the path from the root.
  * "room/folder/file.hpp": private to the room.
  * <library/header>: only in rooms whose line links the library (LIBRARIES below); a library that is not listed is refused.
  * CUDA's headers: only in kernels/cuda.
  * Some libraries have one home (HOMES below); folders without a meaning (utils, common, ...) are refused anywhere.
Tests may include every room and library. Examples and the Python package stand where a user's program does: of Argosy they include <argosy.h>,
<argosy.hpp> or <argosy_client.hpp> alone. Nothing includes any of these.
A comment that names a file of a room, of the tests or of docs by its path names one that exists (`*` stands for any part of a name).

    tests/rooms.py [ROOT]      prints each offence as file:line: reason; exits with 1 when there is any
"""
import pathlib
import re
import sys
from typing import NamedTuple

# A header's beginning -> the CMake target that a room has to link to include it.
LIBRARIES = {
    "CLI/": "CLI11::CLI11",
    "archive": "LibArchive::LibArchive",
    "boost/asio/": "argosy::boost",
    "boost/beast/": "argosy::boost",
    "boost/context/": "Boost::context",
    "boost/test/": "Boost::unit_test_framework",
    "caf/": "CAF::core",
    "dnnl": "argosy::dnnl",
    "eigen3/": "argosy::eigen",
    "flatbuffers/": "argosy::flatbuffers",
    "fmt/": "spdlog::spdlog",
    "gloo/": "argosy::gloo",
    "jpeglib.h": "JPEG::JPEG",
    "nlohmann/": "argosy::json",
    "oneapi/dnnl": "argosy::dnnl",
    "onnx/": "argosy::onnx",
    "openssl/": "OpenSSL::SSL",
    "omp.h": "OpenMP::OpenMP_CXX",
    "png.h": "PNG::PNG",
    "pybind11/": "pybind11::headers",
    "rapidjson/": "argosy::rapidjson",
    "roaring/": "argosy::roaring",
    "spdlog/": "spdlog::spdlog",
    "toml++/": "argosy::toml",
    "turbojpeg.h": "JPEG::JPEG",
    "unicode/": "ICU::uc",
    "webp/": "argosy::webp",
    "xxh3.h": "argosy::xxhash",
    "xxhash.h": "argosy::xxhash",
    "zlib.h": "ZLIB::ZLIB",
    "zmq": "argosy::zeromq",
}
# The system's own headers that have a folder in their name.
SYSTEM = ("arpa/", "bits/", "linux/", "net/if", "netinet/", "sys/")

# CUDA's headers, and the one folder of the rooms that includes them: all else is built without CUDA.
CUDA_HEADERS = ("cublas", "cuda_", "cudnn", "nccl")
CUDA_FOLDER = "kernels/cuda"

# Heavy libraries that exactly one room links.
HOMES = {
    "CAF::core": "actors",
    "argosy::boost": "net",
    "CLI11::CLI11": "tools",
    "ICU::uc": "data",
    "OpenSSL::SSL": "net",
    "JPEG::JPEG": "data",
    "PNG::PNG": "data",
    "argosy::dnnl": "kernels",
    "argosy::flatbuffers": "schema",
    "argosy::gloo": "net",
    "argosy::roaring": "index",
    "argosy::onnx": "model",
    "argosy::toml": "model",
    "argosy::webp": "data",
    "argosy::zeromq": "net",
    "spdlog::spdlog": "base",
}

EMBEDDING = ("examples", "python")  # of Argosy only what a user has
FREE = ("tests", *EMBEDDING)  # may include every library, tests every room
SOURCES = {".cpp", ".hpp", ".h", ".cu", ".cuh", ".c"}
REFUSED_FOLDERS = {"util", "utils", "common", "helpers", "misc", "shared", "include"}

ROOM_LINE = re.compile(r"^argosy_room\((.*)\)\s*$", re.MULTILINE)
# Strings and characters first, so that a `//` in them begins no comment.
COMMENT = re.compile(r"""^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|/(?!/)|[^"/])*//(.*)""")
NAMED_FILE = re.compile(r"(?<![\w./-])[a-z]\w*/[\w./*-]*\.(?:cpp|hpp|md|fbs)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


class Room(NamedTuple):
    uses: frozenset
    links: frozenset


class Offence(NamedTuple):
    path: str
    line: int
    reason: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.reason}"


def read_rooms(cmake_text):
    rooms = {}
    for line in ROOM_LINE.findall(cmake_text):
        name, *words = line.split()
        lists = {"USES": [], "LINK": []}
        current = None
        for word in words:
            if word in lists:
                current = lists[word]
            else:
                current.append(word)
        rooms[name] = Room(frozenset(lists["USES"]), frozenset(lists["LINK"]))
    return rooms


def check_lines(rooms):
    """Arrows point down: a room uses only rooms above it in the file; heavy libraries stay at home."""
    seen = set()
    for name, room in rooms.items():
        for used in sorted(room.uses - seen):
            yield Offence("CMakeLists.txt", 1, f"room {name} uses {used}, which is no room listed before it")
        for library, home in HOMES.items():
            if library in room.links and name != home:
                yield Offence("CMakeLists.txt", 1, f"room {name} links {library}, which lives in {home} only")
        seen.add(name)


def library_of(header):
    for beginning, target in LIBRARIES.items():
        if header.startswith(beginning):
            return target
    return None


def why_not_ours(rooms, place, header):
    """The reason why a file in folder `place` may not include our own `header`, or None."""
    top = header.split("/")[0]
    if place in EMBEDDING:
        return f"{place} stands where a user's program does: of Argosy it includes <argosy.h>, <argosy.hpp> or <argosy_client.hpp> alone"
    if top not in rooms and top not in FREE:
        return f"\"{header}\" does not begin with a room: our headers are included by their path from the root"
    if top in FREE and top != place:
        return f"{place} includes {top}, which only {top} may"
    if place in FREE:
        return None
    if top != place and top not in rooms[place].uses:
        return f"room {place} may not include room {top}: its line says USES {' '.join(sorted(rooms[place].uses)) or 'nothing'}"
    if top != place and header.count("/") > 1:
        return f"\"{header}\" is private to room {top}: only the headers at the top of a room are for others"
    if header.endswith("_generated.h") and "argosy::flatbuffers" not in rooms[place].links:
        return f"\"{header}\" includes FlatBuffers, which room {place} does not link"
    return None


def why_not_theirs(rooms, place, header):
    """The same for a header of the system or of a library."""
    if header.split("/")[0] in (*rooms, *FREE):
        return f"<{header}> is ours: include it as \"{header}\""
    library = library_of(header)
    if library is None:
        unknown = "/" in header and not header.startswith(SYSTEM)
        return f"<{header}> belongs to no library that tests/rooms.py knows" if unknown else None
    if place not in FREE and library not in rooms[place].links:
        return f"<{header}> needs {library}, which room {place} does not link"
    return None


def why_no_cuda(relative, header):
    """The reason why this file may not include a header of CUDA, or None."""
    if not header.startswith(CUDA_HEADERS) or relative.parts[0] in FREE or relative.is_relative_to(CUDA_FOLDER):
        return None
    return f"<{header}> is CUDA's, which {CUDA_FOLDER} alone includes"


def missing_files(rooms, root, line):
    """The files that the comment of a line names and that do not exist."""
    comment = COMMENT.match(line)
    for name in NAMED_FILE.findall(comment[1]) if comment else ():
        if name.split("/")[0] in (*rooms, *FREE, "docs") and not any(root.glob(name)):
            yield name


def check_file(rooms, root, path):
    relative = path.relative_to(root)
    place = relative.parts[0]
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        for name in missing_files(rooms, root, line):
            yield Offence(str(relative), number, f"the comment names {name}, which does not exist")
        found = INCLUDE.match(line)
        if not found:
            continue
        why_not = why_not_ours if found[1] == '"' else why_not_theirs
        reason = why_not(rooms, place, found[2]) or why_no_cuda(relative, found[2])
        if reason:
            yield Offence(str(relative), number, reason)


def check_tree(root):
    cmake_text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    rooms = read_rooms(cmake_text)
    if not rooms or len(rooms) != cmake_text.count("argosy_room("):
        yield Offence("CMakeLists.txt", 1, "wants one argosy_room(...) a line, one line a room")
        return
    yield from check_lines(rooms)
    for place in (*rooms, *FREE):
        for path in sorted((root / place).rglob("*")):
            if path.is_dir() and path.name in REFUSED_FOLDERS:
                yield Offence(str(path.relative_to(root)), 1, "a folder's name says what is in it: this one does not")
            if path.is_file() and path.suffix in SOURCES:
                yield from check_file(rooms, root, path)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    offences = list(check_tree(root))
    for offence in offences:
        print(offence)
    print(f"{len(offences)} offences against the rooms")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())

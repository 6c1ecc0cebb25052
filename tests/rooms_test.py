#!/usr/bin/env python3
"""rooms.py refuses what it should, and only that: each case is one file in a small tree of its own."""
import pathlib
import tempfile
import unittest

import rooms

ROOMS = """
argosy_room(base  USES            LINK spdlog::spdlog)
argosy_room(data  USES base       LINK ICU::uc argosy::json)
argosy_room(model USES base data  LINK argosy::toml)
"""


def offences(path, text, cmake=ROOMS):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "CMakeLists.txt").write_text(cmake)
        file = root / path
        file.parent.mkdir(parents=True)
        file.write_text(text)
        return [str(found) for found in rooms.check_tree(root)]


class Allowed(unittest.TestCase):
    def test_own_room_used_room_and_standard_headers(self):
        text = '#include "data/a.hpp"\n#include "base/b.hpp"\n#include <vector>\n#include <sys/mman.h>\n#include <unistd.h>\n'
        self.assertEqual(offences("data/a.cpp", text), [])

    def test_linked_library(self):
        self.assertEqual(offences("data/a.cpp", "#include <unicode/brkiter.h>\n#include <nlohmann/json.hpp>\n"), [])

    def test_tests_include_everything(self):
        text = '#include "model/a.hpp"\n#include "tests/support/b.hpp"\n#include <boost/test/unit_test.hpp>\n'
        self.assertEqual(offences("tests/model/a.cpp", text), [])

    def test_examples_and_python_include_libraries_and_what_a_user_has(self):
        for path in ("examples/a.c", "python/a.cpp"):
            self.assertEqual(offences(path, "#include <argosy.h>\n#include <argosy.hpp>\n#include <pybind11/stl.h>\n"), [])

    def test_cuda_in_its_folder_and_in_tests(self):
        cmake = ROOMS + "argosy_room(kernels USES base LINK)\n"
        for path in ("kernels/cuda/a.cu", "tests/kernels/a.cpp"):
            self.assertEqual(offences(path, "#include <cuda_runtime.h>\n#include <cublasLt.h>\n", cmake), [])

    def test_an_include_inside_a_comment_line_is_text(self):
        self.assertEqual(offences("base/a.hpp", '// #include <unicode/brkiter.h>\n'), [])

    def test_own_folders(self):
        self.assertEqual(offences("data/a.cpp", '#include "data/images/a.hpp"\n'), [])
        self.assertEqual(offences("tests/data/a.cpp", '#include "data/images/a.hpp"\n'), [])

    def test_a_comment_that_names_a_file_which_exists(self):
        self.assertEqual(offences("data/a.cpp", "int a;  // see data/a.cpp, and data/*.cpp.\n"), [])

    def test_names_that_are_no_files_of_the_tree(self):
        text = '// arxiv.org/data/none.md, x/none.cpp, none.cpp, data/none\nauto a = "http://data/none.md";\nauto b = "data/none.md";\n'
        self.assertEqual(offences("data/a.cpp", text), [])


class Refused(unittest.TestCase):
    def check(self, path, text, part, line=1, cmake=ROOMS):
        found = offences(path, text, cmake)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])
        self.assertTrue(found[0].startswith(f"{path}:{line}: "), found[0])

    def test_a_room_above(self):
        self.check("data/a.cpp", '#include <vector>\n#include "model/a.hpp"\n', "may not include room model", line=2)

    def test_a_room_above_with_odd_spaces(self):
        self.check("data/a.cpp", '  #  include   "model/a.hpp"\n', "may not include room model")

    def test_a_folder_of_another_room(self):
        self.check("model/a.cpp", '#include "data/images/a.hpp"\n', "is private to room data")

    def test_a_comment_that_names_a_missing_file(self):
        self.check("data/a.cpp", "\n// Truth     tests/data/none.cpp.\n", "names tests/data/none.cpp, which", line=2)
        self.check("data/a.hpp", 'auto a = "//";  // data/none.md\n', "names data/none.md, which")
        self.check("data/a.hpp", "// model/none*.hpp\n", "names model/none*.hpp, which")

    def test_tests_from_a_room(self):
        self.check("data/a.cpp", '#include "tests/support/a.hpp"\n', "which only tests may")

    def test_a_room_from_an_example_or_from_python(self):
        self.check("examples/a.cpp", '#include "base/a.hpp"\n', "stands where a user's program does")
        self.check("python/a.cpp", '#include "examples/a.hpp"\n', "stands where a user's program does")

    def test_a_path_that_does_not_start_at_the_root(self):
        self.check("data/a.cpp", '#include "a.hpp"\n', "does not begin with a room")

    def test_a_path_upwards(self):
        self.check("data/a.cpp", '#include "../base/a.hpp"\n', "does not begin with a room")

    def test_a_room_in_angle_brackets(self):
        self.check("data/a.cpp", "#include <base/a.hpp>\n", "is ours")

    def test_a_library_of_another_room(self):
        self.check("model/a.cpp", "#include <unicode/brkiter.h>\n", "needs ICU::uc")

    def test_a_library_linked_only_by_a_used_room(self):
        self.check("model/a.cpp", "#include <spdlog/spdlog.h>\n", "needs spdlog::spdlog")

    def test_boost_test_outside_tests(self):
        self.check("model/a.cpp", "#include <boost/test/unit_test.hpp>\n", "needs Boost::unit_test_framework")

    def test_cuda_outside_its_folder(self):
        found = offences("kernels/a.cpp", "#include <cuda_runtime.h>\n", ROOMS + "argosy_room(kernels USES base LINK)\n")
        self.assertEqual(len(found), 1)
        self.assertIn("kernels/cuda alone", found[0])

    def test_a_library_nobody_knows(self):
        self.check("tests/data/a.cpp", "#include <absl/strings.h>\n", "belongs to no library")

    def test_generated_headers_outside_the_schema(self):
        text = ROOMS.replace("argosy_room(data ", "argosy_room(schema USES LINK argosy::flatbuffers)\nargosy_room(data ").replace(
            "model USES", "model USES schema")
        self.check("model/a.cpp", '#include "schema/container_generated.h"\n', "includes FlatBuffers", cmake=text)

    def test_folders_without_a_meaning(self):
        found = offences("data/utils/a.cpp", "")
        self.assertEqual(len(found), 1, found)
        self.assertIn("a folder's name says", found[0])

    def test_an_arrow_upwards(self):
        found = offences("base/a.cpp", "", "argosy_room(base USES data LINK)\nargosy_room(data USES LINK)\n")
        self.assertEqual(len(found), 1, found)
        self.assertIn("no room listed before it", found[0])

    def test_a_heavy_library_away_from_home(self):
        found = offences("base/a.cpp", "", "argosy_room(base USES LINK CAF::core)\n")
        self.assertEqual(len(found), 1, found)
        self.assertIn("lives in actors only", found[0])

    def test_lines_that_cannot_be_read(self):
        for cmake in ("project(x)\n", ROOMS + "argosy_room(index\n  USES base)\n"):
            self.assertIn("wants one argosy_room", offences("base/a.cpp", "", cmake)[0])


if __name__ == "__main__":
    unittest.main()

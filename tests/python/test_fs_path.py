"""Every method of fs.Path does what pathlib.Path's does: results, errors, and what becomes
of the disk."""

import functools
import os
import pathlib
import pickle
import socket
import tempfile
import unittest

import tonio
from scenarios import Scenarios, main
from tonio import fs
from tonio.fs import _path

# name -> calls of it: the path in the tree, then the arguments. "@name" is a path in the tree.
CALLS = {
    "absolute": [["text"], [""]],
    "chmod": [["text", 0o600], ["none", 0o600], ["link", 0o600, {"follow_symlinks": True}]],
    "exists": [["text"], ["none"], ["dangling"], ["dangling", {"follow_symlinks": False}]],
    "expanduser": [["text"]],
    "group": [["text"], ["none"]],
    "hardlink_to": [["new", "@text"], ["text", "@none"], ["text", "@text"]],
    "is_block_device": [["text"], ["none"]],
    "is_char_device": [["text"], ["none"]],
    "is_dir": [["folder"], ["text"], ["none"]],
    "is_fifo": [["fifo"], ["text"]],
    "is_file": [["folder"], ["text"], ["link"], ["link", {"follow_symlinks": False}]],
    "is_junction": [["text"]],
    "is_mount": [["folder"], ["none"]],
    "is_socket": [["socket"], ["text"]],
    "is_symlink": [["link"], ["text"], ["dangling"]],
    "lchmod": [["text", 0o600]],
    "lstat": [["text"], ["link"], ["none"]],
    "mkdir": [["new"], ["folder"], ["folder", {"exist_ok": True}], ["a/b"],
              ["a/b", {"parents": True, "mode": 0o700}], ["text"]],
    "owner": [["text"], ["none"]],
    "read_bytes": [["text"], ["empty"], ["none"], ["folder"], ["latin"]],
    "read_text": [["text"], ["empty"], ["none"], ["folder"], ["latin", "utf-8"],
                  ["latin", "latin-1"], ["latin", {"errors": "replace", "encoding": "ascii"}],
                  ["text", "no-such-codec"]],
    "readlink": [["link"], ["text"], ["none"]],
    "rename": [["text", "@new"], ["none", "@new"], ["folder", "@text"]],
    "replace": [["text", "@latin"], ["none", "@new"]],
    "resolve": [["link"], ["folder/../text"], ["none", {"strict": True}], ["loop", True]],
    "rmdir": [["folder/empty"], ["folder"], ["text"], ["none"]],
    "samefile": [["text", "@text"], ["text", "@latin"], ["text", "@link"], ["none", "@text"],
                 ["text", "@none"]],
    "stat": [["text"], ["none"], ["link"], ["link", {"follow_symlinks": False}]],
    "symlink_to": [["new", "@text"], ["text", "@latin"], ["new", "@folder", True]],
    "touch": [["new"], ["text", {"exist_ok": False}], ["none/x"]],
    "unlink": [["text"], ["none"], ["none", {"missing_ok": True}], ["folder"]],
    "write_bytes": [["text", b"abc"], ["new", memoryview(b"x")], ["folder", b""], ["text", "s"]],
    "write_text": [["text", "äöü\n", "utf-8"], ["new", "a\n", {"newline": "\r\n"}],
                   ["text", b"bytes"], ["text", "ä", "ascii"]],
    # Of Python 3.14.
    "copy": [["text", "@new"], ["folder", "@new"], ["none", "@new"]],
    "copy_into": [["text", "@folder"], ["none", "@folder"]],
    "move": [["text", "@new"], ["none", "@new"]],
    "move_into": [["text", "@folder"], ["none", "@folder"]],
    "glob": [["", "*"], ["", "**/*"], ["", "*.nothing"], ["none", "*"], ["", ""],
             ["", "TEXT", {"case_sensitive": False}], ["", "/abs"]],
    "iterdir": [[""], ["none"], ["text"], ["folder/empty"]],
    "rglob": [["", "inner*"], ["none", "*"], ["", ""]],
    "walk": [[""], [""] + [False], ["none"], ["", {"follow_symlinks": True}]],
}  # fmt: skip


class Tree:
    """The same files in a new folder each time."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.root = pathlib.Path(self._folder.name)
        (self.root / "text").write_text("one\ntwo\n")
        (self.root / "latin").write_bytes("ä\n".encode("latin-1"))
        (self.root / "empty").touch()
        (self.root / "folder" / "empty").mkdir(parents=True)
        (self.root / "folder" / "inner").write_text("inner")
        (self.root / "link").symlink_to("text")
        (self.root / "dangling").symlink_to("nowhere")
        (self.root / "loop").symlink_to("loop")
        os.mkfifo(self.root / "fifo")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.root / "socket"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def found(self):
        def entry(path):
            status = path.lstat()
            kind = status.st_mode, status.st_size, status.st_nlink
            if path.is_symlink():
                return kind, self.relative(os.readlink(path))
            return kind, path.read_bytes() if path.is_file() else None

        return {path.name: entry(path) for path in sorted(self.root.rglob("*"))}

    def relative(self, value):
        """A value without the name of the folder, or the class of paths, in it."""
        if isinstance(value, pathlib.PurePath):
            return "path " + self.relative(str(value))
        if isinstance(value, str):
            return value.replace(str(self.root), "ROOT")
        if isinstance(value, os.stat_result):
            return value.st_mode, value.st_size, value.st_nlink
        if isinstance(value, list | tuple):
            return type(value)(map(self.relative, value))
        return value

    def call(self, method, args):
        path, *args = args
        kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
        return method(self.root / path if path else self.root, *map(self.argument, args), **kwargs)

    def argument(self, value):
        return self.root / value[1:] if isinstance(value, str) and value[:1] == "@" else value


@functools.cache
def expected(name, number):
    with Tree() as tree:
        try:
            value = tree.call(getattr(pathlib.Path, name), CALLS[name][number])
            if name in _path.LISTING:
                value = list(value)
            outcome = "value", ordered(name, tree.relative(value))
        except Exception as failure:
            outcome = described(tree, failure)
        return outcome, tree.found()


def described(tree, failure):
    file = getattr(failure, "filename", None), getattr(failure, "filename2", None)
    return type(failure), tree.relative(str(failure)), tree.relative(file)


def ordered(name, value):
    return sorted(value) if name in _path.LISTING else value


class SameAsPathlib(Scenarios):
    def test_calls_for_every_method(self):
        tables = _path.SUSPENDING | _path.LISTING
        self.assertEqual(set(CALLS) | {"cwd", "home"}, tables)

    def test_results_errors_and_effects(self):
        for name, calls in CALLS.items():
            if not hasattr(pathlib.Path, name):
                continue
            for number, args in enumerate(calls):
                with self.subTest(name=name, args=args), Tree() as tree:

                    def method(path, *args, **kwargs):
                        return getattr(fs.Path(path), name)(*args, **kwargs)

                    try:
                        value = yield tree.call(method, args)
                        for path in value if isinstance(value, list) else [value]:
                            path = path[0] if isinstance(path, tuple) and name == "walk" else path
                            if isinstance(path, pathlib.PurePath):
                                self.assertIs(type(path), fs.Path)
                        outcome = "value", ordered(name, tree.relative(value))
                    except Exception as failure:
                        outcome = described(tree, failure)
                    self.assertEqual((outcome, tree.found()), expected(name, number))

    def test_paths_of_the_class(self):
        cwd, home = yield tonio.spawn(fs.Path.cwd(), fs.Path.home())
        self.assertEqual((cwd, home), (pathlib.Path.cwd(), pathlib.Path.home()))
        self.assertIs(type(cwd), fs.Path)
        self.assertEqual(fs.Path.from_uri("file:///a/b"), pathlib.Path("/a/b"))
        self.assertEqual((yield fs.Path("~/x").expanduser()), pathlib.Path("~/x").expanduser())

    def test_arguments_of_either_class(self):
        with Tree() as tree:
            text = fs.Path(tree.root, "text")
            for kind in (str, pathlib.Path, fs.Path):
                self.assertTrue((yield text.samefile(kind(text))))
            moved = yield text.rename(fs.Path(tree.root, "moved"))
            self.assertEqual((yield moved.read_text()), "one\ntwo\n")

    def test_open(self):
        with Tree() as tree:
            path = fs.Path(tree.root, "text")
            file = yield path.open(encoding="ascii")
            self.assertEqual(((yield file.read()), file.encoding), ("one\ntwo\n", "ascii"))
            yield file.close()
            with self.assertRaises(FileNotFoundError):
                yield fs.Path(tree.root, "none").open()


class Listings(Scenarios):
    def collect(self, listing):
        async def collected():
            return [item async for item in listing]

        return collected()

    def test_items_come_as_they_are_found(self):
        with Tree() as tree:
            root = fs.Path(tree.root)
            for name, *args in [["iterdir"], ["glob", "**/*"], ["rglob", "inner"], ["walk"]]:
                items = yield self.collect(getattr(root, name)(*args))
                self.assertEqual(
                    sorted(tree.relative(items)),
                    sorted(tree.relative(list(getattr(tree.root, name)(*args)))),
                )

    def test_errors_come_when_they_are_met(self):
        with self.assertRaises(FileNotFoundError):
            yield self.collect(fs.Path("/nowhere").iterdir())
        with self.assertRaises(NotImplementedError):
            yield self.collect(fs.Path("/").glob("/absolute"))

    def test_a_walk_can_be_pruned(self):
        async def pruned(root):
            visited = []
            async for folder, folders, _ in root.walk():
                visited.append(folder.name)
                if "no" in folders:
                    folders.remove("no")
            return visited

        with tempfile.TemporaryDirectory(prefix="tonio-test-") as root:
            for name in ("no/a", "no/b", "yes/c"):
                pathlib.Path(root, name).mkdir(parents=True)
            visited = yield pruned(fs.Path(root))
            self.assertEqual(visited, [pathlib.Path(root).name, "yes", "c"])

    def test_a_large_folder_comes_whole(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as root:
            for number in range(2500):
                pathlib.Path(root, str(number)).touch()
            names = yield self.collect(fs.Path(root).iterdir())
            self.assertEqual({path.name for path in names}, set(map(str, range(2500))))

    def test_leaving_early_leaves_no_descriptor(self):
        async def first(root):
            async for path in root.iterdir():
                return path

        with Tree() as tree:
            yield first(fs.Path(tree.root))
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(20):
                yield first(fs.Path(tree.root))
            self.assertLess(len(os.listdir("/proc/self/fd")), before + 10)

    def test_a_listing_by_yield_from(self):
        with Tree() as tree:

            def inside():
                return (yield from fs.Path(tree.root).iterdir())

            names = {path.name for path in (yield inside())}
            self.assertEqual(names, set(os.listdir(tree.root)))

    def test_a_loop_without_waiting_is_refused(self):
        with self.assertRaisesRegex(TypeError, "yield path.iterdir"):
            for _ in fs.Path("/").iterdir():
                pass
        yield


class Pure(unittest.TestCase):
    def test_what_does_not_touch_the_disk_acts_at_once(self):
        path = fs.Path("/a", "b.tar.gz")
        self.assertEqual(path.name, "b.tar.gz")
        self.assertEqual(path.parent / "c", pathlib.PurePath("/a/c"))
        self.assertIs(type(path.parent), fs.Path)
        self.assertIs(type(path.with_suffix(".x")), fs.Path)
        self.assertEqual(path.suffixes, [".tar", ".gz"])
        self.assertEqual(os.fspath(path), "/a/b.tar.gz")
        self.assertEqual(path, pathlib.Path(path))
        self.assertEqual(hash(path), hash(pathlib.Path(path)))
        self.assertNotIsInstance(path, pathlib.Path)
        self.assertEqual(repr(path), "Path('/a/b.tar.gz')")
        self.assertEqual(pickle.loads(pickle.dumps(path)), path)

    def test_a_subclass_makes_paths_of_its_own(self):
        class Mine(fs.Path):
            pass

        async def main():
            return await Mine("/").resolve(), await Mine.cwd(), await Mine("/").iterdir()

        root, cwd, items = tonio.run(main())
        self.assertEqual({type(path) for path in (root, cwd, *items)}, {Mine})


if __name__ == "__main__":
    main()

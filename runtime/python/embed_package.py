"""Writes the package tonio as a C++ source: embed_package.py PACKAGE_DIR OUTPUT.

Each module becomes its source text (for tracebacks and inspect.getsource) and its
marshalled code (so that an import compiles nothing). Run by the interpreter that
the binary embeds: marshalled code fits one version only.
"""

import __future__
import ast
import marshal
import pathlib
import sys


def modules(package_dir):
    for path in sorted(package_dir.rglob("*.py")):
        parts = [package_dir.name, *path.relative_to(package_dir).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        if is_package:
            parts.pop()
        yield ".".join(parts), is_package, path


def compiled(source, filename):
    """The module's code, with `from __future__ import annotations` taken for done: as a
    statement it loads the module __future__ from the interpreter's folder at each start."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not is_annotations_import(node)]
    flags = __future__.annotations.compiler_flag
    return compile(tree, filename, "exec", flags=flags, dont_inherit=True, optimize=0)


def is_annotations_import(node):
    if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
        return False
    return [alias.name for alias in node.names] == ["annotations"]


def byte_array(name, data):
    rows = (",".join(map(str, data[i : i + 32])) for i in range(0, len(data), 32))
    return f"constexpr unsigned char {name}[] = {{\n" + ",\n".join(rows) + "\n};\n"


def main(package_dir, output):
    arrays, rows = [], []
    for i, (name, is_package, path) in enumerate(modules(package_dir)):
        source = path.read_bytes()
        filename = f"<tonio>/{path.relative_to(package_dir)}"
        code = marshal.dumps(compiled(source, filename))
        arrays.append(byte_array(f"source_{i}", source) + byte_array(f"code_{i}", code))
        rows.append(
            f'    {{"{name}", {str(is_package).lower()}, {{source_{i}, {len(source)}}},'
            f" {{code_{i}, {len(code)}}}}},\n"
        )
    output.write_text(
        '#include "python/embedded_package.h"\n\nnamespace tonio::python {\nnamespace {\n'
        + "".join(arrays)
        + "constexpr EmbeddedModule kModules[] = {\n"
        + "".join(rows)
        + "};\n}  // namespace\n\n"
        "std::span<const EmbeddedModule> embedded_package() { return kModules; }\n\n"
        "}  // namespace tonio::python\n"
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

"""Writes the package tonio as a C++ source: embed_package.py PACKAGE_DIR OUTPUT.

Each module becomes its source text (for tracebacks and inspect.getsource) and its
marshalled code (so that an import compiles nothing). Run by the interpreter that
the binary embeds: marshalled code fits one version only.
"""

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


class WithoutTypes(ast.NodeTransformer):
    """Takes out what is for type checkers only: annotations, which nothing here reads, the
    module __future__, and the parts under `if TYPE_CHECKING`. They would make each import of
    tonio some 4 % longer. Everything else keeps its line."""

    def visit_ImportFrom(self, node):
        return None if node.module == "__future__" else node

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node):
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_If(self, node):
        self.generic_visit(node)
        if not isinstance(node.test, ast.Name) or node.test.id != "TYPE_CHECKING":
            return node
        return node.orelse


def compiled(source, filename):
    tree = WithoutTypes().visit(ast.parse(source, filename))
    ast.fix_missing_locations(tree)
    return compile(tree, filename, "exec", dont_inherit=True, optimize=0)


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

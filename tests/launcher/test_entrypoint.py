"""Which function runs on the workers."""

import os
import resource
import unittest

from case import LauncherCase, main

WHERE = """
    import threading, tonio

    def where(name):
        thread = threading.current_thread()
        print(name, "main thread" if thread is threading.main_thread() else "worker")

"""


class Entrypoint(LauncherCase):
    def ran(self, body, *args, script="app.py", **options):
        self.write("app.py", WHERE + body)
        return self.output("run", script, *args, **options)

    def test_a_generator_main(self):
        self.assertEqual(self.ran("""
    def main():
        yield
        where("main")
"""), "main worker\n")

    def test_an_async_main(self):
        self.assertEqual(self.ran("""
    async def main():
        where("main")
"""), "main worker\n")

    def test_a_bound_method_or_partial_as_main(self):
        self.assertEqual(self.ran("""
    import functools
    class Server:
        async def serve(self, name):
            where(name)
    main = functools.partial(Server().serve, "served")
"""), "served worker\n")
        self.assertEqual(self.ran("""
    class Server:
        def serve(self):
            yield
            where("served")
    main = Server().serve
"""), "served worker\n")
        self.assertEqual(self.ran("""
    import functools
    main = functools.partial(where, "main")
    print("body")
"""), "body\n")

    def test_a_plain_main_is_no_entrypoint(self):
        self.assertEqual(self.ran("""
    def main():
        where("main")
    print("body")
"""), "body\n")

    def test_an_async_generator_main_is_refused(self):
        """The slip between the two notations: nothing of it would run."""
        self.write("app.py", "async def main():\n    yield\n")
        for how in (["app.py"], ["app.py:main"], ["app.py", "--entry", "main"]):
            with self.subTest(how=how):
                self.refused("run", *how, says=["'main'", "write `await` for `yield`"])
        self.write("app.py", "async def steps():\n    yield\ndef start(): return steps()\n")
        self.refused("run", "app.py:start", says=["'start'", "write `await` for `yield`"])

    def test_no_main(self):
        self.assertEqual(self.ran("""
    where("body")
"""), "body main thread\n")

    def test_a_body_that_ran_the_runtime_was_the_program(self):
        self.assertEqual(self.ran("""
    async def main():
        where("main")
    tonio.run(main())
"""), "main worker\n")

    @unittest.skipIf("ASAN_OPTIONS" in os.environ or "LSAN_OPTIONS" in os.environ, "needs all of the address space")
    def test_a_body_whose_run_could_not_start_was_the_program(self):
        self.assertEqual(self.ran("""
    async def main():
        where("main")
    coroutine = main()
    try:
        tonio.run(coroutine, threads=1024)
    except RuntimeError as error:
        coroutine.close()
        print("refused" if "refuses" in str(error) else error)
""", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))), "refused\n")

    def test_a_decorated_function(self):
        self.assertEqual(self.ran("""
    @tonio.main
    async def program():
        where("program")
    async def main():
        where("main")
"""), "program worker\n")

    def test_a_decorated_function_that_the_body_called(self):
        self.assertEqual(self.ran("""
    @tonio.main
    def program():
        yield
        where("program")
    if __name__ == "__main__":
        program()
"""), "program worker\n")

    def test_named_functions(self):
        body = """
    def plain():
        where("plain")
    def generator():
        yield
        where("generator")
    async def native():
        where("native")
    def factory():
        return native()
    async def main():
        where("main")
"""
        for name, expected in (
            ("plain", "plain main thread\n"), ("generator", "generator worker\n"), ("native", "native worker\n"),
            ("factory", "native worker\n")):
            with self.subTest(name):
                self.assertEqual(self.ran(body, script=f"app.py:{name}"), expected)
                self.assertEqual(self.ran(body, "--entry", name), expected)
                self.assertEqual(self.output(f"app.py:{name}"), expected)

    def test_a_name_that_is_no_ascii(self):
        self.assertEqual(self.ran("""
    async def größe():
        where("größe")
""", script="app.py:größe"), "größe worker\n")

    def test_a_named_function_after_a_body_that_ran_the_runtime(self):
        self.assertEqual(self.ran("""
    async def once():
        where("once")
    async def named():
        where("named")
    tonio.run(once())
""", "--entry", "named"), "once worker\n")

    def test_a_main_that_asyncio_has_run_is_not_run_again(self):
        self.assertEqual(self.ran("""
    import asyncio
    async def main():
        print("once")
    asyncio.run(main())
"""), "once\n")

    def test_a_main_that_only_imports_asyncio_is_run(self):
        self.assertEqual(self.ran("""
    import asyncio
    async def main():
        where("main")
"""), "main worker\n")

    def test_a_script_that_never_imports_tonio(self):
        self.write("app.py", "def main():\n    try:\n        yield 42\n    except TypeError as error:\n        print('42' in str(error))\n")
        self.assertEqual(self.output("run", "app.py"), "True\n")

    def test_the_result_is_no_exit_code(self):
        self.assertEqual(self.ran("""
    async def main():
        return 3
"""), "")

    def test_a_body_that_fails_runs_no_main(self):
        self.write("app.py", """
            async def main():
                print("main")
            raise SystemExit(4)
        """)
        done = self.tonio("run", "app.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (4, "", ""))

    def test_main_sees_file_and_globals(self):
        self.assertEqual(self.ran("""
    async def main():
        print(__file__, __name__, sorted(name for name in globals() if name == "where"))
"""), f"{self.folder}/app.py __main__ ['where']\n")


main()

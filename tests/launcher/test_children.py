"""Python's ways of starting more Pythons work from a tonio script."""

from case import COUNT_WORKERS, LauncherCase, main
from sanitizers import NO_LEAK_CHECK

PROGRAM = """
    import concurrent.futures, multiprocessing, os, subprocess, sys

    def square(x):
        return x * x

    def facts(_):
        return sys.executable, {count}, sys._is_gil_enabled(), __name__

    def put(queue):
        queue.put(os.getpid())

    if __name__ == "__main__":
        context = multiprocessing.get_context("{method}")
        with context.Pool(2) as pool:
            print(pool.map(square, range(5)))
            print(set(pool.map(facts, range(4))) == {{(sys.executable, 0, False, "{name}")}})
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
            print(list(executor.map(square, range(5))))
        queue = context.Queue()
        process = context.Process(target=put, args=(queue,))
        process.start()
        print(queue.get() == process.pid)
        process.join()
        print(process.exitcode)
"""


class Multiprocessing(LauncherCase):
    EXPECTED = "[0, 1, 4, 9, 16]\nTrue\n[0, 1, 4, 9, 16]\nTrue\n0\n"

    def test_spawn(self):
        self.write("app.py", PROGRAM.format(count=COUNT_WORKERS, method="spawn", name="__mp_main__"))
        self.assertEqual(self.output("run", "app.py"), self.EXPECTED)

    def test_forkserver(self):
        self.write("app.py", PROGRAM.format(count=COUNT_WORKERS, method="forkserver", name="__mp_main__"))
        self.assertEqual(self.output("run", "app.py"), self.EXPECTED)

    def test_spawn_with_options_and_flags(self):
        self.write("app.py", PROGRAM.format(count=COUNT_WORKERS, method="spawn", name="__mp_main__"))
        env = {"TONIO_THREADS": "2", "PYTHONDEVMODE": "1", "PYTHONOPTIMIZE": "1"}
        self.assertEqual(self.output("run", "app.py", env=env), self.EXPECTED)

    def test_spawn_from_a_worker(self):
        self.write("app.py", """
            import multiprocessing, os, tonio

            def child(queue):
                queue.put(os.getppid())

            def work():
                context = multiprocessing.get_context("spawn")
                queue = context.Queue()
                process = context.Process(target=child, args=(queue,))
                process.start()
                print(queue.get() == os.getpid())
                process.join()

            async def main():
                await tonio.spawn_blocking(work)
        """)
        self.assertEqual(self.output("run", "app.py"), "True\n")

    def test_a_child_uses_tonio(self):
        self.write("app.py", """
            import multiprocessing, tonio

            async def answer():
                await tonio.sleep(0)
                return 42

            def child():
                raise SystemExit(tonio.run(answer()))

            if __name__ == "__main__":
                process = multiprocessing.get_context("spawn").Process(target=child)
                process.start()
                process.join()
                print(process.exitcode)
        """)
        self.assertEqual(self.output("run", "app.py"), "42\n")

    def test_shared_memory_and_managers(self):
        self.write("app.py", """
            import multiprocessing
            from multiprocessing import managers, shared_memory

            if __name__ == "__main__":
                memory = shared_memory.SharedMemory(create=True, size=8)
                memory.close()
                memory.unlink()
                with multiprocessing.get_context("spawn").Manager() as manager:
                    items = manager.list([1, 2])
                    items.append(3)
                    print(list(items))
        """)
        self.assertEqual(self.output("run", "app.py", env=NO_LEAK_CHECK), "[1, 2, 3]\n")


class Subprocess(LauncherCase):
    def test_executable_runs_code_modules_and_scripts(self):
        self.write("mod.py", "print('module')")
        self.write("child.py", "import sys; print('script', sys.argv[1:])")
        self.write("app.py", """
            import subprocess, sys
            for arguments in (["-c", "print('code')"], ["-m", "mod"], ["child.py", "--threads", "x"], ["-u", "child.py", "y"]):
                print(subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout, end="")
        """)
        self.assertEqual(
            self.output("run", "app.py"), "code\nmodule\nscript ['--threads', 'x']\nscript ['y']\n")


main()

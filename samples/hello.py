"""The smallest program: `tonio run samples/hello.py`."""


def main():
    yield
    print("Hello world")

"""Text that every Python brings along: the source of its standard library."""

import ast
import importlib.util
import re

TRAIN_MODULES = (
    "argparse", "ast", "bdb", "calendar", "cmd", "configparser", "copy", "csv", "dataclasses",
    "difflib", "enum", "fractions", "functools", "gettext", "glob", "heapq", "random",
)  # fmt: skip
TEST_MODULES = ("optparse",)
PROSE_MODULES = (
    "collections", "doctest", "inspect", "ipaddress", "logging", "mailbox", "pathlib", "pdb",
    "pydoc", "shutil", "smtplib", "statistics", "subprocess", "tarfile", "textwrap", "threading",
    "typing", "urllib.request", "zipfile",
)  # fmt: skip


def standard_library_text(modules=TRAIN_MODULES, characters=None):
    """The source of standard library modules, one after the other.

    Args:
        modules: names of modules written in Python.
        characters: cut after so many, or None for all.

    Returns:
        A string. Characters outside ASCII are replaced by '?', so that the vocabulary stays small.

    Raises:
        ValueError: a module without Python source, or an empty result.
    """
    parts = []
    for name in modules:
        spec = importlib.util.find_spec(name)
        source = getattr(spec and spec.loader, "get_source", lambda _: None)(name)
        if source is None:
            raise ValueError(
                f"modules: expected modules written in Python, got {name!r}; "
                "take another of the standard library's modules"
            )
        parts.append(source.encode("ascii", "replace").decode("ascii"))
    text = "\n".join(parts)[:characters]
    if not text:
        raise ValueError("modules: expected at least one module with text, got none; name one")
    return text


def docstring_text(modules=TRAIN_MODULES + PROSE_MODULES):
    """What the standard library's authors wrote about their code: its docstrings as plain prose.

    Args:
        modules: names of modules written in Python.

    Returns:
        A string in lower case, every run of white space squeezed into one space.

    Raises:
        ValueError: a module without Python source, or no docstring in any of them.
    """
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    found = [
        ast.get_docstring(node) or ""
        for name in modules
        for node in ast.walk(ast.parse(standard_library_text((name,))))
        if isinstance(node, documented)
    ]
    text = " ".join(" ".join(found).lower().split())
    if not text:
        raise ValueError("modules: expected at least one docstring, got none; name other modules")
    return text


def documentation_words():
    """The prose of Python's own manual, `pydoc_data.topics`, as words, a list a paragraph.

    A paragraph that stands in the manual more than once is kept once, so that nothing that a model
    is judged by was there to learn from. Code, tables and grammars are left out.

    Returns:
        list of lists of strings: words in lower case, full stops and commas.
    """
    from pydoc_data import topics

    prose = {}  # a dict keeps the order, and each of its keys once
    for name in sorted(topics.topics):
        for paragraph in topics.topics[name].split("\n\n"):
            words = re.findall(r"[a-z]+(?:['-][a-z]+)*|[.,]", paragraph.lower())
            plain = len(re.findall(r"[A-Za-z\s.,]", paragraph)) > 0.85 * len(paragraph)
            if len(words) >= 8 and plain and paragraph.rstrip().endswith((".", ":")):
                prose[" ".join(words)] = words
    return list(prose.values())

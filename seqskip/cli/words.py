"""What is read of a command line before any command, whose packages take seconds to import."""

FOLLOWED_BY = {
    "--run": "the folder of a run, such as runs/copying",
    "--load": "a Python file that registers tasks, such as mine.py",
}


def split_equals(words: list[str]) -> list[str]:
    """Write `--run=DIR` as two words, and so what else is read before the parser."""
    split = []
    for word in words:
        name, equals, value = word.partition("=")
        split += [name, value] if equals and name in ("--run", "--load", "--config", "-c") else [word]
    return split


def take(words: list[str], option: str) -> tuple[str | None, list[str]]:
    """Return what follows an option, None where it is not given, and the other words.

    Raises:
        ValueError: nothing follows it.
    """
    if option not in words:
        return None, words
    at = words.index(option)
    if at + 1 == len(words):
        raise ValueError(f"{option} must be followed by {FOLLOWED_BY[option]}")
    return words[at + 1], words[:at] + words[at + 2 :]

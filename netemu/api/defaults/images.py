"""What the name of an image says about when to pull it."""


def pull_policy(image: str) -> str:
    """Always for ``latest``, said or meant, else IfNotPresent; so for names that are no names."""
    return "Always" if _tag(image) == "latest" else "IfNotPresent"


def _tag(image: str) -> str:
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    # A first part is a registry's host if it could not be a user: docker's distribution/reference.
    is_host = slash and (any(c in first for c in ".:") or first == "localhost" or _has_upper(first))
    path, _, tag = (rest if is_host else name).partition(":")
    if not path or _has_upper(path):
        return ""
    return tag or ("" if digest else "latest")


def _has_upper(text: str) -> bool:
    return text != text.lower()

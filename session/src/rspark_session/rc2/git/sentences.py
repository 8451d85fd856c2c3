"""What git says, as a sentence that a person can act on."""

import re

#: Names and passwords in addresses are shown to nobody.
_CREDENTIALS = re.compile(r"(://)[^/@\s']+@")
_MOST = 1000
_MOST_NAMES = 5
_SAID = (
    (
        r"would be overwritten by (?:checkout|merge|rebase)|local changes .* would be overwritten",
        "This would overwrite what you changed{files}. Commit or discard these changes first.",
    ),
    (
        r"cannot pull with rebase|You have unstaged changes",
        "There are changes that are not committed. Commit or discard them first.",
    ),
    (
        (
            r"cannot switch branch while|you need to resolve your current index|"
            r"have not concluded your merge|Pulling is not possible|rebase-merge director"
        ),
        "A merge is not finished yet. Resolve its conflicts and commit, or abort it.",
    ),
    (
        r"Committing is not possible|Exiting because of an unresolved conflict",
        "There are conflicts left. Resolve each of them before you commit.",
    ),
    (
        r"Please tell me who you are|empty ident name|unable to auto-detect email",
        "Git does not know your name and e-mail yet. Set them first.",
    ),
    (
        r"nothing to commit|no changes added to commit|nothing added to commit",
        "Nothing is staged. Stage what you want to commit.",
    ),
    (r"\[rejected\]|fetch first|non-fast-forward", "The remote has commits that you don't have. Pull first, then push again."),
    (r"\[remote rejected\]", "The remote refuses the push: {last}"),
    (r"no tracking information|no upstream", "This branch follows none of the remote. Push it first."),
    (
        r"No configured push destination|does not appear to be a git repository|No such remote|No remote repository",
        "There is no such remote. Check its address.",
    ),
    (r"couldn't find remote ref", "The remote has no such branch any more."),
    (r"already exists", "There is a branch of this name already. Choose another."),
    (r"is already checked out|already used by worktree", "This branch is open in another folder. Work on it there."),
    (
        r"index\.lock|Unable to create .*\.lock",
        "Another Git command is running in this folder. Wait for its end, then try again.",
    ),
    (r"dubious ownership", "This folder belongs to somebody else, and Git does not trust it. Copy it into your home."),
    (r"not a git repository", "This folder has no Git repository."),
    (
        r"Could not resolve host|unable to access|Failed to connect|Connection refused|Connection timed out",
        "The remote can't be reached: {last}",
    ),
    (
        r"Host key verification failed",
        "This session does not know the remote's key yet. Run git fetch in a terminal once, and check it.",
    ),
    (
        r"Permission denied \(publickey|Could not read from remote repository",
        "The remote does not let you in. Check your key and your rights there.",
    ),
    (r"No space left|Disk quota exceeded", "Your home is full. Make room, then try again."),
    (
        r"bad object|unknown revision|ambiguous argument|bad revision",
        "There is no such commit any more. Look at the history again.",
    ),
)


def without_credentials(text: str) -> str:
    """Return a text without names and passwords in addresses."""
    return _CREDENTIALS.sub(r"\1", text)


def sentence(said: str) -> str:
    """Return what git said as a sentence; what is not known as git's own last words."""
    said = without_credentials(said)
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    last = re.sub(r"^(?:fatal|error|remote): ", "", lines[-1])[:_MOST] if lines else ""
    for pattern, words in _SAID:
        if re.search(pattern, said):
            return words.format(files=_files(said), last=last)
    whole = "\n".join(re.sub(r"^(?:fatal|error): ", "", line) for line in lines)[-_MOST:]
    return f"Git refuses: {whole}" if whole else "Git refuses, and does not say why. Try it in a terminal."


def _files(said: str) -> str:
    names = [line.strip() for line in said.splitlines() if line.startswith("\t")]
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f" in {', '.join(names[:_MOST_NAMES])}{more}"

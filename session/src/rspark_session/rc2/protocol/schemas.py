"""The schemas of all messages, of which the web client's types and the reference are made."""

from typing import Any, Literal, cast

from rspark_session.rc2.protocol import (
    answers,
    archives,
    connections,
    debugger,
    events,
    git,
    language_servers,
    model,
    notebooks,
    notices,
    preferences,
    profile,
    requests,
    search,
)

_GIT_REQUESTS = (
    git.GitRequest,
    git.GitPathsRequest,
    git.GitTextsRequest,
    git.GitStageText,
    git.GitCommitRequest,
    git.GitUndoRequest,
    git.GitIdentity,
    git.GitRemote,
    git.GitBranchRequest,
    git.GitHistoryRequest,
    git.GitCommitOf,
    git.GitResolve,
    git.GitTransfer,
)
_GIT_ANSWERS = (
    git.GitRepositories,
    git.GitStatus,
    git.GitTexts,
    git.GitUndone,
    git.GitBranches,
    git.GitHistory,
    git.GitShown,
    git.GitProgress,
)
_SEARCH_REQUESTS = (search.SearchRequest, search.SearchEditsRequest, search.ReplaceRequest, search.ReplaceUndo)
_SEARCH_ANSWERS = (search.SearchFound, search.SearchEdits, search.Replaced)
_REFERENCE = "#/components/schemas/{model}"


def schemas() -> dict[str, Any]:
    """Return the schemas of all messages by their names, as OpenAPI has them: a client's as it may send them, else all fields."""
    found: dict[str, Any] = {}
    received = (
        *requests.Request.__args__,
        answers.PageRequest,
        answers.ChildrenRequest,
        answers.CompletionRequest,
        answers.InspectRequest,
        answers.HelpRequest,
        *_GIT_REQUESTS,
        *_SEARCH_REQUESTS,
        debugger.FrameRequest,
        archives.ArchiveRequest,
        archives.UnpackRequest,
        connections.CatalogRequest,
        connections.RowsRequest,
        notebooks.NotebookSave,
        preferences.PreferencesChange,
    )
    sent = (
        *events.AnyEvent.__args__,
        *notices.Notice.__args__,
        notices.ConsoleInfo,
        notices.JobInfo,
        answers.Page,
        answers.Children,
        answers.Completions,
        answers.Inspection,
        answers.Help,
        answers.History,
        answers.Plots,
        *_GIT_ANSWERS,
        *_SEARCH_ANSWERS,
        archives.ArchivePlan,
        archives.Unpacked,
        connections.Connections,
        connections.Catalog,
        language_servers.LanguageServers,
        notebooks.Notebook,
        notebooks.NotebookSaved,
        model.Problem,
        profile.Profile,
        preferences.Preferences,
    )
    for mode, models in (("serialization", sent), ("validation", received)):
        for message in models:
            made = message.model_json_schema(mode=cast("Literal['serialization', 'validation']", mode), ref_template=_REFERENCE)
            found |= made.pop("$defs", {})
            if "type" in message.model_fields:
                made["required"] = list(dict.fromkeys(["type", *made.get("required", ())]))  # also from a client
            found[message.__name__] = made
    for name, union in (("Request", requests.Request), ("AnyEvent", events.AnyEvent), ("Notice", notices.Notice)):
        members = [{"$ref": _REFERENCE.format(model=message.__name__)} for message in union.__args__]
        found[name] = {"oneOf": members}
    return dict(sorted(found.items()))

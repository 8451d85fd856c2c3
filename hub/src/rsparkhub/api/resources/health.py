"""What operators ask, outside of the edge: does the hub live, can it work, what does it measure."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from rsparkhub.api.context import Context
from rsparkhub.api.metrics import CONTENT_TYPE, Metrics


def health_router(recorded: Metrics) -> APIRouter:
    """Make the routes that tell how the hub is."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @router.get("/readyz")
    async def readyz(context: Context) -> Response:
        await context.store.events.latest_id()
        return PlainTextResponse("ready\n")

    @router.get("/metrics")
    async def metrics(context: Context) -> Response:
        counts, runs = await context.store.sessions.counts(), await context.store.runs.counts()
        return Response(recorded.text(counts, runs), media_type=CONTENT_TYPE)

    return router

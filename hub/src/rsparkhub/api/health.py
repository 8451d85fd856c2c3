"""What operators ask, outside of the edge: does the hub live, can it work, what does it measure."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from rsparkhub.api.context import Here
from rsparkhub.api.measuring import CONTENT_TYPE, Measures


def health_router(measures: Measures) -> APIRouter:
    """Make the routes that tell how the hub is."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @router.get("/readyz")
    async def readyz(here: Here) -> Response:
        await here.store.events.latest_id()
        return PlainTextResponse("ready\n")

    @router.get("/metrics")
    async def metrics(here: Here) -> Response:
        await here.history.catch_up()
        return Response(measures.text(await here.store.sessions.counts()), media_type=CONTENT_TYPE)

    return router

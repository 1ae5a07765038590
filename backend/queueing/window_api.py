"""The window's endpoints: sit down, call, serve, finish. The hall is the one staff are signed in to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.schemas import EmptySchema
from backend.queueing import calling, ticket_queries, ticket_schemas, windows

blueprint = ApiBlueprint("windows", __name__, description="Calling and serving at a window")
blueprints = (blueprint,)

Effect = Callable[[Session, UUID], object]


@blueprint.get("/staff/window")
@staff("queue.call")
@blueprint.response(200, ticket_schemas.CounterSchema)
def show_window() -> dict[str, Any]:
    """My window, the number at it, and the hall's queues."""
    with transaction() as session:
        return _counter(session)


@blueprint.put("/staff/window")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.SitDownSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def sit_down(body: dict[str, Any]) -> dict[str, Any]:
    """上窗: work at this window, or for other queues at it; with `take_over` after a colleague."""
    principal = current_staff()
    with transaction() as session:
        windows.open_window(
            session,
            hall_code=principal.hall,
            staff_id=principal.id,
            window=body["window"],
            categories=list(dict.fromkeys(body["categories"])),
            take_over=body["take_over"],
        )
        return _counter(session)


@blueprint.delete("/staff/window")
@staff("queue.call")
@blueprint.response(204)
def leave() -> None:
    """下窗."""
    with transaction() as session:
        windows.leave(session, current_staff().id)


@blueprint.put("/staff/window/pause")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.PauseSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def pause(body: dict[str, Any]) -> dict[str, Any]:
    """暂停 or call again."""
    with transaction() as session:
        (windows.pause if body["paused"] else windows.resume)(session, current_staff().id)
        session.flush()
        return _counter(session)


@blueprint.post("/staff/window/next")
@staff("queue.call")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def call_next(body: dict[str, Any]) -> Response:
    """叫下一号."""
    return _step("next", body, lambda session, me: calling.call_next(session, staff_id=me))


@blueprint.post("/staff/window/recall")
@staff("queue.call")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def recall(body: dict[str, Any]) -> Response:
    """重呼."""
    return _step("recall", body, lambda session, me: calling.recall(session, staff_id=me))


@blueprint.post("/staff/window/answer")
@staff("queue.call")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def answer(body: dict[str, Any]) -> Response:
    """应答: serving begins."""
    return _step("answer", body, lambda session, me: calling.answer(session, staff_id=me))


@blueprint.post("/staff/window/pass")
@staff("queue.call")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def pass_over(body: dict[str, Any]) -> Response:
    """过号: nobody came."""
    return _step("pass", body, lambda session, me: calling.pass_over(session, staff_id=me))


@blueprint.post("/staff/window/park")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.NoteSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def park(body: dict[str, Any]) -> Response:
    """挂起: the person comes back to this window."""
    return _step("park", body, lambda session, me: calling.park(session, staff_id=me, note=body["note"]))


@blueprint.post("/staff/window/transfer")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.TransferSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def transfer(body: dict[str, Any]) -> Response:
    """转移: number and due time stay."""

    def move(session: Session, me: UUID) -> object:
        return calling.transfer(
            session, staff_id=me, category_code=body["category"], window=body["window"], reason=body["reason"]
        )

    return _step("transfer", body, move)


@blueprint.post("/staff/window/items")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.AddItemSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def add_item(body: dict[str, Any]) -> Response:
    """One more item of the same queue for the number at my window (一类一号)."""
    return _step("items", body, lambda session, me: calling.add_item(session, staff_id=me, slug=body["item"]))


@blueprint.post("/staff/window/finish")
@staff("queue.call")
@blueprint.arguments(ticket_schemas.FinishSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def finish(body: dict[str, Any]) -> Response:
    """办结."""
    return _step("finish", body, lambda session, me: calling.finish(session, staff_id=me, **body))


@blueprint.post("/staff/tickets/<uuid:ticket_id>/call")
@staff("queue.choose")
@blueprint.arguments(ticket_schemas.ReasonSchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def call_chosen(body: dict[str, Any], ticket_id: UUID) -> Response:
    """指定叫号: out of turn, with a reason that is kept."""

    def choose(session: Session, me: UUID) -> object:
        return calling.call_chosen(session, staff_id=me, ticket_id=ticket_id, reason=body["reason"])

    return _step(f"call:{ticket_id}", body, choose)


@blueprint.post("/staff/tickets/<uuid:ticket_id>/return")
@staff("queue.ticket")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def come_back(body: dict[str, Any], ticket_id: UUID) -> Response:
    """过号重排."""
    principal = current_staff()

    def rejoin(session: Session, me: UUID) -> object:
        return calling.come_back(session, hall_code=principal.hall, ticket_id=ticket_id, actor=principal.actor)

    return _step(f"return:{ticket_id}", body, rejoin)


@blueprint.post("/staff/tickets/<uuid:ticket_id>/resume")
@staff("queue.call")
@blueprint.arguments(EmptySchema)
@blueprint.response(200, ticket_schemas.CounterSchema)
def unpark(body: dict[str, Any], ticket_id: UUID) -> Response:
    """恢复 a parked number."""
    return _step(
        f"resume:{ticket_id}", body, lambda session, me: calling.unpark(session, staff_id=me, ticket_id=ticket_id)
    )


def _counter(session: Session) -> dict[str, Any]:
    principal = current_staff()
    return ticket_queries.counter(session, hall_code=principal.hall, staff_id=principal.id, language=request_language())


def _step(route: str, body: dict[str, Any], act: Effect) -> Response:
    """One press of a button: once for each key, answered with the whole page."""
    me = current_staff().id

    def effect(session: Session) -> dict[str, Any]:
        act(session, me)
        return _counter(session)

    return answer_once(f"window:{route}", body, effect, ticket_schemas.CounterSchema())

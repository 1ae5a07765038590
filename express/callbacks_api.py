"""Where couriers push tracking; answered in their own form, without login."""

from flask import Blueprint, Response, jsonify, request

from backend.core.auth import public
from express import pushes
from express.api import couriers

blueprint = Blueprint("express_callbacks", __name__, url_prefix="/callbacks")

EMS = "ems"


@blueprint.post("/ems")
@public
def from_ems() -> Response:
    """EMS: the raw bytes, before anything can change them; the application's limit of a body holds here too."""
    outcome = pushes.receive(couriers(), EMS, dict(request.headers), request.get_data(cache=False))
    answer = jsonify(outcome.receipt)
    answer.status_code = outcome.status
    return answer

"""Every feature's personal data, in the order in which an account is emptied: who refers to others comes first."""

from typing import Final

from backend.applications import personal as applications
from backend.appointments import personal as appointments
from backend.core.personal import Part
from backend.credit import personal as credit
from backend.files import personal as files
from backend.hotline import personal as hotline
from backend.identity import personal as identity
from backend.licences import personal as licences
from backend.province import personal as province
from backend.queueing import personal as queueing
from backend.ratings import personal as ratings
from express import personal as express
from notify import personal as notify
from payments import personal as payments

PARTS: Final[tuple[Part, ...]] = (
    applications.PART,
    queueing.PART,
    appointments.PART,
    licences.PART,
    credit.PART,
    hotline.PART,
    ratings.PART,
    files.PART,
    province.PART,
    express.PART,
    payments.PART,
    notify.PART,
    identity.PART,
)

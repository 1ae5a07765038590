"""The one registry of notices."""

from notify.case_notices import CASES
from notify.kinds import Template
from notify.shipment_notices import SHIPMENTS
from notify.visit_notices import VISITS

TEMPLATES: dict[str, Template] = {**VISITS, **CASES, **SHIPMENTS}

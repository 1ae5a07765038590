"""Requests and answers of identity."""

from marshmallow import Schema, fields, validate

from backend.identity.staff import LEAST_PASSWORD

PHONE = validate.Regexp(r"^1[3-9]\d{9}$", error="Must be a mainland mobile number")
AGENT_ROLES = validate.OneOf(["manager", "agent"])


class CodeSchema(Schema):
    """A one-time code from WeChat."""

    code = fields.String(required=True, validate=validate.Length(1, 200))


class PhoneSchema(Schema):
    """Where to send a login code."""

    phone = fields.String(required=True, validate=PHONE)


class SmsLoginSchema(PhoneSchema):
    """The code that arrived."""

    code = fields.String(required=True, validate=validate.Regexp(r"^\d{6}$"))


class SmsSentSchema(Schema):
    """Seconds until another code may be asked for, and until this one dies."""

    resend_after_s = fields.Integer(required=True)
    expires_in_s = fields.Integer(required=True)


class LoginSchema(Schema):
    """A bound way to log in."""

    provider = fields.String(required=True)
    bound_at = fields.AwareDateTime(required=True)


class MeSchema(Schema):
    """The person's own data, masked. `level`: 0 openid only, 1 phone, 2 real name, 3 face."""

    id = fields.UUID(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    id_number_masked = fields.String(required=True, allow_none=True)
    phone_masked = fields.String(required=True, allow_none=True)
    level = fields.Integer(required=True)
    language = fields.String(required=True)
    elder_mode = fields.Boolean(required=True)
    is_elder = fields.Boolean(required=True)
    logins = fields.List(fields.Nested(LoginSchema), required=True)


class PreferencesSchema(Schema):
    """What a person may change about their own pages."""

    language = fields.String(validate=validate.OneOf(["zh", "en"]))
    elder_mode = fields.Boolean()


class StaffHallSchema(Schema):
    """A hall by its code, with its name in the language of the request."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class StaffHallsSchema(Schema):
    """The halls one may work in, and the one chosen now."""

    halls = fields.List(fields.Nested(StaffHallSchema), required=True)
    current = fields.String(required=True, allow_none=True)


class WorkplaceSchema(Schema):
    """The hall to work in from now on."""

    hall = fields.String(required=True, validate=validate.Length(1, 20))


class PasswordSchema(Schema):
    """The password of now, and the new one: at least fifteen characters, no other rule."""

    current = fields.String(required=True, validate=validate.Length(1, 200))
    new = fields.String(required=True, validate=validate.Length(LEAST_PASSWORD, 200))


class StaffMeSchema(Schema):
    """The member of staff who is logged in."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    hall = fields.Nested(StaffHallSchema, required=True, allow_none=True)
    permissions = fields.List(fields.String(), required=True)


class SessionSchema(Schema):
    """Who is logged in; `csrf_token` goes into X-CSRF-Token of every unsafe request."""

    kind = fields.String(required=True, validate=validate.OneOf(["anonymous", "citizen", "staff"]))
    csrf_token = fields.String(required=True, allow_none=True)
    me = fields.Nested(MeSchema, required=True, allow_none=True)
    staff = fields.Nested(StaffMeSchema, required=True, allow_none=True)


class TokenSchema(Schema):
    """A mini-program's session."""

    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    me = fields.Nested(MeSchema, required=True)


class ReturnSchema(Schema):
    """Where a login goes back to: a path of our own."""

    return_to = fields.String(load_default="/")


class CallbackSchema(Schema):
    """What the provider's page sends back."""

    code = fields.String(load_default="", validate=validate.Length(max=500))
    state = fields.String(load_default="", validate=validate.Length(max=200))


class AlipayCallbackSchema(Schema):
    """What Alipay's page sends back; without a code the person refused."""

    auth_code = fields.String(load_default="", validate=validate.Length(max=500))
    state = fields.String(load_default="", validate=validate.Length(max=200))


class StaffLoginSchema(Schema):
    """Three things a member of staff knows or holds."""

    username = fields.String(required=True, validate=validate.Length(1, 100))
    password = fields.String(required=True, validate=validate.Length(1, 200))
    totp = fields.String(required=True, validate=validate.Regexp(r"^\d{6}$"))


class FamilyRequestSchema(Schema):
    """A relative to act for."""

    name = fields.String(required=True, validate=validate.Length(1, 50))
    id_number = fields.String(required=True, validate=validate.Length(1, 40))
    relation = fields.String(required=True, validate=validate.OneOf(["child", "parent", "spouse", "sibling", "other"]))


class FamilyLinkSchema(Schema):
    """A relative this person acts for, or wants to."""

    id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
    name_masked = fields.String(required=True, allow_none=True)
    id_number_masked = fields.String(required=True, allow_none=True)
    relation = fields.String(required=True)
    basis = fields.String(required=True)
    state = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class FamilyAskSchema(Schema):
    """Somebody wants to act for this person."""

    id = fields.UUID(required=True)
    agent_name_masked = fields.String(required=True, allow_none=True)
    relation = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class FamilySchema(Schema):
    """Both directions."""

    family = fields.List(fields.Nested(FamilyLinkSchema), required=True)
    requests = fields.List(fields.Nested(FamilyAskSchema), required=True)


class OrganisationRequestSchema(Schema):
    """A body by its name and unified social credit code."""

    name = fields.String(required=True, validate=[validate.Length(2, 100), validate.Regexp(r"^\S(.*\S)?$")])
    credit_code = fields.String(required=True, validate=validate.Length(18, 30))


class AgentRequestSchema(PhoneSchema):
    """Who may act: the person who logs in with this phone."""

    role = fields.String(load_default="agent", validate=AGENT_ROLES)


class AgentSchema(Schema):
    """A person who acts for the organisation."""

    person_id = fields.UUID(required=True)
    phone_masked = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=AGENT_ROLES)
    created_at = fields.AwareDateTime(required=True)


class OrganisationSchema(Schema):
    """`role` is the caller's own; only a manager sees `agents`. `verified` is false until the licence is checked."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    credit_code = fields.String(required=True)
    verified = fields.Boolean(required=True)
    role = fields.String(required=True, validate=AGENT_ROLES)
    agents = fields.List(fields.Nested(AgentSchema), required=True)


class OrganisationsSchema(Schema):
    """The organisations the caller acts for."""

    organisations = fields.List(fields.Nested(OrganisationSchema), required=True)

"""Refusals of devices, in words that somebody in front of one understands."""

from backend.core.errors import Conflict, Forbidden, InvalidInput, Text, Unauthenticated


class DeviceRefused(Unauthenticated):
    """No signature, an unknown device, a wrong signature or a key whose time is over: all look the same."""

    code = "device_refused"
    title = Text("这台设备没有通过验证，请找工作人员", "This device could not be verified. Ask a member of staff")


class RequestStale(Unauthenticated):
    """Signed more than five minutes away from the server's clock; `server_time` says what it shows."""

    code = "request_stale"
    title = Text("设备的时间不对，正在重新对时", "The device's clock is wrong. Setting it again")


class RequestReplayed(Unauthenticated):
    """This nonce was used before: the request is a copy."""

    code = "request_replayed"
    title = Text("这个请求已经用过了", "This request was used before")


class DeviceRevoked(Forbidden):
    """The hall has switched this device off."""

    code = "device_revoked"
    title = Text("这台设备已停用，请找工作人员", "This device has been switched off. Ask a member of staff")


class EnrolmentRefused(InvalidInput):
    """An unknown, used or old enrolment code, or a key that did not sign it: all look the same."""

    code = "enrolment_refused"
    title = Text("登记码不对或过期了，请重新生成一个", "The enrolment code is wrong or has run out. Make a new one")


class KeyInUse(Conflict):
    """A device makes a key pair of its own; this public key belongs to one already."""

    code = "device_key_in_use"
    title = Text("这把密钥已经登记过了", "This key is registered already")


class KeyOutgoing(Forbidden):
    """A key that was replaced still signs requests for a day, but registers no other key."""

    code = "device_key_outgoing"
    title = Text("这把密钥已被替换，不能再登记新密钥", "This key has been replaced. It registers no other key")


class NotPending(Conflict):
    """Only a device that waits for its enrolment gets a code."""

    code = "device_not_pending"
    title = Text("这台设备已经登记过，不用再要登记码", "This device is enrolled already and needs no code")


class OtherHall(Forbidden):
    """A device in a hall works for that hall alone."""

    code = "device_other_hall"
    title = Text("这台设备只办本大厅的事", "This device serves its own hall only")


class HallNeeded(InvalidInput):
    """A device outside the halls has to say which hall is meant."""

    code = "device_hall_needed"
    title = Text("先选一个大厅", "Choose a hall first")


class CardDiffers(InvalidInput):
    """The id card is neither that of the person who is served nor of the one who booked."""

    code = "card_differs"
    title = Text(
        "身份证和预约的人对不上，请找工作人员", "The id card is not that of the appointment. Ask a member of staff"
    )

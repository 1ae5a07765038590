"""The words for what couriers report in codes (domain sheet §2.3)."""

from typing import Final

from backend.core.errors import Text
from express.tracking import Progress

STEPS: Final[dict[Progress, Text]] = {
    Progress.ORDERED: Text("已下单", "Ordered"),
    Progress.CANCELLED: Text("已撤单", "Called off"),
    Progress.COLLECTED: Text("已揽收", "Collected"),
    Progress.MOVING: Text("运输中", "On the way"),
    Progress.AT_OFFICE: Text("到达投递站", "At the delivery office"),
    Progress.OUT: Text("正在派送", "Out for delivery"),
    Progress.FAILED: Text("没有送到", "Could not be delivered"),
    Progress.WAITING: Text("在自提点等你取", "Waiting at a pick-up point"),
    Progress.TAKEN: Text("已从自提点取出", "Taken from the pick-up point"),
    Progress.DELIVERED: Text("已签收", "Delivered"),
    Progress.RETURNING: Text("正在退回", "On its way back"),
    Progress.RETURNED: Text("已退回寄件人", "Returned to the sender"),
    Progress.REDIRECTED: Text("改了地址，继续送", "Sent on to a new address"),
    Progress.INTERCEPTED: Text("已拦截", "Stopped on its way"),
    Progress.LOST: Text("快递丢失", "Lost"),
}
"""A step in the timeline."""

UNKNOWN_STEP: Final = Text("在路上", "On the way")
"""A step whose code nobody has told us the meaning of."""
UNDONE_STEP: Final = Text("前一条记录撤销", "The step before was taken back")

REASONS: Final[dict[str, Text]] = {
    "": Text("快递员没送成", "The courier could not deliver it"),
    "1": Text("地址不对", "Wrong address"),
    "2": Text("地址不全", "Incomplete address"),
    "3": Text("找不到收件人", "The receiver was not found"),
    "4": Text("家里没人", "Nobody was at home"),
    "5": Text("收件人搬走了", "The receiver has moved"),
    "6": Text("约好改天送", "To be delivered later"),
    "7": Text("收件人拒收", "The receiver refused it"),
    "8": Text("收件人自己去取", "The receiver will collect it"),
    "9": Text("转到柜台", "Kept at the counter"),
    "10": Text("寄件人要求撤回", "The sender called it back"),
    "11": Text("改了新地址", "A new address was given"),
    "12": Text("改了新地址", "A new address was given"),
    "13": Text("快递丢失", "Lost"),
    "14": Text("要付邮费", "A fee is due"),
    "15": Text("要退回", "To be returned"),
    "16": Text("其他原因", "Another reason"),
}
"""Why an attempt failed. The sheet gives 1 to 3 and 5 together as trouble with address or name."""

SIGNED: Final[dict[str, Text]] = {
    "10": Text("本人签收", "Signed for in person"),
    "20": Text("他人代收", "Taken by somebody else"),
    "30": Text("放在自提点", "Left at a pick-up point"),
    "50": Text("放进快递柜", "Left in a locker"),
    "60": Text("收发室代收", "Taken by the mail room"),
    "70": Text("物业代收", "Taken by the property office"),
}
"""How it was signed for; the other codes are other places."""

WHO_NEXT: Final[dict[str, Text]] = {
    "hall": Text("等大厅确认材料已备好", "The hall confirms that the papers are ready"),
    "pay": Text("请付邮费", "Please pay the postage"),
    "carrier": Text("等快递公司", "The courier acts next"),
    "address": Text("请改地址", "Please correct the address"),
    "receive": Text("请准备收件", "Be ready to receive it"),
    "fetch": Text("请到自提点取", "Fetch it at the pick-up point"),
    "confirm": Text("请确认是不是收到了", "Please confirm that you have it"),
    "hall_fetch": Text("请到大厅领取，或者重新邮寄", "Fetch it at the hall, or have it mailed again"),
    "hall_case": Text("大厅正在处理", "The hall is dealing with it"),
    "nobody": Text("已经完成", "It is done"),
}
"""Who acts next, as the page says it."""

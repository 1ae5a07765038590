"""Notices about shipments and their postage."""

from datetime import timedelta
from functools import partial

from backend.core.errors import Text
from notify.kinds import BILL_PROGRESS, SHIPMENT_PROGRESS, Template, progress
from notify.models import Importance

_shipment = partial(progress, "shipment", SHIPMENT_PROGRESS)
_postage = partial(progress, "shipment", BILL_PROGRESS)

SHIPMENTS: dict[str, Template] = {
    "shipment_ordered": _shipment(
        Text("快递下单了：{item}", "Delivery ordered: {item}"),
        Text(
            "“{item}”的快递下单了，单号 {number}。快递员会来取件。",
            "The delivery of “{item}” is ordered, number {number}. A courier will collect it.",
        ),
        "已下单",
        "快递员会来取件",
        importance=Importance.ANSWER,
    ),
    "shipment_collected": _shipment(
        Text("寄出了：{item}", "Sent: {item}"),
        Text(
            "“{item}”寄出了，单号 {number}。打开可以看到哪儿了。",
            "“{item}” is on its way, number {number}. Open this to see where it is.",
        ),
        "已寄出",
        "打开看到哪儿了",
    ),
    "shipment_out": _shipment(
        Text("今天送到：{item}", "Arriving today: {item}"),
        Text(
            "“{item}”正在派送，单号 {number}。请留意电话，签收时带上证件。",
            "“{item}” is out for delivery, number {number}. Keep your phone near and your id at hand.",
        ),
        "派送中",
        "请留意电话",
        useful_for=timedelta(hours=24),
    ),
    "shipment_delivered": _shipment(
        Text("签收了：{item}", "Delivered: {item}"),
        Text(
            "“{item}”签收了，单号 {number}。不是你收的，请打 11183。",
            "“{item}” was delivered, number {number}. If you did not get it, call 11183.",
        ),
        "已签收",
        "没收到请打11183",
    ),
    "shipment_failed": _shipment(
        Text("没送到：{item}", "Not delivered: {item}"),
        Text(
            "“{item}”没送到：{reason}。单号 {number}。打开可以改时间或地址。",
            "“{item}” could not be delivered: {reason}. Number {number}. Open this to change time or address.",
        ),
        "未送达",
        "打开可以改时间或地址",
        importance=Importance.CRITICAL,
    ),
    "shipment_unpaid": _postage(
        Text("请付邮费：{item}", "Please pay the postage: {item}"),
        Text(
            "“{item}”备好了，付邮费 {amount} 元就寄给你。打开就能付。",
            "“{item}” is ready. Pay ¥{amount} postage and it is sent to you. Open this to pay.",
        ),
        "待付邮费",
        "打开就能付",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "postage_paid": _postage(
        Text("邮费付好了：{amount} 元", "Postage paid: ¥{amount}"),
        Text(
            "收到“{item}”的邮费 {amount} 元。快递员会来取件，有进展会告诉你。",
            "We received ¥{amount} postage for “{item}”. A courier will collect it; we tell you how it goes.",
        ),
        "已付邮费",
        "快递员会来取件",
        importance=Importance.ANSWER,
    ),
    "shipment_refused": _shipment(
        Text("请改地址：{item}", "Please correct the address: {item}"),
        Text(
            "“{item}”的快递没有下成，快递公司说地址送不到。打开改一下地址。",
            "The delivery of “{item}” was not ordered: the courier cannot use the address. Open this to correct it.",
        ),
        "待改地址",
        "快递公司说地址送不到",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "shipment_cancelled": _shipment(
        Text("快递取消了：{item}", "Delivery cancelled: {item}"),
        Text(
            "“{item}”的快递取消了，单号 {number}。付过的邮费原路退回。",
            "The delivery of “{item}”, number {number}, is cancelled. Postage you paid goes back the way it came.",
        ),
        "已取消",
        "付过的邮费原路退回",
        importance=Importance.ANSWER,
        statutory=True,
    ),
    "shipment_kept": _shipment(
        Text("没能取消：{item}", "Not cancelled: {item}"),
        Text(
            "“{item}”的快递没能取消或改地址，快递员已经收走了，单号 {number}。会照原来的地址送。",
            "The delivery of “{item}” could not be cancelled or changed: the courier has it, number {number}. "
            "It goes to the address it has.",
        ),
        "继续派送",
        "快递员已经收走，照原地址送",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "shipment_waiting": _shipment(
        Text("请去取：{item}", "Please fetch: {item}"),
        Text(
            "“{item}”到自提点了，单号 {number}。请带证件去取。",
            "“{item}” waits for you at a pick-up point, number {number}. Take your id along.",
        ),
        "待自提",
        "请带证件去取",
        importance=Importance.CRITICAL,
    ),
    "shipment_undone": _shipment(
        Text("还没有签收：{item}", "Not delivered yet: {item}"),
        Text(
            "快递公司撤销了“{item}”的签收记录，单号 {number}。快递还在路上，没收到不用担心。",
            "The courier took back the delivery of “{item}”, number {number}. It is still on its way.",
        ),
        "签收撤销",
        "快递还在路上",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "shipment_returned": _shipment(
        Text("退回大厅了：{item}", "Back at the hall: {item}"),
        Text(
            "“{item}”没送到，退回大厅了，单号 {number}。请带证件来领，或者打开重新邮寄，邮费自付。",
            "“{item}” came back to the hall, number {number}. Fetch it with your id, or open this to have it mailed "
            "again at your own cost.",
        ),
        "已退回",
        "到大厅领，或重新邮寄",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "shipment_lost": _shipment(
        Text("快递丢了：{item}", "Lost on the way: {item}"),
        Text(
            "“{item}”在路上丢了，单号 {number}。大厅会联系你补办，你的办件不会结束。",
            "“{item}” was lost on the way, number {number}. The hall will contact you to issue it again; "
            "your case stays open.",
        ),
        "快递丢失",
        "大厅会联系你补办",
        importance=Importance.CRITICAL,
        statutory=True,
    ),
}

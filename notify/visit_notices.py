"""Notices about appointments, queues, keeping appointments and ratings."""

from datetime import timedelta

from backend.core.errors import Text
from notify.kinds import VISIT, Form, Template, sms
from notify.models import Importance

VISITS: dict[str, Template] = {
    "appointment_booked": Template(
        kind="visit",
        title=Text("约好了：{start}", "Booked: {start}"),
        body=Text(
            "{start} 到{hall}办“{item}”。地址：{address}。预约号 {code}，到了给工作人员看。",
            "Go to {hall} at {start} for “{item}”. Address: {address}. Show your number {code} at the entrance.",
        ),
        wechat=Form("appointment_booked", {**VISIT, "thing7": "{address}"}),
        sms=sms("appointment_booked"),
        importance=Importance.ANSWER,
    ),
    "appointment_changed": Template(
        kind="visit",
        title=Text("改到了：{start}", "Moved to {start}"),
        body=Text(
            "“{item}”改到 {start}，在{hall}办。地址：{address}。新的预约号 {code}，原来的号不能再用。",
            "“{item}” is now at {start} at {hall}. Address: {address}. "
            "Your new number is {code}; the old one no longer works.",
        ),
        wechat=Form("appointment_changed", {**VISIT, "thing7": "{address}"}),
        sms=sms("appointment_changed"),
        importance=Importance.ANSWER,
    ),
    "appointment_cancelled": Template(
        kind="visit",
        title=Text("预约已取消：{start}", "Cancelled: {start}"),
        body=Text(
            "你取消了 {start} 在{hall}办“{item}”的预约。要办就再约一次。",
            "You cancelled “{item}” at {hall}, {start}. Book again if you still need it.",
        ),
        wechat=Form("appointment_cancelled", {**VISIT, "phrase6": "已取消"}),
        importance=Importance.ANSWER,
    ),
    "appointment_hall_cancelled": Template(
        kind="visit",
        title=Text("大厅取消了预约：{start}", "The hall cancelled: {start}"),
        body=Text(
            "{hall}取消了你 {start} 办“{item}”的预约：{reason}。很抱歉，请重新选时间，这次不算你取消。",
            "{hall} had to cancel “{item}” at {start}: {reason}. We are sorry. "
            "Pick another time; this does not count against you.",
        ),
        wechat=Form("appointment_hall_cancelled", {**VISIT, "thing8": "{reason}"}),
        sms=sms("appointment_hall_cancelled"),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "appointment_no_show": Template(
        kind="conduct",
        title=Text("没有来办事：{start}", "Missed: {start}"),
        body=Text(
            "你约了 {start} 到{hall}办“{item}”，我们没有等到你。"
            "30 天里两次没来，网上预约会暂停 30 天；到大厅取号不受影响。来不了请提前取消，记错了请打开详情申诉。",
            "You had booked “{item}” at {hall} for {start} and did not come. "
            "Missing two visits in 30 days pauses online booking for 30 days; the hall always gives you a ticket. "
            "Cancel early when you cannot come. If this is wrong, open the details to appeal.",
        ),
        wechat=Form("appointment_no_show", {**VISIT, "thing8": "来不了请提前取消，记错了可以申诉"}),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "booking_paused": Template(
        kind="conduct",
        title=Text("网上预约暂停到 {until}", "Online booking is paused until {until}"),
        body=Text(
            "你约了几次没有来，{until} 以前不能在网上预约。"
            "急着办事可以直接到大厅取号，不受影响。记错了请打开详情申诉。",
            "You missed visits you had booked, so you cannot book online until {until}. You can still go to any hall "
            "and take a ticket. If this is wrong, open the details to appeal.",
        ),
        wechat=Form(
            "booking_paused",
            {"thing1": "约了几次没有来", "time2": "{until_wechat}", "thing3": "可以直接到大厅取号办理"},
        ),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "appeal_accepted": Template(
        kind="conduct",
        title=Text("申诉通过：{start} 的预约", "Appeal accepted: {start}"),
        body=Text(
            "你说明了 {start} 在{hall}的情况，这次不再算你没来。大厅回复：{answer}",
            "Your appeal about {hall}, {start}, was accepted: this visit no longer counts. The hall says: {answer}",
        ),
        wechat=Form("appeal_accepted", {**VISIT, "phrase6": "申诉通过"}),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "appeal_rejected": Template(
        kind="conduct",
        title=Text("申诉没有通过：{start} 的预约", "Appeal not accepted: {start}"),
        body=Text(
            "你说明了 {start} 在{hall}的情况，大厅核对后没有改。大厅回复：{answer}。有疑问请打 12345。",
            "Your appeal about {hall}, {start}, was not accepted. The hall says: {answer}. Questions? Call 12345.",
        ),
        wechat=Form("appeal_rejected", {**VISIT, "phrase6": "申诉未通过"}),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "queue_near": Template(
        kind="queue",
        title=Text("快到你了：{number}", "Nearly your turn: {number}"),
        body=Text(
            "你的号是 {number}，前面还有 {ahead} 个人。请回到{hall}等着叫号。",
            "Your number is {number}; {ahead} people are ahead of you. Please be in {hall}.",
        ),
        wechat=Form("queue_near", {"character_string1": "{number}", "number2": "{ahead}", "thing3": "{hall}"}),
        importance=Importance.CRITICAL,
        useful_for=timedelta(minutes=30),
    ),
    "queue_called": Template(
        kind="queue",
        title=Text("叫到你了：{number}，请到 {window} 号窗口", "Your turn: {number}, window {window}"),
        body=Text(
            "请带好材料到{hall} {window} 号窗口。没赶上也没关系，关门前都可以重新排。",
            "Please come to window {window} in {hall} with your papers. If you miss it, you can rejoin until closing.",
        ),
        wechat=Form("queue_called", {"character_string1": "{number}", "thing2": "{window} 号窗口", "thing3": "{hall}"}),
        importance=Importance.CRITICAL,
        useful_for=timedelta(minutes=10),
    ),
    "queue_passed": Template(
        kind="queue",
        title=Text("过号了：{number}", "You missed your call: {number}"),
        body=Text(
            "刚才叫了 {number}，没有等到你。关门前打开这条消息点“我回来了”，就能重新排上。",
            "We called {number} and did not see you. Until closing, open this message and tap “I am back” to rejoin.",
        ),
        wechat=Form(
            "queue_passed", {"character_string1": "{number}", "thing2": "打开消息可以重新排队", "thing3": "{hall}"}
        ),
        importance=Importance.CRITICAL,
        useful_for=timedelta(hours=4),
    ),
    "queue_carried": Template(
        kind="queue",
        title=Text("改到下次开门办：{number}", "Moved to the next opening day: {number}"),
        body=Text(
            "{hall}今天提前结束：{reason}。你的号改成 {number}，{start} 开门后先叫你，那天来就行。",
            "{hall} had to stop early today: {reason}. Your new number is {number}. "
            "Come when the hall opens, {start}: you are called first.",
        ),
        wechat=Form(
            "queue_carried", {"character_string1": "{number}", "thing2": "下次开门后先叫你", "thing3": "{hall}"}
        ),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "queue_finished": Template(
        kind="rating",
        title=Text("办完了：{number}", "Finished: {number}"),
        body=Text(
            "你在{hall}的 {number} 号办完了。觉得怎么样？打开看看，可以给这次服务打个分。",
            "Your number {number} at {hall} is finished. How was it? Open this message to rate the visit.",
        ),
        wechat=Form(
            "queue_finished", {"character_string1": "{number}", "thing2": "可以给这次服务打个分", "thing3": "{hall}"}
        ),
    ),
    "rating_answered": Template(
        kind="rating",
        title=Text("大厅回复了你的评价", "The hall answered your rating"),
        body=Text(
            "你给的差评，大厅处理了，回复是：{answer}",
            "The hall has acted on your rating. It says: {answer}",
        ),
        wechat=Form("rating_answered", {"thing1": "大厅处理了你的评价", "thing2": "{answer}"}),
        useful_for=timedelta(days=3),
    ),
    "appointment_tomorrow": Template(
        kind="reminder",
        title=Text("明天要办事：{start}", "Tomorrow: {start}"),
        body=Text(
            "明天 {start} 到{hall}办“{item}”。地址：{address}。预约号 {code}。带齐材料，来不了请今天取消。",
            "Tomorrow, {start}, at {hall}: “{item}”. Address: {address}. Your number is {code}. "
            "Bring your papers; cancel today if you cannot come.",
        ),
        wechat=Form("appointment_reminder", {**VISIT, "thing7": "{address}"}),
        mini=Form("appointment_reminder", {**VISIT, "thing7": "{address}"}),
        sms=sms("appointment_tomorrow"),
    ),
    "appointment_soon": Template(
        kind="reminder",
        title=Text("快到时间了：{start}", "Soon: {start}"),
        body=Text(
            "{start} 到{hall}办“{item}”。地址：{address}。预约号 {code}，到了给工作人员看。",
            "At {start}, {hall}: “{item}”. Address: {address}. Show your number {code} at the entrance.",
        ),
        wechat=Form("appointment_reminder", {**VISIT, "thing7": "{address}"}),
        mini=Form("appointment_reminder", {**VISIT, "thing7": "{address}"}),
        useful_for=timedelta(hours=2),
    ),
    "rating_invited": Template(
        kind="rating",
        title=Text("办得怎么样？给我们打个分", "How was it? Rate us"),
        body=Text(
            "你的“{item}”办好了。觉得怎么样？打开看看，可以给这次服务打个分。",
            "“{item}” is finished. How was it? Open this message to rate the service.",
        ),
        wechat=Form("rating_invited", {"thing1": "{item}", "thing2": "可以给这次服务打个分"}),
        useful_for=timedelta(days=3),
    ),
}

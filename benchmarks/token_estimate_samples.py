"""Texts for `token_estimate.py` that come with it: our own wording in many scripts."""

# ruff: noqa: E501 - texts are kept whole, as tokenizers see them.

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from random import Random

SAMPLES: Mapping[str, Sequence[str]] = {
    "english": [
        "The warehouse opens at seven, but the loading bay stays closed until the first lorry has been checked in. If you arrive early, wait at the gate and call the number on the sign.",
        "Please summarise the complaint below in three sentences, keep the customer's tone, and do not promise a refund unless the order number is on the approved list.",
        "Photosynthesis turns light into chemical energy: chlorophyll absorbs mostly red and blue wavelengths, and the resulting electrons reduce carbon dioxide to sugar.",
        "I tried to renew my library card online, yet the page kept telling me that my address could not be verified, although nothing has changed since last year.",
        "A good failure report names the component, the time, the last known good state and the smallest step that reproduces it; everything else can be asked for later.",
        "Our grandmother kept her recipes in a biscuit tin, each on the back of an envelope, and nobody was ever allowed to put them in order.",
        "Turn left after the second bridge, follow the canal for about two miles, and you will see the old mill on your right just before the village.",
        "The committee rejected the amendment by nine votes to four, arguing that the costs had been underestimated and that no independent review existed.",
    ],
    "chinese": [
        "仓库早上七点开门，但是装卸区要等第一辆货车登记以后才开放。如果您到得早，请在门口等候，并拨打牌子上的电话。",
        "请用三句话概括下面的投诉内容，保留客户的语气；除非订单号在批准名单里，否则不要承诺退款。",
        "光合作用把光能转化为化学能：叶绿素主要吸收红光和蓝光，产生的电子把二氧化碳还原成糖。",
        "我想在网上续借图书证，可是页面一直提示地址无法核实，虽然我的住址从去年起就没有变过。",
        "一份好的故障报告应当写明出错的部件、发生的时间、最后一次正常的状态，以及能够重现问题的最小步骤。",
        "外婆把菜谱都写在旧信封的背面，放在一个饼干盒里，谁也不许替她整理。",
        "过了第二座桥向左转，沿着运河走大约三公里，快到村口的时候就能在右手边看到那座老磨坊。",
        "委员会以九票对四票否决了修正案，理由是成本被低估，而且没有经过独立审查。",
        "同学们，今天我们学习二次函数的图像与性质。先回忆一下：一次函数的图像是什么形状？",
        "这款手机的续航能力不错，拍照也清楚，就是重量偏大，长时间单手拿着会觉得累。",
    ],
    "mixed": [
        "请把这个 Python 函数改成 async 版本，并且用 httpx 代替 requests，timeout 设成 10 秒。",
        "我们的 API 网关返回 429 Too Many Requests，但是控制台显示 QPS 只有 35，请问 rate limit 是按账号还是按 key 计算的？",
        "在 LangGraph 里，每个 node 都收到完整的 state，返回值会通过 reducer 合并，所以不要直接修改 messages 列表。",
        "会议纪要：1) Q3 的 roadmap 推迟两周；2) 新版 dashboard 先给 beta 用户试用；3) 周五之前 review 所有 open 的 PR。",
        "The word 缘分 has no exact English equivalent; translators often write \"fate\" or 'destiny', while 人情 becomes favour, feeling or obligation depending on context.",
        "用 Docker 部署的时候记得挂载 /data 目录，否则容器重启以后 SQLite 数据库会丢失。详见 README.md 第 4 节。",
    ],
    "code": [
        "async def fetch(url: str, *, retries: int = 3) -> bytes:\n    \"\"\"Read one address, with patience.\"\"\"\n    for attempt in range(retries):\n        try:\n            async with session.get(url) as response:\n                response.raise_for_status()\n                return await response.read()\n        except ClientError as error:\n            logger.warning('attempt %d failed: %s', attempt, error)\n            await asyncio.sleep(2**attempt)\n    raise RuntimeError(url)\n",
        "SELECT c.name, COUNT(*) AS orders, SUM(o.total) AS revenue\nFROM customers AS c\nJOIN orders AS o ON o.customer_id = c.id\nWHERE o.created_at >= DATE '2025-01-01'\nGROUP BY c.name\nHAVING SUM(o.total) > 1000\nORDER BY revenue DESC\nLIMIT 20;\n",
        "export function debounce<T extends (...args: any[]) => void>(fn: T, ms = 250) {\n  let timer: ReturnType<typeof setTimeout> | undefined;\n  return (...args: Parameters<T>) => {\n    clearTimeout(timer);\n    timer = setTimeout(() => fn(...args), ms);\n  };\n}\n",
        'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n)\n\nfunc main() {\n\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {\n\t\tfmt.Fprintf(w, "hello %s", r.URL.Path)\n\t})\n\thttp.ListenAndServe(":8080", nil)\n}\n',
        "class 订单:\n    \"\"\"一张订单：编号、金额和状态。\"\"\"\n\n    def __init__(self, 编号: str, 金额: float) -> None:\n        self.编号 = 编号\n        self.金额 = 金额\n        self.状态 = '待付款'  # 付款以后改为已付款\n",
    ],
    "json": [
        '{"type": "function", "function": {"name": "find_train", "description": "Find trains between two stations.", "parameters": {"type": "object", "properties": {"origin": {"type": "string", "description": "Station to leave from"}, "destination": {"type": "string"}, "day": {"type": "string", "format": "date"}}, "required": ["origin", "destination"]}}}',
        '{\n  "order": {\n    "id": "A-20417",\n    "lines": [\n      {"sku": "TEA-01", "quantity": 2, "price": 12.5},\n      {"sku": "CUP-07", "quantity": 1, "price": 8.0}\n    ],\n    "paid": true,\n    "note": null\n  }\n}',
    ],
    "chinese json": [
        '{"姓名": "王小明", "年龄": 15, "年级": "初三", "成绩": [{"科目": "数学", "分数": 92}, {"科目": "英语", "分数": 88}], "评语": "上课认真，但作业有时迟交。"}',
    ],
    "script european": [
        "Où se trouve la gare la plus proche, s'il vous plaît ? J'ai réservé un billet pour Besançon, mais l'écran n'affiche plus le numéro du quai.",
        "Die Lieferung verzögert sich, weil der Spediteur kein geeignetes Fahrzeug hat; über die neue Ankunftszeit müssen wir die Käufer rechtzeitig informieren.",
        "Mañana por la mañana habrá niebla en el valle, así que conduzca despacio y encienda las luces aunque ya haya salido el sol.",
        "Jutro rano będzie gęsta mgła, więc proszę jechać wolniej i włączyć światła, nawet jeśli świeci już słońce.",
        "Xin chào, tôi muốn đổi vé tàu sang chiều thứ bảy và hỏi xem còn chỗ ngồi cạnh cửa sổ không.",
        "Não consigo abrir o relatório de março: a página fica em branco e, após alguns segundos, aparece uma mensagem de erro de conexão.",
    ],
    "script cyrillic": [
        "Пожалуйста, проверьте ещё раз номер заказа: в системе он не найден, хотя оплата прошла вчера вечером.",
        "Склад открывается в семь утра, но разгрузка начинается только после регистрации первой машины.",
        "Будь ласка, зателефонуйте нам завтра вранці, щоб ми могли підтвердити час доставки.",
        "Учитель попросил учеников вспомнить, как выглядит график линейной функции, и нарисовать его в тетради.",
    ],
    "script greek": [
        "Η αποθήκη ανοίγει στις επτά το πρωί, αλλά η ράμπα μένει κλειστή μέχρι να ελεγχθεί το πρώτο φορτηγό.",
        "Παρακαλώ ελέγξτε ξανά τον αριθμό της παραγγελίας, γιατί δεν βρίσκεται στο σύστημα.",
        "Μπορούμε να μεταφέρουμε τη συνάντηση από αύριο το απόγευμα στην Παρασκευή;",
    ],
    "script arabic": [
        "يرجى التحقق من رقم الطلب مرة أخرى، فهو غير موجود في النظام رغم أن الدفع تم مساء أمس.",
        "يفتح المستودع في السابعة صباحا لكن الرصيف يبقى مغلقا حتى تسجيل أول شاحنة.",
        "لطفا شماره سفارش را دوباره بررسی کنید، چون در سامانه پیدا نشد.",
    ],
    "script hebrew": [
        "נא לבדוק שוב את מספר ההזמנה: הוא לא נמצא במערכת אף שהתשלום בוצע אתמול בערב.",
        "המחסן נפתח בשבע בבוקר אבל הרציף נשאר סגור עד שהמשאית הראשונה נרשמת.",
        "האם אפשר להעביר את הפגישה של מחר אחר הצהריים ליום שישי?",
    ],
    "script japanese": [
        "注文番号をもう一度ご確認ください。昨日の夜にお支払いは完了していますが、システムに見つかりません。",
        "倉庫は朝七時に開きますが、最初のトラックの受付が終わるまで荷さばき場は閉まっています。",
        "このアプリケーションのデータベースをバックアップするには、管理メニューから「エクスポート」を選んでください。",
        "二次関数のグラフはどんな形になるでしょうか。まずは一次関数を思い出してみましょう。",
        "すみません、明日の午後の会議を金曜日に変更できますか。",
    ],
    "script korean": [
        "주문 번호를 다시 확인해 주세요. 어제 저녁에 결제는 완료되었지만 시스템에서 찾을 수 없습니다.",
        "창고는 아침 일곱 시에 열리지만 첫 트럭이 등록될 때까지 하역장은 닫혀 있습니다.",
        "이차 함수의 그래프는 어떤 모양일까요? 먼저 일차 함수를 떠올려 봅시다.",
        "내일 오후 회의를 금요일로 옮길 수 있을까요?",
    ],
    "script brahmic": [
        "कृपया ऑर्डर नंबर फिर से जाँचें, भुगतान कल शाम हो गया था लेकिन सिस्टम में नहीं मिल रहा है।",
        "गोदाम सुबह सात बजे खुलता है, पर पहली गाड़ी की जाँच होने तक दरवाज़ा बंद रहता है।",
        "क्या कल दोपहर की बैठक शुक्रवार को रखी जा सकती है?",
        "অনুগ্রহ করে অর্ডার নম্বরটি আবার পরীক্ষা করুন, সিস্টেমে পাওয়া যাচ্ছে না।",
    ],
    "script thai": [
        "กรุณาตรวจสอบหมายเลขคำสั่งซื้ออีกครั้ง ระบบไม่พบข้อมูล แม้ว่าจะชำระเงินแล้วเมื่อวานตอนเย็น",
        "คลังสินค้าเปิดเจ็ดโมงเช้า แต่ต้องรอให้ลงทะเบียนรถคันแรกก่อน",
        "ขอเลื่อนการประชุมพรุ่งนี้บ่ายเป็นวันศุกร์ได้ไหม",
    ],
    "script emoji symbols": [
        "Great news 🎉🎉 the build is green ✅ and the release goes out tonight 🚀 — thanks to everyone 🙏",
        "今天天气真好☀️，我们去公园玩吧😄🌳🌸！记得带水💧和帽子🧢。",
        "“Smart quotes” — and ‘single’ ones… arrows → ← ⇒, bullets • and maths: ∑ x² ≤ √n ≠ ∞",
        "😀😃😄😁😆😅🤣😂🙂🙃😉😊",
        "Step 1 → Step 2 → Step 3 ✓ • done ✗ • failed — see § 4.2 “Limits”…",
    ],
}  # fmt: skip
"""Class -> texts. Scripts are few sentences each: both halves go into the fit."""


def identifiers(rng: Random) -> Iterator[str]:
    """Hashes, keys, logs, addresses and numbers, always the same ones for one seed."""
    for _ in range(120):
        noise = rng.randbytes(60)
        yield base64.b64encode(noise).decode()
        yield noise.hex()
        yield " ".join(str(uuid.UUID(bytes=rng.randbytes(16))) for _ in range(3))
        yield "\n".join(_log_line(rng) for _ in range(4))
        yield " ".join(_address(rng) for _ in range(3))
        yield ", ".join(f"{rng.gauss(0, 1):.6f}" for _ in range(15))
        yield " ".join(str(rng.randint(0, 10 ** rng.randint(1, 12))) for _ in range(15))


def _log_line(rng: Random) -> str:
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    return (
        f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{hour:02}:{minute:02}:{second:02}Z "
        f"INFO worker-{rng.randint(0, 9)} request_id={rng.randbytes(4).hex()} "
        f"status={rng.choice([200, 404, 500])} took={rng.random() * 1000:.3f}ms"
    )


def _address(rng: Random) -> str:
    path = rng.choice(["users", "orders", "chat/completions"])
    return (
        f"https://{rng.choice(['api', 'www', 'docs'])}.example.com/v{rng.randint(1, 3)}/{path}"
        f"/{rng.randint(1, 99999)}?page={rng.randint(1, 99)}&sort={rng.choice(['asc', 'desc'])}"
    )

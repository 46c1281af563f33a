"""Traditional characters as the simplified ones of this level's tables.

Not a conversion of script: only the characters that occur in `excluding_words`, `opposites`,
`figures`, `eligible` and `words` are here, and 么, so that their tables are written once.
"""

from __future__ import annotations

_PAIRS = """
萬万 專专 業业 東东 兩两 個个 麼么 買买 亂乱 產产 親亲 億亿 僅仅 們们 價价 優优
會会 傳传 餘余 儲储 兒儿 剋克 關关 內内 鼕冬 凍冻 準准 淩凌 減减 幾几 齣出 則则
剛刚 刪删 別别 製制 動动 勞劳 勢势 區区 韆千 昇升 陞升 華华 單单 賣卖 卻却 釐厘
雙双 發发 隻只 臺台 號号 閤合 衕同 後后 嗎吗 噸吨 啓启 啟启 員员 週周 迴回 國国
塊块 處处 頭头 學学 對对 導导 層层 歲岁 師师 帳帐 幫帮 並并 廢废 開开 張张 歸归
當当 錄录 録录 徑径 誌志 戶户 纔才 託托 摺折 攝摄 敎教 數数 斷断 無无 舊旧 時时
顯显 機机 條条 來来 樣样 樓楼 歐欧 沒没 註注 漲涨 溫温 點点 煩烦 熱热 現现 電电
眞真 碼码 確确 禮礼 離离 俬私 鞦秋 積积 類类 係系 紅红 約约 級级 綫线 線线 終终
綁绑 結结 絕绝 統统 綠绿 縮缩 網网 職职 緻致 藍蓝 裝装 計计 訂订 認认 許许 論论
識识 訴诉 話话 誤误 請请 調调 謝谢 負负 敗败 賬账 購购 貴贵 費费 資资 賠赔 讚赞
贊赞 贏赢 轉转 載载 輸输 邊边 達达 過过 還还 這这 進进 遠远 連连 遞递 裏里 裡里
鍾钟 鐘钟 鋼钢 錢钱 銀银 銷销 鎖锁 鏽锈 錯错 鎊镑 長长 門门 閉闭 問问 間间 閱阅
閲阅 陣阵 際际 隱隐 僱雇 頁页 預预 額额 飛飞 飯饭 駁驳 駕驾 黃黄
"""
"""A traditional character and the simplified one next to it; after OpenCC's table of characters."""

_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})


def simplified(text: str) -> str:
    """Return a text in which the tables' words are found, whichever script it is written in."""
    return text if text.isascii() else text.translate(_SIMPLIFIED)

"""Every word the page says, in 简体, 繁體 and English."""

from page.about_words import ABOUT_WORDS
from page.documents import PAGE_WORDS as DOCUMENTS_PAGE_WORDS
from page.script_words import script_words
from qa.framing import CLOSEST, PAGE, SEARCHED
from qa.types import Language

# Around an answer: in the language of its question.
WORDS: dict[Language, dict[str, str]] = {
    "zh-Hans": {
        "searching": "正在检索…",
        "found": "文档中的原文：",
        "high": "可信度：高",
        "medium": "可信度：中",
        "low": "可信度：低，请核对上下文",
        "also": "又见于：{}",
        "failed": "出错了，没有作答",
        "unexpected": "程序意外出错，这不代表文档里没有答案。请再问一次；如仍出错，请看日志。",
        "place": "字符 {}–{}",
        "back": "回到回答",
        "gone": "文档已经更新，这些位置上不再是当时的原文。",
        "fallback": "最新的索引已损坏，这里用的是 {} 建立的一份。请重新建立索引。",
        "copy": "复制引文",
        "read": "在文档中看",
        "earlier": "往前看",
        "later": "往后看",
        "shown": "第 {}–{} 段，共 {} 段",
        "moved": "文档后来有改动，引文现在位于这里。",
        "changed": "文档后来有改动，已没有这句话。当时的原文是：",
        "reference": "编号 {}，请告诉管理员。",
        "next": "可以接着问",
        "busy": "现在提问的人太多，请稍后再问。",
    },
    "zh-Hant": {
        "searching": "正在檢索…",
        "found": "文件中的原文：",
        "high": "可信度：高",
        "medium": "可信度：中",
        "low": "可信度：低，請核對上下文",
        "also": "又見於：{}",
        "failed": "出錯了，沒有作答",
        "unexpected": "程式意外出錯，這不代表文件裡沒有答案。請再問一次；如仍出錯，請看日誌。",
        "place": "字元 {}–{}",
        "back": "回到回答",
        "gone": "文件已經更新，這些位置上不再是當時的原文。",
        "fallback": "最新的索引已損壞，這裡用的是 {} 建立的一份。請重新建立索引。",
        "copy": "複製引文",
        "read": "在文件中看",
        "earlier": "往前看",
        "later": "往後看",
        "shown": "第 {}–{} 段，共 {} 段",
        "moved": "文件後來有改動，引文現在位於這裡。",
        "changed": "文件後來有改動，已沒有這句話。當時的原文是：",
        "reference": "編號 {}，請告訴管理員。",
        "next": "可以接著問",
        "busy": "現在提問的人太多，請稍後再問。",
    },
    "en": {
        "searching": "Searching…",
        "found": "In the documents’ own words:",
        "high": "Confidence: high",
        "medium": "Confidence: medium",
        "low": "Confidence: low; check the context",
        "also": "Also in: {}",
        "failed": "Something went wrong; there is no answer",
        "unexpected": "This does not mean that the documents hold no answer. Ask again; if it "
        "fails again, look into the server's log.",
        "place": "characters {}–{}",
        "back": "Back to the answer",
        "gone": "The documents have changed: the quotes no longer stand at these places.",
        "fallback": "The newest index is damaged; this comes from the one built on {}. "
        "Build the index again.",
        "copy": "Copy the quote",
        "read": "Show in the document",
        "earlier": "Earlier",
        "later": "Later",
        "shown": "paragraphs {}–{} of {}",
        "moved": "The document has changed since; the quote now stands here.",
        "changed": "The document has changed since and no longer has these words. It said:",
        "reference": "Reference {}: tell it to whoever runs the server.",
        "next": "Questions to go on with",
        "busy": "Too many questions are being answered right now. Please ask again in a moment.",
    },
}


for _language, _said in WORDS.items():
    _said |= {
        "page": PAGE[_language],
        "searched": SEARCHED[_language],
        "closest": CLOSEST[_language],
    }


def _hints(lenient: str, balanced: str, strict: str) -> str:
    hints = {"lenient": lenient, "balanced": balanced, "strict": strict}
    return "".join(f'<span id="hint-{name}">{hint}</span>' for name, hint in hints.items())


# Of the page itself: in the language of the browser. Gradio knows these three locales.
PAGE_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "chat_tab": "Chat",
        "ask": "Ask",
        "stop": "Stop",
        "promise": "Answers in your documents’ own words, each with its exact place — or says that "
        "there is none.",
        "placeholder": "Ask about your documents, in Chinese or English",
        "question": "Question",
        "conversation": "Conversation",
        "sources": "<h2>Sources</h2>",
        "no_sources": "The passages quoted will appear here: the quote marked in its context, and "
        "in it the words that decided.",
        "clear": "Clear",
        "hello": "What would you like to look up?",
        "strictness": "Strictness",
        "lenient": "Lenient",
        "balanced": "Balanced",
        "strict": "Strict",
        "hints": _hints(
            "Quotes more, and errs more.",
            "Weighs finding against erring.",
            "Quotes only when quite sure.",
        ),
        "new": "New",
        "hand_out": "Export",
        "thanks": "Thank you.",
        "comment": "What was good or missing? (optional)",
        "comment_label": "Comment",
        "send": "Send",
        "dismiss": "No comment",
        **script_words("en"),
    },
    "zh-CN": {
        "chat_tab": "问答",
        "ask": "提问",
        "stop": "停止",
        "promise": "只用文档原文作答，句句标明出处；没有，就说没有。",
        "placeholder": "就您的文档提问，中文或英文均可",
        "question": "问题",
        "conversation": "对话",
        "sources": "<h2>出处</h2>",
        "no_sources": "引用的段落会显示在这里：引文在上下文中标出，其中起决定作用的词另加标记。",
        "clear": "清空",
        "hello": "想查什么？",
        "strictness": "严格程度",
        "lenient": "宽松",
        "balanced": "适中",
        "strict": "严格",
        "hints": _hints("引用得多，错得也多。", "兼顾多引与少错。", "很有把握才引用。"),
        "new": "新对话",
        "hand_out": "导出",
        "thanks": "谢谢。",
        "comment": "好在哪里，缺了什么？（可不填）",
        "comment_label": "意见",
        "send": "发送",
        "dismiss": "不填了",
        **script_words("zh-CN"),
    },
    "zh-TW": {
        "chat_tab": "問答",
        "ask": "提問",
        "stop": "停止",
        "promise": "只用文件原文作答，句句標明出處；沒有，就說沒有。",
        "placeholder": "就您的文件提問，中文或英文皆可",
        "question": "問題",
        "conversation": "對話",
        "sources": "<h2>出處</h2>",
        "no_sources": "引用的段落會顯示在這裡：引文在上下文中標出，其中起決定作用的詞另加標記。",
        "clear": "清空",
        "hello": "想查什麼？",
        "strictness": "嚴格程度",
        "lenient": "寬鬆",
        "balanced": "適中",
        "strict": "嚴格",
        "hints": _hints("引用得多，錯得也多。", "兼顧多引與少錯。", "很有把握才引用。"),
        "new": "新對話",
        "hand_out": "匯出",
        "thanks": "謝謝。",
        "comment": "好在哪裡，缺了什麼？（可不填）",
        "comment_label": "意見",
        "send": "送出",
        "dismiss": "不填了",
        **script_words("zh-TW"),
    },
}
for _locale, _words in [*DOCUMENTS_PAGE_WORDS.items(), *ABOUT_WORDS.items()]:
    PAGE_WORDS[_locale].update(_words)
REPORT_QUESTIONS = (
    "What is Ordos's 三端五防線 model?",
    "呼伦贝尔的“三务合一”是什么？",
    "烏海市全程網辦事項量提升了多少？",
    "How many problems did the field research identify?",
)
_SURE_FROM, _FAIRLY_SURE_FROM = 0.7, 0.4


def confidence_in_words(confidence: float, language: Language) -> str:
    """Return how sure an answer is, for readers."""
    if confidence >= _SURE_FROM:
        return WORDS[language]["high"]
    return WORDS[language]["medium" if confidence >= _FAIRLY_SURE_FROM else "low"]

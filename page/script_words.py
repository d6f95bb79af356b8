"""What the page's own scripts say, in 简体, 繁體 and English, and where they find it."""

from html import escape

_SCRIPT_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "history": "History",
        "close": "Close",
        "export": "Export this conversation",
        "export_markdown": "Markdown",
        "export_json": "JSON",
        "kept": "Kept in this browser only.",
        "none_kept": "No conversation is kept yet.",
        "open": "Open: {}",
        "now_open": "open now",
        "delete": "Delete: {}",
        "delete_all": "Delete all",
        "deleted": "Deleted.",
        "all_deleted": "All conversations deleted.",
        "undo": "Undo",
        "untitled": "Untitled",
        "copied": "Copied, with its reference",
        "not_copied": "The browser did not allow copying",
        "exported": "Saved as {}",
        "not_kept": "This browser has no room: the conversation is not kept",
        "nothing_to_export": "There is nothing to export yet",
        "not_answered": "No answer",
        "busy": "Too many questions are being answered right now. Please ask again in a moment.",
        "stopped": "Stopped without an answer.",
        "lost": "The server cannot be reached. Check the connection, then ask again.",
        "reading": "The document",
        "back_to_sources": "Back to the sources",
        "copy_message": "Copy the message",
        "copied_message": "Message copied",
        "like": "This helped",
        "dislike": "This did not help",
        "liked": "You said that this helped",
        "disliked": "You said that this did not help",
        "clear_box": "Clear",
        "loading": "Loading",
        "error": "Error",
        "scroll_down": "Scroll to the end",
        "reconnecting": "The connection was lost; reconnecting…",
        "conversation": "Conversation",
        "thanks": "Thank you.",
        "more_tabs": "More tabs",
        "examples": "Questions to begin with",
        "not_judged": "What you said could not be kept. Please try again later.",
        "notice": "Notice",
    },
    "zh-CN": {
        "history": "历史",
        "close": "关闭",
        "export": "导出当前对话",
        "export_markdown": "Markdown",
        "export_json": "JSON",
        "kept": "只保存在这个浏览器里。",
        "none_kept": "还没有保存的对话。",
        "open": "打开：{}",
        "now_open": "当前",
        "delete": "删除：{}",
        "delete_all": "全部删除",
        "deleted": "已删除。",
        "all_deleted": "已删除全部对话。",
        "undo": "撤销",
        "untitled": "无标题",
        "copied": "已复制引文和出处",
        "not_copied": "浏览器不允许复制",
        "exported": "已保存为 {}",
        "not_kept": "浏览器存储空间不足，这段对话没有保存",
        "nothing_to_export": "还没有可导出的内容",
        "not_answered": "没有作答",
        "busy": "现在提问的人太多，请稍后再问。",
        "stopped": "已停止，没有作答。",
        "lost": "连不上服务器。请检查连接后再问。",
        "reading": "文档全文",
        "back_to_sources": "返回出处",
        "copy_message": "复制这条消息",
        "copied_message": "消息已复制",
        "like": "有帮助",
        "dislike": "没有帮助",
        "liked": "您已评为有帮助",
        "disliked": "您已评为没有帮助",
        "clear_box": "清除",
        "loading": "加载中",
        "error": "出错了",
        "scroll_down": "滚动到末尾",
        "reconnecting": "连接已断开，正在重新连接…",
        "conversation": "对话",
        "thanks": "谢谢。",
        "more_tabs": "更多标签页",
        "examples": "可以先问",
        "not_judged": "您的意见没能保存，请稍后再试。",
        "notice": "提示",
    },
    "zh-TW": {
        "history": "歷史",
        "close": "關閉",
        "export": "匯出目前的對話",
        "export_markdown": "Markdown",
        "export_json": "JSON",
        "kept": "只儲存在這個瀏覽器裡。",
        "none_kept": "還沒有儲存的對話。",
        "open": "開啟：{}",
        "now_open": "目前",
        "delete": "刪除：{}",
        "delete_all": "全部刪除",
        "deleted": "已刪除。",
        "all_deleted": "已刪除全部對話。",
        "undo": "復原",
        "untitled": "無標題",
        "copied": "已複製引文和出處",
        "not_copied": "瀏覽器不允許複製",
        "exported": "已儲存為 {}",
        "not_kept": "瀏覽器儲存空間不足，這段對話沒有儲存",
        "nothing_to_export": "還沒有可匯出的內容",
        "not_answered": "沒有作答",
        "busy": "現在提問的人太多，請稍後再問。",
        "stopped": "已停止，沒有作答。",
        "lost": "連不上伺服器。請檢查連線後再問。",
        "reading": "文件全文",
        "back_to_sources": "返回出處",
        "copy_message": "複製這則訊息",
        "copied_message": "訊息已複製",
        "like": "有幫助",
        "dislike": "沒有幫助",
        "liked": "您已評為有幫助",
        "disliked": "您已評為沒有幫助",
        "clear_box": "清除",
        "loading": "載入中",
        "error": "出錯了",
        "scroll_down": "捲動到末尾",
        "reconnecting": "連線已中斷，正在重新連線…",
        "conversation": "對話",
        "thanks": "謝謝。",
        "more_tabs": "更多分頁",
        "examples": "可以先問",
        "not_judged": "您的意見未能儲存，請稍後再試。",
        "notice": "提示",
    },
}


def script_words(locale: str) -> dict[str, str]:
    """Return, by key, as HTML: the scripts' words, the dialog of kept conversations, the reader."""
    words = {key: escape(word) for key, word in _SCRIPT_WORDS[locale].items()}
    spans = "".join(f'<span data-word="{key}">{word}</span>' for key, word in words.items())
    return {
        "script_words": spans + '<div id="notice" role="status" aria-live="polite"></div>',
        "history": words["history"],
        "history_dialog": _HISTORY_DIALOG.format(**words),
        "reader": _READER.format(**words),
        # Gradio's own words, where ours say more.
        **{f"chatbot.{key}": _SCRIPT_WORDS[locale][key] for key in ("like", "dislike")},
    }


_HISTORY_DIALOG = """
<dialog id="history" aria-labelledby="history-title">
<header><h2 id="history-title">{history}</h2>
<button type="button" data-do="close" aria-label="{close}">✕</button></header>
<p class="soft">{kept}</p>
<ul id="conversations"></ul>
<p class="soft" id="none-kept" hidden>{none_kept}</p>
<p id="deleted" role="status"></p>
<div class="tools"><div role="group" aria-label="{export}"><span>{export}</span>
<button type="button" data-do="export" data-kind="markdown">{export_markdown}</button>
<button type="button" data-do="export" data-kind="json">{export_json}</button></div>
<button type="button" data-do="delete-all">{delete_all}</button></div>
</dialog>"""
_READER = """
<header><h2 tabindex="-1">{reading}</h2>
<button type="button" data-do="close-reader">{back_to_sources}</button></header>"""

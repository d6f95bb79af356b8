"""Every sentence with which the server refuses a request, in 简体, 繁體 and English."""

from qa.types import Language

REFUSALS: dict[str, dict[Language, str]] = {
    "host": {
        "zh-Hans": "这台服务器不叫“{}”。请用它自己的地址访问；若这个名字没错，请管理员启动时加上 "
        "--allowed-host。",
        "zh-Hant": "這台伺服器不叫「{}」。請用它自己的位址存取；若這個名字沒錯，請管理員啟動時加上 "
        "--allowed-host。",
        "en": "This server is not called “{}”. Use its own address; if the name is right, its "
        "administrator can start it with --allowed-host.",
    },
    "origin": {
        "zh-Hans": "这个请求来自另一个网站，因此没有执行。请打开本站自己的页面再试。",
        "zh-Hant": "這個請求來自另一個網站，因此沒有執行。請打開本站自己的頁面再試。",
        "en": "This request came from another site, so it was not carried out. Open this server’s "
        "own page and try again.",
    },
    "address": {
        "zh-Hans": "网址太长。请从首页重新开始。",
        "zh-Hant": "網址太長。請從首頁重新開始。",
        "en": "The address is too long. Begin again at the first page.",
    },
    "size": {
        "zh-Hans": "发送的内容太大：最多 {} 字节。请减少或分开发送。",
        "zh-Hant": "傳送的內容太大：最多 {} 位元組。請減少或分開傳送。",
        "en": "What was sent is too large: at most {} bytes are taken. Send less, or in parts.",
    },
    "upload": {
        "zh-Hans": "您没有更改文档的权限。请管理员上传。",
        "zh-Hant": "您沒有更改文件的權限。請管理員上傳。",
        "en": "You may not change the documents. Ask an administrator to upload them.",
    },
    "slow": {
        "zh-Hans": "内容迟迟没有传完，已停止等待。请检查网络后重试。",
        "zh-Hant": "內容遲遲沒有傳完，已停止等待。請檢查網路後重試。",
        "en": "What was sent did not arrive in time. Check the connection and send it again.",
    },
    "often": {
        "zh-Hans": "请求太频繁，请稍等 {} 秒再试。",
        "zh-Hant": "請求太頻繁，請稍等 {} 秒再試。",
        "en": "That is too many requests at once. Please wait {} s and try again.",
    },
    "wrong_tokens": {
        "zh-Hans": "出示的错误令牌太多，请等 {} 秒再试。",
        "zh-Hant": "出示的錯誤權杖太多，請等 {} 秒再試。",
        "en": "Too many wrong tokens were shown from here. Wait {} s and try again.",
    },
    "sign_in": {
        "zh-Hans": "请先登录；程序请出示令牌（Authorization: Bearer）。",
        "zh-Hant": "請先登入；程式請出示權杖（Authorization: Bearer）。",
        "en": "Sign in first; programs show a token (Authorization: Bearer).",
    },
    "token": {
        "zh-Hans": "这个令牌无效。请向管理员索取新的令牌。",
        "zh-Hant": "這個權杖無效。請向管理員索取新的權杖。",
        "en": "This token is not valid. Ask the administrator for a new one.",
    },
    "users": {
        "zh-Hans": "目前无法登录：服务器读不出用户名单。请通知管理员查看日志。",
        "zh-Hant": "目前無法登入：伺服器讀不出使用者名單。請通知管理員查看日誌。",
        "en": "Nobody can be signed in: the server cannot read its list of users. Tell the "
        "administrator, who finds the reason in the log.",
    },
    "failed": {
        "zh-Hans": "服务器出错，没有作答；这不代表文档里没有答案。请再试一次；如仍出错，"
        "请把编号告诉管理员。",
        "zh-Hant": "伺服器出錯，沒有作答；這不代表文件裡沒有答案。請再試一次；如仍出錯，"
        "請把編號告訴管理員。",
        "en": "The server failed; this does not mean that the documents hold no answer. Try again; "
        "if it fails again, tell the administrator the reference number.",
    },
}
PAGE_WORDS: dict[Language, dict[str, str]] = {
    "zh-Hans": {"title": "无法处理", "reference": "编号：", "home": "回到首页"},
    "zh-Hant": {"title": "無法處理", "reference": "編號：", "home": "回到首頁"},
    "en": {
        "title": "This did not work",
        "reference": "Reference number: ",
        "home": "Go to the first page",
    },
}

"""Every word of the sign-in page, in 简体, 繁體 and English."""

from qa.types import Language

LOGIN_WORDS: dict[Language, dict[str, str]] = {
    "zh-Hans": {
        "title": "登录",
        "name": "用户名",
        "password": "密码",
        "sign_in": "登录",
        "wrong": "用户名或密码不对，请再试一次。",
        "wait": "失败次数太多，请等 {} 秒再试。",
        "busy": "登录的人太多，请过几秒再试。",
        "sign_out": "退出登录",
        "signed_in_as": "当前用户：",
        "back": "回到首页",
        "going": "正在打开……",
    },
    "zh-Hant": {
        "title": "登入",
        "name": "使用者名稱",
        "password": "密碼",
        "sign_in": "登入",
        "wrong": "使用者名稱或密碼不對，請再試一次。",
        "wait": "失敗次數太多，請等 {} 秒再試。",
        "busy": "登入的人太多，請過幾秒再試。",
        "sign_out": "登出",
        "signed_in_as": "目前使用者：",
        "back": "回到首頁",
        "going": "正在開啟……",
    },
    "en": {
        "title": "Sign in",
        "name": "Name",
        "password": "Password",
        "sign_in": "Sign in",
        "wrong": "The name or the password is wrong. Please try again.",
        "wait": "Too many failed attempts. Please wait {} s and try again.",
        "busy": "Too many people are signing in. Please try again in a few seconds.",
        "sign_out": "Sign out",
        "signed_in_as": "Signed in as ",
        "back": "Go to the first page",
        "going": "Opening …",
    },
}

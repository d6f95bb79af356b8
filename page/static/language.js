// Gradio picks its texts by an exact match of navigator.language with zh-CN or zh-TW.
const asked = navigator.language || "en";
const traditional = /^zh\b.*\b(hant|tw|hk|mo)\b/i.test(asked);
const language = /^zh\b/i.test(asked) ? (traditional ? "zh-TW" : "zh-CN") : "en";
Object.defineProperty(navigator, "language", { get: () => language });

"""Why files were refused, or parts of them left out: what is said most, in 简体 and 繁體.

The index gives its reasons in English, for programs and people alike. Those listed here are shown
in the reader's language; any other stays as it is, which is better than a guess. ``(.+)`` stands
for what is put in as ``%1`` and ``%2``.
"""

_FACTS: tuple[tuple[str, str, str], ...] = (
    # ---- why a file was not read ----
    (
        r"it is a damaged PDF, or only a part of one\. Get it anew, or leave it out\.",
        "PDF 已损坏或不完整。请重新获取，或不收录。",
        "PDF 已損壞或不完整。請重新取得，或不收錄。",
    ),
    (
        r"it is protected by a password\. (?:Save it without one|Unpack it by hand)\.",
        "有密码保护。请去掉密码另存后再添加。",
        "有密碼保護。請去掉密碼另存後再新增。",
    ),
    (
        r"it is a scan without a text layer \((.+) pages, (.+) of them pictures\)\. "
        r"Recognise its text \(OCR\), and index what comes out\.",
        "是没有文字层的扫描件（共 %1 页，其中 %2 页只有图片）。请先识别文字（OCR），再添加结果。",
        "是沒有文字層的掃描檔（共 %1 頁，其中 %2 頁只有圖片）。請先辨識文字（OCR），再新增結果。",
    ),
    (
        r"its (.+) pages hold no text\. Leave it out\.",
        "共 %1 页，都没有文字。请不收录。",
        "共 %1 頁，都沒有文字。請不收錄。",
    ),
    (
        r"(?:.+ holds no text|it is empty \(0 bytes\))\. Check the file, or leave it out\.",
        "没有文字。请检查文件，或不收录。",
        "沒有文字。請檢查檔案，或不收錄。",
    ),
    (
        r"it is no text, or in no encoding that can be told from its bytes\. "
        r"Name the encoding if you know it, or leave it out\.",
        "不是文本，或无法判断其编码。请转存为 UTF-8，或不收录。",
        "不是文字檔，或無法判斷其編碼。請轉存為 UTF-8，或不收錄。",
    ),
    (
        r"it is no text: (.+) of its (.+) characters are control characters\. Leave it out\.",
        "不是文本：%2 个字符中有 %1 个控制字符。请不收录。",
        "不是文字檔：%2 個字元中有 %1 個控制字元。請不收錄。",
    ),
    (
        r"it is of the old Office format \(\.doc, \.xls, \.ppt\), which cannot be read\. "
        r"Save it as docx, xlsx or pptx\.",
        "是旧版 Office 格式（.doc、.xls、.ppt），无法读取。请另存为 docx、xlsx 或 pptx。",
        "是舊版 Office 格式（.doc、.xls、.ppt），無法讀取。請另存為 docx、xlsx 或 pptx。",
    ),
    (
        r"it is an RTF file, which cannot be read\. Save it as docx\.",
        "是 RTF 文件，无法读取。请另存为 docx。",
        "是 RTF 檔案，無法讀取。請另存為 docx。",
    ),
    (
        r"it is an OpenDocument file, which cannot be read\. Save it as docx, pptx or xlsx\.",
        "是 OpenDocument 文件，无法读取。请另存为 docx、pptx 或 xlsx。",
        "是 OpenDocument 檔案，無法讀取。請另存為 docx、pptx 或 xlsx。",
    ),
    (
        r"it is an? (.+) picture, which cannot be read\. Leave it out\.",
        "是 %1 图片，无法读取。请不收录。",
        "是 %1 圖片，無法讀取。請不收錄。",
    ),
    (
        r"it is an? (.+) archive, which cannot be read\. Unpack it first\.",
        "是 %1 压缩包，无法读取。请先解压。",
        "是 %1 壓縮檔，無法讀取。請先解壓縮。",
    ),
    (
        r"it is a program, which cannot be read\. Leave it out\.",
        "是程序，无法读取。请不收录。",
        "是程式，無法讀取。請不收錄。",
    ),
    (
        r"it is an SQLite database, which cannot be read\. Leave it out\.",
        "是 SQLite 数据库，无法读取。请不收录。",
        "是 SQLite 資料庫，無法讀取。請不收錄。",
    ),
    (
        r"it is a damaged ZIP archive \(docx, pptx, xlsx and epub are ones, too\)\. "
        r"Get it anew, or leave it out\.",
        "ZIP 压缩包已损坏（docx、pptx、xlsx、epub 也属此类）。请重新获取，或不收录。",
        "ZIP 壓縮檔已損壞（docx、pptx、xlsx、epub 也屬此類）。請重新取得，或不收錄。",
    ),
    (
        r"it is a damaged workbook\. Open it in Excel and save it anew\.",
        "工作簿已损坏。请用 Excel 打开后另存。",
        "活頁簿已損壞。請用 Excel 開啟後另存。",
    ),
    (
        r"it has (.+) pages; the limit is (.+) \(max_pages\)\. Split it, or raise the limit\.",
        "共 %1 页，上限是 %2 页。请拆分后再添加。",
        "共 %1 頁，上限是 %2 頁。請拆分後再新增。",
    ),
    (
        r"(?:it is|.+ is) (.+); the limit is (.+) \(max_file_size\)\. Split it, or raise the "
        r"limit\.",
        "大小为 %1，上限是 %2。请拆分后再添加。",
        "大小為 %1，上限是 %2。請拆分後再新增。",
    ),
    (
        r"its text has more than (.+) characters \(max_characters\)\. Split it, or raise the "
        r"limit\.",
        "文字超过 %1 个字符的上限。请拆分后再添加。",
        "文字超過 %1 個字元的上限。請拆分後再新增。",
    ),
    # ---- what became of a file ----
    (r"Its file is gone\.", "文件已不在。", "檔案已不在。"),
    (
        r"Read again: not in the same way as before\.",
        "已重新读取：读取方式与以前不同。",
        "已重新讀取：讀取方式與以前不同。",
    ),
    # ---- what there is to know of a file that was read ----
    (
        r"Pages without a text layer, pictures only: (.+)\. "
        r"Their text is not indexed; recognise it \(OCR\) to have it\.",
        "第 %1 页没有文字层，只有图片，其中的文字没有收录；要收录，请先识别文字（OCR）。",
        "第 %1 頁沒有文字層，只有圖片，其中的文字沒有收錄；要收錄，請先辨識文字（OCR）。",
    ),
    (
        r"Pages that cannot be read: (.+)\.",
        "第 %1 页无法读取。",
        "第 %1 頁無法讀取。",
    ),
    (
        r"Pages whose characters are not all named in the file: (.+)\. "
        r"Their text is garbled; recognise it \(OCR\) to have it\.",
        "第 %1 页的字符在文件中没有名称，文字是乱码；请识别文字（OCR）后再添加。",
        "第 %1 頁的字元在檔案中沒有名稱，文字是亂碼；請辨識文字（OCR）後再新增。",
    ),
    (
        r"Undecodable as (.+), and U\+FFFD in the text: (?:1 piece|(?:.+) pieces), at byte .+\.",
        "有些字节无法按 %1 解码，在文字中以 � 代替。",
        "有些位元組無法按 %1 解碼，在文字中以 � 代替。",
    ),
    # ---- what was left out of a file ----
    (r"running headers and footers", "页眉和页脚", "頁首和頁尾"),
    (r"page numbers", "页码", "頁碼"),
    (r"slide numbers", "幻灯片编号", "投影片編號"),
    (r"headers", "页眉", "頁首"),
    (r"footers", "页脚", "頁尾"),
    (r"dates", "日期", "日期"),
    (r"slanted characters", "倾斜的字", "傾斜的字"),
    (r"deletions under change tracking", "修订中删去的文字", "追蹤修訂中刪去的文字"),
    (r"reviewers' comments", "批注", "註解"),
    (r"comments", "注释", "註解"),
    (r"scripts", "脚本", "指令碼"),
    (r"styles", "样式", "樣式"),
    (r"navigation bars", "导航栏", "導覽列"),
    (r"buttons", "按钮", "按鈕"),
    (r"menus", "菜单", "選單"),
    (r"drawings", "图形", "圖形"),
    (r"formulas", "公式", "公式"),
    (r"hidden parts", "隐藏的部分", "隱藏的部分"),
    (r"tables of contents", "目录", "目錄"),
    (r"readings above characters", "字上的注音", "字上的注音"),
    (r"attachments \((.+)\)", "附件（%1）", "附件（%1）"),
    (r"they stand on every page", "每页都有", "每頁都有"),
    (r"they stand on every slide", "每张幻灯片都有", "每張投影片都有"),
    (r"they are stamps or watermarks", "是图章或水印", "是圖章或浮水印"),
    (r"they are no (?:longer )?part of the text", "不属于正文", "不屬於正文"),
    (r"each is a document of its own", "各自是一篇文档", "各自是一篇文件"),
    (r"heading with no paragraph below it", "其下没有段落的标题", "其下沒有段落的標題"),
    (r"line outside every paragraph", "不属于任何段落的行", "不屬於任何段落的行"),
    (
        r"What the index held of it is kept\.",
        "索引中原有的内容保留不变。",
        "索引中原有的內容保留不變。",
    ),
)
_PLACES = {"zh-CN": 1, "zh-TW": 2}


def reasons(locale: str) -> list[tuple[str, str]]:
    """Return regular expressions, as Python and JavaScript read them, and what to say for each."""
    place = _PLACES.get(locale)
    return [] if place is None else [(fact[0], fact[place]) for fact in _FACTS]

"""Why a file was not taken, in words that tell its owner what to do."""

from typing import Final

from backend.core.errors import Text

WORDS: Final[dict[str, Text]] = {
    "empty": Text("文件是空的，请重新选择", "The file is empty. Choose another one"),
    "changed": Text("文件没有传完整，请重新上传", "The file did not arrive whole. Upload it again"),
    "wrong_type": Text(
        "文件内容和格式对不上，请上传 PDF、JPG 或 PNG",
        "The content does not match the format. Upload a PDF, JPG or PNG",
    ),
    "broken": Text("文件打不开或不完整，请换一个", "The file cannot be opened or is incomplete. Choose another one"),
    "animated": Text("动图不能用，请上传普通图片", "An animated picture cannot be used. Upload an ordinary one"),
    "too_many_pixels": Text(
        "图片太大（超过 5000 万像素），请缩小后再传", "The picture is larger than 50 million pixels. Make it smaller"
    ),
    "too_many_pages": Text("PDF 超过 200 页，请分成几个上传", "The PDF has more than 200 pages. Split it"),
    "encrypted": Text("PDF 加了密码，请去掉密码再传", "The PDF has a password. Remove it and upload again"),
    "active_content": Text(
        "PDF 里有脚本或自动运行的内容，请打印成普通 PDF 再传",
        "The PDF holds scripts or actions. Print it to a plain PDF and upload that",
    ),
    "attachment": Text(
        "PDF 里夹带了别的文件，请打印成普通 PDF 再传",
        "The PDF holds other files. Print it to a plain PDF and upload that",
    ),
    "hidden_content": Text(
        "文件里藏有别的内容，请重新拍照或扫描", "Something else is hidden in the file. Take a new photo or scan"
    ),
    "too_complex": Text("文件太复杂，处理不了，请重新拍照或扫描", "The file is too complex. Take a new photo or scan"),
    "infected": Text("文件带有病毒，不能上传", "The file carries malware and cannot be used"),
}

"""Files that come in a form, stored while they are counted."""

from typing import BinaryIO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from index import UploadError, UploadTooLargeError
from qa.server.services import Services
from qa.server.uploads import Batch

_OVERHEAD = 1 << 20  # bytes for the names and boundaries of a form
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            }
        },
    }
}
"""How a form with files is described in OpenAPI."""


async def received(request: Request, services: Services) -> Batch:
    """Store the files of a form, and let go of what the form itself has kept."""
    settings = services.settings
    most = min(settings.max_upload_files * settings.max_upload_bytes, services.uploads.room())
    counted = Request(request.scope, _Counted(request, most + _OVERHEAD))
    try:
        form = await counted.form(max_files=settings.max_upload_files, max_fields=10)
    except HTTPException as error:
        if "Too many files" in str(error.detail):
            raise UploadTooLargeError(
                f"At most {settings.max_upload_files} files can be uploaded at a time. "
                "Upload the others afterwards."
            ) from error
        raise UploadError(
            f"This is no form with files ({error.detail}). Send multipart/form-data."
        ) from error
    try:
        sent = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
        files: list[tuple[str, BinaryIO]] = [(one.filename or "", one.file) for one in sent]
        return await run_in_threadpool(services.uploads.receive, files)
    finally:
        await form.close()


class _Counted:
    """Receives a request's body, and refuses one that is too long while it comes."""

    def __init__(self, request: Request, most: int) -> None:
        self._request, self._left = request, most

    async def __call__(self) -> Message:
        message = await self._request.receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise UploadTooLargeError(
                "The files are too large together. Upload fewer at a time, or remove documents."
            )
        return message

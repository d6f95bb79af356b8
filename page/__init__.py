"""The page: a chat that shows what ``qa`` answers, and where every quote stands.

Everything that is not written in this package (documents, file names, questions, and the
conversation as the browser sends it back) is untrusted: it is escaped before it is shown and
checked before it is used.
"""

from page.shell import build_server

__all__ = ["build_server"]

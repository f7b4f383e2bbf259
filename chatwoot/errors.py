"""What can go wrong with Chatwoot, named for what the caller can do.

    ChatwootError
    ├── TransientError      not done: try again later
    ├── PermanentError      not done, and trying again would not help
    │   └── NotFound        404: an id that does not exist, or a path that is not Chatwoot's
    └── OutcomeUnknown      perhaps done: look before trying again
    SignatureError          a webhook that is not proven to be Chatwoot's

None of them holds a message's text, a phone number, an e-mail address or a token: they may be logged as they are.
"""

from __future__ import annotations


class ChatwootError(Exception):
    """A call to Chatwoot did not end as it should."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        text: str = "",
        retry_after_s: float | None = None,
        conversation_gone: bool = False,
    ) -> None:
        """
        Args:
            status: HTTP status; None where no answer came.
            text: what Chatwoot itself said was wrong, shortened and without personal data; may be empty.
            retry_after_s: how long to wait at least, where the answer says so.
            conversation_gone: the answer means that the conversation does not exist, or is just being deleted.
        """
        super().__init__(message)
        self.status = status
        self.text = text
        self.retry_after_s = retry_after_s
        self.conversation_gone = conversation_gone


class TransientError(ChatwootError):
    """Nothing was done, or doing it again is harmless: try again later."""


class PermanentError(ChatwootError):
    """Nothing was done, and the same call would be refused again."""

    @property
    def already_taken(self) -> bool:
        """Someone else created it meanwhile: look it up again."""
        return "has already been taken" in self.text


class NotFound(PermanentError):
    """404: the account, conversation, contact or inbox does not exist, or this server is no Chatwoot."""


class OutcomeUnknown(ChatwootError):
    """It may have been done or not. Look whether it was before doing it again.

    Chatwoot was seen to answer 422 and 500, or nothing at all, and to have stored the message.
    """


class SignatureError(Exception):
    """A webhook's signature is missing, malformed, too old, too new or wrong. The text says which."""

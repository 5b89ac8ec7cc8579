"""The origin of a request."""

from dataclasses import dataclass

_MAX_PROGRAM = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The client of a request: its network address, the program that it claims to be, and its device cookie."""

    address: str
    user_agent: str = ""
    device_cookie: str = ""

    @property
    def program(self) -> str:
        """The program, printable and shortened, as it is stored and shown to the user."""
        visible = "".join(letter for letter in self.user_agent if letter.isprintable())
        return visible[:_MAX_PROGRAM]

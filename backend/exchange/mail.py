"""Alerts as plain mails over SMTP."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Final

from backend.domain.alerts import Alert, AlertKind, AlertMessage
from backend.usecases.alerts import ReceiverAway

_TIMEOUT_SECONDS: Final = 20.0
_NAMES: Final = {
    AlertKind.FINDING: "雷达发现 Radar finding",
    AlertKind.COMPLAINT_OVERDUE: "投诉超期 Complaint overdue",
    AlertKind.CASE_OVERDUE: "案件超期 Case overdue",
    AlertKind.WEIGHT_DIFFERENCE: "质量差异 Weight difference",
    AlertKind.JOURNAL_SILENT: "流水账静默 Journal silent",
    AlertKind.RELAYER_BACKLOG: "上链积压 Backlog of the relayer",
}


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in; `sender` is the address that they come from."""

    host: str
    port: int
    sender: str
    has_tls: bool = True
    user: str = ""
    password: str = ""


class Mailbox:
    """Mails to one address; fulfils the use cases' `Channel`. The address is a duty desk's, and in no log."""

    def __init__(self, server: MailServer, address: str, base_url: str) -> None:
        self._server, self._address, self._base_url = server, address, base_url.rstrip("/")

    def send(self, message: AlertMessage, now: int) -> None:
        """Hand a mail in; one that is sent again has the same Message-ID."""
        server = self._server
        mail = EmailMessage()
        mail["From"], mail["To"] = server.sender, self._address
        mail["Subject"] = f"环链提醒 Huanlian: {len(message.alerts)}"
        mail["Message-ID"] = f"<{message.message_id}@{server.sender.rpartition('@')[2]}>"
        mail["Date"] = datetime.fromtimestamp(now, UTC)
        mail.set_content("\n\n".join(self._lines(alert) for alert in message.alerts) + "\n")
        try:
            with smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS) as smtp:
                if server.has_tls:
                    smtp.starttls()
                if server.user:
                    smtp.login(server.user, server.password)
                smtp.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:
            raise ReceiverAway(type(error).__name__) from error

    def _lines(self, alert: Alert) -> str:
        at = (datetime.fromtimestamp(alert.at, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
        about = ", ".join(f"{name} {value}" for name, value in alert.about.items())
        return f"{_NAMES[alert.kind]}\n{at}\n{about}\n{self._base_url}{alert.path}"

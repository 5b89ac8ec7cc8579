"""Two read-only pages: the newest mails, and one mail."""

from flask import Flask, Response, abort, render_template
from werkzeug.exceptions import NotFound

from deploy.mailsink.store import Mail, MailStore

LISTED = 100
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def create_pages(store: MailStore) -> Flask:
    """Create the application. Mail content is untrusted: it is escaped, never rendered as HTML, and no script runs."""
    pages = Flask(__name__)
    pages.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]

    @pages.get("/")
    def mails() -> str:
        return render_template("mails.html", mails=list(store.newest_first(LISTED)))

    @pages.get("/mails/<int:number>")
    def mail(number: int) -> str:
        return render_template("mail.html", mail=_found(store, number))

    @pages.get("/mails/<int:number>/invitation.ics")
    def invitation(number: int) -> Response:
        calendars = _found(store, number).calendars or abort(404)
        disposition = {"Content-Disposition": f'attachment; filename="invitation-{number}.ics"'}
        return Response(calendars[0], mimetype="text/calendar", headers=disposition)

    @pages.errorhandler(404)
    def not_found(error: NotFound) -> tuple[str, int]:
        return render_template("not_found.html"), 404

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return pages


def _found(store: MailStore, number: int) -> Mail:
    return store.get(number) or abort(404)

"""The WSGI application, which also reads bodies that come in chunks."""

import io
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from events.limits import BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def with_chunked_bodies(application: "WSGIApplication") -> "WSGIApplication":
    """Return the application behind a reader that gives chunked bodies a length.

    Django reads as many bytes as CONTENT_LENGTH tells, so without it a body looks empty. One byte
    more than the limit is read: enough for a view to see that the body is too large.
    """

    def read_then_call(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ:
            body = environ["wsgi.input"].read(BODY_BYTES + 1)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return application(environ, start_response)

    return read_then_call


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = with_chunked_bodies(get_wsgi_application())

from events import key_activity  # noqa: E402 (tables can be imported only now)

key_activity.write_in_background()

"""Attachments. Their public URL redirects to the bytes, as Chatwoot's does: who downloads must follow."""

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as BaseResponse

from sandbox import errors
from sandbox.api.access import standin
from sandbox.contacts import as_id
from sandbox.world import Attachment

blueprint = Blueprint("files", __name__, url_prefix="/rails/active_storage")


@blueprint.get("/blobs/redirect/<file_id>/<name>")
@blueprint.get("/representations/redirect/<file_id>/<name>")
def public(file_id: str, name: str) -> BaseResponse:
    file = _file(file_id)
    return redirect(f"/rails/active_storage/disk/{file.id}/{name}")


@blueprint.get("/disk/<file_id>/<name>")
def data(file_id: str, name: str) -> Response:
    file = _file(file_id)
    return Response(file.data, content_type=file.content_type)


def _file(file_id: str) -> Attachment:
    file = standin().world.attachments.get(as_id(file_id))
    if file is None:
        raise errors.not_found()
    return file

"""A help centre's public search. Its articles are set up from Python (`Sandbox.add_article`), by no API."""

import re

from flask import Blueprint, Response, request

from sandbox import errors
from sandbox.api.access import answer, standin
from sandbox.world import Article, Json

blueprint = Blueprint("help_centers", __name__, url_prefix="/hc")

_AROUND, _MOST = 110, 220
_PER_PAGE = 25


@blueprint.get("/<portal>/<locale>/articles.json")
def search(portal: str, locale: str) -> Response:
    """No token is asked for. All words must be there, or words that begin so, as Postgres searches by prefix."""
    articles = [each for each in standin().world.articles.values() if each.portal == portal]
    if not articles:
        raise errors.not_found()
    query = request.args.get("query", "")
    found = [each for each in articles if each.locale == locale and _has(each, query)]
    return answer({"payload": [_shown(each, query) for each in found[:_PER_PAGE]], "meta": _meta(found)})


def _meta(found: list[Article]) -> Json:
    return {"articles_count": len(found)}


def _has(article: Article, query: str) -> bool:
    there = _words(f"{article.title} {article.description} {article.content}")
    return all(any(word.startswith(wanted) for word in there) for wanted in _words(query))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _shown(article: Article, query: str) -> Json:
    slug = "-".join(_words(article.title))
    return {
        "id": article.id,
        "category_id": article.category_id,
        "title": article.title,
        "content": _excerpt(_plain(article.content), query),
        "link": f"/hc/{article.portal}/articles/{int(article.created_at)}-{slug}",
    }


def _plain(markdown: str) -> str:
    return " ".join(re.sub(r"^#+ |[*_`>]|\[([^\]]*)\]\([^)]*\)", r"\1", markdown, flags=re.MULTILINE).split())


def _excerpt(text: str, query: str) -> str:
    """What stands around the query, or the beginning."""
    place = text.casefold().find(query.casefold()) if query else -1
    if place < 0:
        return text if len(text) <= _MOST else text[: _MOST - 3].rpartition(" ")[0] + "..."
    begin, end = max(0, place - _AROUND), place + len(query) + _AROUND
    return ("..." if begin else "") + text[begin:end].strip() + ("..." if end < len(text) else "")

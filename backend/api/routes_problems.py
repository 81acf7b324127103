"""A short page a problem type, in Chinese and in English."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from backend.api.problems import PROBLEMS, ApiProblem, openapi_responses

router = APIRouter(tags=["problems"])


@router.get(
    "/problems/{slug}",
    response_class=HTMLResponse,
    # What any address may answer is told here.
    responses=openapi_responses("not-found", "method-not-allowed", "malformed-request"),
)
def show_problem(slug: str) -> str:
    """Return what a problem means and what to do."""
    problem = PROBLEMS.get(slug)
    if problem is None:
        raise ApiProblem("not-found", "No such problem type.")
    retry = "可重试 · may be retried" if problem.is_retryable else "不必重试 · not worth retrying unchanged"
    return f"""<!doctype html><html lang="zh-Hans"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{escape(problem.title_zh)}</title>
<style>body{{font:18px/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>
<p><code>{problem.status} · {escape(slug)} · {retry}</code>
<h1>{escape(problem.title_zh)}</h1><p>{escape(problem.advice_zh)}
<h1 lang="en">{escape(problem.title_en)}</h1><p lang="en">{escape(problem.advice_en)}</html>"""

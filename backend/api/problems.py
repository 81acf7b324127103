"""Domain error → RFC 9457 problem; the only table of status codes and of what to do about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse

from backend.domain.errors import DomainError

MEDIA_TYPE = "application/problem+json"
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Problem:
    """What a problem means and what to do, in Chinese and in English."""

    slug: str
    status: int
    is_retryable: bool
    title_zh: str
    title_en: str
    advice_zh: str
    advice_en: str


PROBLEMS: Mapping[str, Problem] = {
    problem.slug: problem
    for problem in (
        Problem(
            "bad-seal",
            403,
            False,
            "签封验证不通过",
            "The seal does not verify",
            "条目或签封在途中被改动，或由别的密钥签封。请勿修改条目，用原设备重新上传。",
            "The entries or the seal were changed, or another key made it. Upload them unchanged.",
        ),
        Problem(
            "unknown-device",
            403,
            True,
            "设备未登记",
            "This device is not enrolled",
            "请本单位登记员登记此设备；若刚登记，请稍候重试。条目保留在设备上，不会丢失。",
            "Ask your registrar to enrol it; if it was just enrolled, try again. Nothing is lost.",
        ),
        Problem(
            "wrong-key",
            403,
            False,
            "密钥与登记的不符",
            "This is not the device's enrolled key",
            "设备编号与密钥不匹配。请重新登记设备。",
            "The device id and the key do not belong together. Enrol the device anew.",
        ),
        Problem(
            "gap",
            409,
            True,
            "缺少前面的条目",
            "Entries before this segment are missing",
            "请从 next_seq 开始重新上传。",
            "Upload again, beginning at next_seq.",
        ),
        Problem(
            "fork",
            409,
            False,
            "流水账分叉",
            "The journal differs from what was sealed before",
            "同一流水号已有不同条目。请停用此设备并联系登记员。",
            "Another entry with this seq was sealed before. Stop using the device and call your registrar.",
        ),
        Problem(
            "malformed-segment",
            422,
            False,
            "账段无法读取",
            "The segment cannot be read",
            "请按接口说明检查 errors 中指出的字段。",
            "Check the fields named in errors against the interface description.",
        ),
        Problem(
            "malformed-request",
            422,
            False,
            "请求格式不对",
            "The request is malformed",
            "请按接口说明检查 errors 中指出的字段。",
            "Check the fields named in errors against the interface description.",
        ),
        Problem(
            "invalid-json",
            400,
            False,
            "正文不是有效的 JSON",
            "The body is not valid JSON",
            "请检查编码（UTF-8）与语法。",
            "Check its encoding (UTF-8) and syntax.",
        ),
        Problem(
            "too-large",
            413,
            False,
            "正文过大",
            "The body is too large",
            "每段最多 256 条，每次请求最多 256 段；请分批上传。",
            "A segment holds at most 256 entries, a request 256 segments; upload in parts.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            False,
            "不支持此正文格式",
            "The body's form is not known here",
            "请以 application/json 或 application/vnd.huanlian.segments 上传。",
            "Send application/json or application/vnd.huanlian.segments.",
        ),
        Problem(
            "route-too-large",
            413,
            False,
            "路线上的桶太多",
            "Too many bins on this route",
            "请只选本班要走的街道；bins_max 是一次最多可下载的桶数。",
            "Choose only the streets of this shift; bins_max is how many bins one answer holds.",
        ),
        Problem(
            "segment-too-heavy",
            413,
            False,
            "账段过重",
            "The segment is too heavy",
            "一笔交易装不下此账段。请在 entries_max 条处另行签封，分段上传；条目不会丢失。",
            "One transaction cannot carry it. Seal the first entries_max entries as a segment of their own "
            "and upload in parts; nothing is lost.",
        ),
        Problem(
            "busy",
            429,
            True,
            "服务器繁忙",
            "The server is busy",
            "请按 Retry-After 指示的秒数稍候重传；条目保留在设备上，不会丢失。",
            "Try again after the seconds that Retry-After names. Nothing is lost.",
        ),
        Problem(
            "unknown-entry",
            404,
            False,
            "没有此条目",
            "There is no such entry",
            "请检查设备编号与流水号。",
            "Check the device id and the seq.",
        ),
        Problem(
            "unknown-bin",
            404,
            False,
            "没有此桶",
            "There is no such bin",
            "请检查桶号。",
            "Check the bin's number.",
        ),
        Problem(
            "unknown-lot",
            404,
            False,
            "没有此批次",
            "There is no such lot",
            "请检查批次号。",
            "Check the lot's id.",
        ),
        Problem(
            "unknown-code",
            404,
            False,
            "登记码无效",
            "There is no such code",
            "请登记员重新生成登记码。",
            "Ask the registrar for a new code.",
        ),
        Problem(
            "code-used",
            409,
            False,
            "登记码已被使用",
            "The code was used already",
            "每个登记码只能使用一次。请登记员重新生成。",
            "A code works once. Ask the registrar for a new one.",
        ),
        Problem(
            "code-expired",
            410,
            False,
            "登记码已过期",
            "The code has expired",
            "请登记员重新生成登记码。",
            "Ask the registrar for a new code.",
        ),
        Problem(
            "revoked-device",
            403,
            False,
            "设备已吊销",
            "This device is revoked",
            "已吊销的设备不能换发新密钥。请联系本单位登记员。",
            "A revoked device gets no new key. See your registrar.",
        ),
        Problem(
            "not-renewable",
            409,
            False,
            "此设备不能这样换发",
            "This device is not renewed this way",
            "只有收运班组的手机，且证书有期限，才能自动换发。请登记员重新登记此设备。",
            "Only a crew's phone with a certificate that ends is renewed by itself. Have it enrolled anew.",
        ),
        Problem(
            "renewal-too-early",
            409,
            False,
            "还没到换发时间",
            "It is too early to renew this device",
            "证书仍然有效。请在 from_at 之后再申请。",
            "The certificate is still good. Ask again after from_at.",
        ),
        Problem(
            "renewal-differs",
            409,
            False,
            "此设备已申请过另一个密钥",
            "This device has asked for another key",
            "先申请的密钥有效。如果不是本机申请的，请立即联系登记员吊销此设备。",
            "The first key stands. If this device did not ask for it, have your registrar revoke it at once.",
        ),
        Problem(
            "not-recorded-yet",
            409,
            True,
            "尚未上链",
            "Not recorded on the ledger yet",
            "条目已收到，正在排队上链，请稍候重试。",
            "The entry was received and waits for the chain. Try again shortly.",
        ),
        Problem(
            "not-found",
            404,
            False,
            "没有此页面",
            "There is nothing here",
            "请检查地址。",
            "Check the address.",
        ),
        Problem(
            "method-not-allowed",
            405,
            False,
            "不支持此方法",
            "This method is not allowed here",
            "请查阅接口说明。",
            "See the interface description.",
        ),
        Problem(
            "not-ready",
            503,
            True,
            "服务尚未就绪",
            "The service is not ready",
            "请稍候重试；设备可继续离线作业。",
            "Try again shortly; devices can go on working offline.",
        ),
        Problem(
            "not-the-hotline",
            401,
            False,
            "不是 12345 热线",
            "This is not the hotline",
            "请在 Authorization 中带上约定的密钥。",
            "Send the key that was agreed on in Authorization.",
        ),
        Problem(
            "unreadable-inspection",
            422,
            False,
            "不是抽查文书",
            "This is no statement of an inspection",
            "文书须为规范 JSON（RFC 8785），名单须升序、不重复；请用 huanlian inspection 生成。",
            "The document must be canonical JSON (RFC 8785), the list ascending; huanlian inspection writes both.",
        ),
        Problem(
            "not-anchored",
            409,
            False,
            "所指条目没有锚定这份文书",
            "The entry does not hold this statement",
            "请先用本单位设备签封这份文书的摘要并上传，再公布文书。",
            "First seal the statement's digest with a device of your organisation, then publish it.",
        ),
        Problem(
            "unknown-inspection",
            404,
            False,
            "没有此项抽查",
            "There is no such inspection",
            "请检查抽查编号；开启文书须先公布。",
            "Check the inspection's code; its opening has to be published first.",
        ),
        Problem(
            "not-a-party",
            403,
            False,
            "不是本次抽查的当事单位",
            "This organisation has no part in the inspection",
            "只有开启文书写明的监管单位和监督单位可以发言。",
            "Only the regulator and the auditor that the opening names speak in it.",
        ),
        Problem(
            "list-differs",
            409,
            False,
            "名单与开启文书不符",
            "The list is not the one that was opened",
            "请公布开启时所用的名单；要换名单，须另开一次抽查。",
            "Publish the list whose root the opening names; another list is another inspection.",
        ),
        Problem(
            "unknown-complaint",
            404,
            False,
            "没有此投诉",
            "There is no such complaint",
            "请检查工单号。",
            "Check the number of the work order.",
        ),
        Problem(
            "internal-error",
            500,
            True,
            "服务内部错误",
            "Something went wrong on our side",
            "请稍后重试，并附上 request_id 告知我们。",
            "Try again later and tell us the request_id.",
        ),
    )
}


class ApiProblem(Exception):
    """A problem that the edge itself finds; domain errors become one by their slug."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after_seconds: int | None = None,
        is_absence: bool = False,
        **values: Any,
    ) -> None:
        """`is_absence`: what was asked for is not there, which is a 404 whatever the problem's own status."""
        super().__init__(detail)
        self.slug, self.detail, self.errors = slug, detail, list(errors)
        self.retry_after_seconds, self.values = retry_after_seconds, values
        self.status = 404 if is_absence else PROBLEMS[slug].status


def speaks_chinese(accept_language: str) -> bool:
    """Say whether the caller wants Chinese; without a wish, yes."""
    first = accept_language.split(",")[0].strip().lower()
    return not first or first == "*" or first.startswith("zh")


def problem_of(error: DomainError) -> ApiProblem:
    """Return the problem that a broken rule becomes; its values come along, ids as hex text."""
    values: dict[str, Any] = {}
    for name, value in vars(error).items():
        values[name] = f"{value:016x}" if name == "device" and isinstance(value, int) else value
    pointer = values.pop("pointer", None)
    errors = []
    if pointer is not None:
        errors = [{"pointer": pointer, "code": error.slug, "message": str(error)}]
        values.pop("reason", None)
    return ApiProblem(error.slug, str(error), errors=errors, **values)


def problem_body(request: Request, problem: ApiProblem) -> dict[str, Any]:
    """Return the problem in the caller's language."""
    known = PROBLEMS[problem.slug]
    is_chinese = speaks_chinese(request.headers.get("accept-language", ""))
    body: dict[str, Any] = {
        "type": f"{str(request.base_url).rstrip('/')}/problems/{known.slug}",
        "title": known.title_zh if is_chinese else known.title_en,
        "status": problem.status,
        "detail": f"{known.advice_zh if is_chinese else known.advice_en} ({problem.detail})",
        "instance": quote(request.url.path, safe=_PATH_CHARACTERS),
        "retryable": known.is_retryable,
        "request_id": getattr(request.state, "request_id", ""),
        **problem.values,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return body


def respond(request: Request, problem: ApiProblem) -> JSONResponse:
    """Return the problem as the caller reads it."""
    is_chinese = speaks_chinese(request.headers.get("accept-language", ""))
    headers = {"Content-Language": "zh-Hans" if is_chinese else "en"}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    return JSONResponse(problem_body(request, problem), problem.status, headers=headers, media_type=MEDIA_TYPE)


def openapi_responses(*slugs: str, absence: str = "") -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the problems that a call can answer; `absence` names one that is a 404."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for slug in filter(None, (*slugs, absence, "internal-error")):
        known = PROBLEMS[slug]
        status = 404 if slug == absence else known.status
        entry = by_status.setdefault(
            status,
            {"description": "", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA, "examples": {}}}},
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], f"`{slug}`: {known.title_en}")))
        entry["content"][MEDIA_TYPE]["examples"][slug] = {
            "value": {
                "type": f"/problems/{slug}",
                "title": known.title_en,
                "status": status,
                "detail": known.advice_en,
                "instance": "",
                "retryable": known.is_retryable,
                "request_id": "",
            }
        }
    return by_status


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "retryable", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "retryable": {"type": "boolean"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

"""Who may do what in the S3 server: users, made through its admin door, and policies of buckets, as AWS writes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

REGION = "us-east-1"
_SECONDS = 10


@dataclass(frozen=True)
class User:
    """Somebody whom the server knows."""

    key: str
    secret: str

    def credentials_file(self) -> str:
        """As the tools of AWS read it."""
        return f"[default]\naws_access_key_id = {self.key}\naws_secret_access_key = {self.secret}\n"


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes


def statement(user: User, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    """One thing that a user may do; `resources` are BUCKET or BUCKET/KEY, with * for anything."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [user.key]},
        "Action": [f"s3:{action}" for action in actions],
        "Resource": [f"arn:aws:s3:::{resource}" for resource in resources],
    }


def store_policy(bucket: str, root: str, training: User, serving: User, monitoring: User) -> dict[str, Any]:
    """What the pods of a store need, and no more (charts/evermodel/values.yaml, store.credentials).

    Args:
        bucket: where the store is.
        root: prefix of one namespace in it.
        training: may do everything.
        serving: reads artifacts, writes log and feedback.
        monitoring: reads everything, writes reports.
    """
    below = f"{bucket}/{root}"
    statements = [
        statement(training, ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"], [f"{below}/*"]),
        statement(training, ["ListBucket"], [bucket]),
        statement(serving, ["GetObject"], [f"{below}/artifacts/*"]),
        statement(serving, ["PutObject"], [f"{below}/log/*", f"{below}/feedback/*"]),
        statement(monitoring, ["GetObject"], [f"{below}/*"]),
        statement(monitoring, ["ListBucket"], [bucket]),
        statement(monitoring, ["PutObject"], [f"{below}/reports/*"]),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def set_policy(endpoint: str, owner: User, bucket: str, policy: dict[str, Any]) -> None:
    """Replace a bucket's policy.

    Raises:
        RuntimeError: the server refused, with its words.
    """
    answer = ask(endpoint, owner, "PUT", f"/{bucket}", query="policy=", body=json.dumps(policy).encode())
    if answer.status >= 300:
        raise RuntimeError(f"the policy of {bucket} was refused: {answer.body.decode(errors='replace')}")


def ask(endpoint: str, user: User, method: str, path: str, *, query: str = "", body: bytes = b"") -> Answer:
    """One signed request (AWS Signature Version 4); `path` begins with a slash, `query` is encoded and sorted."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = quote(path)
    content = hashlib.sha256(body).hexdigest()
    headers = {"host": urlsplit(endpoint).netloc, "x-amz-content-sha256": content, "x-amz-date": moment}
    names = ";".join(headers)
    lines = [method, path, query, *(f"{name}:{value}" for name, value in headers.items()), "", names, content]
    scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    signature = _signature(user.secret, scope, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}")
    authorization = f"AWS4-HMAC-SHA256 Credential={user.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    request = urllib.request.Request(  # noqa: S310  the address of a test's own server
        f"{endpoint}{path}{f'?{query}' if query else ''}",
        data=body if method == "PUT" else None,
        headers={**headers, "authorization": authorization},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())


def _signature(secret: str, scope: str, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
